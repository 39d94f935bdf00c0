//! The scenarios of a check, and the exit codes of their judgements.

use crate::args::{CheckArgs, InconclusiveArgs, WhenInconclusive};
use crate::command;
use crate::error::{CliError, Exit};
use crate::terminal;
use squall_judge::{Baseline, Judgement};
use squall_scenario::Scenario;
use std::fs;
use std::path::{Path, PathBuf};

/// A scenario and its file.
pub(crate) struct Checked {
    pub(crate) path: PathBuf,
    pub(crate) scenario: Scenario,
    pub(crate) baseline: Option<Baseline>,
}

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
    for path in paths {
        let read = command::scenario(&path, &args.runs.settings).and_then(|scenario| {
            let baseline = Baseline::read(&Baseline::path_of(&path))?;
            Ok(Checked { path, scenario, baseline })
        });
        match (read, &first_error) {
            (Ok(each), _) => checked.push(each),
            (Err(error), None) => first_error = Some(error),
            (Err(error), Some(_)) => terminal::error(&error),
        }
    }
    first_error.map_or(Ok(checked), Err)
}

/// The scenario files at or below a path, in the order of their names. Checklists lie beside scenarios, and
/// are run by `rehearse`.
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
        let is_folder = entry.is_dir() && entry.file_name() != Some("checklists".as_ref());
        if is_scenario || is_folder {
            collect(&entry, found)?;
        }
    }
    Ok(())
}
