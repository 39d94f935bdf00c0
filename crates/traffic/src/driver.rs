//! The driver: one task that keeps the workload's time.

use crate::connections::ConnectionPool;
use crate::exchange::{DriveShared, EndedCall, HangUp, RequestTemplate, exchange};
use crate::precise_timer::PreciseTimer;
use crate::program::ProgramClient;
use crate::progress::DriveProgress;
use crate::setup::{DriverLog, TrafficSetup};
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_failure::CallFailureCause;
use squall_record::{AnswerSeen, NoteRow, RecordedEvent, RequestOutcome, RequestRow, RowSender};
use squall_workload::{
    CallFailure, ClientAnswer, ClientRequest, Ordinal, RetriedCall, SentCall, Workload,
    WorkloadInput, WorkloadOutput,
};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
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
    let (begins, mut begun) = mpsc::unbounded_channel();
    let timer = PreciseTimer::start(setup.clock);
    let mut driver = Driver::new(setup, progress, begins);
    let mut stop = pin!(stop);
    while !driver.is_done() {
        let due = driver.workload.next_timer().unwrap_or(Timestamp::MAX);
        tokio::select! {
            biased;
            () = &mut stop => {
                driver.hang_up_all();
                break;
            }
            () = timer.sleep_until(due) => driver.tell(WorkloadInput::Tick),
            Some(call) = begun.recv() => driver.tell(WorkloadInput::Begun { call }),
            Some(ended) = driver.exchanges.join_next() => driver.ended(ended.ok()),
        }
    }
    driver.into_log().await
}

struct Driver {
    clock: Clock,
    workload: Workload,
    shared: Arc<DriveShared>,
    exchanges: JoinSet<EndedCall>,
    open: BTreeMap<Ordinal, RequestCalls>,
    rows: Vec<RequestRow>,
    notes: Vec<NoteRow>,
    /// Where rows and notes go besides.
    sender: Option<RowSender>,
    progress: Arc<DriveProgress>,
}

/// A request that has not ended.
#[derive(Default)]
struct RequestCalls {
    /// When its first call was made.
    sent: Timestamp,
    /// Its last call.
    nth: u16,
    /// What hangs up on that call while it is under way.
    hang_up: Option<oneshot::Sender<HangUp>>,
    /// Whether its client waits before it calls again.
    waits: bool,
    /// How the last call that ended did.
    last: Option<Box<RequestRow>>,
    /// How the request ends, once nothing more is awaited.
    ending: Option<RequestOutcome>,
}

impl Driver {
    fn new(
        setup: TrafficSetup,
        progress: Arc<DriveProgress>,
        begun: mpsc::UnboundedSender<SentCall>,
    ) -> Self {
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
                begun,
            }),
            exchanges: JoinSet::new(),
            open: BTreeMap::new(),
            rows: Vec::new(),
            notes: Vec::new(),
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
                WorkloadOutput::Retry(retried) => self.will_retry(&retried),
                WorkloadOutput::GiveUp { request } => self.hang_up(request, HangUp::GaveUp),
            }
        }
    }

    fn send(&mut self, client: ClientRequest) {
        let (hang_up, told) = oneshot::channel();
        let open = self.open.entry(client.request).or_default();
        (open.nth, open.hang_up, open.waits) = (client.nth, Some(hang_up), false);
        self.exchanges.spawn(exchange(Arc::clone(&self.shared), client, told));
        if client.nth == 0 {
            self.progress.sent();
        }
    }

    /// A client will call again, and hangs up on a call that is under way.
    fn will_retry(&mut self, retried: &RetriedCall) {
        let Some(open) = self.open.get_mut(&retried.call.request) else { return };
        open.waits = true;
        open.hang_up(HangUp::GaveUp);
        let note = NoteRow {
            at: self.clock.now(),
            request: Some(retried.call.request.0),
            note: RecordedEvent::ClientRetried {
                nth: retried.call.nth,
                cause: retried.cause,
                wait: retried.wait,
            },
        };
        if let Some(sender) = &self.sender {
            sender.note(&note);
        }
        self.notes.push(note);
    }

    fn hang_up(&mut self, request: Ordinal, why: HangUp) {
        let Some(open) = self.open.get_mut(&request) else { return };
        open.ending = Some(match why {
            HangUp::GaveUp => RequestOutcome::GaveUp,
            HangUp::RunEnded => RequestOutcome::Unfinished,
        });
        open.hang_up(why);
        self.end_between_calls(request);
    }

    fn hang_up_all(&mut self) {
        let open: Vec<_> = self.open.keys().copied().collect();
        open.into_iter().for_each(|request| self.hang_up(request, HangUp::RunEnded));
    }

    /// A call has ended; `None` if its task panicked, which leaves no row to write down.
    fn ended(&mut self, ended: Option<EndedCall>) {
        let Some(EndedCall { call, row, failure }) = ended else { return };
        let Some(open) = self.open.get_mut(&call.request) else { return };
        if call.nth == 0 {
            open.sent = row.sent;
        }
        if open.waits || open.nth != call.nth {
            // Its client had hung up on it, and calls again.
            open.last = Some(Box::new(row));
            self.end_between_calls(call.request);
            return;
        }
        open.hang_up = None;
        let answer = match row.outcome {
            RequestOutcome::Succeeded => Some(ClientAnswer::Succeeded),
            RequestOutcome::Failed { .. } => {
                let unsaid = CallFailure::new(CallFailureCause::Final);
                Some(ClientAnswer::Failed(failure.unwrap_or(unsaid)))
            }
            RequestOutcome::GaveUp | RequestOutcome::Unfinished => None,
        };
        if let Some(answer) = answer.filter(|_| open.ending.is_none()) {
            open.last = Some(Box::new(row));
            self.tell(WorkloadInput::Answered { request: call.request, answer });
        }
        // An answer that was complete when its client hung up counts.
        if self.open.get(&call.request).is_some_and(|open| !open.waits) {
            self.end(call.request, row);
        }
    }

    /// Ends a request that is to end and has no call under way.
    fn end_between_calls(&mut self, request: Ordinal) {
        let Some(open) = self.open.get_mut(&request).filter(|open| open.waits) else { return };
        let Some((outcome, last)) = open.ending.zip(open.last.as_deref().copied()) else { return };
        let row = RequestRow {
            first_token: None,
            ended: self.clock.now(),
            received_tokens: 0,
            outcome,
            status: 0,
            answer: AnswerSeen::default(),
            ..last
        };
        self.end(request, row);
    }

    fn end(&mut self, request: Ordinal, row: RequestRow) {
        let Some(open) = self.open.remove(&request) else { return };
        let row = RequestRow { sent: open.sent, ..row };
        self.rows.push(row);
        self.progress.ended(row.outcome);
        if let Some(sender) = &self.sender {
            sender.request(&row);
        }
    }

    async fn into_log(mut self) -> DriverLog {
        while let Some(ended) = self.exchanges.join_next().await {
            self.ended(ended.ok());
        }
        DriverLog {
            requests: self.rows,
            notes: self.notes,
            aborted: self.workload.aborted(),
            broken_trace: self.workload.fault(),
        }
    }
}

impl RequestCalls {
    fn hang_up(&mut self, why: HangUp) {
        if let Some(hang_up) = self.hang_up.take() {
            // Nobody listens if the answer was complete at this very moment: then it counts.
            let _ = hang_up.send(why);
        }
    }
}
