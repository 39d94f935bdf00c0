//! What is compared: the metrics that the scenario's expectations name, and those that every team asks for, as a whole, of
//! each group, each kind of request and each deployment.

use crate::metrics::{
    Measurement, MetricQuery, MissingAttempts, better_side, measure, without_attempts,
};
use crate::summary::number_and_unit;
use crate::verdict::{refusing_providers, unknown_attempts, validity_of};
use crate::{BetterSide, MetricValue};
use squall_determinism::Timestamp;
use squall_record::{Recording, RunHeader};
use squall_scenario::{Argument, Expectation, METRICS, MetricId, MetricUnit, Scenario};
use std::ops::Range;
use std::time::Duration;

/// A figure of a run that is compared with that of another run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ComparedFigure {
    /// As an expectation names it: `failover_time(eu)`, `success_rate during calm`.
    pub name: String,
    /// Its metric.
    pub metric: MetricId,
    /// Whether the comparison is inconclusive while this figure is: those of hard expectations, `success_rate`,
    /// `latency_p95` and `retry_amplification`.
    pub is_key: bool,
}

/// The value of a figure in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunFigure {
    /// In the unit of `summary.json`: a share of one, milliseconds, a count, a ratio, dollars.
    Value(f64),
    /// A time that did not come within the run.
    Never,
    /// It could not be measured.
    Unknown,
}

/// What is known of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredRun {
    /// Its seed.
    pub seed: u64,
    /// A value for each figure.
    pub values: Vec<RunFigure>,
    /// Why it is invalid or partial; empty if it is neither.
    pub doubts: Vec<String>,
}

/// A figure, and what it is measured of.
struct MeasuredFigure {
    figure: ComparedFigure,
    argument: Option<Argument>,
    within: Option<Duration>,
    window: Range<Timestamp>,
}

impl ComparedFigure {
    /// The figure that goes by a name; `None` where this version does not know its metric.
    #[must_use]
    pub fn named(name: &str, is_key: bool) -> Option<Self> {
        let end = name.find(['(', ' ']).unwrap_or(name.len());
        let spec = METRICS.iter().find(|spec| spec.name == &name[..end])?;
        Some(Self { name: name.to_owned(), metric: spec.id, is_key })
    }

    /// The unit of its values, as `summary.json` has it.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        match self.metric.spec().unit {
            MetricUnit::Percent => "share",
            MetricUnit::Duration => "ms",
            MetricUnit::Count => "count",
            MetricUnit::Ratio => "ratio",
            MetricUnit::Dollars => "dollars",
        }
    }

    /// Which of its values are better.
    #[must_use]
    pub fn better(&self) -> BetterSide {
        better_side(self.metric)
    }
}

/// The figures of a run, and its values of them.
#[must_use]
pub fn measure_run(
    scenario: &Scenario,
    recording: &Recording,
) -> (Vec<ComparedFigure>, MeasuredRun) {
    let figures = figures(scenario, &recording.header);
    let values = figures.iter().map(|figure| value(scenario, recording, figure)).collect();
    let run = MeasuredRun { seed: recording.header.seed, values, doubts: validity_of(recording) };
    (figures.into_iter().map(|measured| measured.figure).collect(), run)
}

/// The value of a figure in a run. What another gateway hides makes it unknown.
fn value(scenario: &Scenario, recording: &Recording, measured: &MeasuredFigure) -> RunFigure {
    let (metric, argument) = (measured.figure.metric, measured.argument);
    let window = measured.window.clone();
    let is_hidden = unknown_attempts(recording, metric).is_some()
        || (without_attempts(metric) != MissingAttempts::NoEffect
            && !refusing_providers(scenario, recording, argument, metric, &window).is_empty());
    if is_hidden {
        return RunFigure::Unknown;
    }
    let within = measured.within;
    let query = MetricQuery { scenario, recording, argument, within, window, limit: None };
    match measure(metric, &query) {
        Measurement::Inconclusive { .. } => RunFigure::Unknown,
        Measurement::Measured(measured) => match measured.value {
            MetricValue::Duration(Duration::MAX) => RunFigure::Never,
            value => number_and_unit(value).0.map_or(RunFigure::Unknown, RunFigure::Value),
        },
    }
}

/// Every figure of a scenario, each once: first those of its expectations, in their order.
fn figures(scenario: &Scenario, header: &RunHeader) -> Vec<MeasuredFigure> {
    let mut figures = FigureList { scenario, all: Vec::new() };
    for expectation in &scenario.expectations {
        figures.expected(expectation);
    }
    figures.everything();
    let mut seen = Vec::new();
    for (_, group, _) in scenario.deployments() {
        let members = scenario.deployments().filter(|(_, other, _)| *other == group).count();
        let name = header.groups.get(group.index());
        if let (Some(name), false) = (name, seen.contains(&group)) {
            figures.group(Argument::Group(group), name, members);
            seen.push(group);
        }
    }
    for (kind, name) in (0..).zip(&header.kinds).filter(|_| header.kinds.len() > 1) {
        figures.add(MetricId::SuccessRate, Some((Argument::Kind(kind), name)));
        figures.add(MetricId::LatencyP95, Some((Argument::Kind(kind), name)));
    }
    for (deployment, group, _) in scenario.deployments() {
        let Some(info) = header.deployments.get(deployment.index()) else { continue };
        let members = scenario.deployments().filter(|(_, other, _)| *other == group).count();
        let of = Some((Argument::Deployment(deployment), &info.name));
        if !scenario.faults_of(deployment).is_empty() {
            FAULTED.iter().for_each(|&metric| figures.add(metric, of));
        }
        if members > 1 {
            figures.add(MetricId::AttemptShare, of);
        }
        figures.add(MetricId::Throttled, of);
    }
    figures.all
}

