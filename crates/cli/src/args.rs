//! What can be typed.

mod admin;
mod compare;
mod config;
mod gateway;
mod init;
mod margins;
mod runs;
mod shards;
mod target;
mod trace;
mod variables;

pub(crate) use admin::{AdminArgs, AdminCommand, RequestsArgs, WeightsArgs};
pub(crate) use compare::CompareArgs;
pub(crate) use config::{
    ConfigArgs, ConfigCheckArgs, ConfigCommand, ConfigDiffArgs, ConfigShowArgs,
};
pub(crate) use gateway::{
    GatewayArgs, GatewayCheckArgs, GatewayCommand, KeyArgs, KeyCommand, NewKeyArgs, ServeArgs,
};
pub(crate) use init::{DrillArgs, INIT_EXAMPLE, InitArgs, InitFrom, LitellmArgs, MixArgs};
pub(crate) use margins::MarginArgs;
pub(crate) use runs::{
    CheckArgs, InconclusiveArgs, KeepArgs, PlanArgs, RehearseArgs, RowsArgs, RunsArgs,
    WhenInconclusive, WhichRows,
};
pub(crate) use shards::{MergeArgs, ShardArgs, StartArgs};
pub(crate) use target::{ExportArgs, TargetArgs, TargetCommand, TargetInstallArgs, TargetShowArgs};
pub(crate) use trace::{TraceArgs, TraceCommand, TraceDescribeArgs, TraceFileArgs, TraceFitArgs};
pub(crate) use variables::VariableArgs;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use squall_explain::RequestSelector;
use squall_judge::CrashVerdict;
use squall_router::{LitellmVersion, Profile};
use squall_scenario::Override;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// Test an LLM router under a traffic spike: replay the spike through the router while the providers behind
/// it slow down, rate-limit, fail and recover, and get a verdict.
#[derive(Debug, Parser)]
#[command(name = "squall", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What every command takes that prints.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print the result as one JSON document on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print neither report nor progress; use the exit code
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// When to use colours; `auto` follows NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto)]
    pub(crate) color: ColorWhen,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a scenario, over real sockets or in virtual time, and judge it
    Run(RunArgs),
    /// Send the traffic of a scenario to a system that runs already, and judge what clients saw; nothing is used of the
    /// scenario's providers, faults and router
    Load(LoadArgs),
    /// Simulate scenarios with many seeds each, and judge all runs together
    Check(CheckArgs),
    /// Compare runs, seeds, configurations or targets with a reference, and tell what regressed
    Compare(CompareArgs),
    /// Test the gateway with sixteen single faults, and judge how it handles each
    Crash(CrashArgs),
    /// Compare gateways in the same situations: success, attempts, failover, recovery, latency, CPU, memory, and the
    /// crash test
    Scorecard(ScorecardArgs),
    /// Find how far a value of a scenario can go while its expectations hold, and which limits that requires
    Plan(PlanArgs),
    /// Rehearse a rollout by a checklist, and write its sign-off
    Rehearse(RehearseArgs),
    /// Replay the journal of a recording through a new router, verify its outputs, and rebuild the report
    Replay(ReplayArgs),
    /// Join what the shards of a run or a check have left, and judge the whole
    Merge(MergeArgs),
    /// Draw the report of a recording again
    Report(ReportArgs),
    /// Explain why one request of a recording fared as it did: candidates, waits, attempts, reasons
    Explain(ExplainArgs),
    /// Serve the router as an OpenAI-compatible gateway
    Gateway(GatewayArgs),
    /// Ask a gateway that runs, by its admin API: state, drain, pin, weights, pause, the last requests and why each fared
    /// as it did
    Admin(AdminArgs),
    /// Serve mock providers that inject faults on a schedule or on command
    Mock(MockArgs),
    /// Convert another router's configuration, and report which settings are supported
    Import(ImportArgs),
    /// Write another gateway's configuration for a scenario, and report what it cannot express
    Export(ExportArgs),
    /// List, install or show the gateways that can be tested in place of the built-in one
    Target(TargetArgs),
    /// Tell a trace of requests, or an access log, in figures, or fit laws to it
    Trace(TraceArgs),
    /// Write a blueprint for a mix of providers (gateway file, scenarios, checklist, CI workflow), or a scenario for
    /// another router's configuration
    Init(InitArgs),
    /// Show the effective configuration of a file, the differences between two, or check one
    Config(ConfigArgs),
    /// Print the JSON Schema of a kind of file, for editors and for programs
    Schema(SchemaArgs),
    /// Print a shell completion script
    Completions(CompletionsArgs),
    /// Print the man page, or write one for each command
    Man(ManArgs),
}

