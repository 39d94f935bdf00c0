//! What a gateway that is not ours hides: a connection that a provider refused is in no log, neither the provider's nor
//! the clients'. A value that rests on attempts is then a lower bound, or unknown.

use crate::metrics::{MissingAttempts, without_attempts};
use squall_determinism::Timestamp;
use squall_provider::FaultKind;
use squall_record::Recording;
use squall_scenario::{Argument, Comparison, Expectation, MetricId, Scenario};
use std::ops::Range;

/// How much a value can be trusted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct HiddenAttempts {
    effect: MissingAttempts,
    /// The providers that refused connections.
    providers: Vec<String>,
}

/// Why a metric that rests on attempts is unknown of the whole run; `None` where it is not.
pub(crate) fn unknown_attempts(recording: &Recording, metric: MetricId) -> Option<&'static str> {
    let rests_on_attempts = without_attempts(metric) != MissingAttempts::NoEffect;
    (!recording.header.knows_attempts() && rests_on_attempts)
        .then_some("the target's providers are its own, so its attempts are unknown")
}

/// What is hidden of a metric in a window; `None` where nothing is.
pub(super) fn hidden_attempts(
    scenario: &Scenario,
    recording: &Recording,
    expectation: &Expectation,
    window: &Range<Timestamp>,
) -> Option<HiddenAttempts> {
    let (argument, metric) = (expectation.argument, expectation.metric);
    let providers = refusing_providers(scenario, recording, argument, metric, window);
    let effect = without_attempts(metric);
    (!providers.is_empty()).then_some(HiddenAttempts { effect, providers })
}

/// The providers that refused connections of which nobody tells, and on whose attempts a metric rests.
pub(crate) fn refusing_providers(
    scenario: &Scenario,
    recording: &Recording,
    argument: Option<Argument>,
    metric: MetricId,
    window: &Range<Timestamp>,
) -> Vec<String> {
    let effect = without_attempts(metric);
    if recording.header.target.is_none() || effect == MissingAttempts::NoEffect {
        return Vec::new();
    }
    let refused = |place: &usize| {
        let faults = &scenario.providers[*place].config.faults;
        faults.iter().any(|fault| {
            matches!(fault.kind, FaultKind::Refuse)
                && fault.at < window.end
                && fault.until() > window.start
        })
    };
    let asked = providers_of(scenario, recording, argument, effect);
    let refusing = asked.into_iter().filter(refused);
    refusing.map(|place| scenario.providers[place].name.clone()).collect()
}

/// The providers whose attempts a metric rests on. A share rests on those of the whole group.
fn providers_of(
    scenario: &Scenario,
    recording: &Recording,
    argument: Option<Argument>,
    effect: MissingAttempts,
) -> Vec<usize> {
    let infos = &recording.header.deployments;
    let of: Vec<_> = match argument {
        Some(Argument::Deployment(one)) if effect == MissingAttempts::LowerBound => {
            infos.get(one.index()).into_iter().collect()
        }
        Some(Argument::Deployment(one)) => {
            let group = infos.get(one.index()).map(|info| info.group);
            infos.iter().filter(|info| Some(info.group) == group).collect()
        }
        Some(Argument::Group(_) | Argument::Kind(_) | Argument::Kinds { .. }) | None => {
            infos.iter().collect()
        }
    };
    let mut places: Vec<_> = of.into_iter().map(|info| usize::from(info.provider)).collect();
    places.sort_unstable();
    places.dedup();
    places.retain(|place| *place < scenario.providers.len());
    places
}

impl HiddenAttempts {
    /// Whether what was measured decides in spite of it: a lower bound that is over its limit is missed, and one that
    /// has reached what it must reach is met.
    pub(super) const fn decides(&self, comparison: Comparison, holds: bool) -> bool {
        match (self.effect, comparison) {
            (MissingAttempts::NoEffect, _) => true,
            (MissingAttempts::LowerBound, Comparison::AtMost | Comparison::Below) => !holds,
            (MissingAttempts::LowerBound, Comparison::AtLeast | Comparison::Above) => holds,
            (MissingAttempts::LowerBound, Comparison::Equal) | (MissingAttempts::Unknown, _) => {
                false
            }
        }
    }

    /// For the reason of a row.
    pub(super) fn told(&self) -> String {
        let providers = self.providers.join(" and ");
        let so = match self.effect {
            MissingAttempts::NoEffect => "which does not matter here",
            MissingAttempts::LowerBound => "so the value is a lower bound",
            MissingAttempts::Unknown => "so the true value is unknown",
        };
        format!("connections that {providers} refused are in no log of this target, {so}")
    }
}
