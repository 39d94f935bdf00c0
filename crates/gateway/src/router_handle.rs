//! The core under its lock, the mailboxes, and what is written down.

mod mailbox;
mod run_log;

pub(crate) use mailbox::Mailbox;

use crate::decisions::{DecisionSampling, DecisionSetup, DecisionTrails, RequestFacts};
use crate::local_reply::{GroupState, NAMED_MAX, UnavailableReason};
use crate::metrics::{GatewayMetrics, MetricsSnapshot};
use crate::request_log;
use crate::setup::{GatewayLog, Retention, SavedSpend, StartError};
use crate::upstream_registry::UpstreamRegistry;
use mailbox::{MailboxSender, mailbox};
use run_log::RunLog;
use slab::Slab;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_record::RowSender;
use squall_router::shared_state::SyncRequest;
use squall_router::{
    AssignedIds, AttemptId, CancelReason, ConfigId, DeploymentId, DeploymentSnapshot, GroupId,
    LimitScope, Outcome, RequestArrival, RequestKey, RequestTag, Router, RouterConfig, RouterEvent,
    RouterInput, RouterOutput, SharedOutput, Skipped, SpendBudgetId, StartAttempt,
};
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, watch};

/// What the core wants of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RouterCommand {
    Accepted(RequestKey),
    Start(StartAttempt),
    Cancel(AttemptId, CancelReason),
    Commit,
    /// It has decided something about the request.
    Note(RouterEvent),
    Done(Outcome),
}

/// A check that the core wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HealthCheckRequest {
    pub(crate) deployment: DeploymentId,
    pub(crate) timeout: Duration,
}

#[derive(Debug)]
pub(crate) struct RouterHandle {
    clock: Clock,
    inner: Mutex<RouterHandleState>,
    /// Told when a timer is due earlier than the one being slept for.
    earlier: Notify,
    failed: watch::Sender<bool>,
}

#[derive(Debug)]
struct RouterHandleState {
    router: Router,
    mailboxes: Slab<MailboxSender>,
    /// The driver's names for requests, by the slot of the core.
    tags: Vec<RequestTag>,
    run_log: Option<RunLog>,
    decisions: DecisionTrails,
    metrics: GatewayMetrics,
    /// Where checks that the core wants are carried out.
    checks: UnboundedSender<HealthCheckRequest>,
    /// Whoever tells the store of shared state, if there is one.
    sync_wanted: Option<UnboundedSender<()>>,
    outputs: Vec<RouterOutput>,
    /// When the timer task will wake up.
    wakes_at: Timestamp,
}

