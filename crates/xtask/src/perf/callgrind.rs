//! Instructions of a program, as `valgrind --tool=callgrind` counts them: the same in every run, however busy the machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a program executed.
#[derive(Debug)]
pub(super) struct CountedRun {
    /// Instructions in user space.
    pub(super) instructions: u64,
    /// What it printed.
    pub(super) printed: String,
}

/// Runs a program to its end, and counts. Its environment is empty: the loader and the C library read it.
///
/// # Errors
/// When it cannot be run or fails, or what callgrind wrote to `out` has no sum.
pub(super) fn count(program: &Command, out: &Path) -> Result<CountedRun, String> {
    let name = program.get_program().display().to_string();
    let mut command = Command::new("valgrind");
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(program.get_program()).args(program.get_args()).stdin(Stdio::null());
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    let output = command.output().map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} under valgrind: {}: {}", output.status, said.trim_end()));
    }
    let profile = fs::read_to_string(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let instructions = total(&profile).ok_or_else(|| format!("{}: no totals", out.display()))?;
    Ok(CountedRun { instructions, printed: String::from_utf8_lossy(&output.stdout).into_owned() })
}

/// The sum of all events of a profile, of which instructions are the first.
fn total(profile: &str) -> Option<u64> {
    let line = profile.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
    line.split_whitespace().next()?.parse().ok()
}
