//! The scenarios of a check, and the exit codes of their judgements.

use crate::args::{CheckArgs, InconclusiveArgs, WhenInconclusive};
use crate::command;
use crate::error::{CliError, Exit};
use crate::terminal;
use squall_judge::{Baseline, Judgement, Origin};
use squall_scenario::{Override, Scenario, VariableSetting};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A scenario and its file.
pub(crate) struct Checked {
    pub(crate) path: PathBuf,
    pub(crate) scenario: Scenario,
    /// What makes it this case of its file, as `NAME=VALUE`.
    pub(crate) variables: Vec<String>,
    /// What was set otherwise than it stands there, as `PATH=VALUE`.
    pub(crate) settings: Vec<String>,
    pub(crate) baseline_path: PathBuf,
    pub(crate) baseline: Option<Baseline>,
}

impl Checked {
    /// Where it comes from.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            path: self.path.display().to_string(),
            variables: self.variables.clone(),
            settings: self.settings.clone(),
        }
    }
}

/// Folders whose files are no scenarios.
const NO_SCENARIOS: [&str; 2] = ["checklists", "fragments"];

/// The exit code of a judgement.
pub(crate) const fn exit(judgement: Judgement) -> Exit {
    match judgement {
        Judgement::Met => Exit::Met,
        Judgement::Missed => Exit::Missed,
        Judgement::Inconclusive => Exit::Inconclusive,
    }
}

impl InconclusiveArgs {
    /// The exit code where an inconclusive result may be told to warn: one of a whole run, of which something is expected.
    pub(crate) fn exit(self, exit: Exit, is_whole: bool) -> Exit {
        if exit != Exit::Inconclusive || !is_whole || self.when == WhenInconclusive::Fail {
            return exit;
        }
        terminal::status(
            "warning: the result is inconclusive; the exit code is 0, as `--inconclusive warn` asks",
        );
        Exit::Met
    }
}

/// A missed expectation outweighs an inconclusive one.
pub(crate) fn worse(left: Exit, right: Exit) -> Exit {
    match (left, right) {
        (Exit::Missed, _) | (_, Exit::Missed) => Exit::Missed,
        _ => left.max(right),
    }
}

/// Reads all scenarios; every mistake is told, and the first is the error.
pub(crate) fn read_all(args: &CheckArgs) -> Result<Vec<Checked>, CliError> {
    let mut paths = Vec::new();
    for path in &args.paths {
        collect(path, &mut paths)?;
    }
    if paths.is_empty() {
        let places: Vec<_> =
            args.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(CliError::NoScenario(places.join(", ")));
    }
    let mut checked = Vec::with_capacity(paths.len());
    let mut first_error = None;
    let given = &args.runs.variables.set;
    let mut used = BTreeSet::new();
    for path in paths {
        match (read(&path, args), &first_error) {
            (Ok((cases, unknown)), _) => {
                checked.extend(cases);
                used.extend(
                    given.iter().map(|each| &each.name).filter(|name| !unknown.contains(name)),
                );
            }
            (Err(error), None) => first_error = Some(error),
            (Err(error), Some(_)) => terminal::error(&error),
        }
    }
    if let Some(error) = first_error {
        return Err(error);
    }
    match given.iter().find(|each| !used.contains(&each.name)) {
        Some(unused) => Err(CliError::Variable(unused.name.clone())),
        None => Ok(checked),
    }
}

/// Reads the cases of a file. Answers also with the variables that were given and that it does not know.
fn read(path: &Path, args: &CheckArgs) -> Result<(Vec<Checked>, Vec<String>), CliError> {
    let given = &args.runs.variables.set;
    let (cases, unknown) = command::cases(path, given, &args.runs.settings)?;
    let cases = cases.into_iter().map(|case| {
        let chosen = case.choices.iter().map(|(name, value)| format!("{name}={value}"));
        let known = |each: &&VariableSetting| {
            let is_chosen = case.choices.iter().any(|(name, _)| *name == each.name);
            !is_chosen && !unknown.contains(&each.name)
        };
        let others = given.iter().filter(known).map(VariableSetting::to_string);
        let baseline_path = match case.choices.is_empty() {
            true => Baseline::path_of(path),
            // Each case has its own.
            false => {
                Baseline::path_of(&path.with_file_name(format!("{}.yaml", case.scenario.name)))
            }
        };
        let baseline = Baseline::read(&baseline_path)?;
        let variables = chosen.chain(others).collect();
        let (path, scenario) = (path.to_owned(), case.scenario);
        let settings = args.runs.settings.iter().map(Override::to_string).collect();
        Ok(Checked { path, scenario, variables, settings, baseline_path, baseline })
    });
    Ok((cases.collect::<Result<_, CliError>>()?, unknown))
}

/// The scenario files at or below a path, in the order of their names. Checklists lie beside scenarios, and
/// are run by `rehearse`; fragments are parts that scenarios include.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let unreadable = |source| CliError::Read { path: path.to_owned(), source };
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
        let name = entry.file_name().unwrap_or_default();
        let is_folder = entry.is_dir() && !NO_SCENARIOS.iter().any(|other| name == *other);
        if is_scenario || is_folder {
            collect(&entry, found)?;
        }
    }
    Ok(())
}
