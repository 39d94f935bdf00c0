//! The machine: its contract, and the way from an arrival to a request.

use crate::abort::AbortWatch;
use crate::arrivals::NextArrival;
use crate::calls::{CallDue, Calls};
use crate::patience::{AskedBy, Patience};
use crate::source::Source;
use crate::{ClientAnswer, Ordinal, TraceFault, WorkloadConfig, WorkloadInput, WorkloadOutput};
use alloc::borrow::ToOwned as _;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use squall_determinism::{Seed, Shard, Timestamp};

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
/// let source = SourceConfig {
///     key: 0,
///     arrivals: Arrivals::Even { rate },
///     prompt_tokens: Distribution::Fixed { value: 400 },
///     output_tokens: Distribution::Fixed { value: 60 },
///     stream: Share::ALL,
///     client: ClientConfig::waiting(Duration::from_secs(20)),
///     kinds: Vec::new(),
///     shifts: Vec::new(),
/// };
/// let config = WorkloadConfig::of(source, Timestamp::from_secs(2));
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
    sources: Vec<Source>,
    /// The first arrival of all sources, and whose it is; of two at one time that of the first source.
    next: Option<(NextArrival, u16)>,
    /// Which of the arrivals are sent.
    shard: Shard,
    /// How many arrivals there were of open sources, of all shards.
    arrived: u64,
    now: Timestamp,
    patience: Patience,
    calls: Calls,
    outputs: VecDeque<WorkloadOutput>,
    abort: Option<AbortWatch>,
    aborted: Option<Timestamp>,
    /// When it turned out that the trace of a source cannot be read on, and whose.
    faulted: Option<(Timestamp, u16)>,
}

impl Workload {
    /// The traffic that `config` describes, drawn with `seed`.
    ///
    /// # Panics
    /// When it has more than 65,536 kinds of requests, over all sources.
    #[must_use]
    pub fn new(config: WorkloadConfig, seed: Seed) -> Self {
        Self::of_shard(config, seed, Shard::WHOLE)
    }

