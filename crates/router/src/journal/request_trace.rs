//! Traces of requests from a replayed journal: inputs, decisions with their reasons, and outputs of each request.

use super::{JournalFrame, ReplayError, Replayed, Replayer};
use crate::{
    CandidateView, ExplainedDecision, Outcome, PickReasons, RequestArrival, RequestKey,
    RouterConfig, RouterDecision, RouterEvent, RouterInput, RouterOutput,
};
use alloc::collections::VecDeque;
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
    /// Steps that are not among them, for want of room in a trace that is bounded.
    pub left_out: u64,
    /// What the steps take, in bytes.
    bytes: usize,
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
    let mut traces = RequestTraces::unbounded();
    let mut arrivals = 0;
    for frame in frames {
        let mut watched = false;
        let frame = replayer.step(frame, |router, frame| {
            let arrives = matches!(frame.input, RouterInput::Arrived(_));
            watched = arrives && wanted(frame, arrivals);
            if watched {
                router.explain_next_arrival();
            }
        })?;
        let decisions = replayer.router.take_decisions();
        if let RouterInput::Arrived(arrival) = frame.input {
            if watched {
                traces.begin(frame.now, arrival, frame.request, arrivals, &replayer.outputs);
            }
            arrivals += 1;
        }
        traces.take_in(frame.now, &frame.input, &replayer.outputs, decisions);
        while let Some(trace) = traces.next_ended() {
            if ended(trace).is_break() {
                return Ok(replayer.replayed);
            }
        }
    }
    for trace in traces.into_under_way() {
        if ended(trace).is_break() {
            break;
        }
    }
    Ok(replayer.replayed)
}

/// The traces of requests under way, put together from what goes into a core and comes out of it.
#[derive(Clone, Debug)]
pub struct RequestTraces {
    /// By the slots of the core.
    under_way: Vec<Option<RequestTrace>>,
    /// The one whose input is to be taken in: its slot may still be that of one that the same input ends.
    arriving: Option<RequestTrace>,
    ended: VecDeque<RequestTrace>,
    /// The most bytes that the steps of one trace may take.
    bytes_max: usize,
}

impl RequestTraces {
    /// Traces that hold everything: for a replay.
    #[must_use]
    pub const fn unbounded() -> Self {
        Self::bounded(usize::MAX)
    }

    /// Traces whose steps take at most about `bytes_max` bytes each. Of more, candidates are left out first, and counted
    /// ([`PickReasons::left_out`](crate::PickReasons::left_out)), then steps ([`RequestTrace::left_out`]), but never the end.
    #[must_use]
    pub const fn bounded(bytes_max: usize) -> Self {
        Self { under_way: Vec::new(), arriving: None, ended: VecDeque::new(), bytes_max }
    }

    /// Begins the trace of the request that has just arrived; whether the core has accepted it. `request` is its place in the
    /// run, if it has one, and `arrival_index` its place among the arrivals. To be called before
    /// [`take_in`](Self::take_in) is given the same input.
    pub fn begin(
        &mut self,
        now: Timestamp,
        arrival: RequestArrival,
        request: Option<u64>,
        arrival_index: u64,
        outputs: &[RouterOutput],
    ) -> bool {
        let key = outputs.iter().find_map(|output| {
            let RouterOutput::Accepted { tag, request } = *output else { return None };
            (tag == arrival.tag).then_some(request)
        });
        let Some(key) = key else { return false };
        self.arriving = Some(RequestTrace {
            request,
            arrival_index,
            key,
            arrival,
            arrived: now,
            steps: Vec::new(),
            left_out: 0,
            bytes: 0,
            ended: None,
        });
        true
    }

