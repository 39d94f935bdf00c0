//! A metric for expectations: attempts that started.

use super::edit::{Addition, after, before, create};

const JUDGE: &str = "crates/judge/src/metrics.rs";

pub(super) const ADDITION: Addition = Addition {
    what: "a metric for expectations",
    goal: 5,
    own: None,
    word: "example_metric",
    documents: &["docs/SCENARIOS.md"],
    edits: &[
        after(
            "crates/scenario/src/expectation/metrics.rs",
            "    AttemptShare: ",
            "    /// Attempts that started.
    ExampleMetric: \"example_metric\", AllOrDeployment, Count;",
        ),
        after(JUDGE, "mod attempt_share;", "mod example;"),
        after(
            JUDGE,
            "(MetricId::AttemptShare, attempt_share::measure, Unknown, Neither),",
            "    (MetricId::ExampleMetric, example::measure, NoEffect, Lower),",
        ),
        create("crates/judge/src/metrics/example.rs", MEASURE),
        before(
            "docs/METRICS.md",
            "| `latency_mean`, ",
            "| `example_metric` | all or a deployment | count | none |",
        ),
        before(
            "docs/METRICS.md",
            "### `latency_mean`",
            "### `example_metric`

Attempts that started, as an example.
",
        ),
    ],
};

const MEASURE: &str = "//! `example_metric`: how many attempts started in the window.

use super::{Measurement, MetricQuery, MetricValue};

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let started = ask.deployments().into_iter().map(|deployment| {
        u64::from(ask.recording.cells.deployments[deployment].sum(ask.window.clone()).started)
    });
    let started = started.sum();
    Measurement::of(MetricValue::Count(started), started, \"attempts\")
}
";