impl RouterHandle {
    pub(crate) fn new(
        router: Router,
        clock: Clock,
        retention: Retention,
        checks: UnboundedSender<HealthCheckRequest>,
        sync_wanted: Option<UnboundedSender<()>>,
    ) -> Self {
        Self {
            clock,
            inner: Mutex::new(RouterHandleState {
                router,
                mailboxes: Slab::new(),
                tags: Vec::new(),
                run_log: (retention == Retention::Everything).then(RunLog::default),
                decisions: DecisionTrails::new(DecisionSetup::default(), 0),
                metrics: GatewayMetrics::default(),
                checks,
                sync_wanted,
                outputs: Vec::new(),
                wakes_at: Timestamp::MAX,
            }),
            earlier: Notify::new(),
            failed: watch::Sender::new(false),
        }
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// Keeps decisions from now on. To be called before the first names are set.
    pub(crate) fn keep_decisions(&self, setup: DecisionSetup, epoch_nanos: u64) {
        if let Some(mut inner) = self.lock() {
            inner.decisions = DecisionTrails::new(setup, epoch_nanos);
        }
    }

    /// From now on so many requests are kept, and these logged.
    pub(crate) fn set_decisions(&self, recent: usize, sampling: DecisionSampling) {
        if let Some(mut inner) = self.lock() {
            inner.decisions.set(recent, sampling);
        }
    }

    /// A look at the decisions that are kept; nothing once the core has failed.
    pub(crate) fn decisions<T>(&self, look: impl FnOnce(&DecisionTrails) -> T) -> Option<T> {
        Some(look(&self.lock()?.decisions))
    }

    /// Says what groups and deployments are called from now on.
    pub(crate) fn set_names(
        &self,
        registry: &UpstreamRegistry,
        config: &RouterConfig,
        numbers: &AssignedIds,
    ) {
        if let Some(mut inner) = self.lock() {
            let now = self.clock.now();
            inner.metrics.set_names(now, registry, config, numbers);
            let provider = |id| registry.endpoint(id).provider().to_owned();
            inner.decisions.set_names(provider, config, numbers, &registry.directory());
        }
    }

    /// Tells the core what was spent before. Budgets that it does not have are passed over.
    pub(crate) fn restore_spend(&self, saved: &[SavedSpend], epoch_nanos: u64) {
        for SavedSpend { budget, spent, until_nanos } in saved {
            let place = self.lock().and_then(|state| {
                state.router.spend_budget_names().position(|name| name == budget)
            });
            let Some(place) = place.and_then(|place| u16::try_from(place).ok()) else { continue };
            let until = Timestamp::from_nanos(until_nanos.saturating_sub(epoch_nanos));
            self.tell(RouterInput::SpendRestored {
                budget: SpendBudgetId(place),
                spent: *spent,
                until,
            });
        }
    }

    /// What has been spent from each budget that has a name.
    pub(crate) fn spend(&self, epoch_nanos: u64) -> Vec<SavedSpend> {
        let Some(mut state) = self.lock() else { return Vec::new() };
        let spent: Vec<_> = state.router.spend_budget_snapshots().collect();
        let saved =
            spent.iter().zip(state.router.spend_budget_names()).filter_map(|(budget, name)| {
                let until = budget.until.filter(|_| !name.is_empty())?;
                Some(SavedSpend {
                    budget: name.to_owned(),
                    spent: budget.spent,
                    until_nanos: until.as_nanos().saturating_add(epoch_nanos),
                })
            });
        saved.collect()
    }

    /// Gives the core a configuration that may hold later.
    ///
    /// # Errors
    /// When it is not one that a router can run with, or the core has failed.
    pub(crate) fn prepare(
        &self,
        config: RouterConfig,
    ) -> Result<(ConfigId, AssignedIds), StartError> {
        let mut inner = self.lock().ok_or(StartError::CoreFailed)?;
        Ok(inner.router.prepare(config)?)
    }

    /// The core need not know a configuration by its number any more.
    pub(crate) fn forget(&self, config: ConfigId) {
        if let Some(mut inner) = self.lock() {
            inner.router.forget(config);
        }
    }

    /// The deployments of the configuration that holds.
    pub(crate) fn members(&self) -> BTreeSet<DeploymentId> {
        let mut inner = self.lock();
        let now = inner.iter_mut().flat_map(|inner| inner.router.deployment_snapshots());
        now.map(|deployment| deployment.id).collect()
    }

    /// Everything that is counted, to be written where the core is free; nothing once it has failed.
    pub(crate) fn metrics(&self) -> Option<MetricsSnapshot> {
        let inner = &mut *self.lock()?;
        let now = self.clock.now();
        Some(inner.metrics.snapshot(now, &mut inner.router))
    }

    /// A request comes in: it gets a mailbox, which holds its first commands when this returns. `ordinal`
    /// is its place in the run, if it carries a token; `facts` are asked for where its decisions may be wanted.
    pub(crate) fn arrive(
        &self,
        ordinal: Option<u64>,
        facts: impl FnOnce() -> RequestFacts,
        arrival: impl FnOnce(RequestTag) -> RequestArrival,
    ) -> Mailbox {
        let (sender, mailbox) = mailbox();
        // Without a core nobody writes to it: it is closed when this returns.
        let Some(mut inner) = self.lock() else { return mailbox };
        let tag = RequestTag(inner.mailboxes.insert(sender) as u64);
        if let Some(run_log) = &mut inner.run_log {
            run_log.arrived(tag, ordinal);
        }
        if inner.decisions.arriving(facts) {
            inner.router.explain_next_arrival();
        }
        self.handle(&mut inner, RouterInput::Arrived(arrival(tag)));
        mailbox
    }

    /// Tells the core what happened.
    pub(crate) fn tell(&self, input: RouterInput) {
        if let Some(mut inner) = self.lock() {
            self.handle(&mut inner, input);
        }
    }

    /// Tells the core several things that happened at one time.
    pub(crate) fn tell_together(&self, inputs: impl Iterator<Item = RouterInput>) {
        let Some(mut inner) = self.lock() else { return };
        let now = self.clock.now();
        inputs.for_each(|input| self.handle_at(&mut inner, now, input));
    }

    /// What the store that replicas share is to be told, as of the latest time that the core wanted it told; nothing where nothing is shared, or once the core has failed.
    pub(crate) fn sync_request(&self) -> Option<SyncRequest> {
        self.lock()?.router.sync_request().cloned()
    }

    /// What the store is told last, when this gateway stops; nothing where nothing is shared, or once the core has failed.
    pub(crate) fn leave_shared(&self) -> Option<SyncRequest> {
        self.lock()?.router.leave_shared()
    }

    /// Nothing more is to be told to the store.
    pub(crate) fn stop_sharing(&self) {
        if let Some(mut inner) = self.lock() {
            inner.sync_wanted = None;
        }
    }

    /// Writes down an attempt whose connection was refused.
    pub(crate) fn refused(&self, start: &StartAttempt, request: &RefusedRequest) {
        let ended = self.clock.now();
        if let Some(run_log) = self.lock().as_mut().and_then(|inner| inner.run_log.as_mut()) {
            run_log.refused(start, request, ended);
        }
    }

    /// Sends what is written down on, as it comes.
    pub(crate) fn stream(&self, rows: RowSender) {
        if let Some(run_log) = self.lock().as_mut().and_then(|inner| inner.run_log.as_mut()) {
            run_log.stream(rows);
        }
    }

    /// A look at the core, with what is counted; nothing once it has failed.
    pub(crate) fn look<T>(
        &self,
        look: impl FnOnce(&mut Router, &GatewayMetrics, Timestamp) -> T,
    ) -> Option<T> {
        let inner = &mut *self.lock()?;
        Some(look(&mut inner.router, &inner.metrics, self.clock.now()))
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lock().map_or(0, |inner| inner.router.in_flight())
    }

    /// The deployments that cool down.
    pub(crate) fn cooling(&self) -> Vec<DeploymentId> {
        let inner = self.lock();
        inner.iter().flat_map(|inner| inner.router.cooling()).map(|(id, _)| id).collect()
    }

    /// What groups are called, one after the other: `chat > chat-backup`.
    pub(crate) fn group_names(&self, groups: &[GroupId]) -> String {
        let mut names = String::new();
        let Some(inner) = self.lock() else { return names };
        for (nth, &group) in groups.iter().enumerate() {
            names.push_str(if nth > 0 { " > " } else { "" });
            names.push_str(inner.metrics.group(group));
        }
        names
    }

    /// How groups stand, for the words of a refusal.
    pub(crate) fn states(&self, groups: &[GroupId]) -> Vec<GroupState> {
        let now = self.clock.now();
        let Some(mut inner) = self.lock() else { return Vec::new() };
        groups.iter().map(|&group| inner.state(group, now)).collect()
    }

    /// The first of all groups, if no deployment of any group is usable now.
    pub(crate) fn none_usable(&self, named: usize) -> Option<Vec<GroupState>> {
        let mut inner = self.lock()?;
        if inner.router.deployment_snapshots().any(|deployment| deployment.is_usable()) {
            return None;
        }
        let now = self.clock.now();
        let groups: Vec<_> =
            inner.router.group_snapshots().map(|group| group.id).take(named).collect();
        Some(groups.into_iter().map(|group| inner.state(group, now)).collect())
    }

    pub(crate) fn log(&self) -> GatewayLog {
        // What was written down until a failure is whole.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.run_log.take().map(RunLog::into_log).unwrap_or_default()
    }

    /// Whether the core has failed: a panic in it is a defect, and what it left is not to be trusted.
    /// Nothing of it is used from then on.
    pub(crate) fn has_failed(&self) -> bool {
        *self.failed.borrow()
    }

    /// Ends when the core fails.
    pub(crate) async fn failed(&self) {
        if self.failed.subscribe().wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ticks the core whenever a timer of it is due; ends only if the core fails.
    pub(crate) async fn run_timers(self: Arc<Self>) {
        loop {
            let due = {
                let Some(mut inner) = self.lock() else { return };
                inner.wakes_at = inner.router.next_timer().unwrap_or(Timestamp::MAX);
                inner.wakes_at
            };
            tokio::select! {
                () = self.clock.sleep_until(due) => self.tell(RouterInput::Tick),
                () = self.earlier.notified() => {}
            }
        }
    }

    /// The clock is read inside the lock, so that inputs are in the order of their times.
    fn handle(&self, inner: &mut RouterHandleState, input: RouterInput) {
        self.handle_at(inner, self.clock.now(), input);
    }

    fn handle_at(&self, inner: &mut RouterHandleState, now: Timestamp, input: RouterInput) {
        let mut outputs = std::mem::take(&mut inner.outputs);
        inner.router.handle(now, input);
        outputs.extend(std::iter::from_fn(|| inner.router.poll()));
        if let Some(run_log) = &mut inner.run_log {
            run_log.journal(now, &input, &outputs);
        }
        if inner.decisions.is_wanted() {
            inner.decisions.take_in(now, &input, &outputs, inner.router.take_decisions());
        }
        inner.metrics.see(now, &input, &outputs);
        for output in outputs.drain(..) {
            inner.deliver(now, output);
        }
        inner.outputs = outputs;
        if inner.router.next_timer().is_some_and(|due| due < inner.wakes_at) {
            self.earlier.notify_one();
        }
    }

    /// The core; nothing, once it has failed.
    fn lock(&self) -> Option<LockedRouter<'_>> {
        let inner = self.inner.lock().ok()?;
        Some(LockedRouter { inner, failed: &self.failed })
    }
}

/// The core while it is held. A panic that comes by is told.
struct LockedRouter<'d> {
    inner: MutexGuard<'d, RouterHandleState>,
    failed: &'d watch::Sender<bool>,
}

