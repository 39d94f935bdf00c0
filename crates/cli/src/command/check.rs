//! `squall check`: every scenario at its own seed, one line each.

use super::run;
use crate::args::CheckArgs;
use crate::error::{Error, Exit};
use crate::{command, terminal};
use squall_record::Keep;
use squall_report::{Verdict, VerdictRow};
use squall_scenario::Scenario;
use squall_sim::SimOptions;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn check(args: &CheckArgs) -> Result<Exit, Error> {
    let mut paths = Vec::new();
    for path in &args.paths {
        collect(path, &mut paths)?;
    }
    if paths.is_empty() {
        let places: Vec<_> =
            args.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(Error::NoScenario(places.join(", ")));
    }
    // All are read before any is run: a mistake in the last file is told at once.
    let scenarios = read_all(&paths)?;
    let mut verdicts = Vec::with_capacity(scenarios.len());
    for scenario in scenarios {
        let options = SimOptions { keep: Keep::Cells, journal: false };
        let recording = squall_sim::simulate(&scenario, options)?;
        let verdict = squall_report::judge(&scenario, &recording);
        terminal::data(line(&scenario, &verdict));
        verdict.rows.iter().filter(|row| !row.is_met()).for_each(tell);
        verdicts.push(verdict);
    }
    squall_report::write_junit(&args.junit, &verdicts)?;
    terminal::data(format_args!("junit: {}", args.junit.display()));
    let met = verdicts.iter().filter(|verdict| run::exit(verdict) == Exit::Met).count();
    terminal::data(format_args!("{met} of {} scenarios met their expectations", verdicts.len()));
    Ok(verdicts.iter().map(run::exit).fold(Exit::Met, worse))
}

fn line(scenario: &Scenario, verdict: &Verdict) -> String {
    let word = match run::exit(verdict) {
        Exit::Met => "met",
        Exit::Missed => "MISSED",
        _ => "inconclusive",
    };
    let met = verdict.rows.iter().filter(|row| row.is_met()).count();
    let of = verdict.rows.len();
    format!("{word:<12}  {}  seed {}  {met} of {of}", scenario.name, scenario.seed.value())
}

fn tell(row: &VerdictRow) {
    terminal::data(format_args!("              {}: {}", row.text, row.reason));
}

/// A missed expectation outweighs an inconclusive one.
fn worse(left: Exit, right: Exit) -> Exit {
    match (left, right) {
        (Exit::Missed, _) | (_, Exit::Missed) => Exit::Missed,
        _ => left.max(right),
    }
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Scenario>, Error> {
    let mut scenarios = Vec::with_capacity(paths.len());
    let mut first_error = None;
    for path in paths {
        match (command::scenario(path), &first_error) {
            (Ok(scenario), _) => scenarios.push(scenario),
            (Err(error), None) => first_error = Some(error),
            (Err(error), Some(_)) => terminal::error(&error),
        }
    }
    first_error.map_or(Ok(scenarios), Err)
}

/// The scenario files at or below a path, in the order of their names.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(unreadable)?;
    let mut entries = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    entries.sort();
    for entry in entries {
        let is_scenario = entry.extension().is_some_and(|ending| ending == "yaml");
        if is_scenario || entry.is_dir() {
            collect(&entry, found)?;
        }
    }
    Ok(())
}