impl Command {
    /// Its name, as it is typed.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Load(_) => "load",
            Self::Check(_) => "check",
            Self::Compare(_) => "compare",
            Self::Crash(_) => "crash",
            Self::Scorecard(_) => "scorecard",
            Self::Plan(_) => "plan",
            Self::Rehearse(_) => "rehearse",
            Self::Replay(_) => "replay",
            Self::Merge(_) => "merge",
            Self::Report(_) => "report",
            Self::Explain(_) => "explain",
            Self::Gateway(_) => "gateway",
            Self::Admin(_) => "admin",
            Self::Mock(_) => "mock",
            Self::Import(_) => "import",
            Self::Export(_) => "export",
            Self::Target(_) => "target",
            Self::Trace(_) => "trace",
            Self::Init(_) => "init",
            Self::Config(_) => "config",
            Self::Schema(_) => "schema",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SchemaArgs {
    /// The kind of file
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    pub(crate) of: SchemaOf,
}

/// The kinds of files that people write, and of those that programs read.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaOf {
    /// For `squall run`, `check` and `plan`
    Scenario,
    /// For `squall gateway`
    Gateway,
    /// For `squall mock`
    Mock,
    /// For `squall rehearse`
    Checklist,
    /// `summary.json` of `squall run`, `load` and `replay`
    Summary,
    /// `summary.json` of `squall check`
    CheckSummary,
    /// `compare.json` of `squall compare`
    Comparison,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ManArgs {
    /// Write `squall.1` and a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// A scenario that is run once.
#[derive(Debug, ClapArgs)]
pub(crate) struct ScenarioArgs {
    /// The scenario
    #[arg(value_name = "SCENARIO")]
    pub(crate) path: PathBuf,
    /// Override the scenario's random seed
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) variables: VariableArgs,
    /// Override a value of the file, such as `traffic.peak=400`; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) settings: Vec<Override>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// Simulate in virtual time: the same report within about a second
    #[arg(long, conflicts_with_all = ["tui", "serve"])]
    pub(crate) sim: bool,
    /// Simulate twice, and report the first difference if the runs are not identical
    #[arg(long, requires = "sim")]
    pub(crate) twice: bool,
    /// Run even where the estimated memory or disk space is more than the machine has
    #[arg(long)]
    pub(crate) allow_large: bool,
    #[command(flatten)]
    pub(crate) rows: RowsArgs,
    #[command(flatten)]
    pub(crate) inconclusive: InconclusiveArgs,
    /// Test another gateway in place of the built-in one: a ready-made target by name, a target file, or the base
    /// URL of a gateway that is running (see docs/TARGETS.md)
    #[arg(long, value_name = "NAME|FILE|URL", conflicts_with = "sim")]
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) watched: WatchedArgs,
    /// Write the report and the recording here [default: reports/NAME/live, reports/NAME/sim or
    /// reports/NAME/TARGET]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
    #[command(flatten)]
    pub(crate) shards: ShardArgs,
    #[command(flatten)]
    pub(crate) start: StartArgs,
}