impl Deref for LockedRouter<'_> {
    type Target = RouterHandleState;

    fn deref(&self) -> &RouterHandleState {
        &self.inner
    }
}

impl DerefMut for LockedRouter<'_> {
    fn deref_mut(&mut self) -> &mut RouterHandleState {
        &mut self.inner
    }
}

impl Drop for LockedRouter<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the core has failed: requests get a 500 from now on");
            self.failed.send_replace(true);
        }
    }
}

/// What is known of a request whose attempt was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefusedRequest {
    pub(crate) ordinal: Option<u64>,
    pub(crate) started: Timestamp,
    pub(crate) stream: bool,
    pub(crate) input_tokens: u32,
}

impl RouterHandleState {
    fn state(&mut self, group: GroupId, now: Timestamp) -> GroupState {
        // Both are in the group's order.
        let skipped: Vec<_> = self.router.skipped(group).collect();
        let mut skipped = skipped.into_iter().peekable();
        let mut state = GroupState {
            name: self.metrics.group(group).to_owned(),
            queued: self.router.queued(group),
            unusable: Vec::new(),
            unusable_count: 0,
            count: 0,
            litellm: self.router.litellm_version(group),
        };
        for deployment in self.router.deployment_snapshots_of(group) {
            state.count += 1;
            let skipped = skipped.next_if(|skipped| skipped.deployment == deployment.id);
            let Some(why) = unusable(&deployment, skipped.as_ref(), now) else { continue };
            state.unusable_count += 1;
            if state.unusable.len() < NAMED_MAX {
                let name = self.metrics.deployment(deployment.id).to_owned();
                state.unusable.push((name, why));
            }
        }
        state
    }

