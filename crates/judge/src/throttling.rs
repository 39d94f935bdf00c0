//! Why attempts were throttled: which limit of which provider, or which fault, answered them.

use crate::text;
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::{FailureClass, ProviderLimitKind};
use squall_provider::ProviderLimits;
use squall_record::{AttemptOutcome, AttemptRow, Recording};
use squall_scenario::Scenario;
use std::collections::BTreeMap;

/// What made a provider throttle an attempt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ThrottlingCause {
    /// One of its limits.
    Limit(ProviderLimitKind),
    /// A fault of the scenario, by its place among those of the provider.
    Fault(u16),
    /// Nobody knows: the answer came from a provider whose log is not ours.
    Unknown,
}

impl ThrottlingCause {
    /// Its word in `summary.json`: the limit's key, `fault`, or `unknown`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Limit(limit) => limit.as_str(),
            Self::Fault(_) => "fault",
            Self::Unknown => "unknown",
        }
    }
}

/// The attempts at one deployment that were throttled for one cause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Throttling {
    /// The deployment, by its place in the header.
    pub deployment: u16,
    /// The cause.
    pub cause: ThrottlingCause,
    /// How many.
    pub attempts: u64,
    /// When the first of them was answered.
    pub first: Timestamp,
    /// When the last of them was.
    pub last: Timestamp,
    /// The longest Retry-After among them.
    pub longest_wait: Option<Duration>,
}

/// What was throttled, by deployment and cause. Refusals for want of capacity count, whatever their status. Empty
/// where the recording holds no attempts.
#[must_use]
pub fn throttling(scenario: &Scenario, recording: &Recording) -> Vec<Throttling> {
    let window = scenario.measured();
    let mut found = BTreeMap::new();
    for row in recording.attempts.iter().filter(|row| window.contains(&row.started)) {
        let Some(cause) = cause(row) else { continue };
        let sum = found.entry((row.deployment, cause)).or_insert(Throttling {
            deployment: row.deployment,
            cause,
            attempts: 0,
            first: row.ended,
            last: row.ended,
            longest_wait: None,
        });
        sum.attempts += 1;
        sum.first = sum.first.min(row.ended);
        sum.last = sum.last.max(row.ended);
        sum.longest_wait = sum.longest_wait.max(row.retry_after);
    }
    found.into_values().collect()
}

fn cause(row: &AttemptRow) -> Option<ThrottlingCause> {
    if let Some(limit) = row.limit {
        return Some(ThrottlingCause::Limit(limit));
    }
    let throttled = AttemptOutcome::Failed { class: FailureClass::Throttled };
    let by_fault = row.fault.map_or(ThrottlingCause::Unknown, ThrottlingCause::Fault);
    (row.outcome == throttled).then_some(by_fault)
}

/// The same in words, a line each: `eu: 31 attempts over rpm 3,000, from 24.1 s to 33 s, Retry-After up to 2 s`.
pub(crate) fn throttling_lines(scenario: &Scenario, recording: &Recording) -> Vec<String> {
    if !recording.has_rows() {
        let all = || Timestamp::ZERO..Timestamp::MAX;
        let class = usize::from(FailureClass::Throttled.code());
        let any = recording.cells.deployments.iter().any(|each| each.sum(all()).failed[class] > 0);
        let unknown = "by what is not known without the rows of attempts (`--rows all`)";
        return any.then(|| unknown.to_owned()).into_iter().collect();
    }
    let throttled = throttling(scenario, recording);
    throttled.iter().map(|each| line(scenario, recording, each)).collect()
}

fn line(scenario: &Scenario, recording: &Recording, throttled: &Throttling) -> String {
    let place = usize::from(throttled.deployment);
    let name = recording.header.deployments.get(place).map_or("", |info| info.name.as_str());
    let attempts = match throttled.attempts {
        1 => "1 attempt".to_owned(),
        attempts => format!("{} attempts", text::count(attempts)),
    };
    let when = match throttled.attempts {
        1 => format!("at {}", text::moment(throttled.first)),
        _ => format!("from {} to {}", text::moment(throttled.first), text::moment(throttled.last)),
    };
    let up_to = if throttled.attempts == 1 { "" } else { "up to " };
    let wait = throttled.longest_wait.map(text::duration);
    let wait = wait.map(|wait| format!(", Retry-After {up_to}{wait}")).unwrap_or_default();
    format!("{name}: {attempts} {}, {when}{wait}", cause_text(scenario, throttled))
}

fn cause_text(scenario: &Scenario, throttled: &Throttling) -> String {
    let link = scenario.deployments.get(usize::from(throttled.deployment));
    let provider = link.and_then(|link| scenario.providers.get(usize::from(link.provider)));
    match throttled.cause {
        ThrottlingCause::Limit(ProviderLimitKind::Capacity) => "over its capacity".to_owned(),
        ThrottlingCause::Limit(limit) => {
            let value = provider.and_then(|provider| value(&provider.config.limits, limit));
            let value = value.map(|value| format!(" {}", text::count(value)));
            format!("over {}{}", limit.as_str(), value.unwrap_or_default())
        }
        ThrottlingCause::Fault(place) => {
            let faults = provider.map_or(&[][..], |provider| &provider.config.faults);
            let kind = faults.get(usize::from(place)).map(|fault| fault.kind.to_string());
            format!("by the fault {}", kind.unwrap_or_default())
        }
        ThrottlingCause::Unknown => "for a reason that no log names".to_owned(),
    }
}

/// The number of a limit, where it is one.
fn value(limits: &ProviderLimits, limit: ProviderLimitKind) -> Option<u64> {
    match limit {
        ProviderLimitKind::Requests => limits.rpm.map(|rpm| rpm.per_minute),
        ProviderLimitKind::Tokens => limits.tpm.map(|tpm| tpm.per_minute),
        ProviderLimitKind::InputTokens => limits.input_tpm.map(|tpm| tpm.per_minute),
        ProviderLimitKind::OutputTokens => limits.output_tpm.map(|tpm| tpm.per_minute),
        ProviderLimitKind::Day => limits.rpd,
        ProviderLimitKind::Growth | ProviderLimitKind::Capacity => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_testkit::by_hand::{Fixture, answered, at, throttled};

    #[test]
    fn what_was_throttled_is_told_by_deployment_and_limit_or_fault() {
        let mut run = Fixture::new();
        let wait = Duration::from_secs(2);
        for second in [20, 21, 25] {
            let limit = Some(ProviderLimitKind::Tokens);
            run.attempt(AttemptRow { limit, ..throttled(1, at(second * 1_000), wait) });
        }
        run.attempt(AttemptRow { fault: Some(0), ..throttled(0, at(30_000), wait / 2) });
        let limit = Some(ProviderLimitKind::Capacity);
        run.attempt(AttemptRow { limit, status: 503, ..throttled(0, at(31_000), wait) });
        run.attempt(throttled(2, at(40_000), wait)).attempt(answered(2, at(41_000)));
        let lines = throttling_lines(&run.scenario, &run.recording());
        assert_eq!(
            lines,
            [
                "a: 1 attempt over its capacity, at 31 s, Retry-After 2 s",
                "a: 1 attempt by the fault 503, at 30 s, Retry-After 1 s",
                "b: 3 attempts over tpm, from 20 s to 25 s, Retry-After up to 2 s",
                "c: 1 attempt for a reason that no log names, at 40 s, Retry-After 2 s",
            ]
        );
    }
}