/// How a live run is shown while it goes on.
#[derive(Clone, Copy, Debug, ClapArgs)]
pub(crate) struct WatchedArgs {
    /// Show the run in the terminal while it goes on: rates, latency, deployments, and what happened; without a
    /// terminal, plain lines as otherwise
    #[arg(long)]
    pub(crate) tui: bool,
    /// Serve a page that shows the same to browsers of this machine while the run goes on, at a port of loopback; without
    /// a port, or with 0, the system chooses one
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    pub(crate) serve: Option<u16>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// The system to call: its base URL, or a target file [default: the scenario's `target`]
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) target: Option<String>,
    /// Send load to this host as well, which is not this machine; may be repeated
    #[arg(long, value_name = "HOST", requires = "max_rate")]
    pub(crate) allow_remote: Vec<String>,
    /// Send nothing if any second of the traffic has more requests than this
    #[arg(long, value_name = "RPS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_rate: Option<u64>,
    /// Do not ask before load is sent to another machine
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) rows: RowsArgs,
    /// Write the report and the recording here [default: reports/NAME/load]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
    #[command(flatten)]
    pub(crate) shards: ShardArgs,
    #[command(flatten)]
    pub(crate) start: StartArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CrashArgs {
    /// Run over real sockets, all faults side by side: about 90 seconds instead of milliseconds
    #[arg(long)]
    pub(crate) live: bool,
    /// Run this fault alone, such as `S06`; may be repeated
    #[arg(long = "scenario", value_name = "ID", ignore_case = true, value_parser = fault_ids())]
    pub(crate) scenarios: Vec<String>,
    /// Settings of the router to test instead of its defaults: YAML as it stands under `router`, without groups
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    pub(crate) router: Option<PathBuf>,
    /// Test another gateway over real sockets, at its vendor's defaults: a ready-made target by name, a target file
    /// for the providers `primary` and `fallback`, or the base URL of a gateway that is running and calls them at
    /// `--primary` and `--fallback`
    #[arg(long, value_name = "NAME|FILE|URL")]
    pub(crate) target: Option<String>,
    /// With `--target`: express in its configuration whatever it can of Squall's defaults
    #[arg(long, requires = "target")]
    pub(crate) tuned: bool,
    /// Listen address of the provider `primary`; the faults then run one after the other
    #[arg(long, value_name = "ADDRESS", requires = "target")]
    pub(crate) primary: Option<SocketAddr>,
    /// Listen address of the provider `fallback`
    #[arg(long, value_name = "ADDRESS", requires = "target")]
    pub(crate) fallback: Option<SocketAddr>,
    /// Number of faults side by side over real sockets, each with servers of its own [default: 16; 4 with
    /// `--target`]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZero<usize>>,
    /// The worst verdict that is accepted; a worse one exits with 1
    #[arg(long, value_enum, value_name = "VERDICT", default_value_t = LeastVerdict::Safe)]
    pub(crate) least: LeastVerdict,
    /// Write `junit.xml`, `summary.json` and `summary.md` here
    #[arg(long, value_name = "DIR", default_value = "reports/crash")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ScorecardArgs {
    /// The gateways: ready-made targets by name, which are installed if they are not, or target files for the
    /// providers of the situations
    #[arg(required = true, value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Number of runs of each gateway in each situation
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Number of runs, and of crash tests, side by side. Runs that were in doubt beside others are repeated alone
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) at_once: NonZero<usize>,
    /// How ready-made targets are configured
    #[arg(long, value_enum, default_value_t = ScorecardVariant::Both)]
    pub(crate) variant: ScorecardVariant,
    /// Compare in this situation alone; may be repeated
    #[arg(long = "situation", value_name = "NAME", value_parser = situation_names())]
    pub(crate) situations: Vec<String>,
    /// Leave out the crash test, which takes about five minutes for each gateway and configuration
    #[arg(long)]
    pub(crate) no_crash: bool,
    /// The seed of the first run of each, and of the order of all
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Go on with a scorecard that was interrupted: keep its runs that are not in doubt
    #[arg(long)]
    pub(crate) resume: bool,
    /// Write `scorecard.html`, `scorecard.md` and `scorecard.json` here, and every run into `runs`
    #[arg(long, value_name = "DIR", default_value = "reports/scorecard")]
    pub(crate) out: PathBuf,
}

