//! What the command line says to a benchmark. `cargo xtask perf` reads the lines of `--figures`.

use std::error::Error;
use std::path::PathBuf;

/// What is measured, and how often.
#[derive(Debug)]
pub(crate) struct BenchOptions {
    /// How often each has its turn.
    pub(crate) turns: usize,
    /// How long a turn is.
    pub(crate) seconds: u64,
    /// The rows that are measured, by name; all if empty.
    pub(crate) only: Vec<String>,
    /// Prints every turn as a line `figure`, row, whose, value, with tabs between, instead of a table.
    pub(crate) figures: bool,
    /// Envoy's binary.
    pub(crate) envoy: Option<PathBuf>,
    /// Another build of squall.
    pub(crate) beside: Option<PathBuf>,
}

impl BenchOptions {
    /// `--turns N --seconds N --only ROW --figures --envoy PATH --beside PATH`.
    pub(crate) fn read(turns: usize, seconds: u64) -> Result<Self, Box<dyn Error>> {
        let (only, figures, envoy, beside) = (Vec::new(), false, None, None);
        let mut options = Self { turns, seconds, only, figures, envoy, beside };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} takes a value"));
            match arg.as_str() {
                "--turns" => options.turns = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--only" => options.only.push(value()?),
                "--envoy" => options.envoy = Some(value()?.into()),
                "--beside" => options.beside = Some(value()?.into()),
                "--figures" => options.figures = true,
                // Cargo says so to every benchmark.
                "--bench" => {}
                _ => return Err(format!("unknown argument {arg}").into()),
            }
        }
        if options.turns == 0 || options.seconds == 0 {
            return Err("--turns and --seconds are from 1 on".into());
        }
        Ok(options)
    }

    /// Whether this row is measured.
    pub(crate) fn measures(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == row)
    }
}

/// A line of `--figures`.
pub(crate) fn figure(row: &str, whose: &str, value: f64) -> String {
    format!("figure\t{row}\t{whose}\t{value}")
}

/// A line of `--figures` about what is not measured.
pub(crate) fn left_out(row: &str, whose: &str, why: &str) -> String {
    format!("left out\t{row}\t{whose}\t{why}")
}
