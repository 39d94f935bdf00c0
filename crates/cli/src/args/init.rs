//! What can be typed to read another router's configuration, and to write a scenario around it.

use super::ProfileWord;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    /// The router that the configuration is for
    #[arg(long, value_enum)]
    pub(crate) from: InitFrom,
    /// The configuration
    pub(crate) file: PathBuf,
    /// Write the scenario here [default: scenarios/NAME-drill.yaml]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The profile: whose formulas to use
    #[arg(long, value_enum, default_value_t = ProfileWord::LITELLM)]
    pub(crate) profile: ProfileWord,
    /// The only group that takes traffic [default: every group]
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Requests per second of the spike, of all groups [default: 60 % of what the limits allow]
    #[arg(long, value_name = "N", value_parser = above_zero)]
    pub(crate) rps: Option<f64>,
    /// The median time to the first token of every deployment [default: that of the model's family]
    #[arg(long, value_name = "DURATION", value_parser = squall_scenario::read_duration)]
    pub(crate) ttft: Option<Duration>,
    /// Convert the router to native syntax instead of referring to the configuration
    #[arg(long)]
    pub(crate) inline: bool,
    /// Overwrite an existing scenario
    #[arg(long)]
    pub(crate) force: bool,
}

/// A number above zero, and no more than a machine can simulate.
fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1e5);
    number.ok_or_else(|| "expected a number above 0, 100000 at most".to_owned())
}

/// Whose configuration a scenario is written around.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum InitFrom {
    /// LiteLLM
    Litellm,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LitellmArgs {
    /// The configuration
    pub(crate) file: PathBuf,
    /// The profile: whose formulas to use
    #[arg(long, value_enum, default_value_t = ProfileWord::SQUALL)]
    pub(crate) profile: ProfileWord,
}
