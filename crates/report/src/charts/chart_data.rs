//! What the charts show in numbers, for the script of the page: the counts of each second, or of more of them on a long
//! run, and the percentiles of each bin that is drawn.

use super::chart_context::{ChartContext, window};
use super::theme::{FAILED, Ink, Layout, PALE, THROTTLED, TOTAL, class, deployment as ink_of};
use super::{attempts, errors, latency, providers, retries};
use serde::Serialize;
use squall_record::{AttemptCell, Recording, RequestCell};
use squall_scenario::Scenario;
use std::collections::BTreeMap;
use std::ops::Range;

/// How many steps of counts a page holds of each series at most: an hour by the second.
const STEPS: usize = 3_600;

/// The series of all charts.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ChartData {
    /// How long the time axis is, in seconds.
    pub(crate) seconds: usize,
    /// How many seconds a count is over.
    pub(crate) step: usize,
    series: Vec<ChartSeries>,
    /// By the name of a chart, its series by their places.
    charts: BTreeMap<&'static str, Vec<usize>>,
}

/// A series: one line of what a chart says of a moment.
#[derive(Debug, Serialize)]
struct ChartSeries {
    name: String,
    kind: SeriesKind,
    ink: String,
    /// How many seconds a value is over.
    step: usize,
    /// Counts, or microseconds; a negative number is so many times nothing in a row.
    values: Vec<i64>,
}

/// What the values of a series are.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum SeriesKind {
    /// So many.
    Count,
    /// So many, of all of the chart together.
    Share,
    /// A time in microseconds.
    Time,
}

