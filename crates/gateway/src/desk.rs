//! The core under its lock, the mailboxes, and what is written down.

mod ledger;

use crate::checks::Check;
use crate::directory::Switchboard;
use crate::metrics::Metrics;
use crate::setup::{GatewayLog, Keep};
use ledger::Ledger;
use slab::Slab;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_router::{
    Arrival, AttemptId, ConfigError, ConfigId, DeploymentId, Input, Numbers, Outcome, Output,
    RequestKey, Router, RouterConfig, StartAttempt, Tag,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the core wants of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Accepted(RequestKey),
    Start(StartAttempt),
    Cancel(AttemptId),
    Commit,
    Done(Outcome),
}

/// Where a request's orders arrive. The core sends a handful per attempt, and attempts are bounded.
pub(crate) type Mailbox = UnboundedReceiver<Order>;

#[derive(Debug)]
pub(crate) struct Desk {
    clock: Clock,
    inner: Mutex<Inner>,
    /// Told when a timer is due earlier than the one being slept for.
    earlier: Notify,
}

#[derive(Debug)]
struct Inner {
    router: Router,
    mailboxes: Slab<UnboundedSender<Order>>,
    ledger: Option<Ledger>,
    metrics: Metrics,
    /// Where checks that the core wants are carried out.
    checks: UnboundedSender<Check>,
    /// How many configurations the core was given, the first included.
    configs: u16,
    outputs: Vec<Output>,
    /// When the timer task will wake up.
    wakes_at: Timestamp,
}

impl Desk {
    /// A desk for a router that was given `configs` configurations in all.
    pub(crate) fn new(
        router: Router,
        configs: u16,
        clock: Clock,
        keep: Keep,
        checks: UnboundedSender<Check>,
    ) -> Self {
        Self {
            clock,
            inner: Mutex::new(Inner {
                router,
                mailboxes: Slab::new(),
                ledger: (keep == Keep::Everything).then(Ledger::default),
                metrics: Metrics::default(),
                checks,
                configs,
                outputs: Vec::new(),
                wakes_at: Timestamp::MAX,
            }),
            earlier: Notify::new(),
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
        self.lock().metrics.set_names(switchboard, config, numbers);
    }

    /// Gives the core a configuration that may hold later.
    ///
    /// # Errors
    /// When it is not one that a router can run with.
    pub(crate) fn prepare(&self, config: RouterConfig) -> Result<(ConfigId, Numbers), ConfigError> {
        let mut inner = self.lock();
        let numbers = inner.router.prepare(config)?;
        let id = ConfigId(inner.configs);
        inner.configs += 1;
        Ok((id, numbers))
    }

    /// The deployments of the configuration that holds.
    pub(crate) fn members(&self) -> BTreeSet<DeploymentId> {
        self.lock().router.deployments_now().map(|deployment| deployment.id).collect()
    }

    /// Everything that is counted, as Prometheus reads it.
    pub(crate) fn metrics(&self) -> String {
        let now = self.clock.now();
        let inner = &mut *self.lock();
        inner.metrics.text(now, &mut inner.router)
    }

    /// A request comes in: it gets a mailbox, which holds its first orders when this returns. `ordinal`
    /// is its place in the run, if it carries a token.
    pub(crate) fn arrive(
        &self,
        ordinal: Option<u64>,
        arrival: impl FnOnce(Tag) -> Arrival,
    ) -> Mailbox {
        let (sender, mailbox) = unbounded_channel();
        let mut inner = self.lock();
        let tag = Tag(inner.mailboxes.insert(sender) as u64);
        if let Some(ledger) = &mut inner.ledger {
            ledger.arrived(tag, ordinal);
        }
        self.handle(&mut inner, Input::Arrived(arrival(tag)));
        mailbox
    }

    /// Tells the core what happened.
    pub(crate) fn tell(&self, input: Input) {
        self.handle(&mut self.lock(), input);
    }

    /// Writes down an attempt whose connection was refused.
    pub(crate) fn refused(&self, start: &StartAttempt, request: &RefusedRequest) {
        let ended = self.clock.now();
        if let Some(ledger) = &mut self.lock().ledger {
            ledger.refused(start, request, ended);
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lock().router.in_flight()
    }

    /// The deployments that cool down.
    pub(crate) fn cooling(&self) -> Vec<DeploymentId> {
        self.lock().router.cooling().map(|(id, _)| id).collect()
    }

    pub(crate) fn log(&self) -> GatewayLog {
        self.lock().ledger.take().map(Ledger::into_log).unwrap_or_default()
    }

    /// Ticks the core whenever a timer of it is due; never ends.
    pub(crate) async fn run_timers(self: Arc<Self>) {
        loop {
            let due = {
                let mut inner = self.lock();
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

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in the core is a defect; what it left is still the best there is to go on with.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn deliver(&mut self, now: Timestamp, output: Output) {
        match output {
            Output::Accepted { tag, request } => {
                if let Some(ledger) = &mut self.ledger {
                    ledger.accepted(tag, request);
                }
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
            }
        }
    }

    fn send(&self, tag: Tag, order: Order) {
        if let Some(mailbox) = self.mailboxes.get(tag.0 as usize) {
            // Nobody reads it any more if the exchange has ended; the core hears of that by itself.
            let _ = mailbox.send(order);
        }
    }
}
