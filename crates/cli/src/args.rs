//! What can be typed.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use squall_router::Profile;
use std::net::SocketAddr;
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
    /// Serve mock providers that misbehave on their script, or on command
    Mock(MockArgs),
    /// Print another router's configuration in our own syntax, and what of it is kept
    Import(ImportArgs),
    /// Write a scenario around another router's configuration, ready to run
    Init(InitArgs),
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

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct MockArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Option<PathBuf>,
    /// Serve a page and an API here by which a person pulls plugs
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = ADMIN)]
    pub(crate) admin: Option<SocketAddr>,
    /// What callers of the admin API must bear; needed where other machines can reach it
    /// [default: $SQUALL_ADMIN_TOKEN]
    #[arg(long, value_name = "TOKEN", requires = "admin")]
    pub(crate) admin_token: Option<String>,
    /// Write what is injected and what becomes of each attempt here, as lines of JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) control: Option<Control>,
}

/// Where an admin API is unless it is said.
pub(crate) const ADMIN: &str = "127.0.0.1:9190";

/// What can be done to mock providers that run.
#[derive(Debug, Subcommand)]
pub(crate) enum Control {
    /// Begin a fault: `squall mock inject eu 'error: 503, for: 30s, share: 40%'`
    Inject(InjectArgs),
    /// End a fault, or every one that lasts
    End(EndArgs),
    /// Show load, limits and faults
    List(WhereArgs),
    /// Let the script stand still: no fault begins or ends by itself
    Pause(WhomArgs),
    /// Let the script go on
    Resume(WhomArgs),
    /// End every fault, those to come as well, and make limits whole
    Reset(WhomArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WhereArgs {
    /// The admin API
    #[arg(long, value_name = "ADDRESS", default_value = ADMIN)]
    pub(crate) admin: SocketAddr,
    /// The token it asks for [default: $SQUALL_ADMIN_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) admin_token: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WhomArgs {
    /// The providers, or `all`
    #[arg(required = true)]
    pub(crate) providers: Vec<String>,
    #[command(flatten)]
    pub(crate) api: WhereArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InjectArgs {
    /// The providers, or `all`, and then the fault in the words of a file
    #[arg(required = true, num_args = 2.., value_names = ["PROVIDER", "FAULT"])]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) api: WhereArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EndArgs {
    /// The providers, or `all`
    #[arg(required = true)]
    pub(crate) providers: Vec<String>,
    /// The fault, by its number; without it every one that lasts
    #[arg(long)]
    pub(crate) fault: Option<u16>,
    #[command(flatten)]
    pub(crate) api: WhereArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) from: ImportFrom,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportFrom {
    /// A configuration of LiteLLM: the gateway file goes to standard output, the report beside it
    Litellm(LitellmArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LitellmArgs {
    /// The configuration
    pub(crate) file: PathBuf,
    /// By whose formulas to route
    #[arg(long, value_enum, default_value_t = ProfileWord::Squall)]
    pub(crate) profile: ProfileWord,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    /// Whose configuration it is
    #[arg(long, value_enum)]
    pub(crate) from: InitFrom,
    /// The configuration
    pub(crate) file: PathBuf,
    /// Write the scenario here [default: scenarios/NAME-drill.yaml]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// By whose formulas to route
    #[arg(long, value_enum, default_value_t = ProfileWord::Litellm180)]
    pub(crate) profile: ProfileWord,
    /// Write the router out in our own syntax instead of naming the configuration
    #[arg(long)]
    pub(crate) inline: bool,
    /// Overwrite the scenario if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Whose configuration a scenario is written around.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum InitFrom {
    /// LiteLLM's
    Litellm,
}

/// By whose formulas to route.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProfileWord {
    /// Squall's own: what the configuration means
    #[value(name = "squall")]
    Squall,
    /// Those of LiteLLM 1.80, its faults included
    #[value(name = "litellm-1.80")]
    Litellm180,
}

impl From<ProfileWord> for Profile {
    fn from(word: ProfileWord) -> Self {
        match word {
            ProfileWord::Squall => Self::Squall,
            ProfileWord::Litellm180 => Self::Litellm180,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every expectation met
  1  an expectation missed
  2  wrong usage, or a file that cannot be read
  3  inconclusive: too few samples, a lagging driver, or interrupted
  4  could not be carried out
  5  two runs of one seed differ";
