//! What a comparison tolerates.

use clap::Args as ClapArgs;
use squall_judge::StatedMargin;

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
