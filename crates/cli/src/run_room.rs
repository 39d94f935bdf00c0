//! Before runs begin: what they take is estimated, told where it is much, and refused where the machine cannot hold it.

use crate::error::CliError;
use crate::{machine, terminal};
use squall_campaign::{RunSize, bytes};
use squall_scenario::{Scenario, traffic_problem};
use squall_sim::RowRetention;
use std::path::Path;

/// Runs of one scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizedRuns<'a> {
    /// Its file.
    pub(crate) path: &'a Path,
    /// The scenario.
    pub(crate) scenario: &'a Scenario,
    /// Whether their rows are kept.
    pub(crate) keep: RowRetention,
    /// How many.
    pub(crate) runs: usize,
    /// How many at once.
    pub(crate) at_once: usize,
}

impl SizedRuns<'_> {
    fn size(&self) -> RunSize {
        RunSize::of(self.scenario, self.keep).times(self.runs, self.at_once)
    }
}

/// Says what large runs take, one after the other, with their files below `folder`.
///
/// # Errors
/// When the machine cannot hold one of them, unless that is `allowed`.
pub(crate) fn ensure(all: &[SizedRuns<'_>], folder: &Path, allowed: bool) -> Result<(), CliError> {
    let Some(whole) = all.iter().map(SizedRuns::size).reduce(RunSize::then) else { return Ok(()) };
    if !allowed {
        let room = machine::room(Some(folder));
        for each in all {
            let size = each.size();
            let Some(lack) = size.lacks(room) else { continue };
            let (needed, available) = (bytes(lack.needed), bytes(lack.available as f64));
            let (scenario, requests) = (each.scenario, size.requests_told());
            let message = format!(
                "this machine cannot hold it: {requests} take about {needed} of {}, and {available} are \
                 available",
                lack.of
            );
            let one = RunSize::of(scenario, each.keep).requests_told();
            let label = format!("{one} in {} s", scenario.duration.as_secs_f64());
            let help =
                "lower the rate or the duration, or run it all the same with `--allow-large`";
            let path = each.path.display().to_string();
            return Err(CliError::File(traffic_problem(
                &path,
                &scenario.text,
                &message,
                &label,
                help,
            )));
        }
    }
    if whole.is_large() {
        terminal::status(format_args!("this is large: {}", whole.told()));
    }
    Ok(())
}
