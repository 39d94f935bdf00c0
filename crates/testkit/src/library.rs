//! The bundled scenarios.

use squall_scenario::Scenario;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of all bundled scenarios, those in folders too, in the order of their paths. Checklists, and the scenario
/// that only they run, are not among them, and no suite, which is many scenarios in a file.
///
/// # Panics
/// When a folder cannot be read.
#[must_use]
pub fn scenario_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&scenario_folder(), &mut files);
    files.sort();
    assert!(files.len() > 50, "the library is looked for in the wrong folder");
    files
}

/// The folder of the bundled scenarios.
#[must_use]
pub fn scenario_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry can be read").path();
        let is_scenario = path.extension().is_some_and(|end| end == "yaml");
        if path.is_dir() && !path.ends_with("checklists") && !path.ends_with("suite") {
            collect(&path, files);
        } else if is_scenario && !path.ends_with("rollout.yaml") {
            files.push(path);
        }
    }
}

/// Reads a scenario, and the files that it names from where it stands.
///
/// # Panics
/// When it cannot be read; with all that is wrong with it.
#[must_use]
pub fn read_scenario(path: &Path) -> Scenario {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let load = |other: &str| fs::read_to_string(folder.join(other));
    Scenario::read_with(&name, &text, &load).unwrap_or_else(|problems| panic!("{problems}"))
}
