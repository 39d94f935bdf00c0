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
    /// Requests answered successfully within a latency ÷ all requests: goodput within an SLO.
    AnsweredWithin: "answered_within", WithinAllOrGroup, Percent;
    /// Time from the start of a fault until the deployment's traffic share has dropped.
    FailoverTime: "failover_time", Deployment, Duration;
    /// Time from when a slow, partial or wrong fault could be seen until half of the deployment's traffic share has moved.
    GrayFailoverTime: "gray_failover_time", Deployment, Duration;
    /// Time from the end of a fault until the deployment's traffic share is restored.
    RecoveryTime: "recovery_time", Deployment, Duration;
    /// 1 − total-variation distance between first attempts and weights.
    WeightAdherence: "weight_adherence", Group, Percent;
    /// Share of runs with random draws that would be as far from the weights.
    WeightChance: "weight_chance", Group, Percent;
    /// Times that traffic returned to the deployment during a fault, or left it without one.
    Flaps: "flaps", Deployment, Count;
    /// Failed requests during a fault of the deployment, the most of any fault.
    UsersLost: "users_lost", Deployment, Count;
    /// Time that a full outage would take to fail as many requests.
    ErrorBudgetSpent: "error_budget_spent", AllOrGroup, Duration;
    /// Attempts ÷ requests.
    RetryAmplification: "retry_amplification", AllOrGroup, Ratio;
    /// Calls of clients ÷ requests.
    ClientAmplification: "client_amplification", AllOrGroup, Ratio;
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
    /// Percentile of the time to the answer over all requests: one that failed never got it.
    AnswerTimeP50: "answer_time_p50", AllOrGroup, Duration;
    /// Percentile of the time to the answer over all requests: one that failed never got it.
    AnswerTimeP95: "answer_time_p95", AllOrGroup, Duration;
    /// Percentile of the time to the answer over all requests: one that failed never got it.
    AnswerTimeP99: "answer_time_p99", AllOrGroup, Duration;
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
    /// Price of all tokens that providers bill.
    Cost: "cost", AllOrDeployment, Dollars;
    /// Cost of a thousand requests.
    CostPerThousand: "cost_per_thousand", AllOrGroup, Dollars;
    /// Share of the output tokens sent by providers that no client got in an answer.
    WastedTokens: "wasted_tokens", All, Percent;
}

impl MetricId {
    /// How it is written, what it may be of, and its unit.
    #[must_use]
    pub const fn spec(self) -> &'static MetricSpec {
        &METRICS[self as usize]
    }
}
