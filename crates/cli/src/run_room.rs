//! Before runs begin: what they take is estimated, told where it is much, and refused where the machine cannot hold it.

use crate::args::WhichRows;
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
    /// Whether their recordings and reports are.
    pub(crate) are_written: bool,
}

impl SizedRuns<'_> {
    fn size(&self) -> RunSize {
        let size = RunSize::of(self.scenario, self.keep);
        let size = if self.are_written { size } else { size.unwritten() };
        size.times(self.runs, self.at_once)
    }
}

/// Whether a run keeps rows.
pub(crate) fn retention(which: WhichRows, scenario: &Scenario) -> RowRetention {
    let has_few = || RunSize::of(scenario, RowRetention::Rows).requests <= RunSize::ROWS_KEPT;
    match which {
        WhichRows::All => RowRetention::Rows,
        WhichRows::Auto if has_few() => RowRetention::Rows,
        WhichRows::Auto | WhichRows::None => RowRetention::Cells,
    }
}

/// Says that a run keeps no rows, if that is so although nobody asked for it.
pub(crate) fn tell_retention(which: WhichRows, scenario: &Scenario, keep: RowRetention) {
    if which != WhichRows::Auto || keep == RowRetention::Rows {
        return;
    }
    let size = RunSize::of(scenario, RowRetention::Rows);
    terminal::status(format_args!(
        "{}: of more than {} neither rows nor the journal are kept, which `explain` and `replay` need; \
         `--rows all` keeps them, in {} of memory and {} of disk",
        size.requests_told(),
        squall_judge::text::count(RunSize::ROWS_KEPT as u64),
        bytes(size.memory),
        bytes(size.disk)
    ));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_more_than_a_million_requests_are_kept_where_that_is_asked_for() {
        let of = |rate: u32| {
            let text = format!(
                "{{ name: sized, duration: 1000s, traffic: {{ group: all, rate: {rate}, prompt_tokens: 10, \
                 output_tokens: 11 }}, providers: {{ one: {{ ttft: 100ms, itl: 10ms }} }}, router: {{ groups: {{ all: \
                 {{ deployments: [ {{ name: one, provider: one }} ] }} }} }}, expect: [ success_rate >= 1% ] }}"
            );
            Scenario::read("sized.yaml", &text).unwrap_or_else(|wrong| panic!("{wrong}"))
        };
        let kept = |which| [1_000, 1_001].map(|rate| retention(which, &of(rate)));
        let (rows, cells) = (RowRetention::Rows, RowRetention::Cells);
        assert_eq!(kept(WhichRows::Auto), [rows, cells]);
        assert_eq!(kept(WhichRows::All), [rows, rows]);
        assert_eq!(kept(WhichRows::None), [cells, cells]);
    }
}
