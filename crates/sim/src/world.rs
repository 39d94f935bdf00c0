//! Everything in a run, and the loop that takes it from one moment to the next.
//!
//! At one moment things happen in this order: providers change, attempts progress, the router's timers
//! fire, clients act. Within each, in the order in which they were set.

mod clients;
mod providers;
mod router;
mod rows;

use crate::SimOptions;
use crate::event::EventQueue;
use crate::flight::Flights;
use squall_determinism::Timestamp;
use squall_provider::Provider;
use squall_record::{Collector, DeploymentInfo, Ended, Keep, Mode, Recording, RunHeader, Shape};
use squall_router::{ConfigError, Output, Router};
use squall_scenario::{EPOCH_NANOS, Scenario};
use squall_workload::Workload;
use std::collections::VecDeque;

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    keep: Keep,
    now: Timestamp,
    workload: Workload,
    router: Router,
    providers: Vec<Provider>,
    /// When a provider next changes by itself.
    provider_due: Timestamp,
    events: EventQueue,
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

/// What happens first at one moment comes first here.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Source {
    Provider,
    Attempt,
    Router,
    Client,
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario, options: SimOptions) -> Result<Self, ConfigError> {
        let providers: Vec<_> = (0_u64..)
            .zip(&scenario.providers)
            .map(|(entity, provider)| {
                Provider::new(provider.config.clone(), scenario.seed, entity, EPOCH_NANOS)
            })
            .collect();
        let shape =
            Shape { groups: scenario.router.groups.len(), deployments: scenario.deployments.len() };
        let mut world = Self {
            scenario,
            keep: options.keep,
            now: Timestamp::ZERO,
            workload: Workload::new(scenario.workload.clone(), scenario.seed),
            router: Router::new(scenario.router.clone(), scenario.seed, EPOCH_NANOS)?,
            providers,
            provider_due: Timestamp::MAX,
            events: EventQueue::default(),
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
                Source::Attempt => self.attempt_due(),
                Source::Router => self.tell_router(squall_router::Input::Tick),
                Source::Client => self.clients_due(),
            }
            self.carry_out();
        }
    }

    #[inline]
    fn next(&self) -> Option<(Timestamp, Source)> {
        let router = self.router.next_timer().unwrap_or(Timestamp::MAX);
        let client = self.workload.next_timer().unwrap_or(Timestamp::MAX);
        let next = [
            (self.provider_due, Source::Provider),
            (self.events.next_at(), Source::Attempt),
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

fn header(scenario: &Scenario) -> RunHeader {
    let deployments = scenario.deployments().map(|(id, group, deployment)| DeploymentInfo {
        name: deployment.name.clone(),
        group: group.0,
        provider: scenario.deployments[id.index()].provider,
        weight: deployment.weight,
    });
    RunHeader {
        scenario: scenario.name.clone(),
        scenario_text: scenario.text.clone(),
        seed: scenario.seed.value(),
        mode: Mode::Simulated,
        duration: scenario.duration,
        ended: Ended::Complete,
        groups: scenario.router.groups.iter().map(|group| group.name.clone()).collect(),
        deployments: deployments.collect(),
        providers: scenario.providers.iter().map(|provider| provider.name.clone()).collect(),
        lag: None,
        digest: String::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
