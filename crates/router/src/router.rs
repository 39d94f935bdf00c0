//! The machine: its contract, its clock, and the way from an input to the step that answers it.

mod admission_control;
mod continuation;
mod deadline;
mod decision_log;
mod failure_handling;
mod group_hops;
mod health_checks;
mod hedging;
mod pick;
mod queueing;
mod quota_headroom;
mod reconfigure;
mod request_lifecycle;
mod retry_hint;
mod shared;
mod silence_detection;
mod slow_start;
mod snapshot;

pub use snapshot::{
    DeploymentSnapshot, DeploymentState, GroupSnapshot, SharedStoreSnapshot, Skipped,
    SpendBudgetSnapshot,
};

use crate::admission::AdmissionLimiter;
use crate::candidate_index::CandidateIndex;
use crate::deployment::Deployment;
use crate::queue::{QueueWalk, RequestQueue};
use crate::request_table::{RequestState, RequestTable};
use crate::retry_budget::RetryBudgetWindow;
use crate::session_affinity::Affinity;
use crate::silence_detection::ResponseTimeQuantiles;
use crate::spend_budget::SpendAccount;
use crate::timers::Timers;
use crate::{
    AssignedIds, AttemptId, Balancer, CancelReason, ConfigError, DeploymentId, FallbackRule,
    GroupConfig, HealthChecks, IdRegistry, Outcome, RequestArrival, RouterConfig, RouterEvent,
    RouterInput, RouterOutput,
};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use squall_determinism::{Seed, Timestamp};
use squall_failure::Failure;

/// A router: takes what happened, says what to do.
///
/// # Contract
///
/// - [`handle`](Self::handle) takes one input and the time; then [`poll`](Self::poll) is called until
///   it gives `None`, before the next `handle` (asserted). Outputs about one request come in the order
///   in which they must be carried out.
/// - [`next_timer`](Self::next_timer) says when a [`Tick`](RouterInput::Tick) is due. It may be early and is
///   never late; a tick with nothing due gives no output and draws nothing.
/// - `now` never goes back: a driver reads its clock inside the lock that guards the router; an earlier
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
/// let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
/// let mut router = Router::new(config, Seed::new(7), 0)?;
///
/// let arrival = RequestArrival { input_tokens: 420, output_tokens: 60, ..RequestArrival::new(RequestTag(1), GroupId(0)) };
/// let mut inputs = vec![RouterInput::Arrived(arrival)];
/// let mut now = Timestamp::ZERO;
/// let mut done = 0;
/// while let Some(input) = inputs.pop() {
///     router.handle(now, input);
///     now += core::time::Duration::from_millis(100);
///     while let Some(output) = router.poll() {
///         match output {
///             // A driver calls the deployment here, and tells the router what came of it.
///             RouterOutput::StartAttempt(start) => {
///                 inputs.push(RouterInput::Finished { attempt: start.attempt, usage: None });
///             }
///             RouterOutput::Done { outcome: Outcome::Succeeded { .. }, .. } => done += 1,
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
    epoch_nanos: u64,
    now: Timestamp,
    /// By their numbers; those that no configuration has any more have no deployments.
    groups: Vec<Group>,
    /// By their numbers; those that no configuration has any more have no place.
    deployments: Vec<Deployment>,
    tenants: Vec<AdmissionLimiter>,
    spend_accounts: Vec<SpendAccount>,
    affinity: Affinity,
    fallback_rule: FallbackRule,
    health_checks: Option<HealthChecks>,
    retry_budget: RetryBudgetWindow,
    requests: RequestTable,
    /// Of [`Self::serve_queue`], kept for its memory.
    queue_walk: QueueWalk,
    request_timers: Timers,
    deployment_timers: Timers,
    check_timers: Timers,
    /// Counts the timers armed: ties fire in this order.
    sequence: u64,
    arrivals: u64,
    ignored: u64,
    /// A limit of a group or tenant has room again, and those who wait do not know.
    freed: bool,
    roster: IdRegistry,
    /// Every configuration that was given and not forgotten, by number, the first among them.
    configs: Vec<Option<(RouterConfig, AssignedIds)>>,
    outputs: VecDeque<RouterOutput>,
    /// The other replicas, where there are any.
    shared: Option<Box<shared::SharedState>>,
    /// The reasons of decisions, for requests that somebody asks about.
    decisions: Option<Box<decision_log::DecisionLog>>,
    /// An input is being worked on. If it still is when the next one comes, the one before panicked.
    busy: bool,
}

