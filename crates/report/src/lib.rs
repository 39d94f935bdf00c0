//! What a run leaves for people to look at: charts, pages, and every file beside them.
//!
//! Everything here is a function of a scenario, a recording and what `squall-judge` says of the two. Whether a recording
//! is live or simulated is known from one field of its header, and decides nothing but a word in the report.

mod charts;
mod compare;
mod error;
mod files;
mod moves;
mod openmetrics;
mod page;
mod page_data;
mod plan;
mod run_origin;
mod scorecard;
mod signoff;
mod timeline;
mod trace;

pub use charts::{DrawnChart, draw_charts};
pub use compare::{ComparedCurves, ComparisonPaths, CurveBin, curve_bins, write_comparison};
pub use error::ReportError;
pub use files::{ReportPaths, report_files, write};
pub use openmetrics::{
    FamilyKind, MetricFamily, MetricsText, SampleTimes, metric_labels, write_openmetrics,
};
pub use plan::{
    CurvePoint, PlanAnswer, PlanCurve, PlanNeed, PlanPaths, PlanRange, PlanReport, Varied,
    plan_lines, plan_markdown, write_plan,
};
pub use run_origin::RunOrigin;
pub use scorecard::{ScorecardPaths, write_scorecard};
pub use signoff::{SignOffPaths, write_sign_off};
pub use timeline::{LastingFault, RunningTimeline, TimelineLine, TimelineTone};
pub use trace::{TracePaths, TraceReport, trace_json, trace_lines, write_trace};
