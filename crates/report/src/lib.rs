//! From a recording to a verdict: metrics, expectations, charts, and every file that a run leaves behind.
//!
//! Everything here is a function of a scenario and a recording. The formulas stand in `docs/METRICS.md`;
//! each has a file of its own under `metrics/`. Whether a recording is live or simulated is known from
//! one field of its header, and decides nothing but a word in the report.

mod charts;
mod error;
mod files;
mod junit;
mod markdown;
mod metrics;
mod page;
mod plan;
mod seeds;
mod signoff;
mod summary;
mod table;
mod text;
mod verdict;

pub use charts::{DrawnChart, draw_charts};
pub use error::ReportError;
pub use files::{ReportPaths, report_files, write};
pub use junit::{junit, write_junit};
pub use markdown::markdown;
pub use metrics::{Ask, FaultWindow, Measured, Measurement, Value, fault_windows, measure};
pub use plan::{
    CurvePoint, PlanAnswer, PlanCurve, PlanNeed, PlanPaths, PlanReport, Varied, plan_lines,
    plan_markdown, write_plan,
};
pub use seeds::{
    Baseline, BaselineLine, CONFIDENCE, CheckPaths, Claim, Origin, SeedsRow, SeedsVerdict, Spread,
    annotations, check_lines, check_markdown, judge_seeds, least_seeds, lower_rank, upper_rank,
    write_check,
};
pub use signoff::{
    Evidence, Outcome, SignOff, SignOffItem, SignOffPaths, sign_off_lines, sign_off_markdown,
    write_sign_off,
};
pub use summary::{
    ChangeSummary, DeploymentSummary, ExpectationSummary, FaultSummary, GroupSummary, LagSummary,
    Percentiles, Summary, Totals, summary,
};
pub use table::terminal_table;
pub use verdict::{Judgement, Verdict, VerdictRow, judge};
