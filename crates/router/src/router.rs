//! The machine: its contract, its clock, and the way from an input to the step that answers it.

mod life;
mod pick;

use crate::budget::Budget;
use crate::cooldown::State as BreakerState;
use crate::deployment::Deployment;
use crate::request::{Requests, State};
use crate::strategy::Picker;
use crate::timers::Timers;
use crate::{
    Arrival, AttemptId, CancelReason, ConfigError, DeploymentId, GroupConfig, GroupId, Input, Note,
    Outcome, Output, RequestKey, RouterConfig,
};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Range;
use squall_determinism::{Seed, Timestamp};

/// A router: takes what happened, says what to do.
///
/// # Contract
///
/// - [`handle`](Self::handle) takes one input and the time; then [`poll`](Self::poll) is called until
///   it gives `None`, before the next `handle` (asserted). Outputs about one request come in the order
///   in which they must be carried out.
/// - [`next_timer`](Self::next_timer) says when a [`Tick`](Input::Tick) is due. It may be early and is
///   never late; a tick with nothing due gives no output and draws nothing.
/// - `now` never goes back: a shell reads its clock inside the lock that guards the router; an earlier
///   `now` is taken for the latest one seen. `handle` first fires the timers due *before* `now`, in
///   the order of (due, sequence), then takes the input; timers due *at* `now` fire on a tick. So a
///   late wake-up over sockets and a simulation agree.
/// - Input about a request or an attempt that has ended is ignored and counted
///   ([`ignored`](Self::ignored)).
///
/// # A complete driver
///
/// ```
/// use squall_determinism::{Seed, Timestamp};
/// use squall_router::*;
///
/// let group = GroupConfig {
///     deployments: vec![DeploymentConfig::new("eu"), DeploymentConfig::new("us")],
///     ..GroupConfig::new("chat")
/// };
/// let config = RouterConfig { groups: vec![group], retry_budget: RetryBudget::default() };
/// let mut router = Router::new(config, Seed::new(7), 0)?;
///
/// let arrival = Arrival {
///     tag: Tag(1),
///     group: GroupId(0),
///     input_tokens: 420,
///     output_tokens: 60,
///     stream: false,
///     deadline: None,
/// };
/// let mut inputs = vec![Input::Arrived(arrival)];
/// let mut now = Timestamp::ZERO;
/// let mut done = 0;
/// while let Some(input) = inputs.pop() {
///     router.handle(now, input);
///     now += core::time::Duration::from_millis(100);
///     while let Some(output) = router.poll() {
///         match output {
///             // A shell calls the deployment here, and tells the router what came of it.
///             Output::StartAttempt(start) => {
///                 inputs.push(Input::Finished { attempt: start.attempt, usage: None });
///             }
///             Output::Done { outcome: Outcome::Succeeded { .. }, .. } => done += 1,
///             _ => {}
///         }
///     }
/// }
/// assert_eq!(done, 1);
/// assert_eq!(router.next_timer(), None, "nothing is left to wait for");
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Router {
    seed: Seed,
    now: Timestamp,
    groups: Vec<Group>,
    deployments: Vec<Deployment>,
    budget: Budget,
    requests: Requests,
    request_timers: Timers,
    deployment_timers: Timers,
    /// Counts the timers armed: ties fire in this order.
    sequence: u64,
    arrivals: u64,
    ignored: u64,
    outputs: VecDeque<Output>,
}

/// A model group at work.
#[derive(Clone, Debug)]
struct Group {
    config: GroupConfig,
    /// Its deployments' places among all.
    deployments: Range<usize>,
    picker: Picker,
    /// Requests that wait for a deployment, first come first served. Those that have left are skipped.
    queue: VecDeque<RequestKey>,
}

