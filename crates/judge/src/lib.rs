//! From a recording to a verdict: metrics, expectations, many runs together, and what a CI reads of them. No drawing.
//!
//! Everything here is a function of a scenario and a recording. The formulas stand in `docs/METRICS.md`;
//! each has a file of its own under `metrics/`.

pub mod binomial;
mod compare;
mod crash;
mod file;
mod findings;
mod junit;
mod markdown;
mod metrics;
mod scorecard;
mod seeds;
mod shards;
mod signoff;
mod summary;
pub mod table;
mod target;
pub mod text;
mod throttling;
mod verdict;
mod written_schema;

pub use compare::{
    ComparedFigure, ComparedRow, ComparisonMethod, ComparisonOutcome, MeasuredRun, RunComparison,
    RunConditions, RunFigure, RunSet, SideSummary, StatedMargin, StoredRunsError, compare_runs,
    comparison_annotations, comparison_json, comparison_lines, comparison_markdown,
    comparison_reasons, comparison_title, comparison_verdict, conditions_differ,
    control_comparisons, measure_run, parse_stored_runs, read_stored_runs, worst_outcome,
    write_stored_runs,
};
pub use crash::{
    CRASH_TESTS, CheckResult, CheckWeight, CrashReport, CrashRow, CrashTest, CrashVerdict,
    crash_json, crash_lines, crash_markdown, judge_crash, write_crash_junit,
};
pub use file::{FileError, put, put_json};
pub use findings::{
    ClientEvidence, EXAMPLES, FINDING_RULES, Finding, FindingAttempt, FindingRow, FindingRule,
    FindingSettings, FindingSeverity, FindingsReport, GotBehind, findings_json, findings_lines,
    judge_findings, recorded_findings,
};
pub use junit::{junit, write_junit};
pub use markdown::markdown;
pub use metrics::{
    BetterSide, FaultWindow, Measured, Measurement, MetricQuery, MetricValue, better_side,
    fault_windows, measure,
};
pub use scorecard::{
    FIGURES, FigureSpec, ScoreCell, ScoreCrash, ScoreSample, ScoreValue, Scorecard,
    ScoredSituation, ScoredSystem, scorecard_interval, scorecard_json, scorecard_lines,
    scorecard_markdown, store_sample, stored_sample,
};
pub use seeds::{
    Baseline, BaselineLine, CHECK_SHARD_FILE, CONFIDENCE, CheckPaths, CheckShard, Claim,
    FALSE_ALARMS, Origin, RunVerdict, SeedDoubt, SeedsRow, SeedsVerdict, ShardScenario, Spread,
    annotations, check_lines, check_markdown, control_false_alarms, judge_seeds, least_seeds,
    lower_rank, upper_rank, write_check,
};
pub use shards::ShardsSummary;
pub use signoff::{
    ItemEvidence, ItemOutcome, SignOff, SignOffItem, sign_off_lines, sign_off_markdown,
    write_sign_off_junit,
};
pub use summary::{
    ChangeSummary, DeploymentSummary, ExpectationSummary, FaultSummary, GroupSummary, LagSummary,
    Percentiles, ServerLagSummary, Summary, Totals, summary,
};
pub use table::terminal_table;
pub use target::TargetSummary;
pub use throttling::{Throttling, ThrottlingCause, throttling};
pub use verdict::{Judgement, RowOutcome, Verdict, VerdictRow, judge};
pub use written_schema::{WrittenFile, written_schema};
