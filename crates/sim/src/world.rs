//! Everything in a run, and the loop that takes it from one moment to the next.
//!
//! At one moment things happen in this order: providers change, attempts progress, another configuration
//! begins to hold, the router's timers fire, clients act. Within each, in the order in which they were set.

mod checks;
mod clients;
mod gateway;
mod providers;
mod router;
mod rows;
mod shared_store;

use crate::SimOptions;
use crate::event::{EventKind, EventQueue};
use crate::in_flight::Flights;
use squall_determinism::{Shard, Timestamp};
use squall_provider::{Provider, name_hash};
use squall_record::{Collector, Mode, Recording, RequestOutcome, RunEnd, SeriesLayout, ShardSet};
use squall_router::{ConfigError, ConfigId, Router, RouterInput, RouterOutput};
use squall_scenario::{DeploymentLink, Scenario};
use squall_workload::Workload;
use std::collections::VecDeque;

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    /// Which part of the traffic there is, of a run that is divided.
    shard: Option<Shard>,
    now: Timestamp,
    workload: Workload,
    /// The replicas of the gateway.
    routers: Vec<Router>,
    /// When each has something to do by itself, and the first of them all.
    router_due: Vec<Timestamp>,
    first_router: (Timestamp, u16),
    store: Option<shared_store::SharedStore>,
    providers: Vec<Provider>,
    /// What each deployment's provider goes by.
    names: Vec<ProviderNames>,
    /// When a provider next changes by itself.
    provider_due: Timestamp,
    events: EventQueue,
    /// Those of each replica.
    workers: Vec<gateway::Workers>,
    /// The scenario's next change.
    next_change: usize,
    flights: Flights,
    /// The flights by ordinal among those of the shard, from the oldest that is in flight.
    ordinals: VecDeque<u32>,
    first_ordinal: u64,
    /// The request in each slot of each router, for notes.
    slots: Vec<Vec<u64>>,
    /// What the routers want done.
    pending: VecDeque<(u16, RouterOutput)>,
    collector: Collector,
    journal: Option<router::Journal>,
    /// When whoever watches ended the run.
    interrupted: Option<Timestamp>,
}

/// What a provider goes by: the model and the key of a deployment.
#[derive(Clone, Copy, Debug)]
struct ProviderNames {
    model: u64,
    key: u64,
}

/// What happens first at one moment comes first here.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum EventSource {
    Provider,
    Attempt,
    Change,
    Router,
    Client,
}

/// The router of a replica: each draws for itself.
fn router_of(scenario: &Scenario, replica: u16) -> Result<Router, ConfigError> {
    let seed = scenario.seed_of_replica(replica);
    let mut router = Router::new(scenario.router.clone(), seed, scenario.epoch_nanos())?;
    for change in &scenario.changes {
        router.prepare(change.router.clone())?;
    }
    Ok(router)
}

impl ProviderNames {
    fn of(link: &DeploymentLink) -> Self {
        let key = link.key.as_deref().map_or(0, name_hash);
        Self { model: name_hash(&link.model), key }
    }
}

/// How many events lie between two looks of whoever watches.
const WATCH_EVERY: u32 = 1 << 14;

impl<'a> World<'a> {
    pub(crate) fn new(
        scenario: &'a Scenario,
        options: SimOptions,
        shard: Option<Shard>,
    ) -> Result<Self, ConfigError> {
        let providers: Vec<_> = (0_u64..)
            .zip(&scenario.providers)
            .map(|(entity, provider)| {
                Provider::new(
                    provider.config.clone(),
                    scenario.seed,
                    entity,
                    scenario.epoch_nanos(),
                )
            })
            .collect();
        let replicas = scenario.replicas();
        let routers = (0..replicas).map(|replica| router_of(scenario, replica));
        let routers = routers.collect::<Result<Vec<_>, _>>()?;
        let topology = scenario.topology();
        let shape = SeriesLayout {
            groups: topology.groups.len(),
            deployments: scenario.deployments.len(),
            kinds: scenario.kinds.len(),
        };
        let mut world = Self {
            scenario,
            shard,
            now: Timestamp::ZERO,
            workload: Workload::of_shard(
                scenario.workload.clone(),
                scenario.seed,
                shard.unwrap_or_default(),
            ),
            router_due: vec![Timestamp::ZERO; routers.len()],
            first_router: (Timestamp::ZERO, 0),
            store: shared_store::SharedStore::of(scenario),
            workers: routers.iter().map(|_| gateway::Workers::default()).collect(),
            slots: vec![Vec::new(); routers.len()],
            // A journal is that of one router.
            journal: (options.journal && replicas == 1).then(router::Journal::default),
            routers,
            providers,
            names: scenario.deployments.iter().map(ProviderNames::of).collect(),
            provider_due: Timestamp::MAX,
            events: EventQueue::default(),
            next_change: 0,
            flights: Flights::default(),
            ordinals: VecDeque::new(),
            first_ordinal: 0,
            pending: VecDeque::new(),
            collector: Collector::new(shape, options.keep).with_marks(&scenario.cell_marks()),
            interrupted: None,
        };
        world.find_provider_due();
        (0..world.routers.len()).for_each(|replica| world.find_router_due(replica as u16));
        Ok(world)
    }