/// How ready-made targets are configured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ScorecardVariant {
    /// Groups, weights and fallbacks; everything else at the vendor's defaults
    Defaults,
    /// Everything of the scenario that the gateway can express
    Tuned,
    /// One after the other
    Both,
}

fn situation_names() -> PossibleValuesParser {
    let names = squall_campaign::SCORECARD_SCENARIOS.iter().map(|situation| situation.name);
    names.collect::<Vec<_>>().into()
}

/// The numbers of the faults.
fn fault_ids() -> PossibleValuesParser {
    squall_judge::CRASH_TESTS.iter().map(|test| test.id).collect::<Vec<_>>().into()
}

/// A verdict on a fault that can be demanded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum LeastVerdict {
    /// The ideal outcome, and every check held
    Pass,
    /// The caller was rescued
    Partial,
    /// A clean error in time
    Safe,
}

impl From<LeastVerdict> for CrashVerdict {
    fn from(least: LeastVerdict) -> Self {
        match least {
            LeastVerdict::Pass => Self::Pass,
            LeastVerdict::Partial => Self::Partial,
            LeastVerdict::Safe => Self::Safe,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ReportArgs {
    /// The report directory of a run
    pub(crate) recording: PathBuf,
    /// Write the report here instead of beside the recording
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Also write the run as OpenMetrics time series, for Prometheus and whatever reads them; `-` writes them to
    /// standard output and draws no report
    #[arg(long, value_name = "FILE")]
    pub(crate) openmetrics: Option<PathBuf>,
    /// Time between two samples, in whole seconds [default: 1s, or what gives 10,000 samples]
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds, requires = "openmetrics")]
    pub(crate) step: Option<Duration>,
}

/// A duration of one second or more, without a fraction.
fn whole_seconds(text: &str) -> Result<Duration, String> {
    let step = squall_scenario::read_duration(text)?;
    let is_whole = step.subsec_nanos() == 0 && !step.is_zero();
    is_whole.then_some(step).ok_or_else(|| "expected whole seconds, such as `5s`".to_owned())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ReplayArgs {
    /// The report directory of a run
    pub(crate) recording: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(
    group = clap::ArgGroup::new("which").required(true).args(["request", "first_failed", "slowest"]),
    // clap puts a group before the arguments.
    override_usage = "squall explain [OPTIONS] <RECORDING> <REQUEST|--first-failed|--slowest>",
)]
pub(crate) struct ExplainArgs {
    /// The folder that a run wrote
    pub(crate) recording: PathBuf,
    /// The request, by its number in `requests.csv`, or by its token (`x-squall-token`)
    pub(crate) request: Option<RequestSelector>,
    /// The first request that failed or whose client gave up
    #[arg(long)]
    pub(crate) first_failed: bool,
    /// The request that took longest
    #[arg(long)]
    pub(crate) slowest: bool,
}

/// What every server takes that writes a log.
#[derive(Debug, ClapArgs)]
pub(crate) struct LogArgs {
    /// What to log: off, error, warn, info, debug or trace, or directives such as
    /// `squall=info,hyper=debug` [default: $RUST_LOG, or info]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
    /// How to write the log [default: text on a terminal, json elsewhere]
    #[arg(long, value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

/// How the lines of a log look.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// For programs: a JSON object on each line
    Json,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct MockArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Option<PathBuf>,
    /// Serve the admin page and API on this address, for injecting faults
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = ADMIN)]
    pub(crate) admin: Option<SocketAddr>,
    /// Bearer token of the admin API; required unless the address is loopback [default: $SQUALL_ADMIN_TOKEN]
    #[arg(long, value_name = "TOKEN", requires = "admin")]
    pub(crate) admin_token: Option<String>,
    /// Write injected faults and the outcome of each attempt to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) findings: FindingsArgs,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) control: Option<Control>,
}

