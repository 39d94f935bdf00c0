//! Runs that several processes carry out together, and the joining of what they leave.

use clap::Args as ClapArgs;
use squall_determinism::Shard;
use std::path::PathBuf;

/// What a command takes that can be divided.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "More than one machine")]
pub(crate) struct ShardArgs {
    /// Carry out a part alone, such as `2/8`: number 2 of 8; `squall merge` joins the parts [default: $SQUALL_SHARD, or
    /// what Kubernetes or Slurm tell an indexed job]
    #[arg(long, value_name = "NUMBER/OF")]
    pub(crate) shard: Option<Shard>,
}

/// When the traffic of a run begins that several processes carry out.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "More than one machine")]
pub(crate) struct StartArgs {
    /// Begin the traffic at this time of day, such as `2026-12-01T14:00:00Z` [default: $SQUALL_START_AT, or at once]
    #[arg(long, value_name = "RFC3339", conflicts_with = "start_file")]
    pub(crate) start_at: Option<String>,
    /// Begin the traffic at the time of day that stands in this file, and wait until there is one [default:
    /// $SQUALL_START_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) start_file: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MergeArgs {
    /// What all shards have left: recordings of a run or folders of a check, or one folder of them all
    #[arg(required = true, value_name = "DIR")]
    pub(crate) recordings: Vec<PathBuf>,
    /// Write the recording of the run and its report here, or the verdicts of the check
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Merge what there is although shards are missing: the result is marked, and gets no verdict
    #[arg(long)]
    pub(crate) partial: bool,
}
