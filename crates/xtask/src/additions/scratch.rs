//! A copy of the tree in which something is tried out: under `target`, with build files of its own, both kept for the
//! next time.

use crate::step::Steps;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The copy, and what it held before anything ran in it.
#[derive(Debug)]
pub(super) struct Scratch {
    tree: PathBuf,
    build: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Scratch {
    /// The tree of `root` as git lists it, uncommitted changes included, with these texts instead of its own, and one
    /// more file that does not count.
    ///
    /// # Errors
    /// What cannot be listed, read or written.
    pub(super) fn new(
        root: &Path,
        texts: &BTreeMap<&'static str, String>,
        (extra, text): (&str, &str),
    ) -> Result<Self, String> {
        let folder = root.join("target/additions");
        let mut files = BTreeMap::new();
        for name in listed(root)? {
            // Deleted, and not yet committed.
            if let Ok(bytes) = fs::read(root.join(&name)) {
                files.insert(name, bytes);
            }
        }
        for (name, text) in texts {
            files.insert((*name).to_owned(), text.clone().into_bytes());
        }
        let scratch = Self { tree: folder.join("tree"), build: folder.join("build"), files };
        scratch.write(extra, text).map_err(|error| format!("{extra}: {error}"))?;
        Ok(scratch)
    }

    /// Files that are as they should be keep their times, so that what was built of them is built no more.
    fn write(&self, extra: &str, text: &str) -> std::io::Result<()> {
        for name in present(&self.tree) {
            if !self.files.contains_key(&name) {
                fs::remove_file(self.tree.join(&name))?;
            }
        }
        let extra = (extra.to_owned(), text.as_bytes().to_vec());
        let extra = std::iter::once((&extra.0, &extra.1));
        for (name, bytes) in self.files.iter().chain(extra) {
            let path = self.tree.join(name);
            if fs::read(&path).is_ok_and(|now| now == *bytes) {
                continue;
            }
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, bytes)?;
        }
        Ok(())
    }

    /// Runs cargo in the copy as a step.
    pub(super) fn cargo(
        &self,
        steps: &mut Steps,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> bool {
        steps.step(&format!("cargo {}", arguments.join(" ")), || {
            let status = self.command(arguments).envs(variables.iter().copied()).status();
            status.is_ok_and(|status| status.success())
        })
    }

    /// What cargo prints in the copy; `None`, once that is said, if it fails.
    pub(super) fn output(&self, arguments: &[&str]) -> Option<String> {
        let output = self.command(arguments).stderr(Stdio::inherit()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).current_dir(&self.tree).stdin(Stdio::null());
        command.env("CARGO_TARGET_DIR", &self.build);
        // Nobody debugs what is built here: without symbols and increments it takes a quarter of the room.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
        command
    }

    /// The files that are no longer as they were before anything ran, and those that are new.
    pub(super) fn changed(&self) -> BTreeSet<String> {
        let differs = |(name, bytes): (&String, &Vec<u8>)| {
            let same = fs::read(self.tree.join(name)).is_ok_and(|now| now == *bytes);
            (!same).then(|| name.clone())
        };
        let new = present(&self.tree).into_iter().filter(|name| !self.files.contains_key(name));
        self.files.iter().filter_map(differs).chain(new).collect()
    }

    /// A file of the copy; nothing if it is not there.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.tree.join(name)).unwrap_or_default()
    }
}

/// What git knows below `root`, and what it would.
fn listed(root: &Path) -> Result<Vec<String>, String> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(arguments).current_dir(root).output();
    let output = output.map_err(|error| format!("git does not run: {error}"))?;
    if !output.status.success() {
        return Err("`git ls-files` fails: this needs a checkout".to_owned());
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// The files of the copy, but for what is built or run there.
fn present(tree: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![tree.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(below) = path.strip_prefix(tree) else { continue };
            if below == Path::new("target") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(below.to_string_lossy().into_owned());
            }
        }
    }
    found
}
