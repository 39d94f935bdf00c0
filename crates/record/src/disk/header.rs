//! `run.json`.

use crate::{ChangeInfo, DeploymentInfo, Ended, Lag, Mode, RunHeader};
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::time::Duration;

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct HeaderFile {
    version: String,
    scenario: String,
    mode: String,
    seed: u64,
    digest: String,
    duration_ns: u64,
    interrupted_at_ns: Option<u64>,
    groups: Vec<String>,
    deployments: Vec<DeploymentFile>,
    providers: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    changes: Vec<ChangeFile>,
    lag: Option<LagFile>,
    scenario_text: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct DeploymentFile {
    name: String,
    group: String,
    provider: String,
    weight: u32,
}

#[derive(Debug, Deserialize, Serialize)]
struct ChangeFile {
    at_ns: u64,
    what: String,
    /// By deployment.
    weights: Vec<u32>,
}

#[derive(Debug, Deserialize, Serialize)]
struct LagFile {
    p50_ns: u64,
    p99_ns: u64,
    max_ns: u64,
}

impl HeaderFile {
    pub(super) fn of(header: &RunHeader) -> Self {
        let deployments = header.deployments.iter().map(|deployment| DeploymentFile {
            name: deployment.name.clone(),
            group: header.groups[usize::from(deployment.group)].clone(),
            provider: header.providers[usize::from(deployment.provider)].clone(),
            weight: deployment.weight,
        });
        let changes = header.changes.iter().map(|change| ChangeFile {
            at_ns: change.at.as_nanos(),
            what: change.what.clone(),
            weights: change.weights.clone(),
        });
        Self {
            version: header.version.clone(),
            scenario: header.scenario.clone(),
            mode: header.mode.as_str().to_owned(),
            seed: header.seed,
            digest: header.digest.clone(),
            duration_ns: header.duration.as_nanos() as u64,
            interrupted_at_ns: match header.ended {
                Ended::Complete => None,
                Ended::Interrupted { at } => Some(at.as_nanos()),
            },
            groups: header.groups.clone(),
            deployments: deployments.collect(),
            providers: header.providers.clone(),
            kinds: header.kinds.clone(),
            changes: changes.collect(),
            lag: header.lag.map(|lag| LagFile {
                p50_ns: lag.p50.as_nanos() as u64,
                p99_ns: lag.p99.as_nanos() as u64,
                max_ns: lag.max.as_nanos() as u64,
            }),
            scenario_text: header.scenario_text.clone(),
        }
    }

    pub(super) fn into_header(self) -> Result<RunHeader, String> {
        let deployments = self.deployments.into_iter().map(|deployment| {
            Ok(DeploymentInfo {
                group: place(&self.groups, &deployment.group)?,
                provider: place(&self.providers, &deployment.provider)?,
                name: deployment.name,
                weight: deployment.weight,
            })
        });
        let changes = self.changes.into_iter().map(|change| ChangeInfo {
            at: Timestamp::from_nanos(change.at_ns),
            what: change.what,
            weights: change.weights,
        });
        Ok(RunHeader {
            deployments: deployments.collect::<Result<_, String>>()?,
            scenario: self.scenario,
            scenario_text: self.scenario_text,
            seed: self.seed,
            mode: Mode::from_word(&self.mode).ok_or_else(|| format!("no mode `{}`", self.mode))?,
            duration: Duration::from_nanos(self.duration_ns),
            ended: self
                .interrupted_at_ns
                .map_or(Ended::Complete, |at| Ended::Interrupted { at: Timestamp::from_nanos(at) }),
            groups: self.groups,
            providers: self.providers,
            kinds: self.kinds,
            changes: changes.collect(),
            lag: self.lag.map(|lag| Lag {
                p50: Duration::from_nanos(lag.p50_ns),
                p99: Duration::from_nanos(lag.p99_ns),
                max: Duration::from_nanos(lag.max_ns),
            }),
            digest: self.digest,
            version: self.version,
        })
    }
}

/// The place of a name in a list.
pub(super) fn place(names: &[String], name: &str) -> Result<u16, String> {
    let place = names.iter().position(|other| other == name);
    place
        .and_then(|place| u16::try_from(place).ok())
        .ok_or_else(|| format!("nothing is named `{name}`"))
}
