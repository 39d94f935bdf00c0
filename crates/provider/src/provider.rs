//! The machine: its contract, its schedule of faults, and its places.

mod admit;
mod errors;
mod places;

use crate::fault::InFlight;
use crate::limit::Limiter;
use crate::repeats::Repeats;
use crate::{
    CheckAnswer, Ending, FaultKind, Input, Listener, Note, Output, Plan, ProviderConfig, Tag,
};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use errors::Errors;
use places::Places;
use squall_determinism::{Seed, Timestamp};

/// A provider: takes attempts, says how each is served.
///
/// # Contract
///
/// - [`handle`](Self::handle) takes one input and the time; then [`poll`](Self::poll) is called until
///   it gives `None`, before the next `handle` (asserted).
/// - [`next_timer`](Self::next_timer) says when a [`Tick`](Input::Tick) is due; it is never late. A tick
///   with nothing due gives no output and draws nothing. `now` never goes back.
/// - Each [`Arrived`](Input::Arrived) is answered by one `Reject`, or by a `Plan` when its service
///   starts and another whenever a fault changes it. The shell then says `Delivered` or `Gone`, once. A
///   `Reject` that takes its time comes with a tick; until then the caller may be `Gone`, and a fault may
///   put a `Plan` in its place.
///   After a plan that ends in a reset, or never, `Gone` or `Delivered` may still be said and is ignored.
/// - Tags are chosen by the shell. They are indices of a table here: small numbers, used again.
/// - A shell delivers nothing while the [`listener`](Self::listener) refuses.
///
/// # A complete driver
///
/// ```
/// use squall_determinism::{Law, Seed, Timestamp};
/// use squall_provider::*;
///
/// let config = ProviderConfig {
///     ttft: Law::Fixed { value: 350_000_000 },
///     itl: Law::Fixed { value: 20_000_000 },
///     output_tokens: Law::Fixed { value: 60 },
///     context_window: None,
///     error_latency: Law::Fixed { value: 0 },
///     limits: Limits::default(),
///     capacity: None,
///     faults: Vec::new(),
/// };
/// let mut provider = Provider::new(config, Seed::new(7), 0, 0);
/// let arrival = Arrival {
///     tag: Tag(0),
///     request: 1,
///     input_tokens: 400,
///     output_tokens: Some(11),
///     stream: true,
/// };
/// provider.handle(Timestamp::ZERO, Input::Arrived(arrival));
/// let Some(Output::Plan { tag, plan }) = provider.poll() else { panic!("served at once") };
/// assert_eq!(plan.first_at, Timestamp::from_millis(350));
/// assert_eq!(plan.ends_at(), Timestamp::from_millis(550));
/// // A shell sends the tokens here, each at its time.
/// assert!(provider.poll().is_none());
/// provider.handle(plan.ends_at(), Input::Delivered { tag });
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    config: ProviderConfig,
    seed: Seed,
    entity: u64,
    now: Timestamp,
    rpm: Option<Limiter>,
    tpm: Option<Limiter>,
    repeats: Repeats,
    places: Places,
    errors: Errors,
    /// The starts and ends of faults that are to come, the next one last.
    schedule: Vec<Change>,
    /// The faults that last, by place, in the order of the configuration.
    active: Vec<u16>,
    listener: Listener,
    outputs: VecDeque<Output>,
}

/// A fault that starts or ends.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Change {
    at: Timestamp,
    /// Ends come before starts, so that faults that follow each other never overlap.
    kind: ChangeKind,
    fault: u16,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum ChangeKind {
    Ends,
    Starts,
}

