//! The machine: its contract, its schedule of faults, and its places.

mod admission;
mod concurrency;
mod fault_schedule;
mod pending_errors;

use crate::fault::{Effect, HitCounts, PlanModifier, ProviderEffect};
use crate::latency::CacheWarmth;
use crate::limit::LimitsByKey;
use crate::repeated_requests::RepeatedRequests;
use crate::{
    AttemptEnding, AttemptTag, CheckAnswer, ErrorAnswer, FaultConfig, LimitState, Listener,
    ProbeHealth, ProviderConfig, ProviderInput, ProviderOutput, ProviderStatus,
};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use concurrency::ConcurrencySlots;
use fault_schedule::{ChangeKind, FaultTransition};
use pending_errors::PendingErrors;
use squall_determinism::{Seed, Timestamp};
use squall_failure::FailureClass;

/// A provider: takes attempts, says how each is served.
///
/// # Contract
///
/// - [`handle`](Self::handle) takes one input and the time; then [`poll`](Self::poll) is called until
///   it gives `None`, before the next `handle` (asserted).
/// - [`next_timer`](Self::next_timer) says when a [`Tick`](ProviderInput::Tick) is due; it is never late. A tick
///   with nothing due gives no output and draws nothing. `now` never goes back.
/// - Each [`Arrived`](ProviderInput::Arrived) is answered by one `Reject`, or by a `Plan` when its service
///   starts and another whenever a fault changes it. The driver then says `Delivered` or `Gone`, once. A
///   `Reject` that takes its time comes with a tick; until then the caller may be `Gone`, and a fault may
///   put a `Plan` in its place.
///   After a plan that ends in a reset, or never, `Gone` or `Delivered` may still be said and is ignored.
/// - Tags are chosen by the driver. They are indices of a table here: small numbers, used again.
/// - A driver delivers nothing while the [`listener`](Self::listener) refuses.
///
/// # A complete driver
///
/// ```
/// use squall_determinism::{Distribution, Seed, Timestamp};
/// use squall_provider::*;
///
/// let ttft = Distribution::Fixed { value: 350_000_000 };
/// let config = ProviderConfig::new(ttft, Distribution::Fixed { value: 20_000_000 });
/// let mut provider = Provider::new(config, Seed::new(7), 0, 0);
/// let arrival = AttemptArrival {
///     tag: AttemptTag(0),
///     request: 1,
///     model: 0,
///     key: 0,
///     session: None,
///     input_tokens: 400,
///     output_tokens: Some(11),
///     stream: true,
///     prefill: None,
///     quoted: None,
/// };
/// provider.handle(Timestamp::ZERO, ProviderInput::Arrived(arrival));
/// let Some(ProviderOutput::Plan { tag, plan }) = provider.poll() else { panic!("served at once") };
/// assert_eq!(plan.first_at, Timestamp::from_millis(350));
/// assert_eq!(plan.ends_at(), Timestamp::from_millis(550));
/// // A driver sends the tokens here, each at its time.
/// assert!(provider.poll().is_none());
/// provider.handle(plan.ends_at(), ProviderInput::Delivered { tag });
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    config: ProviderConfig,
    /// The script's faults, then those that were injected.
    faults: Vec<FaultConfig>,
    seed: Seed,
    entity: u64,
    epoch_nanos: u64,
    now: Timestamp,
    gates: LimitsByKey,
    repeats: RepeatedRequests,
    slots: ConcurrencySlots,
    warmth: CacheWarmth,
    errors: PendingErrors,
    /// The starts and ends of faults that are to come, the next one last.
    schedule: Vec<FaultTransition>,
    /// Since when the script stands still.
    paused: Option<Timestamp>,
    /// The faults that last, in the order of their numbers.
    active: Vec<u16>,
    /// How many attempts those have hit that hit only the first.
    hits: HitCounts,
    /// Whether one of them cuts limits or places.
    cuts: bool,
    /// When limits and places are to follow it next.
    step_at: Option<Timestamp>,
    /// When a recovery began anew.
    restarts: BTreeMap<u16, Timestamp>,
    listener: Listener,
    outputs: VecDeque<ProviderOutput>,
}

