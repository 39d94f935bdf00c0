//! Where a run is made, and how: the machine, the time, and the line that was typed.

use crate::args::KeepArgs;
use crate::error::CliError;
use crate::terminal;
use squall_record::{EarlierRuns, OutFolder};
use squall_report::RunOrigin;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// The origin of the run with this seed that this process is about to begin.
pub(crate) fn of_run_that_begins(seed: u64) -> RunOrigin {
    let typed = typed();
    RunOrigin { command: command(&typed, Some(seed)), ..of_this_command() }
}

/// The origin of what this process makes, by the line that was typed and nothing more.
#[expect(clippy::disallowed_methods, reason = "a report says when it was made, and by which line")]
pub(crate) fn of_this_command() -> RunOrigin {
    let typed = typed();
    RunOrigin {
        started: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        written: String::new(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        commit: option_env!("SQUALL_COMMIT").unwrap_or_default().to_owned(),
        command: command(&typed, None),
        settings: settings(&typed),
    }
}

/// The words behind the name of the program.
fn typed() -> Vec<String> {
    let typed = std::env::args_os().skip(1);
    typed.map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The origin of a run whose report is about to be written.
#[expect(clippy::disallowed_methods, reason = "a report says when it was written")]
pub(crate) fn written_now(origin: RunOrigin) -> RunOrigin {
    let written = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    RunOrigin { written, ..origin }
}

/// Makes the folder of a run ready, and says what becomes of the run that it holds.
pub(crate) fn prepare(folder: &Path, keep: KeepArgs) -> Result<OutFolder, CliError> {
    let began = began(folder);
    let name = began.as_deref().unwrap_or("unknown").replace(':', "-");
    let earlier = EarlierRuns { name, most: keep.most };
    let prepared = OutFolder::prepare(folder, &squall_report::report_files(), &earlier)?;
    let of = began.map_or_else(String::new, |began| format!(" of {began}"));
    match prepared.kept() {
        Some(kept) => terminal::status(format_args!("earlier run{of} kept in {}", kept.display())),
        None if !of.is_empty() => {
            terminal::status(format_args!("replaces the run{of} in {}", folder.display()));
        }
        None => {}
    }
    Ok(prepared)
}

/// When the run in a folder began, to the second, if there is one: as its origin says, or else as old as its file is.
fn began(folder: &Path) -> Option<String> {
    let modified = fs::metadata(folder.join("run.json")).ok()?.modified().ok()?;
    let origin = RunOrigin::read(folder).unwrap_or_default();
    let told = [origin.started, origin.written].into_iter();
    let time = told.filter_map(|text| humantime::parse_rfc3339(&text).ok()).next();
    Some(humantime::format_rfc3339_seconds(time.unwrap_or(modified)).to_string())
}

/// The line that was typed, with the seed if that was left to the file.
fn command(typed: &[String], seed: Option<u64>) -> String {
    let mut words: Vec<_> = typed.iter().map(|word| quoted(word)).collect();
    words.insert(0, "squall".to_owned());
    let is_typed = typed.iter().any(|word| word == "--seed" || word.starts_with("--seed="));
    if let Some(seed) = seed.filter(|_| !is_typed) {
        words.push(format!("--seed {seed}"));
    }
    words.join(" ")
}

/// The values of `--set` and `--var`.
fn settings(typed: &[String]) -> Vec<String> {
    let mut settings = Vec::new();
    let mut words = typed.iter();
    while let Some(word) = words.next() {
        for option in ["--set", "--var"] {
            let value = match word.strip_prefix(option) {
                Some("") => words.next().cloned(),
                Some(rest) => rest.strip_prefix('=').map(str::to_owned),
                None => continue,
            };
            settings.extend(value);
            break;
        }
    }
    settings
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./=:,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &[&str]) -> Vec<String> {
        line.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn the_line_is_the_one_that_was_typed_with_its_seed() {
        let line =
            typed(&["run", "a b.yaml", "--sim", "--set", "router.retries=0", "--var=rate=5"]);
        let again = "squall run 'a b.yaml' --sim --set router.retries=0 --var=rate=5 --seed 7";
        assert_eq!(command(&line, Some(7)), again);
        assert_eq!(settings(&line), ["router.retries=0", "rate=5"]);
        let seeded = typed(&["run", "it's.yaml", "--seed", "3"]);
        assert_eq!(command(&seeded, Some(3)), r"squall run 'it'\''s.yaml' --seed 3");
    }
}