/// Of everything together, beside what is expected.
const OF_ALL: [MetricId; 13] = [
    MetricId::SuccessRate,
    MetricId::LatencyP50,
    MetricId::LatencyP95,
    MetricId::LatencyP99,
    MetricId::TtftP50,
    MetricId::TtftP95,
    MetricId::RetryAmplification,
    MetricId::GaveUp,
    MetricId::TruncatedAnswers,
    MetricId::Throttled,
    MetricId::RetryAfterHonoured,
    MetricId::CostPerThousand,
    MetricId::WastedTokens,
];

/// Of those, what a comparison is inconclusive without.
const KEY: [MetricId; 3] =
    [MetricId::SuccessRate, MetricId::LatencyP95, MetricId::RetryAmplification];

/// Of each deployment that a fault hits.
const FAULTED: [MetricId; 5] = [
    MetricId::FailoverTime,
    MetricId::GrayFailoverTime,
    MetricId::RecoveryTime,
    MetricId::UsersLost,
    MetricId::Flaps,
];

struct FigureList<'s> {
    scenario: &'s Scenario,
    all: Vec<MeasuredFigure>,
}

impl FigureList<'_> {
    /// What an expectation is about.
    fn expected(&mut self, expectation: &Expectation) {
        let phase = expectation.during.and_then(|place| self.scenario.phases.get(place));
        let mut name = measured_words(&expectation.text);
        let window = match phase {
            None => self.scenario.measured(),
            Some(phase) => {
                name += &format!(" during {}", phase.name);
                self.scenario.measured_of(phase)
            }
        };
        let figure = ComparedFigure { name, metric: expectation.metric, is_key: !expectation.soft };
        let (argument, within) = (expectation.argument, expectation.within);
        self.push(MeasuredFigure { figure, argument, within, window });
    }

    fn everything(&mut self) {
        OF_ALL.iter().for_each(|&metric| self.add(metric, None));
    }

    fn group(&mut self, argument: Argument, name: &String, members: usize) {
        if self.scenario.router.groups.len() > 1 {
            self.add(MetricId::SuccessRate, Some((argument, name)));
            self.add(MetricId::LatencyP95, Some((argument, name)));
        }
        if members > 1 {
            self.add(MetricId::WeightAdherence, Some((argument, name)));
        }
    }

    /// A metric over the whole run.
    fn add(&mut self, metric: MetricId, of: Option<(Argument, &String)>) {
        let spec = metric.spec();
        let name = match of {
            None => spec.name.to_owned(),
            Some((_, name)) => format!("{}({name})", spec.name),
        };
        let is_key = of.is_none() && KEY.contains(&metric);
        let figure = ComparedFigure { name, metric, is_key };
        let (argument, window) = (of.map(|(argument, _)| argument), self.scenario.measured());
        self.push(MeasuredFigure { figure, argument, within: None, window });
    }

    fn push(&mut self, measured: MeasuredFigure) {
        let name = &measured.figure.name;
        match self.all.iter_mut().find(|other| other.figure.name == *name) {
            Some(other) => other.figure.is_key |= measured.figure.is_key,
            None => self.all.push(measured),
        }
    }
}

/// What stands before the comparison, without the quantile over seeds: `failover_time(eu)`.
fn measured_words(expectation: &str) -> String {
    let end = expectation.find(['<', '>', '=']).unwrap_or(expectation.len());
    let words = expectation[..end].trim().trim_end_matches(" over seeds");
    let words = words.split_once(" of ").map_or(words, |(_, words)| words);
    words.split_whitespace().collect::<Vec<_>>().join(" ").replace(" (", "(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_called_what_its_expectation_measures() {
        let named = |text| measured_words(text);
        assert_eq!(named("success_rate >= 99%"), "success_rate");
        assert_eq!(
            named("answered_within(2s,  chat) >= 99% during calm"),
            "answered_within(2s, chat)"
        );
        assert_eq!(named("p95 of failover_time(eu) over seeds <= 2s"), "failover_time(eu)");
        assert_eq!(named("throttled(eu) == 0"), "throttled(eu)");
    }

    #[test]
    fn a_name_tells_its_metric() {
        let metric = |name| ComparedFigure::named(name, false).map(|figure| figure.metric);
        assert_eq!(metric("success_rate during calm"), Some(MetricId::SuccessRate));
        assert_eq!(metric("failover_time(eu)"), Some(MetricId::FailoverTime));
        assert_eq!(metric("of_another_version(eu)"), None);
    }
}
