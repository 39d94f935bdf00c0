//! What is compared: folders of runs that were made, and scenario files that are run here.

use crate::args::CompareArgs;
use crate::command;
use crate::error::CliError;
use crate::run_room::{self, SizedRuns};
use crate::{progress, terminal};
use squall_campaign::{CheckOptions, IsInterrupted, check_each, workers};
use squall_judge::{Origin, RunSet, conditions_differ, measure_run, read_stored_runs};
use squall_record::Recording;
use squall_report::{ComparedCurves, curve_bins};
use squall_scenario::{Override, Scenario};
use squall_sim::RowRetention;
use std::fs;
use std::path::{Path, PathBuf};

/// A side of a comparison: its runs by scenario, and what they did over time where that was recorded.
#[derive(Default)]
pub(crate) struct Side {
    pub(crate) sets: Vec<RunSet>,
    pub(crate) curves: Vec<ComparedCurves>,
}

/// What is to become a side.
pub(super) enum Input {
    /// Runs that were made.
    Runs(Side),
    /// Scenarios that are to be simulated.
    Scenarios(Vec<ScenarioInput>),
}

pub(super) struct ScenarioInput {
    label: String,
    path: PathBuf,
    scenario: Scenario,
    origin: Origin,
}

/// What a folder of a run holds.
const RUN: &str = "run.json";

/// Reads every input before anything is run.
pub(super) fn read_all(args: &CompareArgs) -> Result<Vec<Input>, CliError> {
    let settings = &args.runs.settings;
    let [first, others @ ..] = &args.inputs[..] else { return Ok(Vec::new()) };
    if others.is_empty() {
        if first.is_dir() || settings.is_empty() {
            return Err(CliError::Compare(format!(
                "`{}` alone cannot be compared: name a second one, or one scenario file and what is other with `--set`",
                first.display()
            )));
        }
        let label = first.display().to_string();
        let set: Vec<_> = settings.iter().map(|each| format!("--set {each}")).collect();
        return Ok(vec![
            Input::Scenarios(scenarios(first, args, &[], &label)?),
            Input::Scenarios(scenarios(first, args, settings, &set.join(" "))?),
        ]);
    }
    args.inputs.iter().map(|path| read(path, args)).collect()
}

fn read(path: &Path, args: &CompareArgs) -> Result<Input, CliError> {
    let metadata =
        fs::metadata(path).map_err(|source| CliError::Read { path: path.to_owned(), source })?;
    match metadata.is_dir() {
        true => Ok(Input::Runs(read_runs(path)?)),
        false => {
            let label = path.display().to_string();
            Ok(Input::Scenarios(scenarios(path, args, &args.runs.settings, &label)?))
        }
    }
}

/// The cases of a scenario file.
fn scenarios(
    path: &Path,
    args: &CompareArgs,
    settings: &[Override],
    label: &str,
) -> Result<Vec<ScenarioInput>, CliError> {
    let given = &args.runs.variables.set;
    let (cases, _) = command::cases(path, given, settings)?;
    let cases = cases.into_iter().map(|case| {
        let variables = case.choices.iter().map(|(name, value)| format!("{name}={value}"));
        let origin = Origin {
            path: path.display().to_string(),
            variables: variables.collect(),
            settings: settings.iter().map(Override::to_string).collect(),
        };
        let (label, path) = (label.to_owned(), path.to_owned());
        ScenarioInput { label, path, scenario: case.scenario, origin }
    });
    Ok(cases.collect())
}

/// The runs in a folder: of a check, of one run, or of several runs below it.
pub(super) fn read_runs(path: &Path) -> Result<Side, CliError> {
    let label = path.display().to_string();
    if path.join(RUN).exists() {
        let (set, curves) = recorded(path, &label)?;
        return Ok(Side { sets: vec![set], curves: vec![curves] });
    }
    let stored = read_stored_runs(path, &label);
    if let Some(sets) = stored.map_err(|error| CliError::Compare(error.to_string()))? {
        return match sets.iter().any(|set| !set.runs.is_empty()) {
            true => Ok(Side { sets, curves: Vec::new() }),
            false => {
                Err(CliError::Compare(format!("`{label}` holds a check without a single run")))
            }
        };
    }
    let folders = folders_of_runs(path)?;
    if folders.is_empty() && path.join("summary.json").exists() {
        return Err(CliError::Compare(format!(
            "`{label}` has a summary and no `run.json` or `values.json`, which have what the runs measured: run it again"
        )));
    }
    if folders.is_empty() {
        return Err(CliError::Compare(format!(
            "`{label}` holds no runs: expected `run.json` of a run, `values.json` of a check, or folders of runs"
        )));
    }
    let mut side = Side::default();
    for folder in folders {
        let (run, of_run) = recorded(&folder, &label)?;
        match side.sets.iter().position(|set| is_same(set, &run)) {
            Some(place) => {
                side.sets[place].runs.extend(run.runs);
                side.sets[place].asked += 1;
                side.curves[place].add(of_run);
            }
            None => {
                side.sets.push(run);
                side.curves.push(of_run);
            }
        }
    }
    Ok(side)
}

