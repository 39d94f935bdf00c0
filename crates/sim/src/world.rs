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

use crate::SimOptions;
use crate::event::{EventQueue, What};
use crate::flight::Flights;
use squall_determinism::Timestamp;
use squall_provider::{Provider, name_hash};
use squall_record::{Cast, Collector, Ended, Keep, Lacked, Mode, Recording, RunHeader, Shape};
use squall_router::{ConfigError, ConfigId, Input, Output, Router};
use squall_scenario::{DeploymentLink, EPOCH_NANOS, Scenario};
use squall_workload::Workload;
use std::collections::VecDeque;

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    keep: Keep,
    now: Timestamp,
    workload: Workload,
    router: Router,
    providers: Vec<Provider>,
    /// What each deployment's provider goes by.
    names: Vec<Names>,
    /// When a provider next changes by itself.
    provider_due: Timestamp,
    events: EventQueue,
    workers: gateway::Workers,
    /// The scenario's next change.
    next_change: usize,
    flights: Flights,
    /// The flights by ordinal, from the oldest that is under way.
    ordinals: VecDeque<u32>,
    first_ordinal: u64,
    /// The request in each slot of the router, for notes.
    slots: Vec<u64>,
    /// What the router wants done.
    pending: VecDeque<Output>,
    collector: Collector,
    journal: Option<router::Journal>,
}

/// What a provider goes by: the model and the key of a deployment.
#[derive(Clone, Copy, Debug)]
struct Names {
    model: u64,
    key: u64,
}

/// What happens first at one moment comes first here.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Source {
    Provider,
    Attempt,
    Change,
    Router,
    Client,
}

impl Names {
    fn of(link: &DeploymentLink) -> Self {
        let key = link.key.as_deref().map_or(0, name_hash);
        Self { model: name_hash(&link.model), key }
    }
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario, options: SimOptions) -> Result<Self, ConfigError> {
        let providers: Vec<_> = (0_u64..)
            .zip(&scenario.providers)
            .map(|(entity, provider)| {
                Provider::new(provider.config.clone(), scenario.seed, entity, EPOCH_NANOS)
            })
            .collect();
        let mut router = Router::new(scenario.router.clone(), scenario.seed, EPOCH_NANOS)?;
        for change in &scenario.changes {
            router.prepare(change.router.clone())?;
        }
        let cast = cast(scenario);
        let shape = Shape {
            groups: cast.groups.len(),
            deployments: scenario.deployments.len(),
            kinds: scenario.kinds.len(),
        };
        let mut world = Self {
            scenario,
            keep: options.keep,
            now: Timestamp::ZERO,
            workload: Workload::new(scenario.workload.clone(), scenario.seed),
            router,
            providers,
            names: scenario.deployments.iter().map(Names::of).collect(),
            provider_due: Timestamp::MAX,
            events: EventQueue::default(),
            workers: gateway::Workers::default(),
            next_change: 0,
            flights: Flights::default(),
            ordinals: VecDeque::new(),
            first_ordinal: 0,
            slots: Vec::new(),
            pending: VecDeque::new(),
            collector: Collector::new(shape, options.keep),
            journal: options.journal.then(router::Journal::default),
        };
        world.find_provider_due();
        Ok(world)
    }

    /// From the first request until the last one has ended.
    pub(crate) fn run(&mut self) {
        while !(self.workload.is_done() && self.flights.is_empty()) {
            let Some((at, source)) = self.next() else { break };
            self.now = at;
            match source {
                Source::Provider => self.providers_due(),
                Source::Attempt => self.event_due(),
                Source::Change => self.change_due(),
                Source::Router => self.tell_router(Input::Tick),
                Source::Client => self.clients_due(),
            }
            self.carry_out();
        }
    }

    fn event_due(&mut self) {
        match self.events.pop() {
            Some(What::Attempt(part)) => self.attempt_due(part),
            Some(What::Work(part)) => self.work_done(part),
            Some(What::CheckLost(deployment)) => self.checked(deployment, false),
            None => {}
        }
    }

    /// The next configuration begins to hold: the first change is the router's second configuration.
    fn change_due(&mut self) {
        self.next_change += 1;
        self.tell_router(Input::Reconfigure { config: ConfigId(self.next_change as u16) });
    }

    #[inline]
    fn next(&self) -> Option<(Timestamp, Source)> {
        let router = self.router.next_timer().unwrap_or(Timestamp::MAX);
        let client = self.workload.next_timer().unwrap_or(Timestamp::MAX);
        let change = self.scenario.changes.get(self.next_change);
        let change = change.map_or(Timestamp::MAX, |change| change.at);
        let next = [
            (self.provider_due, Source::Provider),
            (self.events.next_at(), Source::Attempt),
            (change, Source::Change),
            (router, Source::Router),
            (client, Source::Client),
        ]
        .into_iter()
        .min()?;
        (next.0 < Timestamp::MAX).then_some(next)
    }

    pub(crate) fn into_recording(self) -> Recording {
        let header = header(self.scenario);
        let mut recording = self.collector.finish(header);
        recording.journal = self.journal.map(router::Journal::into_bytes);
        recording
    }
}

/// Everyone who takes part, under the numbers that the router gives them.
fn cast(scenario: &Scenario) -> Cast {
    Cast::new(&scenario.router, scenario.changes.iter().map(|change| &change.router))
}

fn header(scenario: &Scenario) -> RunHeader {
    let cast = cast(scenario);
    RunHeader {
        scenario: scenario.name.clone(),
        scenario_text: scenario.text.clone(),
        seed: scenario.seed.value(),
        mode: Mode::Simulated,
        duration: scenario.duration,
        ended: Ended::Complete,
        deployments: cast.infos(scenario.deployments.iter().map(|link| link.provider)),
        changes: cast.changes(scenario.changes.iter().map(|change| (change.at, &*change.what))),
        groups: cast.groups,
        providers: scenario.providers.iter().map(|provider| provider.name.clone()).collect(),
        kinds: scenario.kinds.iter().map(|kind| kind.name.clone()).collect(),
        lag: None,
        lacked: Lacked::default(),
        digest: String::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
