//! Commands that make many runs: over seeds, over a value, over the steps of a rollout.

use super::{MarginArgs, ShardArgs, VariableArgs};
use clap::{Args as ClapArgs, ValueEnum};
use squall_scenario::Override;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

/// What a command does whose runs cannot be judged.
#[derive(Clone, Copy, Debug, ClapArgs)]
pub(crate) struct InconclusiveArgs {
    /// What an inconclusive result does: `fail` exits with 3, `warn` says why and exits with 0. An interruption, and a
    /// scenario that expects nothing, exit with 3 all the same
    #[arg(long = "inconclusive", value_enum, value_name = "WHAT", default_value_t = WhenInconclusive::Fail)]
    pub(crate) when: WhenInconclusive,
}

/// What an inconclusive result does.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum WhenInconclusive {
    /// Exit with 3
    Fail,
    /// Say why, and exit with 0
    Warn,
}

/// What becomes of the run that is in the folder already.
#[derive(Clone, Copy, Debug, ClapArgs)]
pub(crate) struct KeepArgs {
    /// Keep so many earlier runs, below the newest in `earlier/TIME`; the oldest of more are removed. 0 replaces the
    /// run that is there
    #[arg(long = "keep", value_name = "RUNS", default_value_t = 9)]
    pub(crate) most: usize,
}

/// How much of a run its recording keeps.
#[derive(Clone, Copy, Debug, ClapArgs)]
pub(crate) struct RowsArgs {
    /// How much the recording keeps beside its counts and distributions: `all` rows (a line for each request and
    /// attempt) and the journal, which `explain` and `replay` need, `none`, or `auto`: all of a run of up to 1,000,000
    /// requests
    #[arg(long = "rows", value_enum, value_name = "WHICH", default_value_t = WhichRows::Auto)]
    pub(crate) which: WhichRows,
}

/// Which rows are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum WhichRows {
    /// All of a run of up to 1,000,000 requests, and none of a longer one
    Auto,
    /// All, with the journal
    All,
    /// None: counts and distributions alone
    None,
}

/// What every command takes that makes many runs.
#[derive(Debug, ClapArgs)]
pub(crate) struct RunsArgs {
    /// Number of seeds; fewer than 59 allow no statement about 95% of all runs
    #[arg(long, value_name = "N", default_value_t = 59, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seeds: u32,
    /// Number of parallel runs [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZero<usize>>,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// Run even where the estimated memory or disk space is more than the machine has
    #[arg(long)]
    pub(crate) allow_large: bool,
    /// Override a value of the scenario, such as `router.retries=0`; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) settings: Vec<Override>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) inconclusive: InconclusiveArgs,
    #[command(flatten)]
    pub(crate) runs: RunsArgs,
    /// The first seed; the others follow it [default: the scenario's]
    #[arg(long, value_name = "SEED")]
    pub(crate) first_seed: Option<u64>,
    /// Store the results beside each scenario as a baseline for later checks
    #[arg(long, conflicts_with = "settings")]
    pub(crate) bless: bool,
    /// Run every seed twice, and stop if two runs differ
    #[arg(long)]
    pub(crate) twice: bool,
    /// Run every scenario once over real sockets against another gateway instead: a ready-made target by name, a
    /// target file, or the base URL of a gateway that is running (see docs/TARGETS.md)
    #[arg(long, value_name = "NAME|FILE|URL", conflicts_with_all = ["seeds", "jobs", "first_seed", "bless", "twice"])]
    pub(crate) target: Option<String>,
    /// Compare the runs with those of an earlier check or run, by its report folder; a regression is a miss
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) margins: MarginArgs,
    /// Write `junit.xml`, `summary.json`, `summary.md` and `values.json` here
    #[arg(long, value_name = "DIR", default_value = "reports/check")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) shards: ShardArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PlanArgs {
    /// The scenario
    pub(crate) scenario: PathBuf,
    /// The value to vary, by its path in the file, such as `traffic.peak`
    #[arg(long, value_name = "PATH", required_unless_present = "sweep")]
    pub(crate) vary: Option<String>,
    /// An expectation that must hold; may be repeated [default: the expectations of the file]
    #[arg(long, value_name = "EXPECTATION")]
    pub(crate) until: Vec<String>,
    /// Chart a curve over these values instead of searching: `traffic.peak=100..600/50`
    #[arg(long, value_name = "PATH=A..B/STEP", conflicts_with = "vary")]
    pub(crate) sweep: Option<ValueRange>,
    /// Report the limits for this value, and exit with 1 if it is not met [default: the file's value]
    #[arg(long, value_name = "VALUE")]
    pub(crate) target: Option<f64>,
    /// A provider whose limits cannot be raised; may be repeated
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) keep: Vec<String>,
    /// Lower values are harder, as for limits, time-outs and replicas
    #[arg(long)]
    pub(crate) lowest: bool,
    /// Skip the cases without each provider
    #[arg(long)]
    pub(crate) as_it_is: bool,
    #[command(flatten)]
    pub(crate) inconclusive: InconclusiveArgs,
    #[command(flatten)]
    pub(crate) runs: RunsArgs,
    /// Write `plan.html`, `plan.md`, `plan.json` and the curve here [default: reports/NAME/plan]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RehearseArgs {
    /// The checklist
    pub(crate) checklist: PathBuf,
    /// Run every stage once over real sockets in real time, instead of with many seeds in virtual time
    #[arg(long)]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) inconclusive: InconclusiveArgs,
    #[command(flatten)]
    pub(crate) runs: RunsArgs,
    /// Write `sign-off.html`, `sign-off.md` and `junit.xml` here [default: reports/NAME/rehearsal]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Values along a range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueRange {
    pub(crate) path: String,
    pub(crate) values: Vec<f64>,
}

impl FromStr for ValueRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const MOST: f64 = 1_000.0;
        let wrong = || format!("`{text}` is not a sweep: write `PATH=A..B/STEP`");
        let (path, range) = text.split_once('=').ok_or_else(wrong)?;
        let (ends, step) = range.split_once('/').ok_or_else(wrong)?;
        let (from, to) = ends.split_once("..").ok_or_else(wrong)?;
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong());
        let (from, to, step) = (number(from)?, number(to)?, number(step)?);
        let steps = ((to - from) / step + 1e-9).floor();
        if !(0.0..MOST).contains(&steps) || from < 0.0 {
            return Err(format!("`{text}` must give between 1 and {MOST} values"));
        }
        let values = (0..=steps as u32).map(|place| from + f64::from(place) * step);
        Ok(Self { path: path.trim().to_owned(), values: values.collect() })
    }
}
