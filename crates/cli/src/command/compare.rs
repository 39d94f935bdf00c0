//! `squall compare`: runs of one configuration against those of another.

mod inputs;
mod sides;

pub(crate) use sides::reference_of;

use crate::args::{CheckArgs, CompareArgs};
use crate::command::github;
use crate::error::{CliError, Exit};
use crate::signals::{self, Hangup};
use crate::terminal;
use inputs::Side;
use squall_judge::{
    ComparisonOutcome, RunComparison, RunSet, comparison_json, comparison_lines,
    comparison_markdown, worst_outcome,
};
use squall_record::OutFolder;
use squall_report::ComparedCurves;
use std::path::Path;

pub(crate) fn compare(args: &CompareArgs) -> Result<Exit, CliError> {
    let inputs = inputs::read_all(args)?;
    let folder = OutFolder::for_report(&args.out)?;
    let signals = signals::take_over(1, Hangup::Stop);
    let sides = inputs::simulate(inputs, args, &|| signals.is_stopped())?;
    let [reference, candidates @ ..] = &sides[..] else { return Ok(Exit::Usage) };
    let mut comparisons = Vec::new();
    for candidate in candidates {
        comparisons.extend(sides::compare_sides(&reference.sets, &candidate.sets, &args.margins)?);
    }
    squall_judge::control_comparisons(&mut comparisons);
    sides::tell_unused_margins(&args.margins, &comparisons);
    let exit = conclude(&comparisons, &curves(&sides), folder.path())?;
    let is_whole = sides.iter().flat_map(|side| &side.sets).all(|set| set.runs.len() >= set.asked);
    Ok(args.inconclusive.exit(exit, is_whole))
}

/// What all sides did over time, the reference first; a scenario alone on each side goes by the reference's name.
fn curves(sides: &[Side]) -> Vec<ComparedCurves> {
    let name = sides.first().and_then(|side| side.sets.first()).map(|set| &set.scenario);
    let of_side = |side: &Side| -> Vec<_> {
        let mut curves = side.curves.clone();
        if let (Some(name), [alone]) = (name, &mut curves[..]) {
            alone.scenario.clone_from(name);
        }
        curves
    };
    sides.iter().flat_map(of_side).collect()
}

/// `squall check --against`: what was checked against the runs of a reference.
pub(crate) fn against(
    reference: &[RunSet],
    candidate: &[RunSet],
    args: &CheckArgs,
    folder: &OutFolder,
) -> Result<Exit, CliError> {
    let mut comparisons = sides::compare_sides(reference, candidate, &args.margins)?;
    squall_judge::control_comparisons(&mut comparisons);
    sides::tell_unused_margins(&args.margins, &comparisons);
    conclude(&comparisons, &[], folder.path())
}

/// Tells comparisons everywhere, writes their files, and answers with their exit code.
fn conclude(
    comparisons: &[RunComparison],
    curves: &[ComparedCurves],
    folder: &Path,
) -> Result<Exit, CliError> {
    for comparison in comparisons {
        comparison_lines(comparison).iter().for_each(terminal::data);
        terminal::data("");
    }
    github::tell_comparison(comparisons, &comparison_markdown(comparisons))?;
    let paths = squall_report::write_comparison(folder, comparisons, curves)?;
    terminal::data(format_args!("comparison: {}", paths.html.display()));
    terminal::field("comparison", || comparison_json(comparisons));
    terminal::field("report", || paths.html.display().to_string().into());
    Ok(match worst_outcome(comparisons) {
        ComparisonOutcome::Regressed => Exit::Missed,
        ComparisonOutcome::Inconclusive => Exit::Inconclusive,
        ComparisonOutcome::Changed
        | ComparisonOutcome::Improved
        | ComparisonOutcome::NoDifference => Exit::Met,
    })
}