/// A model group at work.
#[derive(Clone, Debug)]
struct Group {
    config: GroupConfig,
    candidates: CandidateIndex,
    balancer: Box<dyn Balancer>,
    /// What each deployment's share follows, by place.
    shares: Vec<u64>,
    queue: RequestQueue,
    limiter: AdmissionLimiter,
    /// How long its answers take to begin: those of streams, and whole ones.
    response_times: [ResponseTimeQuantiles; 2],
}

impl Router {
    /// A router with this configuration. `seed` is that of the run; `epoch_nanos` is the wall time at
    /// the start of the run, in nanoseconds since 1970: minute windows are aligned to it.
    ///
    /// # Errors
    /// When the configuration is not one that a router can run with.
    pub fn new(config: RouterConfig, seed: Seed, epoch_nanos: u64) -> Result<Self, ConfigError> {
        let mut router = Self {
            seed,
            epoch_nanos,
            now: Timestamp::ZERO,
            groups: Vec::new(),
            deployments: Vec::new(),
            tenants: Vec::new(),
            spend_accounts: Vec::new(),
            affinity: Affinity::default(),
            fallback_rule: config.fallback_rule,
            health_checks: None,
            retry_budget: RetryBudgetWindow::new(config.retry_budget),
            requests: RequestTable::default(),
            queue_walk: QueueWalk::default(),
            request_timers: Timers::default(),
            deployment_timers: Timers::default(),
            check_timers: Timers::default(),
            sequence: 0,
            arrivals: 0,
            ignored: 0,
            freed: false,
            roster: IdRegistry::default(),
            configs: Vec::new(),
            outputs: VecDeque::new(),
            shared: None,
            decisions: None,
            busy: false,
        };
        router.prepare(config)?;
        router.reload(0);
        Ok(router)
    }

