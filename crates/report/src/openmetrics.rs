//! A run as time series for Prometheus and whatever reads OpenMetrics 1.0: what a scrape every few seconds would have
//! seen, with its time at each sample.
//!
//! Everything is a function of the scenario and of the recording's cells, so that live and simulated runs, with rows or
//! without, give the same families. Names are listed in `docs/RECORDING.md`.

mod families;
mod text;

use squall_record::{DeploymentCells, GroupCells, Recording, TICK};
use squall_scenario::Scenario;
use std::io::{self, Write};
use std::time::Duration;
use text::Exposition;
pub use text::{FamilyKind, MetricFamily, MetricsText, metric_labels};

/// How many samples a series has at most, unless somebody asks for more.
const SAMPLES_MAX: u64 = 10_000;
/// The shortest step, and what each is a multiple of: distributions are known by the second.
const SECOND: Duration = Duration::from_secs(1);

/// The moments of the samples of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SampleTimes {
    /// When the run began, since 1970.
    start: Duration,
    step: Duration,
    /// How many steps there are.
    steps: u64,
}

impl SampleTimes {
    /// Those of a run that began `start` after 1970, every `step`, which is rounded up to whole seconds; without one,
    /// every second of a run of up to 10,000 s, and 10,000 samples of a longer one.
    #[must_use]
    pub fn of(recording: &Recording, start: Duration, step: Option<Duration>) -> Self {
        let cells = &recording.cells;
        let groups = cells.groups.iter().map(GroupCells::end);
        let end = groups.chain(cells.deployments.iter().map(DeploymentCells::end)).max();
        let end =
            end.unwrap_or_default().as_nanos().max(recording.header.duration.as_nanos() as u64);
        let seconds = end.div_ceil(SECOND.as_nanos() as u64).max(1);
        let step = match step {
            Some(step) => (step.as_nanos().div_ceil(SECOND.as_nanos()) as u64).max(1),
            None => seconds.div_ceil(SAMPLES_MAX),
        };
        Self {
            start,
            step: SECOND * u32::try_from(step).unwrap_or(u32::MAX),
            steps: seconds.div_ceil(step),
        }
    }

    /// The time between two samples.
    #[must_use]
    pub const fn step(&self) -> Duration {
        self.step
    }

    /// The end of each step, since the start of the run; the first sample is of the start itself.
    fn ends(self) -> impl Iterator<Item = Duration> {
        (0..=self.steps).map(move |step| self.step * u32::try_from(step).unwrap_or(u32::MAX))
    }

    /// How many ticks a step has.
    const fn ticks(&self) -> u64 {
        (self.step.as_nanos() / TICK.as_nanos()) as u64
    }
}

/// Writes a run as OpenMetrics text.
///
/// # Errors
/// When it cannot be written.
pub fn write_openmetrics(
    scenario: &Scenario,
    recording: &Recording,
    times: SampleTimes,
    out: &mut impl Write,
) -> io::Result<()> {
    let header = &recording.header;
    let seed = header.seed.to_string();
    let run = [("scenario", header.scenario.as_str()), ("seed", &seed)];
    let mut page = Exposition::new(out, times, metric_labels(&run));
    families::write_all(scenario, recording, &mut page)?;
    page.end()
}

#[cfg(test)]
mod tests;
