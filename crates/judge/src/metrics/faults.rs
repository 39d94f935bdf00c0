//! The stretches in which a deployment was made to fail.

use super::{Measurement, MetricQuery};
use squall_determinism::{Share, Timestamp};
use squall_provider::{FaultConfig, FaultKind, name_hash};
use squall_scenario::{DeploymentLink, Scenario};

/// A stretch of faults of one deployment, those that touch or overlap taken as one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FaultWindow {
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
}

/// The stretches in which a deployment fails so that traffic should leave it: errors, refused connections,
/// silence and cut streams that hit at least half of what arrives. A slowdown or a throttle alone is
/// none: the deployment still answers, or asks for patience. A fault of one model or key is one of the
/// deployments that are called by it.
#[must_use]
pub fn fault_windows(scenario: &Scenario, deployment: usize) -> Vec<FaultWindow> {
    windows(scenario, deployment, fails)
}

/// The stretches of all faults that hit a deployment, whatever their kind.
pub(super) fn all_windows(scenario: &Scenario, deployment: usize) -> Vec<FaultWindow> {
    windows(scenario, deployment, |_| true)
}

/// The faults that hit a deployment, with their places among those of its provider.
pub(super) fn faults_of(
    scenario: &Scenario,
    deployment: usize,
) -> impl Iterator<Item = (u16, &FaultConfig)> {
    let link = scenario.deployments.get(deployment);
    let provider = link.and_then(|link| scenario.providers.get(usize::from(link.provider)));
    let faults = provider.map_or(&[][..], |provider| &provider.config.faults[..]);
    (0..).zip(faults).filter(move |(_, fault)| link.is_some_and(|link| hits(fault, link)))
}

/// Whether a fault hits a deployment: it may be of another model or key of its provider.
fn hits(fault: &FaultConfig, link: &DeploymentLink) -> bool {
    let is = |target: Option<u64>, name: Option<&str>| {
        target.is_none_or(|target| name.is_some_and(|name| name_hash(name) == target))
    };
    is(fault.target.model, Some(&link.model)) && is(fault.target.key, link.key.as_deref())
}

/// Why no fault is charged to a deployment: its provider has one that hits only others, or none.
pub(super) fn no_fault(ask: &MetricQuery<'_>, deployment: usize, place: &str) -> Measurement {
    let mut reason = format!("no fault {place} makes it fail");
    let link = &ask.scenario.deployments[deployment];
    let provider = &ask.scenario.providers[usize::from(link.provider)];
    if provider.config.faults.iter().any(|fault| !hits(fault, link)) {
        let key = link.key.as_deref();
        let key = key.map_or_else(String::new, |key| format!(" and key `{key}`"));
        let (name, model) = (&provider.name, &link.model);
        reason +=
            &format!("; a fault of `{name}` hits another model or key, not model `{model}`{key}");
    }
    Measurement::inconclusive(reason)
}

fn windows(
    scenario: &Scenario,
    deployment: usize,
    counts: impl Fn(&FaultConfig) -> bool,
) -> Vec<FaultWindow> {
    // When the last of the first attempts is hit is up to the traffic: such a fault is no stretch of time.
    let faults = faults_of(scenario, deployment).map(|(_, fault)| fault);
    let by_time = faults.filter(|fault| fault.target.first.is_none() && counts(fault));
    merged(by_time.map(|fault| FaultWindow { start: fault.at, end: fault.until() }).collect())
}

/// Those that touch or overlap as one, in order.
pub(super) fn merged(mut faults: Vec<FaultWindow>) -> Vec<FaultWindow> {
    faults.sort_by_key(|window| (window.start, window.end));
    let mut merged: Vec<FaultWindow> = Vec::with_capacity(faults.len());
    for fault in faults {
        match merged.last_mut() {
            Some(last) if fault.start <= last.end => last.end = last.end.max(fault.end),
            _ => merged.push(fault),
        }
    }
    merged
}

/// Whether a fault shows in the attempts that it hits: they fail, are slow or are malformed. Rate limits and errors of the
/// request do not: whoever sees them should not leave.
pub(super) fn shows_in_attempts(fault: &FaultConfig) -> bool {
    let is_slow_or_wrong = matches!(
        fault.kind,
        FaultKind::Slowdown { .. } | FaultKind::Delay { .. } | FaultKind::MalformedEvent { .. }
    );
    fault.target.first.is_none() && (fault.fails() || is_slow_or_wrong)
}

pub(super) fn fails(fault: &FaultConfig) -> bool {
    fault.share.ppm() >= Share::percent(50).ppm() && fault.fails()
}

#[cfg(test)]
mod tests;