    /// The part of that traffic which is a shard's: of open sources the requests whose ordinals are its own, each exactly as
    /// in the whole; of a closed loop its share of the clients. With a closed loop requests are numbered apart from those of
    /// other shards, and their sizes are drawn by these numbers.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[must_use]
    pub fn of_shard(config: WorkloadConfig, seed: Seed, shard: Shard) -> Self {
        let timeouts = || config.sources.iter().map(|source| source.client.timeout);
        let are_alike = timeouts().min() == timeouts().max();
        let (until, mut kinds) = (config.until, 0);
        let sources = config.sources.into_iter().map(|source| {
            let first_kind = u16::try_from(kinds).expect("there are fewer kinds");
            kinds += source.kind_count();
            Source::new(source, first_kind, until, (seed, shard))
        });
        let mut workload = Self {
            sources: sources.collect(),
            next: None,
            shard,
            arrived: 0,
            now: Timestamp::ZERO,
            patience: Patience::new(are_alike),
            calls: Calls::default(),
            outputs: VecDeque::new(),
            abort: config.abort.map(AbortWatch::new),
            aborted: None,
            faulted: None,
        };
        for number in 0..workload.sources.len() {
            workload.look_at_trace(number as u16, Timestamp::ZERO);
        }
        workload.find_next();
        workload
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
                if let Some(own) = self.shard.own_of(request.0) {
                    self.answered(own, answer, now);
                }
            }
            WorkloadInput::Begun { call } => {
                if let Some(own) = self.shard.own_of(call.request.0) {
                    self.calls.answer_begins(own, call.nth);
                }
            }
            WorkloadInput::Tick => self.fire(|due| due <= now),
        }
    }

    /// The last call of a request has its answer: the client calls again, or has what it gets.
    fn answered(&mut self, own: u64, answer: ClientAnswer, now: Timestamp) {
        if let ClientAnswer::Failed(failure) = answer
            && let Some(retried) = self.calls.failed(own, &failure, now)
        {
            self.outputs.push_back(WorkloadOutput::Retry(retried));
            return;
        }
        if let Some(asked_by) = self.patience.answered(Ordinal(own)) {
            self.calls.end(own);
            self.request_ended(now, answer != ClientAnswer::Succeeded);
            self.released(asked_by, now);
        }
    }

    /// When too many failures ended the traffic early, if they did.
    #[must_use]
    pub const fn aborted(&self) -> Option<Timestamp> {
        self.aborted
    }

    /// What ended all traffic, where the trace of a source could not be read on: what comes after is not known.
    #[must_use]
    pub fn fault(&self) -> Option<TraceFault> {
        let (at, number) = self.faulted?;
        let (trace, why) = self.sources[usize::from(number)].process.fault()?;
        Some(TraceFault { at, trace, why: why.to_owned() })
    }

    /// Ends all traffic where the trace of a source cannot be read on.
    fn look_at_trace(&mut self, number: u16, at: Timestamp) {
        if self.faulted.is_none() && self.sources[usize::from(number)].process.fault().is_some() {
            self.faulted = Some((at, number));
        }
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
            self.sources.iter_mut().for_each(|source| source.process.end());
            self.next = None;
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
        let arrival = self.next.map(|(next, _)| next.at);
        arrival.into_iter().chain(self.patience.next_due()).chain(self.calls.next_due()).min()
    }

    /// Whether nobody will ask any more, and nobody waits.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.next.is_none() && self.patience.is_empty()
    }

    /// The place in the run of a request that is counted among those of the shard.
    fn ordinal_of(&self, own: Ordinal) -> Ordinal {
        Ordinal(self.shard.ordinal_of(own.0))
    }

    /// Finds out who asks next, and passes over arrivals that other shards send. Every arrival of a closed loop is of a
    /// client of this shard.
    #[inline]
    fn find_next(&mut self) {
        self.find_first();
        while !self.shard.has(self.arrived)
            && let Some((next, number)) = self.next
            && self.sources[usize::from(number)].process.is_open()
        {
            self.sources[usize::from(number)].leave_next();
            self.look_at_trace(number, next.at);
            self.arrived += 1;
            self.find_first();
        }
    }

    /// Finds the first arrival of all sources.
    #[inline]
    fn find_first(&mut self) {
        self.next = None;
        if self.faulted.is_some() {
            return;
        }
        let mut first: Option<(NextArrival, u16)> = None;
        for (number, source) in (0_u16..).zip(&self.sources) {
            if let Some(next) = source.process.peek()
                && first.is_none_or(|(first, _)| next.at < first.at)
            {
                first = Some((next, number));
            }
        }
        self.next = first;
    }

    /// Whoever has asked has an answer, or waits no more.
    fn released(&mut self, asked_by: AskedBy, now: Timestamp) {
        let AskedBy { client, source } = asked_by;
        if self.sources[usize::from(source)].process.released(client, now) {
            self.find_next();
        }
    }

    /// Fires what is due, in the order of time; at one time those who give up come first, and then calls that are made
    /// again.
    fn fire(&mut self, is_due: impl Fn(Timestamp) -> bool) {
        loop {
            let arrival = self.next.map_or(Timestamp::MAX, |(next, _)| next.at);
            let give_up = self.patience.next_due().unwrap_or(Timestamp::MAX);
            let call = self.calls.next_due().unwrap_or(Timestamp::MAX);
            let due = arrival.min(give_up).min(call);
            if due == Timestamp::MAX || !is_due(due) {
                return;
            }
            if give_up == due {
                if let Some((own, asked_by)) = self.patience.give_up() {
                    self.gave_up(own, asked_by, due);
                }
            } else if call == due {
                self.call_due(due);
            } else if let Some((next, source)) = self.next {
                self.send(next, source);
            }
        }
    }

    fn gave_up(&mut self, own: Ordinal, asked_by: AskedBy, at: Timestamp) {
        self.calls.end(own.0);
        let request = self.ordinal_of(own);
        self.outputs.push_back(WorkloadOutput::GiveUp { request });
        self.request_ended(at, true);
        self.released(asked_by, at);
    }

    fn call_due(&mut self, at: Timestamp) {
        match self.calls.fire() {
            Some(CallDue::Send(request)) => {
                self.outputs.push_back(WorkloadOutput::Send(request));
            }
            Some(CallDue::Retry(retried)) => {
                self.outputs.push_back(WorkloadOutput::Retry(retried));
            }
            Some(CallDue::GiveUp(own)) => {
                if let Some(asked_by) = self.patience.answered(Ordinal(own)) {
                    self.gave_up(Ordinal(own), asked_by, at);
                }
            }
            None => {}
        }
    }

    fn send(&mut self, next: NextArrival, number: u16) {
        let own = self.patience.next_ordinal();
        let request = self.ordinal_of(own);
        let source = &mut self.sources[usize::from(number)];
        source.process.pop();
        self.arrived += u64::from(source.process.is_open());
        let client = source.client;
        let (sent, draws) = source.request(request, next);
        self.look_at_trace(number, next.at);
        self.find_next();
        let asked_by = AskedBy { client: next.client, source: number };
        self.patience.begin(next.at, client.timeout, asked_by);
        if sent.watched {
            self.calls.begin(own.0, sent, client, draws);
        }
        self.outputs.push_back(WorkloadOutput::Send(sent));
    }
}

#[cfg(test)]
mod retry_tests;
#[cfg(test)]
mod shard_tests;
#[cfg(test)]
mod tests;
