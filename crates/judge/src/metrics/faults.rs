//! The stretches in which a deployment's provider was made to fail.

use squall_determinism::{Share, Timestamp};
use squall_provider::FaultConfig;
use squall_scenario::Scenario;

/// A stretch of faults of one provider, those that touch or overlap taken as one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FaultWindow {
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
}

/// The stretches in which a provider fails so that traffic should leave it: errors, refused connections,
/// silence and cut streams that hit at least half of what arrives. A slowdown or a throttle alone is
/// none: the deployment still answers, or asks for patience.
#[must_use]
pub fn fault_windows(scenario: &Scenario, provider: u16) -> Vec<FaultWindow> {
    windows(scenario, provider, fails)
}

/// The stretches of all faults of a provider, whatever their kind.
pub(super) fn all_windows(scenario: &Scenario, provider: u16) -> Vec<FaultWindow> {
    windows(scenario, provider, |_| true)
}

fn windows(
    scenario: &Scenario,
    provider: u16,
    counts: impl Fn(&FaultConfig) -> bool,
) -> Vec<FaultWindow> {
    let Some(provider) = scenario.providers.get(usize::from(provider)) else { return Vec::new() };
    // When the last of the first attempts is hit is up to the traffic: such a fault is no stretch of time.
    let by_time = provider.config.faults.iter().filter(|fault| fault.target.first.is_none());
    let faults = by_time.filter(|fault| counts(fault));
    let mut faults: Vec<_> =
        faults.map(|fault| FaultWindow { start: fault.at, end: fault.until() }).collect();
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

fn fails(fault: &FaultConfig) -> bool {
    fault.share.ppm() >= Share::percent(50).ppm() && fault.fails()
}
