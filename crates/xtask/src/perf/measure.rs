//! Runs what measures a row, and reads its figures.

use super::rows::{FigureSource, PerfRow};
use super::samples::TurnSamples;
use super::{counted, host};
use crate::{machine, step};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// How much is measured.
#[derive(Clone, Debug)]
pub(super) struct MeasureOptions {
    pub(super) turns: usize,
    /// How long a turn of servers is.
    pub(super) seconds: u64,
    /// Whether a build from nothing is measured.
    pub(super) cold: bool,
    /// Envoy's binary, if it is installed.
    pub(super) envoy: Result<PathBuf, String>,
}

/// What a row gave.
#[derive(Clone, Debug, Default)]
pub(super) struct RowFigures {
    /// By contender.
    pub(super) samples: BTreeMap<String, TurnSamples>,
    /// What was left out, and why.
    pub(super) left_out: Vec<String>,
    /// Why its figures are doubtful.
    pub(super) doubt: Option<String>,
}

/// The figures of runs that several rows share.
#[derive(Debug, Default)]
pub(super) struct RowMeasurer {
    shared: Vec<(FigureSource, Vec<FigureLine>)>,
}

/// A line of a benchmark: `figure`, the row, whose, the value; or `left out`, the row, whose, why.
#[derive(Clone, Debug)]
enum FigureLine {
    Figure { row: String, whose: String, value: f64 },
    LeftOut { row: String, whose: String, why: String },
}

impl RowMeasurer {
    /// Measures a row; what fails is left out, with the reason.
    pub(super) fn row(&mut self, row: &PerfRow, options: &MeasureOptions) -> RowFigures {
        let mut figures = RowFigures::default();
        if host::cores() < row.cores {
            let why = "the load generator and what it measures would share one core";
            figures.left_out.push(why.to_owned());
            return figures;
        }
        figures.doubt = host::busy();
        let lines = match row.source {
            FigureSource::InstalledSize => installed_size(row).map(|line| vec![line]),
            FigureSource::ColdBuild if !options.cold => Err("asked for by --cold".to_owned()),
            FigureSource::ColdBuild => cold_build(row).map(|line| vec![line]),
            FigureSource::Bench { .. }
            | FigureSource::Servers { .. }
            | FigureSource::Example { .. } => self.lines(row, options),
        };
        match lines {
            Ok(lines) => lines.into_iter().for_each(|line| figures.take(row, line)),
            Err(why) => figures.left_out.push(why),
        }
        if let (FigureSource::Servers { bench: "gateway" }, Err(why)) = (row.source, &options.envoy)
        {
            figures.left_out.push(format!("Envoy: {why}"));
        }
        figures
    }

    fn lines(
        &mut self,
        row: &PerfRow,
        options: &MeasureOptions,
    ) -> Result<Vec<FigureLine>, String> {
        if let Some((_, lines)) = self.shared.iter().find(|(source, _)| *source == row.source) {
            return Ok(lines.clone());
        }
        let lines = match row.source {
            FigureSource::Bench { package: "squall", .. } => {
                let turns = (0..options.turns).map(|_| bench(row, options));
                turns.collect::<Result<Vec<_>, _>>()?.concat()
            }
            FigureSource::Example { program, arguments } => {
                let turns = (0..options.turns).map(|_| example(program, arguments));
                turns.collect::<Result<Vec<_>, _>>()?.concat()
            }
            _ => bench(row, options)?,
        };
        // Servers are told their row: what they print is of it alone.
        if matches!(row.source, FigureSource::Bench { .. }) {
            self.shared.push((row.source, lines.clone()));
        }
        Ok(lines)
    }
}

impl RowFigures {
    fn take(&mut self, row: &PerfRow, line: FigureLine) {
        match line {
            FigureLine::Figure { row: name, whose, value } if name == row.name => {
                self.samples.entry(whose).or_default().push(value);
            }
            FigureLine::LeftOut { row: name, whose, why } if name == row.name || name == "all" => {
                self.left_out.push(if whose == "all" { why } else { format!("{whose}: {why}") });
            }
            FigureLine::Figure { .. } | FigureLine::LeftOut { .. } => {}
        }
    }
}

