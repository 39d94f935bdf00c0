//! What has to be so in every run, whatever was drawn: read from rows and notes and from the file, by code that
//! shares nothing with the router.

mod conservation;
mod limits;
mod rest;

use squall_record::{AttemptRow, Recording};
use squall_router::{DeploymentConfig, GroupConfig};
use squall_scenario::Scenario;
use std::collections::BTreeMap;
use std::time::Duration;

/// A run and the file that it is of.
pub(crate) struct Run<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) recording: &'a Recording,
    /// The attempts of each request, by start.
    pub(crate) by_request: BTreeMap<u64, Vec<&'a AttemptRow>>,
    /// The attempts at each deployment, by start.
    pub(crate) by_deployment: Vec<Vec<&'a AttemptRow>>,
}

impl<'a> Run<'a> {
    /// How long the clients wait that send requests of a kind.
    pub(crate) fn patience(&self, kind: u16) -> Duration {
        let sources = self.scenario.sources.iter().zip(&self.scenario.workload.sources);
        let mut of_kind = sources.filter(|(source, _)| source.kinds.contains(&kind));
        of_kind.next().expect("every kind is of a source").1.client.timeout
    }

    pub(crate) fn new(scenario: &'a Scenario, recording: &'a Recording) -> Self {
        let mut by_request: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        let mut by_deployment = vec![Vec::new(); recording.header.deployments.len()];
        for row in &recording.attempts {
            if let Some(request) = row.request {
                by_request.entry(request).or_default().push(row);
            }
            by_deployment[usize::from(row.deployment)].push(row);
        }
        by_request.values_mut().for_each(|rows| rows.sort_by_key(|row| row.ordinal));
        Self { scenario, recording, by_request, by_deployment }
    }

    /// A deployment and its group, as they are at the beginning.
    pub(crate) fn deployment(&self, place: usize) -> (&'a DeploymentConfig, &'a GroupConfig) {
        let (_, group, config) =
            self.scenario.deployments().nth(place).expect("every row names a deployment");
        (config, &self.scenario.router.groups[group.index()])
    }

    /// The same for all deployments.
    pub(crate) fn deployments(
        &self,
    ) -> impl Iterator<Item = (usize, &'a DeploymentConfig, &'a GroupConfig)> + '_ {
        (0..self.by_deployment.len()).map(|place| {
            let (config, group) = self.deployment(place);
            (place, config, group)
        })
    }
}

/// Everything that is not as it has to be.
pub(crate) fn violations(scenario: &Scenario, recording: &Recording) -> Vec<String> {
    let run = Run::new(scenario, recording);
    let mut all = conservation::violations(&run);
    all.extend(limits::violations(&run));
    all.extend(rest::violations(&run));
    let verdict = squall_judge::judge(scenario, recording);
    let missed = verdict.rows.iter().filter(|row| row.judgement == squall_judge::Judgement::Missed);
    all.extend(missed.map(|row| format!("healed: {}: {}", row.text, row.reason)));
    all
}
