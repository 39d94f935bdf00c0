//! The driver: one task that keeps the workload's time.

use crate::connections::ConnectionPool;
use crate::exchange::{DriveShared, HangUp, RequestTemplate, exchange};
use crate::program::ProgramClient;
use crate::progress::DriveProgress;
use crate::setup::{DriverLog, TrafficSetup};
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_record::{RequestOutcome, RequestRow, RowSender};
use squall_workload::{
    ClientAnswer, ClientRequest, Ordinal, Workload, WorkloadInput, WorkloadOutput,
};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Sends the traffic of a run, on the tokio runtime that it is called from, until every request has
/// ended or `stop` does. Requests that are open then are written down as unfinished.
///
/// # Panics
/// When there is no target, or the workload has a kind that the setup has not; outside a tokio runtime with I/O and time enabled.
pub async fn drive(
    setup: TrafficSetup,
    stop: impl Future<Output = ()>,
    progress: Arc<DriveProgress>,
) -> DriverLog {
    let mut driver = Driver::new(setup, progress);
    let mut stop = pin!(stop);
    while !driver.is_done() {
        let due = driver.workload.next_timer().unwrap_or(Timestamp::MAX);
        tokio::select! {
            biased;
            () = &mut stop => {
                driver.hang_up_all();
                break;
            }
            () = driver.clock.sleep_until(due) => driver.tell(WorkloadInput::Tick),
            Some(row) = driver.exchanges.join_next() => driver.ended(row.ok()),
        }
    }
    driver.into_log().await
}

struct Driver {
    clock: Clock,
    workload: Workload,
    shared: Arc<DriveShared>,
    exchanges: JoinSet<RequestRow>,
    /// How to hang up on each open request.
    open: BTreeMap<Ordinal, oneshot::Sender<HangUp>>,
    rows: Vec<RequestRow>,
    /// Where rows go besides.
    sender: Option<RowSender>,
    progress: Arc<DriveProgress>,
}

impl Driver {
    fn new(setup: TrafficSetup, progress: Arc<DriveProgress>) -> Self {
        Self {
            clock: setup.clock,
            workload: Workload::of_shard(setup.workload, setup.seed, setup.shard),
            shared: Arc::new(DriveShared {
                clock: setup.clock,
                connections: setup.targets.into_iter().map(ConnectionPool::new).collect(),
                program: setup.program.map(ProgramClient::start),
                kinds: (setup.kinds.into_iter())
                    .map(|kind| RequestTemplate::new(kind, &setup.headers))
                    .collect(),
                models: setup.models,
            }),
            exchanges: JoinSet::new(),
            open: BTreeMap::new(),
            rows: Vec::new(),
            sender: setup.rows,
            progress,
        }
    }

    fn is_done(&self) -> bool {
        self.workload.is_done() && self.exchanges.is_empty()
    }

    fn tell(&mut self, input: WorkloadInput) {
        self.workload.handle(self.clock.now(), input);
        while let Some(output) = self.workload.poll() {
            match output {
                WorkloadOutput::Send(client) => self.send(client),
                WorkloadOutput::GiveUp { request } => self.hang_up(request, HangUp::GaveUp),
            }
        }
    }

    fn send(&mut self, client: ClientRequest) {
        let (hang_up, told) = oneshot::channel();
        self.open.insert(client.request, hang_up);
        self.exchanges.spawn(exchange(Arc::clone(&self.shared), client, told));
        self.progress.sent();
    }

    fn hang_up(&mut self, request: Ordinal, why: HangUp) {
        if let Some(hang_up) = self.open.remove(&request) {
            // Nobody listens if the answer was complete at this very moment: then it counts.
            let _ = hang_up.send(why);
        }
    }

    fn hang_up_all(&mut self) {
        while let Some((_, hang_up)) = self.open.pop_first() {
            let _ = hang_up.send(HangUp::RunEnded);
        }
    }

    /// A request has ended; `None` if its task panicked, which leaves no row to write down.
    fn ended(&mut self, row: Option<RequestRow>) {
        let Some(row) = row else { return };
        self.keep(row);
        let request = Ordinal(row.request);
        self.open.remove(&request);
        let answer = match row.outcome {
            RequestOutcome::Succeeded => ClientAnswer::Succeeded,
            RequestOutcome::Failed { .. } => ClientAnswer::Failed,
            RequestOutcome::GaveUp | RequestOutcome::Unfinished => return,
        };
        self.tell(WorkloadInput::Answered { request, answer });
    }

    async fn into_log(mut self) -> DriverLog {
        while let Some(row) = self.exchanges.join_next().await {
            if let Ok(row) = row {
                self.keep(row);
            }
        }
        DriverLog {
            requests: self.rows,
            aborted: self.workload.aborted(),
            broken_trace: self.workload.fault(),
        }
    }

    fn keep(&mut self, row: RequestRow) {
        self.rows.push(row);
        self.progress.ended(row.outcome);
        if let Some(sender) = &self.sender {
            sender.request(&row);
        }
    }
}