    /// From the first request until the last one has ended, or until whoever watches says no.
    pub(crate) fn run(&mut self, watch: &mut dyn FnMut(Timestamp) -> bool) {
        let mut events = 0_u32;
        while !(self.workload.is_done() && self.flights.is_empty()) {
            let Some((at, source)) = self.next() else { break };
            events = events.wrapping_add(1);
            if events.is_multiple_of(WATCH_EVERY) && !watch(self.now) {
                self.interrupt();
                break;
            }
            self.now = at;
            match source {
                EventSource::Provider => self.providers_due(),
                EventSource::Attempt => self.event_due(),
                EventSource::Change => self.change_due(),
                EventSource::Router => self.tell_router(self.first_router.1, RouterInput::Tick),
                EventSource::Client => self.clients_due(),
            }
            self.carry_out();
        }
    }

    /// Ends the run: what is under way is unfinished.
    fn interrupt(&mut self) {
        self.interrupted = Some(self.now);
        for flight in self.flights.under_way() {
            self.record_request(flight, RequestOutcome::Unfinished, 0);
        }
    }

    fn event_due(&mut self) {
        match self.events.pop() {
            Some(EventKind::Attempt(part)) => self.attempt_due(part),
            Some(EventKind::Work(replica, part)) => self.work_done(replica, part),
            Some(EventKind::CheckLost(replica, deployment)) => {
                self.checked(replica, deployment, false);
            }
            Some(EventKind::StoreMessage(message)) => self.store_message(message),
            None => {}
        }
    }

    /// The next configuration begins to hold: the first change is the router's second configuration.
    fn change_due(&mut self) {
        self.next_change += 1;
        let config = ConfigId(self.next_change as u16);
        for replica in 0..self.routers.len() {
            self.tell_router(replica as u16, RouterInput::Reconfigure { config });
        }
    }

    #[inline]
    fn next(&self) -> Option<(Timestamp, EventSource)> {
        let router = self.first_router.0;
        let client = self.workload.next_timer().unwrap_or(Timestamp::MAX);
        let change = self.scenario.changes.get(self.next_change);
        let change = change.map_or(Timestamp::MAX, |change| change.at);
        let next = [
            (self.provider_due, EventSource::Provider),
            (self.events.next_at(), EventSource::Attempt),
            (change, EventSource::Change),
            (router, EventSource::Router),
            (client, EventSource::Client),
        ]
        .into_iter()
        .min()?;
        (next.0 < Timestamp::MAX).then_some(next)
    }

    pub(crate) fn into_recording(self) -> Recording {
        let mut header = self.scenario.run_header(Mode::Simulated);
        header.shards = self.shard.map(|shard| ShardSet::one(shard, None));
        if let Some(at) = self.workload.aborted() {
            header.ended = RunEnd::Aborted { at };
        }
        if let Some(fault) = self.workload.fault() {
            header.broken_trace(fault.at, &fault.trace.name, &fault.why);
        }
        if let Some(at) = self.interrupted {
            header.ended = RunEnd::Interrupted { at };
        }
        let mut recording = self.collector.finish(header);
        recording.journal = self.journal.map(router::Journal::into_bytes);
        recording
    }
}
