//! The table of metrics: how each is written, what it may be of, and its unit.
//!
//! To add one, give it a row here, a file and a row in `MEASURES` in the crate that judges
//! (`crates/judge/src/metrics.rs`), and its formula in `docs/METRICS.md`.

use super::{MetricSpec, MetricUnit, Scope};

macro_rules! metrics {
    ($($(#[doc = $meaning:literal])+ $id:ident: $name:literal, $of:ident, $unit:ident;)+) => {
        /// What can be measured. The formulas stand in `docs/METRICS.md` and in the report's `metrics`.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum MetricId {
            $($(#[doc = $meaning])+ $id,)+
        }

        /// Every metric, in the order of [`MetricId`].
        pub const METRICS: &[MetricSpec] = &[$(MetricSpec {
            id: MetricId::$id,
            name: $name,
            of: Scope::$of,
            unit: MetricUnit::$unit,
            meaning: concat!($($meaning),+).trim_ascii_start(),
        },)+];
    };
}

metrics! {
    /// Successful requests ÷ all requests.
    SuccessRate: "success_rate", AllOrGroup, Percent;
    /// Time from the start of a fault until the deployment's traffic share has dropped.
    FailoverTime: "failover_time", Deployment, Duration;
    /// Time from the end of a fault until the deployment's traffic share is restored.
    RecoveryTime: "recovery_time", Deployment, Duration;
    /// 1 − total-variation distance between first attempts and weights.
    WeightAdherence: "weight_adherence", Group, Percent;
    /// Attempts ÷ requests.
    RetryAmplification: "retry_amplification", AllOrGroup, Ratio;
    /// Share of 429s whose Retry-After was honoured.
    RetryAfterHonoured: "retry_after_honoured", AllOrDeployment, Percent;
    /// Number of attempts answered with 429.
    Throttled: "throttled", AllOrDeployment, Count;
    /// The deployment's share of its group's attempts.
    AttemptShare: "attempt_share", Deployment, Percent;
    /// Percentile of latency, from the intended send time to the last byte.
    LatencyP50: "latency_p50", AllOrGroup, Duration;
    /// Percentile of latency, from the intended send time to the last byte.
    LatencyP95: "latency_p95", AllOrGroup, Duration;
    /// Percentile of latency, from the intended send time to the last byte.
    LatencyP99: "latency_p99", AllOrGroup, Duration;
    /// Mean latency, from the intended send time to the last byte.
    LatencyMean: "latency_mean", AllOrGroup, Duration;
    /// Percentile of time to first token, from the intended send time.
    TtftP50: "ttft_p50", AllOrGroup, Duration;
    /// Percentile of time to first token, from the intended send time.
    TtftP95: "ttft_p95", AllOrGroup, Duration;
    /// Percentile of time to first token, from the intended send time.
    TtftP99: "ttft_p99", AllOrGroup, Duration;
    /// Maximum latency, from the intended send time to the last byte.
    LatencyMax: "latency_max", AllOrGroup, Duration;
    /// Number of successful requests.
    Answered: "answered", AllOrGroup, Count;
    /// Number of requests whose client gave up.
    GaveUp: "gave_up", AllOrGroup, Count;
    /// Number of successful requests with less, more or other text than was asked for.
    TruncatedAnswers: "truncated_answers", AllOrGroup, Count;
    /// Successful requests whose answer tells its usage ÷ successful requests.
    UsageTold: "usage_told", AllOrGroup, Percent;
    /// Number of attempts.
    Attempts: "attempts", AllOrDeployment, Count;
}

impl MetricId {
    /// How it is written, what it may be of, and its unit.
    #[must_use]
    pub const fn spec(self) -> &'static MetricSpec {
        &METRICS[self as usize]
    }
}
