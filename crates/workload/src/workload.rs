//! The machine: its contract, and the way from an arrival to a request.

use crate::abort::AbortWatch;
use crate::arrivals::{NextArrival, Process};
use crate::patience::Patience;
use crate::{
    ClientAnswer, ClientRequest, KindConfig, Ordinal, Shift, WorkloadConfig, WorkloadInput,
    WorkloadOutput,
};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use squall_determinism::{Distribution, Seed, StreamPurpose, Timestamp};

/// The traffic of a run: says what to send, and when a client hangs up.
///
/// # Contract
///
/// [`handle`](Self::handle) takes one input and the time; then [`poll`](Self::poll) is called until it
/// gives `None`, before the next `handle` (asserted). [`next_timer`](Self::next_timer) is never late. A
/// late tick sends what was due, with the time at which it was *intended*.
///
/// # A complete driver
///
/// ```
/// use core::time::Duration;
/// use squall_determinism::{Distribution, Seed, Share, Timestamp};
/// use squall_workload::*;
///
/// let rate = Rate { segments: vec![RateSegment::Constant { at: Timestamp::ZERO, rps: 10.0 }] };
/// let config = WorkloadConfig {
///     arrivals: Arrivals::Even { rate },
///     until: Timestamp::from_secs(2),
///     prompt_tokens: Distribution::Fixed { value: 400 },
///     output_tokens: Distribution::Fixed { value: 60 },
///     stream: Share::ALL,
///     client: ClientConfig { timeout: Duration::from_secs(20) },
///     kinds: Vec::new(),
///     shifts: Vec::new(),
///     abort: None,
/// };
/// let mut workload = Workload::new(config, Seed::new(7));
/// let mut sent = 0;
/// while let Some(now) = workload.next_timer() {
///     workload.handle(now, WorkloadInput::Tick);
///     let mut answered = Vec::new();
///     while let Some(output) = workload.poll() {
///         // A driver sends the request here, and tells the workload what came of it.
///         if let WorkloadOutput::Send(client) = output {
///             answered.push(client.request);
///         }
///     }
///     for request in answered {
///         sent += 1;
///         workload.handle(now, WorkloadInput::Answered { request, answer: ClientAnswer::Succeeded });
///     }
/// }
/// assert_eq!(sent, 20);
/// assert!(workload.is_done());
/// ```
#[derive(Clone, Debug)]
pub struct Workload {
    config: Sizes,
    kinds: Vec<KindConfig>,
    /// The weights of the kinds at first, and from when on which others hold.
    weights: Vec<Shift>,
    seed: Seed,
    now: Timestamp,
    process: Process,
    patience: Patience,
    outputs: VecDeque<WorkloadOutput>,
    abort: Option<AbortWatch>,
    aborted: Option<Timestamp>,
}

/// What a request looks like.
#[derive(Clone, Debug)]
struct Sizes {
    prompt_tokens: Distribution,
    output_tokens: Distribution,
    stream: squall_determinism::Share,
    timeout: core::time::Duration,
}

/// The draws of a request's shape: prompt, answer, stream, in this order.
const SHAPE: StreamPurpose = StreamPurpose::named("workload.shape");
/// The draws of what a request is about: kind, session, in this order.
const KIND: StreamPurpose = StreamPurpose::named("workload.kind");

impl Workload {
    /// The traffic that `config` describes, drawn with `seed`.
    #[must_use]
    pub fn new(config: WorkloadConfig, seed: Seed) -> Self {
        Self {
            seed,
            now: Timestamp::ZERO,
            process: Process::new(config.arrivals, config.until, seed),
            patience: Patience::new(config.client.timeout),
            config: Sizes {
                prompt_tokens: config.prompt_tokens,
                output_tokens: config.output_tokens,
                stream: config.stream,
                timeout: config.client.timeout,
            },
            weights: core::iter::once(Shift {
                at: Timestamp::ZERO,
                weights: config.kinds.iter().map(|kind| kind.weight).collect(),
            })
            .chain(config.shifts)
            .collect(),
            kinds: config.kinds,
            outputs: VecDeque::new(),
            abort: config.abort.map(AbortWatch::new),
            aborted: None,
        }
    }

