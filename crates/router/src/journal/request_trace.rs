//! Traces of requests from a replayed journal: inputs, decisions with their reasons, and outputs of each request.

use super::{JournalFrame, ReplayError, Replayed, Replayer};
use crate::{
    ExplainedDecision, Outcome, RequestArrival, RequestKey, RouterConfig, RouterDecision,
    RouterEvent, RouterInput, RouterOutput,
};
use alloc::vec::Vec;
use core::ops::ControlFlow;
use squall_determinism::{Seed, Timestamp};

/// The trace of one request through the core.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestTrace {
    /// Its place in the run, where the journal says so.
    pub request: Option<u64>,
    /// Its place among the arrivals of the journal, from 0.
    pub arrival_index: u64,
    /// What the core called it.
    pub key: RequestKey,
    /// What came in.
    pub arrival: RequestArrival,
    /// When.
    pub arrived: Timestamp,
    /// Everything that happened to it, in order.
    pub steps: Vec<TraceStep>,
    /// How and when it ended; `None` if the journal ends before.
    pub ended: Option<(Timestamp, Outcome)>,
}

/// One step of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceStep {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: TraceStepKind,
}

/// What happened in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum TraceStepKind {
    /// An input about it.
    Input(RouterInput),
    /// A decision about it.
    Decision(RouterDecision),
    /// An output about it.
    Output(RouterOutput),
}

/// Replays a journal, as [`replay`](super::replay) does, and traces every request that is `wanted`,
/// by the frame in which it arrives and its place among the arrivals. `ended` is given each as it ends, and
/// those that the journal does not see end at last; the replay ends early where it says so. Until then every
/// output is compared with the one recorded.
///
/// # Errors
/// The first frame that cannot be read, or whose outputs differ.
pub fn explain<'a>(
    config: RouterConfig,
    changes: impl IntoIterator<Item = RouterConfig>,
    seed: Seed,
    epoch_nanos: u64,
    frames: impl IntoIterator<Item = &'a [u8]>,
    mut wanted: impl FnMut(&JournalFrame, u64) -> bool,
    mut ended: impl FnMut(RequestTrace) -> ControlFlow<()>,
) -> Result<Replayed, ReplayError> {
    let mut replayer = Replayer::new(config, changes, seed, epoch_nanos)?;
    let mut traces = RequestTraces::default();
    for frame in frames {
        let mut watched = false;
        let arrivals = traces.arrivals;
        let frame = replayer.step(frame, |router, frame| {
            let arrives = matches!(frame.input, RouterInput::Arrived(_));
            watched = arrives && wanted(frame, arrivals);
            if watched {
                router.explain_next_arrival();
            }
        })?;
        let decisions = replayer.router.take_decisions();
        if let RouterInput::Arrived(arrival) = frame.input {
            traces.arrivals += 1;
            if watched {
                traces.begin(&frame, arrival, &replayer.outputs);
            }
        }
        traces.take_in(&frame, &replayer.outputs, decisions);
        while let Some(place) = traces.under_way.iter().position(|trace| trace.ended.is_some()) {
            if ended(traces.under_way.remove(place)).is_break() {
                return Ok(replayer.replayed);
            }
        }
    }
    for trace in traces.under_way {
        if ended(trace).is_break() {
            break;
        }
    }
    Ok(replayer.replayed)
}

/// The traces in progress.
#[derive(Debug, Default)]
struct RequestTraces {
    under_way: Vec<RequestTrace>,
    arrivals: u64,
}

impl RequestTraces {
    /// A request has arrived that somebody asks about.
    fn begin(&mut self, frame: &JournalFrame, arrival: RequestArrival, outputs: &[RouterOutput]) {
        let key = outputs.iter().find_map(|output| {
            let RouterOutput::Accepted { tag, request } = *output else { return None };
            (tag == arrival.tag).then_some(request)
        });
        let Some(key) = key else { return };
        self.under_way.push(RequestTrace {
            request: frame.request,
            arrival_index: self.arrivals - 1,
            key,
            arrival,
            arrived: frame.now,
            steps: Vec::new(),
            ended: None,
        });
    }

    /// Adds what one input brought to those whom it concerns: the input, then decisions and outputs as they came.
    fn take_in(
        &mut self,
        frame: &JournalFrame,
        outputs: &[RouterOutput],
        decisions: Vec<ExplainedDecision>,
    ) {
        let at = frame.now;
        if self.under_way.is_empty() {
            return;
        }
        let told = request_of_input(&frame.input);
        self.add(at, told, TraceStepKind::Input(frame.input));
        let mut decisions = decisions.into_iter().peekable();
        for (place, output) in outputs.iter().enumerate() {
            while let Some(next) = decisions.next_if(|next| next.after_outputs <= place) {
                self.add(at, Some(next.request), TraceStepKind::Decision(next.decision));
            }
            let said = TraceStepKind::Output(*output);
            let trace = self.add(at, request_of_output(output), said);
            if let (Some(trace), RouterOutput::Done { outcome, .. }) = (trace, *output) {
                trace.ended = Some((at, outcome));
            }
        }
        for next in decisions {
            self.add(at, Some(next.request), TraceStepKind::Decision(next.decision));
        }
    }

    /// Adds a step to the trace of a request, if it is traced.
    fn add(
        &mut self,
        at: Timestamp,
        request: Option<RequestKey>,
        kind: TraceStepKind,
    ) -> Option<&mut RequestTrace> {
        let trace = self.under_way.iter_mut().find(|trace| Some(trace.key) == request)?;
        trace.steps.push(TraceStep { at, kind });
        Some(trace)
    }
}

/// The request that an input is about; none for an arrival, which begins it.
const fn request_of_input(input: &RouterInput) -> Option<RequestKey> {
    match *input {
        RouterInput::LimitHeaders { attempt, .. }
        | RouterInput::FirstToken { attempt }
        | RouterInput::Finished { attempt, .. }
        | RouterInput::Failed { attempt, .. }
        | RouterInput::Interrupted { attempt, .. }
        | RouterInput::Unread { attempt } => Some(attempt.request),
        RouterInput::ClientGone { request } => Some(request),
        RouterInput::Arrived(_)
        | RouterInput::Checked { .. }
        | RouterInput::SpendRestored { .. }
        | RouterInput::Shared(_)
        | RouterInput::Reconfigure { .. }
        | RouterInput::Tick => None,
    }
}

/// The request that an output is about.
fn request_of_output(output: &RouterOutput) -> Option<RequestKey> {
    match *output {
        RouterOutput::Accepted { request, .. } | RouterOutput::Done { request, .. } => {
            Some(request)
        }
        RouterOutput::StartAttempt(start) => Some(start.attempt.request),
        RouterOutput::CancelAttempt { attempt, .. } | RouterOutput::Commit { attempt, .. } => {
            Some(attempt.request)
        }
        RouterOutput::Check { .. } | RouterOutput::Shared(_) => None,
        RouterOutput::Note(note) => RouterEvent::request(&note),
    }
}