    fn deliver(&mut self, now: Timestamp, output: RouterOutput) {
        match output {
            RouterOutput::Accepted { tag, request } => {
                if let Some(run_log) = &mut self.run_log {
                    run_log.accepted(tag, request);
                }
                let slot = request.slot as usize;
                if self.tags.len() <= slot {
                    self.tags.resize(slot + 1, tag);
                }
                self.tags[slot] = tag;
                self.send(tag, RouterCommand::Accepted(request));
            }
            RouterOutput::StartAttempt(start) => self.send(start.tag, RouterCommand::Start(start)),
            RouterOutput::CancelAttempt { tag, attempt, reason } => {
                self.send(tag, RouterCommand::Cancel(attempt, reason))
            }
            RouterOutput::Commit { tag, .. } => self.send(tag, RouterCommand::Commit),
            RouterOutput::Done { tag, outcome, .. } => {
                self.send(tag, RouterCommand::Done(outcome));
                self.mailboxes.try_remove(tag.0 as usize);
            }
            RouterOutput::Check { deployment, timeout } => {
                // Nobody carries it out while the gateway stops.
                let _ = self.checks.send(HealthCheckRequest { deployment, timeout });
            }
            RouterOutput::Shared(SharedOutput::Sync { .. }) => {
                if let Some(sync_wanted) = &self.sync_wanted {
                    // Nobody tells the store while the gateway stops.
                    let _ = sync_wanted.send(());
                }
            }
            RouterOutput::Note(note) => {
                if let Some(run_log) = &mut self.run_log {
                    run_log.note(now, note);
                }
                self.log(now, &note);
                let slot = note.request().map(|request| request.slot as usize);
                if let Some(&tag) = slot.and_then(|slot| self.tags.get(slot)) {
                    self.send(tag, RouterCommand::Note(note));
                }
            }
        }
    }