/// What a count is called, its ink, and what it counts of a cell.
type CountedField<C> = (&'static str, Ink, fn(&C) -> u32);

/// The numbers of the charts of a recording.
pub(crate) fn chart_data(scenario: &Scenario, recording: &Recording) -> ChartData {
    let context = ChartContext::new(scenario, recording, Layout::Wide);
    let step = context.step_of(STEPS);
    let mut data = ChartData { seconds: context.seconds, step, ..ChartData::default() };
    data.requests(&context);
    if context.knows_attempts() {
        data.attempts(&context);
    }
    data
}

impl ChartData {
    /// Adds a series to charts, unless nothing is in it.
    fn add(&mut self, charts: &[&'static str], series: ChartSeries) {
        if series.values.iter().all(|&value| value < 0) {
            return;
        }
        for chart in charts {
            self.charts.entry(chart).or_default().push(self.series.len());
        }
        self.series.push(series);
    }

    fn counts(
        &mut self,
        charts: &[&'static str],
        (name, kind, ink): (String, SeriesKind, Ink),
        counts: impl Iterator<Item = u64>,
    ) {
        let values = packed(counts.map(|count| Some(count).filter(|&count| count > 0)));
        self.add(charts, ChartSeries { name, kind, ink: ink.hex(), step: self.step, values });
    }

    fn times(
        &mut self,
        chart: &'static str,
        (name, ink, step): (String, Ink, usize),
        micros: impl Iterator<Item = Option<u64>>,
    ) {
        let values = packed(micros);
        let (kind, ink) = (SeriesKind::Time, ink.hex());
        self.add(&[chart], ChartSeries { name, kind, ink, step, values });
    }

    fn requests(&mut self, context: &ChartContext<'_>) {
        let cells: Vec<_> = context.bins(self.step).map(|bin| context.requests(bin)).collect();
        let fields: [CountedField<RequestCell>; 3] = [
            ("offered", PALE, |cell| cell.arrived),
            ("succeeded", TOTAL, |cell| cell.answered),
            ("failed or abandoned", FAILED, |cell| cell.lost),
        ];
        for (name, ink, of) in fields {
            let counts = cells.iter().map(|cell| of(cell).into());
            self.counts(&["traffic"], (name.to_owned(), SeriesKind::Count, ink), counts);
        }
        for code in 0..=errors::GIVEN_UP {
            let of = |cell: &RequestCell| cell.failed.get(code).copied().unwrap_or(cell.gave_up);
            let name = format!("clients: {}", errors::name(code));
            let counts = cells.iter().map(|cell| of(cell).into());
            self.counts(&["errors"], (name, SeriesKind::Count, class(code)), counts);
        }
        let (step, lines) = latency::readings(context, |group| &group.latency);
        for (name, ink, values) in lines {
            self.times("latency", (name.to_owned(), ink, step), values.into_iter());
        }
        let (step, lines) = latency::readings(context, |group| &group.ttft);
        for (name, ink, values) in lines {
            self.times("ttft", (name.to_owned(), ink, step), values.into_iter());
        }
    }

    fn attempts(&mut self, context: &ChartContext<'_>) {
        let retries = retries::times(context);
        for deployment in 0..context.deployments() {
            let cells = &context.recording.cells.deployments[deployment];
            let of = |bin: Range<usize>| cells.sum(window(&bin));
            let cells: Vec<_> = context.bins(self.step).map(of).collect();
            self.deployment(context, deployment, &cells);
            let mut counts = vec![0_u64; cells.len()];
            for &(at, _) in retries.iter().filter(|retry| retry.1 == deployment) {
                let bin = (at as usize / self.step).min(counts.len().saturating_sub(1));
                counts[bin] += 1;
            }
            let name = format!("retries to {}", context.name(deployment));
            let told = (name, SeriesKind::Count, ink_of(deployment));
            self.counts(&["retries"], told, counts.into_iter());
        }
    }

    fn deployment(&mut self, context: &ChartContext<'_>, deployment: usize, cells: &[AttemptCell]) {
        let (name, ink) = (context.name(deployment), ink_of(deployment));
        let first = cells.iter().map(|cell| cell.first.into());
        self.counts(&["shares"], (name.to_owned(), SeriesKind::Share, ink), first);
        let counts: [CountedField<AttemptCell>; 3] = [
            ("attempts", ink, |cell| cell.started),
            ("throttled", THROTTLED, |cell| attempts::losses(cell).0),
            ("failed or abandoned", FAILED, |cell| attempts::losses(cell).1),
        ];
        for (what, ink, of) in counts {
            let told = (format!("{name}: {what}"), SeriesKind::Count, ink);
            self.counts(&["attempts"], told, cells.iter().map(|cell| of(cell).into()));
        }
        for code in 0..=errors::GIVEN_UP {
            let of = |cell: &AttemptCell| cell.failed.get(code).copied().unwrap_or(cell.abandoned);
            let told = (format!("{name}: {}", errors::name(code)), SeriesKind::Count, class(code));
            self.counts(&["errors"], told, cells.iter().map(|cell| of(cell).into()));
        }
        let tokens = cells.iter().map(|cell| cell.output_tokens);
        let told = (format!("{name}: output tokens"), SeriesKind::Count, ink);
        self.counts(&["providers"], told, tokens);
        let (step, percentiles) = providers::readings(context, deployment);
        for (which, series) in ["p50", "p95"].into_iter().zip(percentiles) {
            let micros =
                series.into_iter().map(|(_, value)| value.map(|value| (value * 1e6) as u64));
            self.times("providers", (format!("{name}: {which}"), ink, step), micros);
        }
    }
}

/// Values of which those that are not there are counted, as a negative number for all in a row.
fn packed(values: impl Iterator<Item = Option<u64>>) -> Vec<i64> {
    let mut packed: Vec<i64> = Vec::new();
    for value in values {
        match (value, packed.last_mut()) {
            (Some(value), _) => packed.push(value as i64),
            (None, Some(last)) if *last < 0 => *last -= 1,
            (None, _) => packed.push(-1),
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_record::RequestOutcome;
    use squall_testkit::by_hand::{FAILED as FAILURE, Fixture};

    fn unpacked(values: &[i64]) -> Vec<u64> {
        let of = |&value: &i64| match value {
            0.. => vec![value as u64],
            _ => vec![0; value.unsigned_abs() as usize],
        };
        values.iter().flat_map(of).collect()
    }

    #[test]
    fn the_counts_of_a_second_are_those_of_the_rows() {
        let mut run = Fixture::new();
        run.requests(10_000..20_000, 100, RequestOutcome::Succeeded);
        run.requests(12_000..13_000, 7, FAILURE);
        let recording = run.recording();
        let data = chart_data(&run.scenario, &recording);
        assert_eq!(data.step, 1);
        let offered = data.series.iter().find(|series| series.name == "offered").unwrap();
        let offered = unpacked(&offered.values);
        assert_eq!(offered.len(), data.seconds);
        for (second, &count) in (0_u64..).zip(&offered) {
            let of_it = recording.requests.iter();
            let of_it = of_it.filter(|row| row.intended.as_nanos() / 1_000_000_000 == second);
            assert_eq!(count, of_it.count() as u64, "second {second}");
        }
        assert_eq!(offered.iter().sum::<u64>(), 107);
    }

    #[test]
    fn what_is_not_there_takes_one_number() {
        assert_eq!(packed([None, None, Some(3), None, Some(0)].into_iter()), [-2, 3, -1, 0]);
    }
}