/// Whether two runs are of one scenario, under one configuration.
fn is_same(set: &RunSet, run: &RunSet) -> bool {
    if set.scenario != run.scenario || set.mode != run.mode || set.target != run.target {
        return false;
    }
    let differ = conditions_differ(set, run);
    differ.barred.is_empty() && differ.changed.is_empty()
}

/// The folders below one that hold a run, by name; links such as `latest` lead to another of them.
fn folders_of_runs(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |source| CliError::Read { path: path.to_owned(), source };
    let mut folders = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && entry.path().join(RUN).exists() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

/// A run that was recorded.
fn recorded(path: &Path, label: &str) -> Result<(RunSet, ComparedCurves), CliError> {
    let refused = |error: &dyn std::fmt::Display| CliError::Compare(format!("{error}"));
    let recording = Recording::read(path).map_err(|error| refused(&error))?;
    let name = path.join(RUN).display().to_string();
    let scenario = Scenario::read(&name, &recording.header.scenario_text).map_err(|error| {
        CliError::Compare(format!(
            "the scenario of `{name}` cannot be read by this version of squall: {error}"
        ))
    })?;
    let bins = curve_bins(&scenario, &recording);
    let curves = ComparedCurves::new(label.to_owned(), &scenario, vec![bins]);
    Ok((RunSet::recorded(label.to_owned(), &scenario, &recording, Origin::default()), curves))
}

/// Simulates the scenarios among the inputs: all of them with the same seeds.
pub(super) fn simulate(
    inputs: Vec<Input>,
    args: &CompareArgs,
    is_interrupted: &IsInterrupted<'_>,
) -> Result<Vec<Side>, CliError> {
    let options = CheckOptions {
        seeds: args.runs.seeds as usize,
        first_seed: args.first_seed.or_else(|| first_seed(&inputs)),
        workers: args.runs.jobs.unwrap_or_else(workers),
        ..CheckOptions::default()
    };
    let scenarios: Vec<_> = inputs
        .iter()
        .filter_map(|input| match input {
            Input::Scenarios(scenarios) => Some(scenarios),
            Input::Runs(_) => None,
        })
        .flatten()
        .collect();
    let sized = scenarios.iter().map(|each| SizedRuns {
        path: &each.path,
        scenario: &each.scenario,
        keep: RowRetention::Cells,
        runs: options.seeds,
        at_once: options.workers.get(),
        are_written: false,
    });
    run_room::ensure(&sized.collect::<Vec<_>>(), &args.out, args.runs.allow_large)?;
    if !scenarios.is_empty() {
        terminal::status(format_args!(
            "{} seeds each, in virtual time; Ctrl-C stops and compares the completed runs",
            options.seeds
        ));
    }
    let of_each: Vec<_> = scenarios.iter().map(|each| &each.scenario).collect();
    let bar = progress::Runs::new();
    let read = |scenario: &Scenario, recording: &Recording| {
        (measure_run(scenario, recording), curve_bins(scenario, recording))
    };
    let runs = check_each(&of_each, &options, is_interrupted, read, |progress| bar.show(progress));
    bar.clear();
    let mut runs = runs?.into_iter();
    let sides = inputs.into_iter().map(|input| match input {
        Input::Runs(side) => side,
        Input::Scenarios(scenarios) => {
            let mut side = Side::default();
            for each in scenarios {
                let (measured, samples): (Vec<_>, Vec<_>) =
                    runs.next().unwrap_or_default().into_iter().unzip();
                let label = each.label.clone();
                side.curves.push(ComparedCurves::new(label, &each.scenario, samples));
                let set = RunSet::simulated(each.label, &each.scenario, each.origin);
                side.sets.push(set.with_runs(measured, options.seeds));
            }
            side
        }
    });
    Ok(sides.collect())
}

/// The first seed of the reference, which all follow.
fn first_seed(inputs: &[Input]) -> Option<u64> {
    match inputs.first()? {
        Input::Runs(side) => Some(side.sets.first()?.runs.first()?.seed),
        Input::Scenarios(scenarios) => Some(scenarios.first()?.scenario.seed.value()),
    }
}
