//! `summary.json`: a run in one small file, for scripts and for comparing two runs. Whole numbers, and
//! shares as decimals of at most six digits, so that equal runs give equal bytes.

mod parts;

pub use parts::{
    ChangeSummary, DeploymentSummary, ExpectationSummary, FaultSummary, GroupSummary, LagSummary,
    Percentiles, ServerLagSummary, Totals,
};
pub(crate) use parts::{is_hard, number_and_unit};

use crate::shards::ShardsSummary;
use crate::target::TargetSummary;
use crate::verdict::Verdict;
use schemars::JsonSchema;
use serde::Serialize;
use squall_record::Recording;
use squall_scenario::Scenario;

/// A run in numbers. Its fields are those of the file.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Summary {
    /// Of this form: 1. Fields may be added to a version, never taken or changed.
    pub schema_version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// `live` or `simulated`.
    #[schemars(extend("enum" = ["live", "simulated"]))]
    pub mode: &'static str,
    /// The version of squall.
    pub squall: String,
    /// The digest of requests, attempts and outputs.
    pub digest: String,
    /// How long the scenario is.
    pub duration_ms: u64,
    /// The wall time at which it begins; left out where the scenario names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// How much of its start no figure here counts; left out without a warm-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up_ms: Option<u64>,
    /// When it was interrupted, if it was.
    pub interrupted_at_ms: Option<u64>,
    /// `met`, `missed` or `inconclusive`.
    #[schemars(extend("enum" = ["met", "missed", "inconclusive"]))]
    pub verdict: &'static str,
    /// Why the run as a whole is inconclusive, if it is.
    pub validity_problems: Vec<String>,
    /// What a reader should know.
    pub warnings: Vec<String>,
    /// Each expectation.
    pub expectations: Vec<ExpectationSummary>,
    /// Everything together.
    pub totals: Totals,
    /// Each model group.
    pub groups: Vec<GroupSummary>,
    /// Each kind of request; left out where there is one alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<GroupSummary>,
    /// Each deployment.
    pub deployments: Vec<DeploymentSummary>,
    /// Each fault of the scenario.
    pub faults: Vec<FaultSummary>,
    /// Each change of the configuration; left out where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeSummary>,
    /// How late the driver sent; none in virtual time.
    pub lag: Option<LagSummary>,
    /// How late the servers were; left out in virtual time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub server_lag: Vec<ServerLagSummary>,
    /// The gateway that was tested in place of the built-in one; left out for the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSummary>,
    /// The shards that it is of; left out for a run that was not divided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<ShardsSummary>,
}

/// The summary of a run.
#[must_use]
pub fn summary(scenario: &Scenario, recording: &Recording, verdict: &Verdict) -> Summary {
    let header = &recording.header;
    Summary {
        schema_version: 1,
        scenario: scenario.name.clone(),
        seed: header.seed,
        mode: header.mode.as_str(),
        squall: header.version.clone(),
        digest: header.digest.clone(),
        duration_ms: parts::millis(header.duration),
        start: scenario.start.map(|start| start.to_string()),
        warm_up_ms: Some(scenario.warm_up.as_nanos() / 1_000_000).filter(|millis| *millis > 0),
        interrupted_at_ms: header.ended.cut_at().map(|at| at.as_nanos() / 1_000_000),
        verdict: verdict.overall.as_str(),
        validity_problems: verdict.validity_problems.clone(),
        warnings: verdict.warnings.clone(),
        expectations: verdict.shown().map(ExpectationSummary::of).collect(),
        totals: Totals::of(recording, &scenario.measured()),
        groups: GroupSummary::all(recording, &scenario.measured()),
        kinds: GroupSummary::kinds(recording, &scenario.measured()),
        deployments: DeploymentSummary::all(scenario, recording),
        faults: FaultSummary::all(scenario),
        changes: header.changes.iter().map(ChangeSummary::of).collect(),
        lag: header.lag.map(LagSummary::of),
        server_lag: header.server_lag.iter().map(ServerLagSummary::of).collect(),
        target: TargetSummary::of(recording),
        shards: ShardsSummary::of(recording),
    }
}