impl Provider {
    /// A provider with this configuration. `entity` is its number, which keys its draws together with
    /// the seed of the run; `epoch_nanos` is the wall time at the start of the run, in nanoseconds since
    /// 1970: minute windows are aligned to it.
    #[must_use]
    pub fn new(config: ProviderConfig, seed: Seed, entity: u64, epoch_nanos: u64) -> Self {
        let faults = (0_u16..).zip(&config.faults);
        let mut schedule: Vec<_> = faults
            .flat_map(|(fault, config)| {
                let (at, until) = (config.at, config.until());
                [(at, ChangeKind::Starts), (until, ChangeKind::Ends)].map(|(at, kind)| Change {
                    at,
                    kind,
                    fault,
                })
            })
            .collect();
        schedule.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            seed,
            entity,
            now: Timestamp::ZERO,
            rpm: config.limits.rpm.map(|limit| Limiter::new(limit, epoch_nanos)),
            tpm: config.limits.tpm.map(|limit| Limiter::new(limit, epoch_nanos)),
            repeats: Repeats::new(),
            places: Places::new(config.capacity),
            errors: Errors::default(),
            schedule,
            active: Vec::new(),
            listener: Listener::Listening,
            outputs: VecDeque::new(),
            config,
        }
    }

    /// Takes one input at time `now`.
    ///
    /// # Panics
    /// When outputs of the input before were not drained.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        assert!(self.outputs.is_empty(), "poll() must be drained before the next handle()");
        self.now = self.now.max(now);
        let until = self.now;
        self.fire(|due| due < until);
        match input {
            Input::Arrived(arrival) => self.admit(&arrival),
            Input::Delivered { tag } | Input::Gone { tag } => self.ended(tag),
            Input::Tick => self.fire(|due| due <= until),
        }
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When a tick is due at the latest, if nothing else happens.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.schedule.last().map(|change| change.at).into_iter().chain(self.errors.next_at()).min()
    }

    /// Whether connections are taken now.
    #[must_use]
    pub const fn listener(&self) -> Listener {
        self.listener
    }

    /// What would come of a check at `now`. Asking changes nothing. A black hole that hits a share of
    /// what arrives swallows that share of checks, drawn for each moment.
    #[must_use]
    pub fn answers_checks(&self, now: Timestamp) -> CheckAnswer {
        let lasts = |fault: u16| {
            let fault = &self.config.faults[usize::from(fault)];
            fault.at <= now && now < fault.until()
        };
        let mut answer = CheckAnswer::Answered;
        for fault in (0..self.config.faults.len() as u16).filter(|&fault| lasts(fault)) {
            match self.config.faults[usize::from(fault)].kind {
                FaultKind::Refuse => return CheckAnswer::Refused,
                FaultKind::BlackHole if self.swallows_check(fault, now) => {
                    answer = CheckAnswer::Nothing;
                }
                _ => {}
            }
        }
        answer
    }

    /// Fires what is due in the order of time; at one time faults come before answers.
    fn fire(&mut self, is_due: impl Fn(Timestamp) -> bool) {
        let until = self.now;
        while let Some(due) = self.next_timer().filter(|&due| is_due(due)) {
            self.now = due.min(until);
            match self.schedule.pop_if(|change| change.at <= due) {
                Some(Change { kind: ChangeKind::Starts, fault, .. }) => self.fault_starts(fault),
                Some(Change { kind: ChangeKind::Ends, fault, .. }) => self.fault_ends(fault),
                None => {
                    let late = self.errors.pop().into_iter();
                    self.outputs
                        .extend(late.map(|(tag, rejection)| Output::Reject { tag, rejection }));
                }
            }
        }
        self.now = until;
    }

    fn fault_starts(&mut self, fault: u16) {
        let place = self.active.partition_point(|&other| other < fault);
        self.active.insert(place, fault);
        self.outputs.push_back(Output::Note(Note::FaultStarted { fault }));
        self.update_listener();
        match self.config.faults[usize::from(fault)].kind.in_flight(self.now) {
            InFlight::GoesOn => {}
            InFlight::HitEnds(ending) => {
                let victims = self.victims(fault);
                let mut hit = self.places.take_hit(|key| victims.include(key));
                hit.extend(self.errors.take(|key| victims.include(key)));
                self.end(&hit, fault, ending);
                self.serve_waiting();
            }
            InFlight::AllEnd(ending) => {
                let mut all = self.places.take_all();
                all.extend(self.errors.take(|_| true));
                self.end(&all, fault, ending);
            }
        }
    }

    fn fault_ends(&mut self, fault: u16) {
        self.active.retain(|&other| other != fault);
        self.outputs.push_back(Output::Note(Note::FaultEnded { fault }));
        self.update_listener();
    }

    fn update_listener(&mut self) {
        let faults = self.active.iter().map(|&fault| &self.config.faults[usize::from(fault)]);
        let refuses = faults.into_iter().any(|fault| matches!(fault.kind, FaultKind::Refuse));
        let listener = if refuses { Listener::Refusing } else { Listener::Listening };
        if listener != self.listener {
            self.listener = listener;
            self.outputs.push_back(Output::Listener(listener));
        }
    }

    /// Tells the plans of attempts that a fault ends.
    fn end(&mut self, attempts: &[(Tag, Plan)], fault: u16, ending: Ending) {
        for &(tag, plan) in attempts {
            // What was sent stays sent, and nothing more comes.
            let tokens = plan.tokens_by(self.now);
            let first_at = if tokens == 0 { Timestamp::MAX } else { plan.first_at };
            let plan = Plan { first_at, tokens, ending, fault: Some(fault), ..plan };
            self.outputs.push_back(Output::Plan { tag, plan });
        }
    }

    /// An attempt is over for the shell: its place goes to the next one who waits.
    fn ended(&mut self, tag: Tag) {
        self.places.free(tag);
        self.errors.forget(tag);
        self.serve_waiting();
    }

    /// Gives free places to those who wait. More than one may go, since a black hole takes no place.
    fn serve_waiting(&mut self) {
        while let Some(next) = self.places.next() {
            self.serve(&next);
        }
    }
}

#[cfg(test)]
mod tests;
