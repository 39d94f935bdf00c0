//! The core under its lock, the mailboxes, and what is written down.

mod ledger;

use crate::directory::Switchboard;
use crate::log;
use crate::metrics::{Metrics, Snapshot};
use crate::refusal::{GroupState, NAMED_MAX, Unusable};
use crate::setup::{GatewayLog, Keep, StartError};
use ledger::Ledger;
use slab::Slab;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_record::RowSender;
use squall_router::{
    Arrival, AttemptId, ConfigId, DeploymentId, DeploymentNow, GroupId, Input, LimitKind, Note,
    Numbers, Outcome, Output, RequestKey, Router, RouterConfig, Skipped, StartAttempt, Tag,
};
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};

/// What the core wants of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Accepted(RequestKey),
    Start(StartAttempt),
    Cancel(AttemptId),
    Commit,
    /// It has decided something about the request.
    Note(Note),
    Done(Outcome),
}

/// A check that the core wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) deployment: DeploymentId,
    pub(crate) timeout: Duration,
}

/// Where a request's orders arrive. The core sends a handful per attempt, and attempts are bounded.
pub(crate) type Mailbox = UnboundedReceiver<Order>;

#[derive(Debug)]
pub(crate) struct Desk {
    clock: Clock,
    inner: Mutex<Inner>,
    /// Told when a timer is due earlier than the one being slept for.
    earlier: Notify,
    failed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Inner {
    router: Router,
    mailboxes: Slab<UnboundedSender<Order>>,
    /// The shell's names for requests, by the slot of the core.
    tags: Vec<Tag>,
    ledger: Option<Ledger>,
    metrics: Metrics,
    /// Where checks that the core wants are carried out.
    checks: UnboundedSender<Check>,
    outputs: Vec<Output>,
    /// When the timer task will wake up.
    wakes_at: Timestamp,
}

impl Desk {
    pub(crate) fn new(
        router: Router,
        clock: Clock,
        keep: Keep,
        checks: UnboundedSender<Check>,
    ) -> Self {
        Self {
            clock,
            inner: Mutex::new(Inner {
                router,
                mailboxes: Slab::new(),
                tags: Vec::new(),
                ledger: (keep == Keep::Everything).then(Ledger::default),
                metrics: Metrics::default(),
                checks,
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

    /// Says what groups and deployments are called from now on.
    pub(crate) fn set_names(
        &self,
        switchboard: &Switchboard,
        config: &RouterConfig,
        numbers: &Numbers,
    ) {
        if let Some(mut inner) = self.lock() {
            let now = self.clock.now();
            inner.metrics.set_names(now, switchboard, config, numbers);
        }
    }

    /// Gives the core a configuration that may hold later.
    ///
    /// # Errors
    /// When it is not one that a router can run with, or the core has failed.
    pub(crate) fn prepare(&self, config: RouterConfig) -> Result<(ConfigId, Numbers), StartError> {
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
        let now = inner.iter_mut().flat_map(|inner| inner.router.deployments_now());
        now.map(|deployment| deployment.id).collect()
    }

    /// Everything that is counted, to be written where the core is free; nothing once it has failed.
    pub(crate) fn metrics(&self) -> Option<Snapshot> {
        let inner = &mut *self.lock()?;
        let now = self.clock.now();
        Some(inner.metrics.snapshot(now, &mut inner.router))
    }

    /// A request comes in: it gets a mailbox, which holds its first orders when this returns. `ordinal`
    /// is its place in the run, if it carries a token.
    pub(crate) fn arrive(
        &self,
        ordinal: Option<u64>,
        arrival: impl FnOnce(Tag) -> Arrival,
    ) -> Mailbox {
        let (sender, mailbox) = unbounded_channel();
        // Without a core nobody writes to it: it is closed when this returns.
        let Some(mut inner) = self.lock() else { return mailbox };
        let tag = Tag(inner.mailboxes.insert(sender) as u64);
        if let Some(ledger) = &mut inner.ledger {
            ledger.arrived(tag, ordinal);
        }
        self.handle(&mut inner, Input::Arrived(arrival(tag)));
        mailbox
    }

    /// Tells the core what happened.
    pub(crate) fn tell(&self, input: Input) {
        if let Some(mut inner) = self.lock() {
            self.handle(&mut inner, input);
        }
    }

    /// Writes down an attempt whose connection was refused.
    pub(crate) fn refused(&self, start: &StartAttempt, request: &RefusedRequest) {
        let ended = self.clock.now();
        if let Some(ledger) = self.lock().as_mut().and_then(|inner| inner.ledger.as_mut()) {
            ledger.refused(start, request, ended);
        }
    }

    /// Sends what is written down on, as it comes.
    pub(crate) fn stream(&self, rows: RowSender) {
        if let Some(ledger) = self.lock().as_mut().and_then(|inner| inner.ledger.as_mut()) {
            ledger.stream(rows);
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lock().map_or(0, |inner| inner.router.in_flight())
    }

    /// The deployments that cool down.
    pub(crate) fn cooling(&self) -> Vec<DeploymentId> {
        let inner = self.lock();
        inner.iter().flat_map(|inner| inner.router.cooling()).map(|(id, _)| id).collect()
    }

    /// What groups are called.
    pub(crate) fn group_names(&self, groups: &[GroupId]) -> Vec<String> {
        let Some(inner) = self.lock() else { return Vec::new() };
        groups.iter().map(|&group| inner.metrics.group(group).to_owned()).collect()
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
        if inner.router.deployments_now().any(|deployment| deployment.is_usable()) {
            return None;
        }
        let now = self.clock.now();
        let groups: Vec<_> = inner.router.groups_now().map(|group| group.id).take(named).collect();
        Some(groups.into_iter().map(|group| inner.state(group, now)).collect())
    }

    pub(crate) fn log(&self) -> GatewayLog {
        // What was written down until a failure is whole.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.ledger.take().map(Ledger::into_log).unwrap_or_default()
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
                () = self.clock.sleep_until(due) => self.tell(Input::Tick),
                () = self.earlier.notified() => {}
            }
        }
    }

    /// The clock is read inside the lock, so that inputs are in the order of their times.
    fn handle(&self, inner: &mut Inner, input: Input) {
        let now = self.clock.now();
        let mut outputs = std::mem::take(&mut inner.outputs);
        inner.router.handle(now, input);
        outputs.extend(std::iter::from_fn(|| inner.router.poll()));
        if let Some(ledger) = &mut inner.ledger {
            ledger.journal(now, &input, &outputs);
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
    fn lock(&self) -> Option<Locked<'_>> {
        let inner = self.inner.lock().ok()?;
        Some(Locked { inner, failed: &self.failed })
    }
}

/// The core while it is held. A panic that comes by is told.
struct Locked<'d> {
    inner: MutexGuard<'d, Inner>,
    failed: &'d watch::Sender<bool>,
}

impl Deref for Locked<'_> {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

impl Drop for Locked<'_> {
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

impl Inner {
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
        };
        for deployment in self.router.deployments_of(group) {
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

    fn deliver(&mut self, now: Timestamp, output: Output) {
        match output {
            Output::Accepted { tag, request } => {
                if let Some(ledger) = &mut self.ledger {
                    ledger.accepted(tag, request);
                }
                let slot = request.slot as usize;
                if self.tags.len() <= slot {
                    self.tags.resize(slot + 1, tag);
                }
                self.tags[slot] = tag;
                self.send(tag, Order::Accepted(request));
            }
            Output::StartAttempt(start) => self.send(start.tag, Order::Start(start)),
            Output::CancelAttempt { tag, attempt, .. } => self.send(tag, Order::Cancel(attempt)),
            Output::Commit { tag, .. } => self.send(tag, Order::Commit),
            Output::Done { tag, outcome, .. } => {
                self.send(tag, Order::Done(outcome));
                self.mailboxes.try_remove(tag.0 as usize);
            }
            Output::Check { deployment, timeout } => {
                // Nobody carries it out while the gateway stops.
                let _ = self.checks.send(Check { deployment, timeout });
            }
            Output::Note(note) => {
                if let Some(ledger) = &mut self.ledger {
                    ledger.note(now, note);
                }
                self.log(now, &note);
                let slot = note.request().map(|request| request.slot as usize);
                if let Some(&tag) = slot.and_then(|slot| self.tags.get(slot)) {
                    self.send(tag, Order::Note(note));
                }
            }
        }
    }

    fn log(&self, now: Timestamp, note: &Note) {
        if let Some(id) = note.of_deployment() {
            let (group, name) = self.metrics.names_of(id);
            log::deployment(now, group, name, note);
        }
        if let Note::PickRejected { group, problem, .. } = *note {
            log::pick_rejected(self.metrics.group(group), problem);
        }
    }

    fn send(&self, tag: Tag, order: Order) {
        if let Some(mailbox) = self.mailboxes.get(tag.0 as usize) {
            // Nobody reads it any more if the exchange has ended; the core hears of that by itself.
            let _ = mailbox.send(order);
        }
    }
}

/// Why a deployment takes no request now; `None` if it takes some.
fn unusable(
    deployment: &DeploymentNow,
    skipped: Option<&Skipped>,
    now: Timestamp,
) -> Option<Unusable> {
    if !deployment.healthy {
        return Some(Unusable::Unhealthy);
    }
    if let Some(Skipped { reason, until, .. }) = skipped {
        let wait = until.map(|until| until.since(now));
        return Some(Unusable::Skipped { reason: *reason, wait });
    }
    if let Some(until) = deployment.spent_until {
        return Some(Unusable::MoneySpent { wait: until.since(now) });
    }
    let limits = [
        (LimitKind::Concurrency, deployment.limits.concurrency),
        (LimitKind::Requests, deployment.limits.rpm),
        (LimitKind::Tokens, deployment.limits.tpm),
    ];
    let mut reached = limits
        .into_iter()
        .filter(|(_, limit)| limit.is_some_and(|(used, allowed)| used >= allowed));
    reached.next().map(|(limit, _)| Unusable::AtLimit { limit })
}

#[cfg(test)]
mod tests;
