//! `squall compare`.

use super::{InconclusiveArgs, MarginArgs, RunsArgs};
use clap::Args as ClapArgs;
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct CompareArgs {
    /// The reference, then one or more candidates: report folders of `run`, `load` or `check`, folders of several runs, or
    /// scenario files, which are simulated with the same seeds. One scenario file alone is compared with itself under
    /// `--set`
    #[arg(required = true, value_name = "RUNS|SCENARIO")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) margins: MarginArgs,
    #[command(flatten)]
    pub(crate) inconclusive: InconclusiveArgs,
    #[command(flatten)]
    pub(crate) runs: RunsArgs,
    /// The first seed of scenario files; the others follow it [default: the reference's]
    #[arg(long, value_name = "SEED")]
    pub(crate) first_seed: Option<u64>,
    /// Write `compare.html`, `compare.md`, `compare.json` and the charts here
    #[arg(long, value_name = "DIR", default_value = "reports/compare")]
    pub(crate) out: PathBuf,
}
