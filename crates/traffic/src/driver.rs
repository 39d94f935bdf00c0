//! The driver: sends what the workload says when it says so, and writes down what clients saw.

use crate::pool::Pool;
use crate::progress::Progress;
use crate::request::{Target, Witness, ask};
use http::header::HeaderValue;
use squall_clock::Clock;
use squall_determinism::{Seed, Timestamp};
use squall_failure::Failure;
use squall_record::{Lag, RequestOutcome, RequestRow};
use squall_workload::{Answer, ClientRequest, Input, Ordinal, Output, Workload, WorkloadConfig};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet};

/// All that a driver needs.
#[derive(Clone, Debug)]
pub struct TrafficSetup {
    /// The traffic.
    pub workload: WorkloadConfig,
    /// The seed of its draws.
    pub seed: Seed,
    /// The clock of the run.
    pub clock: Clock,
    /// Whom to ask.
    pub target: SocketAddr,
    /// What to ask for: the name of a model group.
    pub model: String,
    /// Its place among the groups, for the rows.
    pub group: u16,
    /// The key, sent as a bearer token.
    pub api_key: Option<String>,
}

/// What the clients saw.
#[derive(Clone, Debug)]
pub struct DriverLog {
    /// One row per request, in the order of their ends.
    pub requests: Vec<RequestRow>,
    /// How late requests were sent.
    pub lag: Lag,
}

/// Drives the traffic until the last request has ended, or until `stop` ends: what is then under way is
/// unfinished.
pub async fn drive(
    setup: TrafficSetup,
    progress: Arc<Progress>,
    stop: impl Future<Output = ()>,
) -> DriverLog {
    let mut driver = Driver::new(setup, progress);
    let mut stop = std::pin::pin!(stop);
    while !driver.workload.is_done() {
        let due = driver.workload.next_timer().unwrap_or(Timestamp::MAX);
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(ended) = driver.ended.recv() => driver.answered(&ended),
            () = driver.clock.sleep_until(due) => driver.due(),
        }
    }
    driver.into_log()
}

struct Driver {
    workload: Workload,
    clock: Clock,
    group: u16,
    target: Arc<Target>,
    progress: Arc<Progress>,
    tasks: JoinSet<()>,
    under_way: BTreeMap<Ordinal, UnderWay>,
    report: UnboundedSender<Ended>,
    ended: UnboundedReceiver<Ended>,
    rows: Vec<RequestRow>,
    lags: Vec<Duration>,
}

/// A request without its whole answer.
struct UnderWay {
    client: ClientRequest,
    sent: Timestamp,
    witness: Witness,
    task: AbortHandle,
}

/// The end of a request's answer.
struct Ended {
    request: Ordinal,
    at: Timestamp,
    result: Result<(), Failure>,
}

impl Driver {
    fn new(setup: TrafficSetup, progress: Arc<Progress>) -> Self {
        let header = |text: String| HeaderValue::try_from(text).ok();
        let (report, ended) = unbounded_channel();
        Self {
            workload: Workload::new(setup.workload, setup.seed),
            clock: setup.clock,
            group: setup.group,
            target: Arc::new(Target {
                pool: Pool::new(setup.target),
                host: header(setup.target.to_string())
                    .unwrap_or_else(|| HeaderValue::from_static("localhost")),
                authorization: setup.api_key.and_then(|key| header(format!("Bearer {key}"))),
                model: setup.model,
            }),
            progress,
            tasks: JoinSet::new(),
            under_way: BTreeMap::new(),
            report,
            ended,
            rows: Vec::new(),
            lags: Vec::new(),
        }
    }

    fn due(&mut self) {
        self.workload.handle(self.clock.now(), Input::Tick);
        self.carry_out();
        while self.tasks.try_join_next().is_some() {}
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.workload.poll() {
            match output {
                Output::Send(client) => self.send(client),
                Output::GiveUp { request } => self.give_up(request),
            }
        }
    }

    fn send(&mut self, client: ClientRequest) {
        let sent = self.clock.now();
        self.lags.push(sent.since(client.intended));
        self.progress.offered();
        let witness = Witness::default();
        let (target, clock, report) = (Arc::clone(&self.target), self.clock, self.report.clone());
        let seen_by = witness.clone();
        let task = self.tasks.spawn(async move {
            let result = ask(&target, clock, &client, &seen_by).await;
            // The driver is gone only when the run is over.
            let _ = report.send(Ended { request: client.request, at: clock.now(), result });
        });
        self.under_way.insert(client.request, UnderWay { client, sent, witness, task });
    }

    fn answered(&mut self, ended: &Ended) {
        let Some(request) = self.under_way.remove(&ended.request) else { return };
        let outcome = match ended.result {
            Ok(()) => {
                self.progress.succeeded();
                RequestOutcome::Succeeded
            }
            Err(Failure { class, source, .. }) => {
                self.progress.failed(class);
                RequestOutcome::Failed { class, source }
            }
        };
        let answer = if ended.result.is_ok() { Answer::Succeeded } else { Answer::Failed };
        self.write_down(&request, ended.at, outcome);
        self.workload.handle(self.clock.now(), Input::Answered { request: ended.request, answer });
        self.carry_out();
    }

    /// Hangs up: the task's connection goes with it.
    fn give_up(&mut self, request: Ordinal) {
        let Some(under_way) = self.under_way.remove(&request) else { return };
        under_way.task.abort();
        self.progress.gave_up();
        let at = self.clock.now();
        self.write_down(&under_way, at, RequestOutcome::GaveUp);
    }

    fn write_down(&mut self, request: &UnderWay, ended: Timestamp, outcome: RequestOutcome) {
        let client = &request.client;
        let seen = request.witness.seen();
        self.rows.push(RequestRow {
            request: client.request.0,
            group: self.group,
            intended: client.intended,
            sent: request.sent,
            first_token: seen.first_token,
            ended,
            stream: client.stream,
            input_tokens: client.input_tokens,
            output_tokens: client.output_tokens,
            received_tokens: seen.received_tokens,
            outcome,
            status: seen.status,
        });
    }

    fn into_log(mut self) -> DriverLog {
        let now = self.clock.now();
        self.tasks.abort_all();
        for request in std::mem::take(&mut self.under_way).into_values() {
            self.write_down(&request, now, RequestOutcome::Unfinished);
        }
        DriverLog { requests: self.rows, lag: lag(self.lags) }
    }
}

fn lag(mut lags: Vec<Duration>) -> Lag {
    lags.sort_unstable();
    let at = |percent: usize| {
        let place = (lags.len() * percent).div_ceil(100).saturating_sub(1);
        lags.get(place).copied().unwrap_or_default()
    };
    Lag { p50: at(50), p99: at(99), max: at(100) }
}
