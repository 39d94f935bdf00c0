//! What a run did over time, in as few numbers as overlaid charts need: kept of every run that is compared.

use squall_determinism::Timestamp;
use squall_record::{Recording, TimeSeries};
use squall_scenario::{Scenario, StartTime};

/// How many bins a run has at most: wide enough for a percentile of a single run.
const BINS: f64 = 60.0;
/// Widths that people can reckon with, in seconds.
const WIDTHS: [u64; 12] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600];
/// How many successful requests a bin needs for a p95.
const NEEDED: u64 = 20;

/// What happened in a stretch of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CurveBin {
    /// Requests that were intended in it.
    pub arrived: u32,
    /// Of those, how many the end of the run cut off.
    pub unfinished: u32,
    /// Of those, how many succeeded.
    pub succeeded: u32,
    /// Attempts that started in it.
    pub attempts: u32,
    /// The 95th percentile of their latency in seconds; `None` for too few.
    pub latency_p95: Option<f64>,
}

/// The runs of one side of a comparison over time.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedCurves {
    /// The scenario's name.
    pub scenario: String,
    /// What the side is called.
    pub label: String,
    /// The same with how many runs it has, for a legend.
    pub(crate) legend: String,
    /// How long the runs are, in seconds.
    pub(crate) seconds: f64,
    /// How wide a bin is, in seconds.
    pub(crate) width: u64,
    /// The wall time at which they begin, where the scenario says.
    pub(crate) start: Option<StartTime>,
    /// From when to when something is wrong with a provider, in seconds.
    pub(crate) faults: Vec<(f64, f64)>,
    /// The bins of each run.
    pub(crate) samples: Vec<Vec<CurveBin>>,
}

/// The bins of a run.
#[must_use]
pub fn curve_bins(scenario: &Scenario, recording: &Recording) -> Vec<CurveBin> {
    let width = width(scenario);
    let seconds = scenario.duration.as_secs_f64().ceil() as u64;
    let starts = (0..seconds).step_by(width as usize);
    starts.map(|start| bin(&recording.cells, start, start + width)).collect()
}

fn width(scenario: &Scenario) -> u64 {
    let seconds = scenario.duration.as_secs_f64();
    let fits = WIDTHS.into_iter().find(|width| seconds / *width as f64 <= BINS);
    fits.unwrap_or_else(|| (seconds / BINS).ceil() as u64)
}

fn bin(cells: &TimeSeries, from: u64, to: u64) -> CurveBin {
    let window = Timestamp::from_secs(from)..Timestamp::from_secs(to);
    let mut bin = CurveBin::default();
    for group in &cells.groups {
        let cell = group.sum(window.clone());
        bin.arrived += cell.arrived;
        bin.unfinished += cell.unfinished;
        bin.succeeded += cell.succeeded;
    }
    for deployment in &cells.deployments {
        bin.attempts += deployment.sum(window.clone()).started;
    }
    let latencies = cells.groups.iter().map(|group| group.latency.window(window.clone()));
    let merged = latencies.reduce(|mut all, more| {
        all += more;
        all
    });
    bin.latency_p95 = merged
        .filter(|merged| merged.len() >= NEEDED)
        .map(|merged| merged.value_at_quantile(0.95) as f64 / 1e6);
    bin
}

impl ComparedCurves {
    /// The curves of a side.
    #[must_use]
    pub fn new(label: String, scenario: &Scenario, samples: Vec<Vec<CurveBin>>) -> Self {
        let faults = scenario.providers.iter().flat_map(|provider| &provider.config.faults);
        let legend = match samples.len() {
            0 | 1 => label.clone(),
            runs => format!("{label} ({runs} runs)"),
        };
        Self {
            scenario: scenario.name.clone(),
            label,
            legend,
            seconds: scenario.duration.as_secs_f64(),
            width: width(scenario),
            start: scenario.start,
            faults: faults
                .map(|fault| (fault.at.as_secs_f64(), fault.until().as_secs_f64()))
                .collect(),
            samples,
        }
    }

    /// Takes in the runs of another part of the same side.
    pub fn add(&mut self, other: Self) {
        self.samples.extend(other.samples);
        self.legend = format!("{} ({} runs)", self.label, self.samples.len());
    }

    /// A value for each bin, at its middle, from all runs.
    pub(crate) fn line(&self, value: fn(&[&CurveBin]) -> Option<f64>) -> Vec<(f64, Option<f64>)> {
        let bins = self.samples.iter().map(Vec::len).max().unwrap_or(0);
        let middle = |bin: usize| (bin as f64 + 0.5) * self.width as f64;
        let of = |bin: usize| {
            let all: Vec<_> = self.samples.iter().filter_map(|sample| sample.get(bin)).collect();
            value(&all)
        };
        (0..bins).map(|bin| (middle(bin), of(bin))).collect()
    }
}
