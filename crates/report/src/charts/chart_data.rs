//! What the charts show in numbers, for the script of the page: the counts of each second, or of more of them on a long
//! run, and the percentiles of each bin that is drawn.

use super::CHARTS;
use super::chart_context::ChartContext;
use super::theme::{Ink, Layout};
use super::walked_rows::StripState;
use serde::Serialize;
use squall_record::{AttemptCell, Recording, RequestCell};
use squall_scenario::Scenario;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many steps of counts a page holds of each series at most: an hour by the second.
const STEPS: usize = 3_600;

/// The series of all charts.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ChartData {
    /// How long the time axis is, in seconds.
    pub(crate) seconds: usize,
    /// How many seconds a count is over.
    pub(crate) step: usize,
    /// The words for the values of a series of states; nothing is the first.
    states: [&'static str; StripState::ALL.len()],
    #[serde(skip)]
    requests: Rc<[RequestCell]>,
    #[serde(skip)]
    attempts: Rc<[Vec<AttemptCell>]>,
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
pub(super) enum SeriesKind {
    /// So many.
    Count,
    /// So many, of all of the chart together.
    Share,
    /// A time in microseconds.
    Time,
    /// So many thousandths of a whole.
    Permille,
    /// So many millionths of a dollar.
    Microdollars,
    /// A state, by its place among the words for them.
    State,
}

/// What a count is called, its ink, and what it counts of a cell.
pub(super) type CountedField<C> = (&'static str, Ink, fn(&C) -> u32);

/// The numbers of the charts of a recording.
pub(crate) fn chart_data(scenario: &Scenario, recording: &Recording) -> ChartData {
    let context = ChartContext::new(scenario, recording, Layout::Wide);
    let step = context.step_of(STEPS);
    let states = StripState::ALL.map(StripState::as_str);
    let known = if context.knows_attempts() { context.deployments() } else { 0 };
    let attempts =
        |each: usize| context.bins(step).map(|bin| context.attempts(each, bin)).collect();
    let mut data = ChartData {
        seconds: context.seconds,
        step,
        states,
        requests: context.bins(step).map(|bin| context.requests(bin)).collect(),
        attempts: (0..known).map(attempts).collect(),
        ..ChartData::default()
    };
    for chart in CHARTS.iter().filter(|chart| (chart.applies)(&context)) {
        (chart.series)(&context, &mut data);
    }
    data
}

impl ChartData {
    /// Adds a series to a chart, unless nothing is in it.
    fn add(&mut self, chart: &'static str, series: ChartSeries) {
        if series.values.iter().any(|&value| value >= 0) {
            self.charts.entry(chart).or_default().push(self.series.len());
            self.series.push(series);
        }
    }

    /// Adds counts by steps, of which most may be nothing.
    pub(super) fn counts(
        &mut self,
        chart: &'static str,
        told: (String, SeriesKind, Ink),
        counts: impl Iterator<Item = u64>,
    ) {
        self.binned(chart, told, self.step, counts);
    }

    /// Adds counts by bins of so many seconds.
    pub(super) fn binned(
        &mut self,
        chart: &'static str,
        (name, kind, ink): (String, SeriesKind, Ink),
        step: usize,
        counts: impl Iterator<Item = u64>,
    ) {
        let values = packed(counts.map(|count| Some(count).filter(|&count| count > 0)));
        self.add(chart, ChartSeries { name, kind, ink: ink.hex(), step, values });
    }

    /// Adds times in microseconds, by bins of so many seconds.
    pub(super) fn times(
        &mut self,
        chart: &'static str,
        (name, ink, step): (String, Ink, usize),
        micros: impl Iterator<Item = Option<u64>>,
    ) {
        let values = packed(micros);
        let (kind, ink) = (SeriesKind::Time, ink.hex());
        self.add(chart, ChartSeries { name, kind, ink, step, values });
    }

    /// What became of requests, by steps.
    pub(super) fn request_cells(&self) -> Rc<[RequestCell]> {
        Rc::clone(&self.requests)
    }

    /// What became of the attempts of each deployment, by steps; of none where attempts are not known.
    pub(super) fn attempt_cells(&self) -> Rc<[Vec<AttemptCell>]> {
        Rc::clone(&self.attempts)
    }

    /// How many of these moments, in seconds, are in each step; what comes after the last one belongs to it.
    pub(super) fn counted(
        &self,
        context: &ChartContext<'_>,
        moments: impl Iterator<Item = f64>,
    ) -> Vec<u64> {
        let mut counts = vec![0; context.bins(self.step).count()];
        let last = counts.len().saturating_sub(1);
        for at in moments {
            if let Some(count) = counts.get_mut((at as usize / self.step).min(last)) {
                *count += 1;
            }
        }
        counts
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
