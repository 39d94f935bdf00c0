//! The table of metrics: how each is written, what it may be of, and its unit.

use super::{MetricId, MetricSpec, MetricUnit, Scope};

/// Every metric, in the order of [`MetricId`].
pub const METRICS: &[MetricSpec] = &[
    spec(
        MetricId::SuccessRate,
        "success_rate",
        Scope::AllOrGroup,
        MetricUnit::Percent,
        "Successful requests ÷ all requests.",
    ),
    spec(
        MetricId::FailoverTime,
        "failover_time",
        Scope::Deployment,
        MetricUnit::Duration,
        "Time from the start of a fault until the deployment's traffic share has dropped.",
    ),
    spec(
        MetricId::RecoveryTime,
        "recovery_time",
        Scope::Deployment,
        MetricUnit::Duration,
        "Time from the end of a fault until the deployment's traffic share is restored.",
    ),
    spec(
        MetricId::WeightAdherence,
        "weight_adherence",
        Scope::Group,
        MetricUnit::Percent,
        "1 − total-variation distance between first attempts and weights.",
    ),
    spec(
        MetricId::RetryAmplification,
        "retry_amplification",
        Scope::AllOrGroup,
        MetricUnit::Ratio,
        "Attempts ÷ requests.",
    ),
    spec(
        MetricId::RetryAfterHonoured,
        "retry_after_honoured",
        Scope::AllOrDeployment,
        MetricUnit::Percent,
        "Share of 429s whose Retry-After was honoured.",
    ),
    spec(
        MetricId::Throttled,
        "throttled",
        Scope::AllOrDeployment,
        MetricUnit::Count,
        "Number of attempts answered with 429.",
    ),
    spec(
        MetricId::AttemptShare,
        "attempt_share",
        Scope::Deployment,
        MetricUnit::Percent,
        "The deployment's share of its group's attempts.",
    ),
    spec(MetricId::LatencyP50, "latency_p50", Scope::AllOrGroup, MetricUnit::Duration, LATENCY),
    spec(MetricId::LatencyP95, "latency_p95", Scope::AllOrGroup, MetricUnit::Duration, LATENCY),
    spec(MetricId::LatencyP99, "latency_p99", Scope::AllOrGroup, MetricUnit::Duration, LATENCY),
    spec(
        MetricId::LatencyMean,
        "latency_mean",
        Scope::AllOrGroup,
        MetricUnit::Duration,
        "Mean latency, from the intended send time to the last byte.",
    ),
    spec(MetricId::TtftP50, "ttft_p50", Scope::AllOrGroup, MetricUnit::Duration, TTFT),
    spec(MetricId::TtftP95, "ttft_p95", Scope::AllOrGroup, MetricUnit::Duration, TTFT),
    spec(MetricId::TtftP99, "ttft_p99", Scope::AllOrGroup, MetricUnit::Duration, TTFT),
];

const LATENCY: &str = "Percentile of latency, from the intended send time to the last byte.";
const TTFT: &str = "Percentile of time to first token, from the intended send time.";

const fn spec(
    id: MetricId,
    name: &'static str,
    of: Scope,
    unit: MetricUnit,
    meaning: &'static str,
) -> MetricSpec {
    MetricSpec { id, name, of, unit, meaning }
}

impl MetricId {
    /// How it is written, what it may be of, and its unit.
    #[must_use]
    pub const fn spec(self) -> &'static MetricSpec {
        &METRICS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_finds_its_own_line() {
        for (place, spec) in METRICS.iter().enumerate() {
            assert_eq!(spec.id as usize, place, "{}", spec.name);
            assert_eq!(spec.id.spec(), spec);
        }
        assert_eq!(METRICS.len(), MetricId::TtftP99 as usize + 1, "a metric lacks its line");
    }
}
