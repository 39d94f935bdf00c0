//! What the suites share: the tree they look at, and how runs over sockets are judged.

pub mod page;
pub mod valid_run;

use std::fs;
use std::path::{Path, PathBuf};

/// The project's root.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.to_owned(), Path::to_owned)
}

/// Every file below `folder` whose name ends in `ending`, with its path from the root and its text, in
/// the order of the paths. What a build leaves is skipped.
#[must_use]
pub fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root().join(folder), ending, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            // Cargo's folder of builds, and not the crate that is called so.
            let is_builds = name == "target" && !path.join("Cargo.toml").exists();
            if !is_builds && !name.starts_with('.') {
                collect(&path, ending, found);
            }
        } else if name.ends_with(ending)
            && let Ok(text) = fs::read_to_string(&path)
        {
            let from_root = path.strip_prefix(root()).unwrap_or(&path);
            found.push((from_root.to_string_lossy().into_owned(), text));
        }
    }
}
