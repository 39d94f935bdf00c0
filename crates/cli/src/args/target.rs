//! What can be typed of other gateways.

use super::VariableArgs;
use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct ExportArgs {
    /// The scenario
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// The gateway
    #[arg(long, value_name = "NAME", value_parser = ready_made_names())]
    pub(crate) to: String,
    /// Leave everything but groups, deployments, weights and fallbacks at the gateway's own defaults
    #[arg(long)]
    pub(crate) defaults: bool,
    /// Write the files into this folder [default: standard output]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TargetArgs {
    #[command(subcommand)]
    pub(crate) command: TargetCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TargetCommand {
    /// List the ready-made targets: name, version, and whether it is installed
    List,
    /// Install ready-made targets, each into a folder of its own below $SQUALL_TARGETS or ~/.cache/squall/targets
    Install(TargetInstallArgs),
    /// Print a ready-made target for a scenario as a file for `--target`, to be copied and changed
    Show(TargetShowArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TargetInstallArgs {
    /// The targets
    #[arg(required = true, value_name = "NAME", value_parser = ready_made_names())]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TargetShowArgs {
    /// The target
    #[arg(value_name = "NAME", value_parser = ready_made_names())]
    pub(crate) name: String,
    /// The scenario
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// Leave everything but groups, deployments, weights and fallbacks at the gateway's own defaults
    #[arg(long)]
    pub(crate) defaults: bool,
}

/// The names of ready-made targets.
fn ready_made_names() -> PossibleValuesParser {
    PossibleValuesParser::new(squall_target::all_ready_made().map(|target| target.name()))
}