/// Runs a benchmark once, with the turns that it takes itself.
fn bench(row: &PerfRow, options: &MeasureOptions) -> Result<Vec<FigureLine>, String> {
    let (turns, seconds) = (options.turns.to_string(), options.seconds.to_string());
    let (package, bench, mut arguments) = match row.source {
        FigureSource::Servers { bench } => {
            let told = ["--figures", "--only", row.name, "--turns", &turns, "--seconds", &seconds];
            ("squall", bench, told.map(str::to_owned).to_vec())
        }
        FigureSource::Bench { package, bench, arguments } => {
            let mut told: Vec<_> = arguments.iter().map(|word| (*word).to_owned()).collect();
            if package != "squall" {
                told.extend(["--turns".to_owned(), turns]);
            }
            (package, bench, told)
        }
        FigureSource::Example { .. } | FigureSource::InstalledSize | FigureSource::ColdBuild => {
            return Err("it is no benchmark".to_owned());
        }
    };
    if let (FigureSource::Servers { bench: "gateway" }, Ok(path)) = (row.source, &options.envoy) {
        arguments.extend(["--envoy".to_owned(), path.display().to_string()]);
    }
    let mut command = Command::new(env!("CARGO"));
    command.args(["bench", "--quiet", "--locked", "--package", package, "--bench", bench, "--"]);
    printed(command.args(arguments))
}

fn example(program: &str, arguments: &[&str]) -> Result<Vec<FigureLine>, String> {
    if !counted::build("release") {
        return Err("it cannot be built".to_owned());
    }
    printed(Command::new(machine::target().join("release/examples").join(program)).args(arguments))
}

/// The lines that a program prints.
fn printed(command: &mut Command) -> Result<Vec<FigureLine>, String> {
    let root = machine::root().ok_or("there is no workspace")?;
    let output = command.current_dir(root).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(format!("it failed: {last}"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(FigureLine::read).collect())
}

impl FigureLine {
    /// Other lines are for people.
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split('\t').map(str::to_owned);
        let (kind, row, whose, rest) =
            (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        match kind.as_str() {
            "figure" => Some(Self::Figure { row, whose, value: rest.parse().ok()? }),
            "left out" => Some(Self::LeftOut { row, whose, why: rest }),
            _ => None,
        }
    }
}

/// The binary as `cargo install` and `cargo xtask dist` leave it: the release profile's.
fn installed_size(row: &PerfRow) -> Result<FigureLine, String> {
    if !step::cargo(&["build", "--quiet", "--locked", "--release", "--package", "squall"], &[]) {
        return Err("it cannot be built".to_owned());
    }
    let path = machine::target().join("release/squall");
    let size = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?.len();
    Ok(FigureLine::Figure {
        row: row.name.to_owned(),
        whose: "squall".to_owned(),
        value: size as f64 / 1e6,
    })
}

/// In a folder of its own, which is removed before and after.
#[expect(clippy::disallowed_methods, reason = "it is measured how long a build takes")]
fn cold_build(row: &PerfRow) -> Result<FigureLine, String> {
    let folder = machine::perf_folder()?.join("cold");
    let empty = |folder: &Path| {
        // It may not be there.
        let _ = fs::remove_dir_all(folder);
    };
    empty(&folder);
    let path = folder.display().to_string();
    let started = Instant::now();
    let build = ["build", "--quiet", "--locked", "--release", "--package", "squall"];
    let built = step::cargo(&[&build[..], &["--target-dir", &path]].concat(), &[]);
    let value = started.elapsed().as_secs_f64();
    empty(&folder);
    let (row, whose) = (row.name.to_owned(), "squall".to_owned());
    built.then_some(FigureLine::Figure { row, whose, value }).ok_or_else(|| "it failed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::rows::ROWS;

    #[test]
    fn a_row_takes_its_own_lines_and_no_others() {
        let row = ROWS.iter().find(|row| row.name == "whole-32").expect("it is in the table");
        let mut figures = RowFigures::default();
        let text = "whole-32     33.0 µs\nfigure\twhole-32\tsquall\t33.5\nfigure\twhole-32\tnginx\t14\n\
                    figure\twhole-1\tsquall\t60\nleft out\twhole-32\tHAProxy\t3 requests failed\n\
                    left out\tall\tall\tneeds wrk\nfigure\twhole-32\tsquall\tno number\n";
        text.lines().filter_map(FigureLine::read).for_each(|line| figures.take(row, line));
        let medians: Vec<_> = figures
            .samples
            .iter()
            .map(|(whose, samples)| (whose.as_str(), samples.median()))
            .collect();
        assert_eq!(medians, [("nginx", Some(14.0)), ("squall", Some(33.5))]);
        assert_eq!(figures.left_out, ["HAProxy: 3 requests failed", "needs wrk"]);
    }
}