    fn log(&self, now: Timestamp, note: &RouterEvent) {
        if let Some(id) = note.of_deployment() {
            let (group, name) = self.metrics.names_of(id);
            request_log::deployment(now, group, name, note);
        }
        if let RouterEvent::PickRejected { group, problem, .. } = *note {
            request_log::pick_rejected(self.metrics.group(group), problem);
        }
        if let RouterEvent::Shared(event) = *note {
            request_log::shared_state(event);
        }
    }

    fn send(&self, tag: RequestTag, command: RouterCommand) {
        if let Some(mailbox) = self.mailboxes.get(tag.0 as usize) {
            // Nobody reads it any more if the exchange has ended; the core hears of that by itself.
            mailbox.send(command);
        }
    }
}

/// Why a deployment takes no request now; `None` if it takes some.
fn unusable(
    deployment: &DeploymentSnapshot,
    skipped: Option<&Skipped>,
    now: Timestamp,
) -> Option<UnavailableReason> {
    if !deployment.healthy {
        return Some(UnavailableReason::Unhealthy);
    }
    if let Some(Skipped { reason, until, .. }) = skipped {
        let wait = until.map(|until| until.since(now));
        return Some(UnavailableReason::Skipped { reason: *reason, wait });
    }
    if let Some(until) = deployment.spent_until {
        return Some(UnavailableReason::SpendBudgetExhausted { wait: until.since(now) });
    }
    let limits = [
        (LimitScope::Concurrency, deployment.limits.concurrency),
        (LimitScope::Requests, deployment.limits.rpm),
        (LimitScope::Tokens, deployment.limits.tpm),
    ];
    let mut reached = limits
        .into_iter()
        .filter(|(_, limit)| limit.is_some_and(|(used, allowed)| used >= allowed));
    reached.next().map(|(limit, _)| UnavailableReason::AtLimit { limit })
}

#[cfg(test)]
mod tests;