impl Router {
    /// A router with this configuration. `seed` is that of the run; `epoch_nanos` is the wall time at
    /// the start of the run, in nanoseconds since 1970: minute windows are aligned to it.
    ///
    /// # Errors
    /// When the configuration is not one that a router can run with.
    pub fn new(config: RouterConfig, seed: Seed, epoch_nanos: u64) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut groups = Vec::with_capacity(config.groups.len());
        let mut deployments = Vec::new();
        for (index, group) in config.groups.into_iter().enumerate() {
            let first = deployments.len();
            deployments.extend(group.deployments.iter().map(|deployment| {
                let group_id = index as u16;
                Deployment::new(group_id, deployment, group.cooldown, group.timeouts, epoch_nanos)
            }));
            groups.push(Group {
                picker: Picker::new(group.strategy, group.deployments.len()),
                deployments: first..deployments.len(),
                queue: VecDeque::new(),
                config: group,
            });
        }
        Ok(Self {
            seed,
            now: Timestamp::ZERO,
            groups,
            deployments,
            budget: Budget::new(config.retry_budget),
            requests: Requests::default(),
            request_timers: Timers::default(),
            deployment_timers: Timers::default(),
            sequence: 0,
            arrivals: 0,
            ignored: 0,
            outputs: VecDeque::new(),
        })
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
            Input::Arrived(arrival) => self.arrived(&arrival),
            Input::FirstToken { attempt } => self.first_token(attempt),
            Input::Finished { attempt, usage } => self.finished(attempt, usage),
            Input::Failed { attempt, failure } => match self.requests.running(attempt) {
                Some(_) => self.attempt_failed(attempt, failure),
                None => self.ignored += 1,
            },
            Input::ClientGone { request } if self.requests.lives(request) => {
                self.abandon(request.slot, CancelReason::ClientGone, Outcome::ClientGone);
            }
            Input::ClientGone { .. } => self.ignored += 1,
            // No policy learns from them yet; they are in the contract so that a journal has them.
            Input::LimitHeaders { .. } => {}
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
        let request = self.request_timers.first().map(|(due, _)| due);
        let deployment = self.deployment_timers.first().map(|(due, _)| due);
        request.into_iter().chain(deployment).min()
    }

    /// How many requests have not ended.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.requests.len()
    }

    /// How many inputs were about something that had ended.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The deployments that are skipped now, with the end of their cooldown.
    pub fn cooling(&self) -> impl Iterator<Item = (DeploymentId, Timestamp)> {
        self.deployments.iter().enumerate().filter_map(|(place, deployment)| {
            let until = deployment.record.next_change(self.now)?;
            Some((DeploymentId(place as u16), until))
        })
    }

    /// Fires what is due, in the order of (due, sequence), each at its own time.
    fn fire(&mut self, is_due: impl Fn(Timestamp) -> bool) {
        let until = self.now;
        loop {
            let request = self.request_timers.first();
            let deployment = self.deployment_timers.first();
            let Some((due, _)) = request.into_iter().chain(deployment).min() else { break };
            if !is_due(due) {
                break;
            }
            // What was armed for a time that has passed fires now; time does not go back.
            self.now = due.min(until);
            if request.is_some_and(|first| deployment.is_none_or(|other| first < other)) {
                if let Some((slot, _)) = self.request_timers.pop() {
                    self.request_due(slot);
                }
            } else if let Some((place, _)) = self.deployment_timers.pop() {
                self.cooldown_over(place as usize);
            }
        }
        self.now = until;
    }

    fn request_due(&mut self, slot: u32) {
        let now = self.now;
        let request = self.requests.at(slot);
        if now >= request.deadline {
            self.deadline_passed(slot);
            return;
        }
        match request.state {
            State::Backoff => self.advance(slot),
            State::Queued { until } => self.queue_due(slot, until),
            State::Running(running) => {
                let reason = if running.committed || now >= running.total_due {
                    CancelReason::TotalTimeout
                } else {
                    CancelReason::FirstTokenTimeout
                };
                self.timed_out(slot, reason);
            }
            State::Deciding => {}
        }
    }

    /// A cooldown has ended, or should have: the provider may have asked for more meanwhile.
    fn cooldown_over(&mut self, place: usize) {
        let now = self.now;
        let deployment = &mut self.deployments[place];
        if let BreakerState::Open { until } = deployment.record.breaker.state
            && until <= now
        {
            deployment.record.breaker.half_open();
        }
        if let Some(until) = deployment.record.next_change(now) {
            self.arm_deployment(place, until);
            return;
        }
        if core::mem::take(&mut deployment.cooling) {
            let group = deployment.group;
            self.note(Note::CooldownEnded { deployment: DeploymentId(place as u16) });
            self.serve_queue(GroupId(group));
        }
    }

    fn arm_request(&mut self, slot: u32, due: Timestamp) {
        self.sequence += 1;
        self.request_timers.arm(slot, due, self.sequence);
    }

    fn arm_deployment(&mut self, place: usize, due: Timestamp) {
        self.sequence += 1;
        self.deployment_timers.arm(place as u32, due, self.sequence);
    }

    fn note(&mut self, note: Note) {
        self.outputs.push_back(Output::Note(note));
    }

    fn arrived(&mut self, arrival: &Arrival) {
        self.arrivals += 1;
        self.budget.deposit(self.now);
        let slot = self.admit(arrival);
        self.advance(slot);
    }

    fn first_token(&mut self, attempt: AttemptId) {
        let Some(running) = self.requests.running(attempt) else {
            self.ignored += 1;
            return;
        };
        if !running.committed {
            self.commit(attempt);
        }
    }
}
