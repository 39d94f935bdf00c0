//! Runs the binary, each time in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of one test, empty at its start.
pub(crate) struct Folder(PathBuf);

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the folder can be made");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the file can be written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What is in the folder, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        Self::names_of(&self.0)
    }

    /// The same of any folder.
    pub(crate) fn names_of(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the folder is there").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary();
        command.args(arguments).current_dir(&self.0).env("NO_COLOR", "1");
        command
    }

    pub(crate) fn squall(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("the binary can be run").into()
    }
}

/// Where the binary is.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_squall");

/// The binary, which hears SIGHUP though the tests run under `nohup`: what was ignored stays so in children.
fn binary() -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new(BINARY);
    }
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", BINARY]);
    command
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ended {
    pub(crate) fn digest(&self) -> &str {
        let line = self.out.lines().find(|line| line.starts_with("digest: "));
        line.unwrap_or_else(|| panic!("no digest: {}{}", self.out, self.err))
    }
}

/// The scenario that is shipped.
pub(crate) fn viral_spike() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/viral-spike.yaml");
    std::fs::read_to_string(path).expect("it is shipped")
}
