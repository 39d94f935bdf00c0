//! One recording of three logs.

use crate::cast::cast;
use squall_gateway::GatewayLog;
use squall_mock_provider::ProviderLog;
use squall_record::{Collector, Ended, Keep, Lag, Mode, Recording, RunHeader, Shape, join};
use squall_scenario::Scenario;
use squall_traffic::DriverLog;
use std::collections::BTreeMap;

/// Joins the logs of clients, gateway and providers by the token that rode in each request.
pub(crate) fn recording(
    scenario: &Scenario,
    keep: Keep,
    ended: Ended,
    driver: DriverLog,
    gateway: GatewayLog,
    providers: Vec<ProviderLog>,
) -> Recording {
    let shape = Shape {
        groups: cast(scenario).groups.len(),
        deployments: scenario.deployments.len(),
        kinds: scenario.kinds.len(),
    };
    let mut collector = Collector::new(shape, keep);
    let mut attempts = gateway.refused;
    let mut notes = gateway.notes;
    for provider in providers {
        attempts.extend(provider.attempts);
        notes.extend(provider.notes);
    }
    // A model that no deployment has is a stranger's request: it is none of the run's.
    attempts.retain(|row| usize::from(row.deployment) < scenario.deployments.len());
    join(&mut attempts);
    attempts.sort_by_key(|row| (row.ended, row.request, row.ordinal));
    let mut requests = driver.requests;
    requests.sort_by_key(|row| (row.ended, row.request));
    let kinds: BTreeMap<_, _> = requests.iter().map(|row| (row.request, row.kind)).collect();
    let mut requests = requests.iter().peekable();
    for attempt in &attempts {
        while let Some(request) = requests.next_if(|request| request.ended < attempt.ended) {
            collector.request(request);
        }
        match attempt.request.and_then(|request| kinds.get(&request)) {
            Some(&kind) => collector.attempt_for(kind, attempt),
            None => collector.attempt(attempt),
        }
    }
    requests.for_each(|request| collector.request(request));
    notes.into_iter().for_each(|note| collector.note(note));
    let mut recording = collector.finish(header(scenario, ended, driver.lag));
    recording.journal = Some(gateway.journal);
    recording
}

fn header(scenario: &Scenario, ended: Ended, lag: Option<Lag>) -> RunHeader {
    let cast = cast(scenario);
    RunHeader {
        scenario: scenario.name.clone(),
        scenario_text: scenario.text.clone(),
        seed: scenario.seed.value(),
        mode: Mode::Live,
        duration: scenario.duration,
        ended,
        deployments: cast.infos(scenario.deployments.iter().map(|link| link.provider)),
        changes: cast.changes(scenario.changes.iter().map(|change| (change.at, &*change.what))),
        groups: cast.groups,
        kinds: scenario.kinds.iter().map(|kind| kind.name.clone()).collect(),
        providers: scenario.providers.iter().map(|provider| provider.name.clone()).collect(),
        lag,
        digest: String::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
