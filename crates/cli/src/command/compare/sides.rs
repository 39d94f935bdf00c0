//! The two sides of a comparison: which runs belong together, and whether they can be compared.

use crate::args::MarginArgs;
use crate::error::CliError;
use crate::terminal;
use squall_judge::{ComparedFigure, RunComparison, RunSet, compare_runs, conditions_differ};
use std::path::Path;

/// The reference of a check, read before anything is run.
pub(crate) fn reference_of(path: &Path) -> Result<Vec<RunSet>, CliError> {
    Ok(super::inputs::read_runs(path)?.sets)
}

/// Compares every scenario that both sides have.
pub(crate) fn compare_sides(
    reference: &[RunSet],
    candidate: &[RunSet],
    args: &MarginArgs,
) -> Result<Vec<RunComparison>, CliError> {
    let mut comparisons = Vec::new();
    for (before, after) in together(reference, candidate)? {
        let differ = conditions_differ(before, after);
        if !differ.barred.is_empty() && !args.allow_differences {
            return Err(not_comparable(before, after, &differ.barred));
        }
        let mut comparison = compare_runs(before, after, &args.margins);
        comparison
            .notes
            .extend(differ.barred.iter().map(|line| format!("other conditions: {line}")));
        comparisons.push(comparison);
    }
    Ok(comparisons)
}

/// The scenarios of both sides by name; one alone on each side needs none.
fn together<'r>(
    reference: &'r [RunSet],
    candidate: &'r [RunSet],
) -> Result<Vec<(&'r RunSet, &'r RunSet)>, CliError> {
    if let ([before], [after]) = (reference, candidate) {
        return Ok(vec![(before, after)]);
    }
    let of = |name: &str| reference.iter().find(|set| set.scenario == name);
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    for after in candidate {
        match of(&after.scenario) {
            Some(before) => pairs.push((before, after)),
            None => alone.push(after.scenario.as_str()),
        }
    }
    if pairs.is_empty() {
        let names = |sets: &[RunSet]| {
            let names: Vec<_> = sets.iter().map(|set| set.scenario.as_str()).collect();
            names.join(", ")
        };
        return Err(CliError::Compare(format!(
            "no scenario is in both: the reference has {}, the candidate {}",
            names(reference),
            names(candidate)
        )));
    }
    if !alone.is_empty() {
        terminal::status(format_args!(
            "not in the reference, and not compared: {}",
            alone.join(", ")
        ));
    }
    Ok(pairs)
}

fn not_comparable(before: &RunSet, after: &RunSet, differ: &[String]) -> CliError {
    let mut message = format!(
        "`{}` and `{}` cannot be compared, since `{}` met other conditions:",
        before.label, after.label, after.scenario
    );
    differ.iter().for_each(|line| message += &format!("\n  {line}"));
    message += "\nrun both under the same traffic, phases and providers, or compare them all the same with \
                `--allow-differences`";
    CliError::Compare(message)
}

/// A margin of a figure that nothing has is a mistake.
pub(crate) fn tell_unused_margins(args: &MarginArgs, comparisons: &[RunComparison]) {
    let figures = || comparisons.iter().flat_map(|each| &each.rows).map(|row| &row.figure);
    let is_used = |of: &str| {
        figures()
            .any(|figure: &ComparedFigure| figure.name == of || figure.metric.spec().name == of)
    };
    for margin in args.margins.iter().filter(|margin| !is_used(&margin.of)) {
        terminal::status(format_args!(
            "warning: `--margin {}=…`: no figure is called so",
            margin.of
        ));
    }
}