    /// Takes one input at time `now`.
    ///
    /// # Panics
    /// When outputs of the input before were not drained.
    pub fn handle(&mut self, now: Timestamp, input: WorkloadInput) {
        assert!(self.outputs.is_empty(), "poll() must be drained before the next handle()");
        self.now = self.now.max(now);
        let now = self.now;
        self.fire(|due| due < now);
        self.look_at_failures(now);
        match input {
            WorkloadInput::Answered { request, answer } => {
                if let Some(client) = self.patience.answered(request) {
                    self.request_ended(now, answer == ClientAnswer::Failed);
                    self.process.released(client, now);
                }
            }
            WorkloadInput::Tick => self.fire(|due| due <= now),
        }
    }

    /// When too many failures ended the traffic early, if they did.
    #[must_use]
    pub const fn aborted(&self) -> Option<Timestamp> {
        self.aborted
    }

    fn request_ended(&mut self, at: Timestamp, has_failed: bool) {
        if let Some(watch) = &mut self.abort {
            watch.ended(at, has_failed);
        }
    }

    /// Ends the traffic if its rule says so.
    fn look_at_failures(&mut self, now: Timestamp) {
        let Some(watch) = &mut self.abort else { return };
        watch.time_passed(now);
        if watch.is_over() && self.aborted.is_none() {
            self.aborted = Some(now);
            self.process.end();
        }
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<WorkloadOutput> {
        self.outputs.pop_front()
    }

    /// When a tick is due at the latest, if nothing else happens.
    #[must_use]
    #[inline]
    pub fn next_timer(&self) -> Option<Timestamp> {
        let arrival = self.process.peek().map(|next| next.at);
        arrival.into_iter().chain(self.patience.next_due()).min()
    }

    /// Whether nobody will ask any more, and nobody waits.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.process.peek().is_none() && self.patience.is_empty()
    }

    /// Fires what is due, in the order of time; at one time those who give up come first.
    fn fire(&mut self, is_due: impl Fn(Timestamp) -> bool) {
        loop {
            let arrival = self.process.peek().map_or(Timestamp::MAX, |next| next.at);
            let give_up = self.patience.next_due().unwrap_or(Timestamp::MAX);
            let due = arrival.min(give_up);
            if due == Timestamp::MAX || !is_due(due) {
                return;
            }
            if give_up <= arrival {
                if let Some((request, client)) = self.patience.give_up() {
                    self.outputs.push_back(WorkloadOutput::GiveUp { request });
                    self.request_ended(due, true);
                    self.process.released(client, due);
                }
            } else if let Some(next) = self.process.pop() {
                self.send(next);
            }
        }
    }

    fn send(&mut self, next: NextArrival) {
        let request = self.patience.begin(next.at, next.client);
        let (number, session) = self.draw_kind(request, next.at);
        let kind = self.kinds.get(usize::from(number));
        let mut draws = self.seed.stream(SHAPE, 0, request.0);
        let mut tokens = |own: Option<Distribution>, all: Distribution| {
            u32::try_from(own.unwrap_or(all).sample(&mut draws)).unwrap_or(u32::MAX).max(1)
        };
        let input_tokens =
            tokens(kind.and_then(|kind| kind.prompt_tokens), self.config.prompt_tokens);
        let output_tokens =
            tokens(kind.and_then(|kind| kind.output_tokens), self.config.output_tokens);
        let stream = kind.and_then(|kind| kind.stream).unwrap_or(self.config.stream);
        let stream = draws.chance(stream);
        self.outputs.push_back(WorkloadOutput::Send(ClientRequest {
            request,
            intended: next.at,
            kind: number,
            session,
            input_tokens,
            output_tokens,
            stream,
            timeout: self.config.timeout,
        }));
    }

    /// The kind of a request, and its session if the kind has some.
    fn draw_kind(&self, request: Ordinal, intended: Timestamp) -> (u16, Option<u64>) {
        let begun = self.weights.partition_point(|shift| shift.at <= intended);
        let Some(shift) = self.weights[..begun].last() else { return (0, None) };
        let sum: u64 = shift.weights.iter().map(|weight| u64::from(*weight)).sum();
        if sum == 0 {
            return (0, None);
        }
        let mut draws = self.seed.stream(KIND, 0, request.0);
        let mut left = draws.below(sum);
        for (number, (kind, weight)) in (0_u16..).zip(self.kinds.iter().zip(&shift.weights)) {
            let weight = u64::from(*weight);
            if left < weight {
                let session = (kind.sessions > 0).then(|| draws.below(kind.sessions.into()));
                return (number, session.map(|session| u64::from(number) << 32 | session));
            }
            left -= weight;
        }
        (0, None)
    }
}

#[cfg(test)]
mod tests;
