//! What can be typed.

use clap::{Args as ClapArgs, Parser, Subcommand};
use std::path::PathBuf;

/// Rehearse the day an LLM feature goes viral: replay a spike through an LLM router while the
/// providers behind it slow down, rate-limit, break and come back, and get a verdict.
#[derive(Debug, Parser)]
#[command(name = "squall", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a scenario, over real sockets or in virtual time, and judge it
    Run(RunArgs),
    /// Simulate every scenario below the given files and folders, one line each
    Check(CheckArgs),
    /// Feed the journal of a recording to a fresh router core, then judge and draw the run again
    Replay(ReplayArgs),
    /// Serve the router as an OpenAI-compatible gateway
    Gateway(ServeArgs),
    /// Serve mock providers that misbehave on their script
    Mock(ServeArgs),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// The scenario
    pub(crate) scenario: PathBuf,
    /// Run in virtual time: the same report within a second or so
    #[arg(long)]
    pub(crate) sim: bool,
    /// Draw with this seed instead of the scenario's
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Write the report and the recording here [default: reports/NAME/live or reports/NAME/sim]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CheckArgs {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write JUnit XML here
    #[arg(long, value_name = "FILE", default_value = "reports/check/junit.xml")]
    pub(crate) junit: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ReplayArgs {
    /// The folder that a run wrote
    pub(crate) recording: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every expectation met
  1  an expectation missed
  2  wrong usage, or a file that cannot be read
  3  inconclusive: too few samples, a lagging driver, or interrupted
  4  could not be carried out
  5  two runs of one seed differ";