impl Provider {
    /// A provider with this configuration. `entity` is its number, which keys its draws together with
    /// the seed of the run; `epoch_nanos` is the wall time at the start of the run, in nanoseconds since
    /// 1970: minute windows are aligned to it.
    #[must_use]
    pub fn new(mut config: ProviderConfig, seed: Seed, entity: u64, epoch_nanos: u64) -> Self {
        config = config.with_statuses();
        let faults = core::mem::take(&mut config.faults);
        let mut schedule: Vec<_> = (0_u16..)
            .zip(&faults)
            .flat_map(|(fault, config)| fault_schedule::changes(fault, config))
            .collect();
        schedule.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            faults,
            seed,
            entity,
            epoch_nanos,
            now: Timestamp::ZERO,
            gates: LimitsByKey::new(config.limits, epoch_nanos),
            repeats: RepeatedRequests::new(),
            slots: ConcurrencySlots::new(config.capacity),
            warmth: CacheWarmth::default(),
            errors: PendingErrors::default(),
            schedule,
            paused: None,
            active: Vec::new(),
            hits: HitCounts::default(),
            cuts: false,
            step_at: None,
            restarts: BTreeMap::new(),
            listener: Listener::Listening,
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Takes one input at time `now`.
    ///
    /// # Panics
    /// When outputs of the input before were not drained.
    pub fn handle(&mut self, now: Timestamp, input: ProviderInput) {
        assert!(self.outputs.is_empty(), "poll() must be drained before the next handle()");
        self.now = self.now.max(now);
        let until = self.now;
        self.fire(|due| due < until);
        if self.cuts {
            self.follow();
            self.serve_waiting();
        }
        match input {
            ProviderInput::Arrived(arrival) => self.admit(&arrival),
            ProviderInput::Delivered { tag } => self.ended(tag, false),
            ProviderInput::Gone { tag } => self.ended(tag, true),
            ProviderInput::Inject(fault) => self.inject(*fault),
            ProviderInput::EndFault { fault } => self.end_fault(fault),
            ProviderInput::Pause => self.pause(),
            ProviderInput::Resume => self.resume(),
            ProviderInput::Reset => self.reset(),
            ProviderInput::Tick => self.fire(|due| due <= until),
        }
        if self.cuts {
            self.follow();
        }
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<ProviderOutput> {
        self.outputs.pop_front()
    }

    /// When a tick is due at the latest, if nothing else happens.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        [
            self.next_change(),
            self.slots.next_ghost(),
            self.slots.next_expiry(),
            self.step_at,
            self.errors.next_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether connections are taken now.
    #[must_use]
    pub const fn listener(&self) -> Listener {
        self.listener
    }

    /// The limits of a key as they stand at `now`, for headers.
    pub fn limits(&mut self, now: Timestamp, key: u64) -> LimitState {
        self.gates.state(self.now.max(now), key)
    }

    /// How it is doing at `now`.
    pub fn status(&mut self, now: Timestamp) -> ProviderStatus {
        ProviderStatus {
            serving: self.slots.serving(),
            waiting: self.slots.waiting(),
            places: self.config.capacity.map(|_| self.slots.concurrent()),
            limits: self.limits(now, 0),
            paused: self.paused.is_some(),
        }
    }

    /// What would come of a check at `now`. Asking changes nothing. A fault that hits a share of what
    /// arrives hits that share of checks, drawn for each moment; one that hits the first attempts hits no check.
    #[must_use]
    pub fn answers_checks(&self, now: Timestamp) -> CheckAnswer {
        let mut answer = CheckAnswer::Answered;
        for (fault, config) in self.lasting(now) {
            let behaviour = config.kind.behaviour();
            if behaviour.provider == ProviderEffect::Refuses {
                return CheckAnswer::Refused;
            }
            // Checks are not counted.
            if config.target.first.is_some()
                || config.health == ProbeHealth::Lies
                || !self.victims_at(fault, now).include_check(now)
            {
                continue;
            }
            if behaviour.effect == Effect::Modify(PlanModifier::Ends(AttemptEnding::Never)) {
                answer = CheckAnswer::Nothing;
            }
            if let Effect::Answer(error) = behaviour.effect
                && config.health == ProbeHealth::Honest
                && answer == CheckAnswer::Answered
            {
                answer = CheckAnswer::Failed { status: self.status_of(error), class: error.class };
            }
        }
        answer
    }

    /// Its vendor's status for a class of failure.
    #[must_use]
    pub fn vendor_status(&self, class: FailureClass) -> u16 {
        self.config.vendor.status(class)
    }

    fn status_of(&self, answer: ErrorAnswer) -> u16 {
        answer.status.unwrap_or_else(|| self.vendor_status(answer.class))
    }

    fn next_change(&self) -> Option<Timestamp> {
        match self.paused {
            Some(_) => None,
            None => self.schedule.last().map(|change| change.at),
        }
    }

    /// Fires what is due in the order of time; at one time faults come before places, and places before
    /// answers.
    fn fire(&mut self, is_due: impl Fn(Timestamp) -> bool) {
        let until = self.now;
        while let Some(due) = self.next_timer().filter(|&due| is_due(due)) {
            self.now = due.min(until);
            let is_next = |next: Option<Timestamp>| next.is_some_and(|next| next <= due);
            if is_next(self.next_change()) {
                match self.schedule.pop() {
                    Some(FaultTransition { kind: ChangeKind::Starts, fault, .. }) => {
                        self.fault_starts(fault)
                    }
                    Some(FaultTransition { kind: ChangeKind::Ends, fault, .. }) => {
                        self.fault_ends(fault)
                    }
                    None => {}
                }
            } else if is_next(self.slots.next_ghost()) {
                self.slots.free_ghosts(due);
                self.serve_waiting();
            } else if is_next(self.slots.next_expiry()) {
                if let Some(waited) = self.slots.expire()
                    && let Some(tag) = waited.tag
                {
                    self.shed(tag, &waited.subject);
                }
            } else if is_next(self.step_at) {
                self.follow();
                self.serve_waiting();
            } else if let Some((tag, rejection)) = self.errors.pop() {
                self.outputs.push_back(ProviderOutput::Reject { tag, rejection });
            }
        }
        self.now = until;
    }

    /// An attempt is over for the driver: its place goes to the next one who waits, unless work goes on
    /// for a caller that hung up.
    fn ended(&mut self, tag: AttemptTag, gone: bool) {
        if let Some((plan, subject)) = self.slots.free(tag, gone) {
            let sent = if gone { plan.tokens_by(self.now) } else { plan.tokens_sent() };
            self.gates.used(self.now, subject.key, sent);
        }
        self.errors.forget(tag);
        self.serve_waiting();
    }

    /// Gives free places to those who wait. More than one may go, since a black hole takes no place.
    fn serve_waiting(&mut self) {
        while let Some(next) = self.slots.next() {
            self.serve(&next);
        }
    }
}

#[cfg(test)]
mod tests;