    /// Takes one input at time `now`.
    ///
    /// # Panics
    /// When outputs of the input before were not drained. When an earlier input panicked, by a bug of the
    /// router or of a [custom strategy](crate::Strategy::custom): half of a step may have been taken then,
    /// and no later decision is to be trusted.
    pub fn handle(&mut self, now: Timestamp, input: RouterInput) {
        assert!(
            !self.busy,
            "the router takes no more inputs: an earlier one panicked, in the router or in a custom \
             strategy; make a new router"
        );
        assert!(self.outputs.is_empty(), "poll() must be drained before the next handle()");
        self.busy = true;
        self.now = self.now.max(now);
        let until = self.now;
        self.renew_spend_that_is_over();
        self.fire(|due| due < until);
        match input {
            RouterInput::Arrived(arrival) => self.arrived(&arrival),
            RouterInput::FirstToken { attempt } => self.first_token(attempt),
            RouterInput::Finished { attempt, usage } => self.finished(attempt, usage),
            RouterInput::Failed { attempt, failure } => self.failed(attempt, failure),
            RouterInput::Interrupted { attempt, failure, output_tokens } => {
                self.interrupted(attempt, failure, output_tokens);
            }
            RouterInput::Unread { attempt } => match self.requests.running(attempt) {
                Some(running) => running.unread = true,
                None => self.ignored += 1,
            },
            RouterInput::ClientGone { request } if self.requests.lives(request) => {
                self.abandon(request.slot, CancelReason::ClientGone, Outcome::ClientGone);
            }
            RouterInput::ClientGone { .. } => self.ignored += 1,
            // No policy learns from them yet; they are in the contract so that a journal has them.
            RouterInput::LimitHeaders { attempt, headers } => self.learn_limits(attempt, &headers),
            RouterInput::Checked { deployment, passed } => self.checked(deployment, passed),
            RouterInput::SpendRestored { budget, spent, until } => {
                self.restore_spend(budget, spent, until);
            }
            RouterInput::Reconfigure { config } => self.reconfigure(config),
            RouterInput::Shared(input) => self.shared_input(input),
            RouterInput::Tick => self.fire(|due| due <= until),
        }
        self.serve_the_freed();
        self.serve_shared();
        self.serve_the_freed();
        self.busy = false;
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<RouterOutput> {
        self.outputs.pop_front()
    }

    /// When a tick is due at the latest, if nothing else happens.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timestamp> {
        let timers = [&self.request_timers, &self.deployment_timers, &self.check_timers];
        timers
            .into_iter()
            .filter_map(Timers::first)
            .map(|(due, _)| due)
            .chain(self.shared_timer())
            .min()
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
            let check = self.check_timers.first();
            let all = [request, deployment, check];
            let Some(first) = all.into_iter().flatten().min() else { break };
            if !is_due(first.0) {
                break;
            }
            // What was armed for a time that has passed fires now; time does not go back.
            self.now = first.0.min(until);
            if request == Some(first) {
                if let Some((slot, _)) = self.request_timers.pop() {
                    self.request_due(slot);
                }
            } else if deployment == Some(first) {
                if let Some((place, _)) = self.deployment_timers.pop() {
                    self.cooldown_over(DeploymentId(place as u16));
                }
            } else if let Some((place, _)) = self.check_timers.pop() {
                self.check_due(DeploymentId(place as u16));
            }
            self.serve_the_freed();
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
            RequestState::Backoff { leaves: false } => self.advance(slot),
            RequestState::Backoff { leaves: true } => self.move_on(slot, None),
            RequestState::Queued { .. } => self.queue_due(slot),
            RequestState::Running(_) => self.running_due(slot),
            RequestState::Deciding => {}
        }
    }

    /// A cooldown has ended, or should have: the provider may have asked for more meanwhile.
    fn cooldown_over(&mut self, id: DeploymentId) {
        let now = self.now;
        let deployment = &mut self.deployments[id.index()];
        deployment.record.time_passed(now);
        if let Some(until) = deployment.record.next_change(now) {
            self.arm_deployment(id, until);
            return;
        }
        let (group, cooled) = (deployment.group, core::mem::take(&mut deployment.cooling));
        self.withhold_probe(id);
        self.renew(id);
        if cooled {
            self.note(RouterEvent::CooldownEnded { deployment: id });
            if !self.deployments[id.index()].record.probes() {
                self.begin_ramp(id);
            }
            self.serve_queue(group);
        }
    }

    fn arm_request(&mut self, slot: u32, due: Timestamp) {
        self.sequence += 1;
        self.request_timers.arm(slot, due, self.sequence);
    }

    fn arm_deployment(&mut self, id: DeploymentId, due: Timestamp) {
        self.sequence += 1;
        self.deployment_timers.arm(id.0.into(), due, self.sequence);
    }

    fn note(&mut self, note: RouterEvent) {
        self.outputs.push_back(RouterOutput::Note(note));
    }

    /// Updates a deployment's row in its group's index.
    #[inline]
    fn renew(&mut self, id: DeploymentId) {
        let deployment = &mut self.deployments[id.index()];
        if let Some(place) = deployment.place {
            self.groups[deployment.group.index()].candidates.renew(self.now, place, deployment);
        }
    }

    /// The minute of the wall clock.
    #[inline]
    fn minute(&self) -> u64 {
        self.epoch_nanos.wrapping_add(self.now.as_nanos()) / 60_000_000_000
    }

    fn serve_the_freed(&mut self) {
        while core::mem::take(&mut self.freed) {
            self.serve_queues();
        }
    }

    fn arrived(&mut self, arrival: &RequestArrival) {
        self.arrivals += 1;
        if arrival.group.index() >= self.groups.len() {
            self.refuse(arrival);
            return;
        }
        self.retry_budget.deposit(self.now);
        self.ask_for_permits(arrival.group);
        let slot = self.admit(arrival);
        self.advance(slot);
    }

    fn first_token(&mut self, attempt: AttemptId) {
        if !self.wins(attempt) {
            self.ignored += 1;
            return;
        }
        if self.requests.running(attempt).is_some_and(|running| !running.begun) {
            self.answer_begins(attempt);
        }
    }

    fn failed(&mut self, attempt: AttemptId, failure: Failure) {
        if self.requests.running(attempt).is_some() {
            self.attempt_failed(attempt, failure);
        } else if self.requests.beside(attempt).is_some() {
            self.hedge_failed(attempt, failure);
        } else {
            self.ignored += 1;
        }
    }
}