    /// Adds what one input brought to those whom it concerns: the input, then decisions and outputs as they came.
    pub fn take_in(
        &mut self,
        at: Timestamp,
        input: &RouterInput,
        outputs: &[RouterOutput],
        decisions: Vec<ExplainedDecision>,
    ) {
        self.add(at, request_of_input(input), || TraceStepKind::Input(*input));
        let mut decisions = decisions.into_iter().peekable();
        for (place, output) in outputs.iter().enumerate() {
            while let Some(next) = decisions.next_if(|next| next.after_outputs <= place) {
                self.add(at, Some(next.request), || TraceStepKind::Decision(next.decision));
            }
            if let RouterOutput::Accepted { request, .. } = *output {
                self.accepted(request);
            }
            self.add(at, request_of_output(output), || TraceStepKind::Output(*output));
            if let RouterOutput::Done { request, outcome, .. } = *output
                && let Some(place) = self.place(request)
                && let Some(mut trace) = place.take()
            {
                trace.ended = Some((at, outcome));
                self.ended.push_back(trace);
            }
        }
        for next in decisions {
            self.add(at, Some(next.request), || TraceStepKind::Decision(next.decision));
        }
    }

    /// The one that arrives has its slot from here on.
    fn accepted(&mut self, request: RequestKey) {
        let Some(trace) = self.arriving.take_if(|trace| trace.key == request) else { return };
        let slot = request.slot as usize;
        if self.under_way.len() <= slot {
            self.under_way.resize_with(slot + 1, || None);
        }
        self.under_way[slot] = Some(trace);
    }

    /// The trace of the request that ended next, and was not asked for yet.
    pub fn next_ended(&mut self) -> Option<RequestTrace> {
        self.ended.pop_front()
    }

    /// The traces of the requests that have not ended.
    pub fn under_way(&self) -> impl Iterator<Item = &RequestTrace> {
        self.under_way.iter().flatten()
    }

    /// The traces of the requests that have not ended, by when they arrived.
    fn into_under_way(self) -> impl Iterator<Item = RequestTrace> {
        let mut under_way: Vec<_> = self.under_way.into_iter().flatten().collect();
        under_way.sort_by_key(|trace| trace.arrival_index);
        under_way.into_iter()
    }

    /// Where the trace of a request is, if it is traced.
    fn place(&mut self, request: RequestKey) -> Option<&mut Option<RequestTrace>> {
        let place = self.under_way.get_mut(request.slot as usize)?;
        place.as_ref().is_some_and(|trace| trace.key == request).then_some(place)
    }

    /// Adds a step to the trace of a request, if it is traced.
    fn add(
        &mut self,
        at: Timestamp,
        request: Option<RequestKey>,
        kind: impl FnOnce() -> TraceStepKind,
    ) {
        let bytes_max = self.bytes_max;
        let Some(trace) = request.and_then(|request| self.place(request)) else { return };
        if let Some(trace) = trace {
            trace.add(TraceStep { at, kind: kind() }, bytes_max);
        }
    }
}

impl RequestTrace {
    /// About how many bytes it takes.
    #[must_use]
    pub const fn size(&self) -> usize {
        size_of::<Self>() + self.bytes
    }

    fn add(&mut self, mut step: TraceStep, bytes_max: usize) {
        let room = bytes_max.saturating_sub(self.bytes);
        let is_end = matches!(step.kind, TraceStepKind::Output(RouterOutput::Done { .. }));
        if room < size_of::<TraceStep>() && !is_end {
            self.left_out += 1;
            return;
        }
        self.bytes += size_of::<TraceStep>();
        if let TraceStepKind::Decision(RouterDecision::Picked(pick)) = &mut step.kind {
            let room = room.saturating_sub(size_of::<TraceStep>());
            let fit = room / size_of::<CandidateView>();
            if pick.candidates.len() > fit {
                keep_candidates(pick, fit);
            }
            self.bytes += pick.candidates.len() * size_of::<CandidateView>();
        }
        self.steps.push(step);
    }
}

/// Leaves out the last candidates, but the one that was picked.
fn keep_candidates(pick: &mut PickReasons, most: usize) {
    let all = pick.candidates.len();
    let picked = pick.picked.map(|(id, _)| id);
    let picked = pick.candidates.iter().position(|view| Some(view.deployment) == picked);
    if let (Some(picked), Some(last)) = (picked, most.checked_sub(1))
        && picked > last
    {
        pick.candidates.swap(picked, last);
    }
    pick.candidates.truncate(most);
    pick.candidates.shrink_to_fit();
    pick.left_out = u32::try_from(all - most).unwrap_or(u32::MAX);
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
