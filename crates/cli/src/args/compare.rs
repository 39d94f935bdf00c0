//! `squall compare`.

use super::{InconclusiveArgs, RunsArgs};
use clap::Args as ClapArgs;
use squall_judge::StatedMargin;
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

/// What a comparison tolerates.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct MarginArgs {
    /// How much worse is no regression: `success_rate=0.5%`, `failover_time(eu)=500ms`, `latency_p95=10%`; may be repeated
    /// [default: by unit, see docs/COMPARE.md]
    #[arg(long = "margin", value_name = "METRIC=SIZE")]
    pub(crate) margins: Vec<StatedMargin>,
    /// Compare although, phases or providers differ; what differs is told
    #[arg(long)]
    pub(crate) allow_differences: bool,
}
