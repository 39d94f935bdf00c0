//! From logs to a recording.

use crate::servers::ServerLogs;
use squall_record::{
    AttemptRow, Collector, DeploymentInfo, Ended, Keep, Mode, Recording, RunHeader, Shape, join,
};
use squall_scenario::Scenario;
use squall_traffic::DriverLog;

/// Joins what clients, providers and the gateway saw, by the token that rode in each request.
pub(crate) fn recording(
    scenario: &Scenario,
    driver: DriverLog,
    servers: ServerLogs,
    ended: Ended,
) -> Recording {
    let shape =
        Shape { groups: scenario.router.groups.len(), deployments: scenario.deployments.len() };
    let mut collector = Collector::new(shape, Keep::Rows);
    let mut requests = driver.requests;
    requests.sort_by_key(|row| (row.ended, row.request));
    requests.iter().for_each(|row| collector.request(row));
    for note in servers.gateway.notes {
        collector.note(note);
    }
    let mut attempts = servers.gateway.refused;
    for log in servers.providers {
        attempts.extend(log.attempts.into_iter().filter(|row| is_known(row, &shape)));
        log.notes.into_iter().for_each(|note| collector.note(note));
    }
    join(&mut attempts);
    attempts.sort_by_key(|row| (row.ended, row.request, row.ordinal));
    attempts.iter().for_each(|row| collector.attempt(row));
    let header = RunHeader { lag: Some(driver.lag), ended, ..header(scenario) };
    Recording { journal: Some(servers.gateway.journal), ..collector.finish(header) }
}

/// Whether an attempt was at a deployment of the scenario: others can only be somebody else's.
fn is_known(row: &AttemptRow, shape: &Shape) -> bool {
    usize::from(row.deployment) < shape.deployments
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
        mode: Mode::Live,
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