/// How the clients of mock providers are judged.
#[derive(Debug, ClapArgs)]
pub(crate) struct FindingsArgs {
    /// Judge the clients: print what they do wrong at the end, and write it to FILE as JSON
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub(crate) findings: Option<Option<PathBuf>>,
    /// How many attempts a call may have
    #[arg(long, value_name = "N", requires = "findings", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_attempts: u32,
    /// A finding that is not counted: it is shown, and does not change the exit code
    #[arg(long, value_name = "FINDING", requires = "findings", value_parser = finding_ids())]
    pub(crate) allow: Vec<String>,
}

fn finding_ids() -> PossibleValuesParser {
    squall_judge::FINDING_RULES.iter().map(|rule| rule.id).collect::<Vec<_>>().into()
}

/// Where an admin API of mock providers is unless it is said.
pub(crate) const ADMIN: &str = "127.0.0.1:9190";

/// What can be done to mock providers that run.
#[derive(Debug, Subcommand)]
pub(crate) enum Control {
    /// Begin a fault: `squall mock inject eu 'error: 503, for: 30s, share: 40%'`
    Inject(InjectArgs),
    /// End a fault, or all active faults
    End(EndArgs),
    /// Show load, limits and faults
    List(WhereArgs),
    /// Show what the clients do wrong, so far; the exit code is 1 if it is an error
    Findings(FoundArgs),
    /// Pause the fault schedule: no fault starts or ends by itself
    Pause(WhomArgs),
    /// Resume the fault schedule
    Resume(WhomArgs),
    /// End all faults, including scheduled ones, and reset the limits
    Reset(WhomArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WhereArgs {
    /// The admin API
    #[arg(long, value_name = "ADDRESS", default_value = ADMIN)]
    pub(crate) admin: SocketAddr,
    /// The token of the admin API [default: $SQUALL_ADMIN_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) admin_token: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FoundArgs {
    /// The clients have ended: a call whose last attempt failed is not waited for
    #[arg(long)]
    pub(crate) client_done: bool,
    #[command(flatten)]
    pub(crate) api: WhereArgs,
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
    /// The providers, or `all`, then the fault in the syntax of a scenario file
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
    /// The number of the fault [default: all active faults]
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
    /// A LiteLLM configuration: prints the gateway file to standard output and the report to standard error
    Litellm(LitellmArgs),
}

/// The profile: whose formulas to use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProfileWord(pub(crate) Profile);

impl ProfileWord {
    /// Squall's own.
    pub(crate) const SQUALL: Self = Self(Profile::Squall);
    /// LiteLLM's newest.
    pub(crate) const LITELLM: Self = Self(Profile::Litellm(LitellmVersion::NEWEST));

    const ALL: [Self; Profile::ALL.len()] = {
        let mut all = [Self::SQUALL; Profile::ALL.len()];
        let mut place = 0;
        while place < all.len() {
            all[place] = Self(Profile::ALL[place]);
            place += 1;
        }
        all
    };
}

impl ValueEnum for ProfileWord {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.0.as_str());
        let is_newest = self.0 == Self::LITELLM.0;
        Some(if is_newest {
            let about =
                format!("{}; also `{}`, as the newest", self.0.about(), Profile::NEWEST_LITELLM);
            value.help(about).alias(Profile::NEWEST_LITELLM)
        } else {
            value.help(self.0.about())
        })
    }
}

impl From<ProfileWord> for Profile {
    fn from(word: ProfileWord) -> Self {
        word.0
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every expectation met, no regression
  1  an expectation missed, or a regression
  2  usage error, or a file that cannot be read
  3  inconclusive: too few samples, a lagging driver, too few file descriptors, or interrupted
  4  could not run
  5  two runs of one seed differ, or a recording was modified";
