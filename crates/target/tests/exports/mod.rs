//! Every export of every bundled scenario, as files that a gateway's own check can read.

use squall_scenario::{Placeholder, ProviderPart, Template};
use squall_target::{ReadyMade, Tuning, ready_made, require_installed};
use squall_testkit::library::{read_scenario, scenario_files};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The port of every provider, and of every gateway: nothing is sent, and no check binds it in earnest.
const PORT: &str = "59999";

fn filled(text: &Template, folder: &Path) -> String {
    let value = |placeholder: &Placeholder| -> Result<String, Infallible> {
        Ok(match placeholder {
            Placeholder::Port(_) => PORT.to_owned(),
            Placeholder::Folder => folder.display().to_string(),
            Placeholder::Environment(name) => panic!("an export reads the environment: {name}"),
            Placeholder::Provider { part, .. } => match part {
                ProviderPart::Url => format!("http://127.0.0.1:{PORT}/v1"),
                ProviderPart::Origin => format!("http://127.0.0.1:{PORT}"),
                ProviderPart::Host => "127.0.0.1".to_owned(),
                ProviderPart::Port => PORT.to_owned(),
                ProviderPart::Key => "sk-provider".to_owned(),
            },
        })
    };
    match text.fill(value) {
        Ok(text) => text,
    }
}

/// The files of every export of the library, each export in a folder of its own.
pub(crate) fn exports(target: &dyn ReadyMade, root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (place, path) in scenario_files().iter().enumerate() {
        let scenario = read_scenario(path);
        for (tuning, word) in [(Tuning::Defaults, "defaults"), (Tuning::Tuned, "tuned")] {
            let folder = root.join(format!("{place}-{}-{word}", scenario.name));
            fs::create_dir_all(&folder).unwrap();
            let start = target.export(&scenario, tuning).target.start.unwrap();
            for (name, text) in &start.files {
                fs::write(folder.join(name), filled(text, &folder)).unwrap();
            }
            folders.push(folder);
        }
    }
    folders
}

/// Runs the gateway's check over every export; `arguments` are those for one folder.
pub(crate) fn check_all(name: &str, arguments: impl Fn(&Path) -> Vec<String>) {
    let target = ready_made(name).unwrap();
    let bin = require_installed(target).unwrap_or_else(|error| panic!("{error}"));
    let root = tempfile::tempdir().unwrap();
    for folder in exports(target, root.path()) {
        let check = Command::new(bin.join(target.program())).args(arguments(&folder)).output();
        let check = check.unwrap();
        let told = [check.stdout, check.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        let place = folder.file_name().unwrap().to_string_lossy();
        assert!(check.status.success(), "{name} refuses {place}:\n{told}");
    }
}

pub(crate) fn words(words: &[&str], path: &Path, more: &[&str]) -> Vec<String> {
    let path = path.display().to_string();
    let words = words.iter().copied().chain([path.as_str()]).chain(more.iter().copied());
    words.map(str::to_owned).collect()
}
