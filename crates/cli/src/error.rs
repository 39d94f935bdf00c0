//! What can go wrong for the person at the keyboard, and the exit code that says so.

use serde_json::{Value, json};
use squall_campaign::{CampaignError, RehearseError};
use squall_explain::ExplainError;
use squall_gateway::OperatorApiError;
use squall_record::RecordError;
use squall_scenario::{Diagnostics, PathError};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Exit {
    /// Every expectation met.
    Met = 0,
    /// An expectation missed.
    Missed = 1,
    /// Wrong usage, or a file that cannot be read.
    Usage = 2,
    /// Neither met nor missed can be said.
    Inconclusive = 3,
    /// Could not be carried out.
    Failed = 4,
    /// Two runs of one seed, or a run and its replay, differ.
    Diverged = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// A file that cannot be opened.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file for the spend of budgets that cannot be used.
    #[error(
        "--spend-state: `{}` can be neither read nor made: {source}; name a file in a folder that \
         this process may write to",
        path.display()
    )]
    SpendState {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A decision log that cannot be opened.
    #[error(
        "`decision_log`: `{path}` cannot be written: {source}; name a file in a folder that this process may write to"
    )]
    DecisionLog {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// An admin API of a gateway that cannot be asked, or refuses.
    #[error("{0}")]
    AskAdmin(String),
    /// A file with mistakes in it.
    #[error(transparent)]
    File(#[from] Diagnostics),
    /// A value to be set that is nowhere in the file.
    #[error("`{}`: {source}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PathError,
    },
    /// A variable that no file has.
    #[error("`--var {0}=…`: no file of these has a variable `{0}`")]
    Variable(String),
    /// A checklist that cannot be gone through.
    #[error("`{}`: {source}", path.display())]
    Rehearse {
        /// The checklist.
        path: PathBuf,
        /// Why not.
        source: Box<RehearseError>,
    },
    /// A target that there is not.
    #[error("{0}")]
    Target(String),
    /// A shard that there is not, or that cannot be carried out so.
    #[error("{0}")]
    Shard(String),
    /// A start on which nobody can have agreed.
    #[error("{0}")]
    Start(String),
    /// A signal came while a time to begin was waited for.
    #[error("interrupted while waiting for a time in {0}: nothing was sent")]
    StoppedWaiting(String),
    /// Recordings that are not the shards of one run.
    #[error(transparent)]
    Merge(#[from] squall_record::MergeError),
    /// A value that cannot be varied.
    #[error("{0}")]
    Varied(String),
    /// Too few seeds for what was asked.
    #[error("{0}")]
    TooFewSeeds(String),
    /// Many runs that could not be made, or came out otherwise the second time.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// Runs that cannot be compared.
    #[error("{0}")]
    Compare(String),
    /// No scenario where one was looked for.
    #[error("no scenario in {0}: scenarios are files that end in `.yaml`")]
    NoScenario(String),
    /// A file that would be overwritten.
    #[error("`{}` already exists: `--force` overwrites it", .0.display())]
    Exists(PathBuf),
    /// Flags of `init` that are missing where nobody can be asked.
    #[error(
        "{missing} missing, and there is no terminal to ask at\n\n{}",
        crate::args::INIT_EXAMPLE
    )]
    InitLacks {
        /// The flags, in a sentence: `--peak is`.
        missing: String,
    },
    /// A mix of providers that makes no blueprint.
    #[error(transparent)]
    Blueprint(#[from] squall_blueprint::BlueprintError),
    /// The terminal was closed, or its input ended, before everything was asked.
    #[error("the input ended before everything was asked: nothing was written")]
    InputEnded,
    /// The router refuses the configuration.
    #[error(transparent)]
    Config(#[from] squall_router::ConfigError),
    /// A live run could not run.
    #[error(transparent)]
    Live(#[from] squall_live::LiveError),
    /// A target that cannot be installed, or is not.
    #[error(transparent)]
    Install(#[from] squall_target::InstallError),
    /// A recording that cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A file of a verdict that cannot be read or written.
    #[error(transparent)]
    Judge(#[from] squall_judge::FileError),
    /// A trace that cannot be read.
    #[error(transparent)]
    Trace(#[from] squall_trace::TraceError),
    /// A report that cannot be written.
    #[error(transparent)]
    Report(#[from] squall_report::ReportError),
    /// A recording without a journal.
    #[error(
        "`{}` has no journal and cannot be replayed{}: `squall report` draws its report again", path.display(),
        if *has_rows { "" } else { ", since its run kept no rows (`squall run --rows all` keeps both)" }
    )]
    NoJournal {
        /// The recording.
        path: PathBuf,
        /// Whether its run kept rows.
        has_rows: bool,
    },
    /// A replay that came out otherwise.
    #[error("the replay differs from the run: {0}")]
    Replay(#[from] squall_router::journal::ReplayError),
    /// A request that cannot be explained.
    #[error("`{}`: {source}", path.display())]
    Explain {
        /// The recording.
        path: PathBuf,
        /// Why not.
        source: Box<ExplainError>,
    },
    /// Rows that do not give the digest of their run.
    #[error(
        "the rows of the recording have the digest {digest}, but `run.json` has {told}: one of \
         them was modified"
    )]
    Digest {
        /// What the header tells.
        told: String,
        /// What the rows give.
        digest: String,
    },
    /// A mock provider cannot be started; the error names it, and its address.
    #[error(transparent)]
    Mock(io::Error),
    /// A variable that a file names is not set.
    #[error("the environment variable `{variable}` is not set: it should hold the API key")]
    NoKey {
        /// Its name.
        variable: String,
    },
    /// A configuration whose providers all have APIs that are not spoken here.
    #[error(
        "no provider of `{path}` speaks an API that is spoken here: there is nothing to serve; `squall init` \
         rehearses it all the same",
        path = .path.display()
    )]
    NothingSpoken {
        /// The configuration.
        path: PathBuf,
    },
    /// A group that a configuration does not have.
    #[error("no group is called `{group}`: known: {known}")]
    NoSuchGroup {
        /// What was asked for.
        group: String,
        /// Those that there are.
        known: String,
    },
    /// A variable that the address of a provider begins with is not set.
    #[error(
        "the environment variable `{variable}` is not set: it should hold a provider's base URL"
    )]
    NoAddress {
        /// Its name.
        variable: String,
    },
    /// A variable that a file names holds what can be no key.
    #[error("the environment variable `{variable}` is not a valid API key: it {why}")]
    BadKey {
        /// Its name.
        variable: String,
        /// Why not, without what it holds.
        why: String,
    },
    /// Nothing can be exported by OTLP as it is asked for.
    #[error("cannot export by OTLP: {why}")]
    Otlp {
        /// What is wrong, and what to do.
        why: String,
    },
    /// What the log is to say cannot be understood.
    #[error("cannot log at `{given}`: {why}")]
    Log {
        /// What `--log` or `RUST_LOG` says.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file of virtual keys cannot be used.
    #[error("--keys: `{}`: {why}", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A virtual key cannot be made so.
    #[error("no new key: {0}")]
    NewKey(String),
    /// The token of an admin API is none.
    #[error("the admin token in {place} {why}")]
    AdminToken {
        /// Its file or its variable.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The admin API of a gateway cannot start.
    #[error(transparent)]
    Admin(#[from] OperatorApiError),
    /// Mock providers that run could not be told, or would not do it.
    #[error("{0}")]
    Control(String),
    /// A panic in the gateway's core.
    #[error(
        "the router core of the gateway has panicked: this is a bug in squall; restart it, and \
         report the panic above"
    )]
    CoreFailed,
    /// Something of the machine's.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl CliError {
    /// The error for programs: a sentence, and of a file with mistakes each with its place.
    pub(crate) fn to_json(&self) -> Value {
        let Self::File(diagnostics) = self else {
            return json!({ "message": self.to_string() });
        };
        let problems = diagnostics.problems().iter().map(|problem| {
            let (line, column) = diagnostics.position(problem);
            json!({
                "message": problem.message,
                "file": diagnostics.path_of(problem),
                "line": line,
                "column": column,
                "label": problem.label,
                "help": problem.help,
            })
        });
        let problems: Vec<_> = problems.collect();
        let (file, count) = (diagnostics.path(), problems.len());
        json!({
            "message": format!("{count} problems in `{file}`"),
            "file": file,
            "problems": problems,
        })
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Campaign(CampaignError::Differ { .. }) => Exit::Diverged,
            Self::Campaign(_) => Exit::Usage,
            Self::Read { .. }
            | Self::SpendState { .. }
            | Self::DecisionLog { .. }
            | Self::Setting { .. }
            | Self::TooFewSeeds(_)
            | Self::Target(_)
            | Self::Shard(_)
            | Self::Start(_)
            | Self::Merge(_)
            | Self::Varied(_)
            | Self::Compare(_)
            | Self::Rehearse { .. }
            | Self::File(_)
            | Self::NoScenario(_)
            | Self::Variable(_)
            | Self::NoJournal { .. }
            | Self::NoKey { .. }
            | Self::NoAddress { .. }
            | Self::NothingSpoken { .. }
            | Self::NoSuchGroup { .. }
            | Self::BadKey { .. }
            | Self::Otlp { .. }
            | Self::Log { .. }
            | Self::AdminToken { .. }
            | Self::Keys { .. }
            | Self::NewKey(_)
            | Self::Admin(OperatorApiError::Open(_))
            | Self::Exists(_)
            | Self::InitLacks { .. }
            | Self::Blueprint(_)
            | Self::Trace(_)
            | Self::InputEnded
            | Self::Config(_) => Exit::Usage,
            Self::StoppedWaiting(_) => Exit::Inconclusive,
            Self::Replay(_) | Self::Digest { .. } | Self::Record(RecordError::Changed { .. }) => {
                Exit::Diverged
            }
            Self::Record(RecordError::Folder { .. }) => Exit::Usage,
            Self::Explain { source, .. } => match **source {
                ExplainError::Replay(..) => Exit::Diverged,
                ExplainError::NoJournal
                | ExplainError::Record(_)
                | ExplainError::Scenario(_)
                | ExplainError::Unnamed { .. }
                | ExplainError::NoRequest { .. }
                | ExplainError::NeverArrived { .. }
                | ExplainError::NoneFailed
                | ExplainError::NoRows => Exit::Usage,
            },
            Self::Live(squall_live::LiveError::UnknownProvider { .. }) => Exit::Usage,
            Self::Live(_)
            | Self::Record(_)
            | Self::Judge(_)
            | Self::Report(_)
            | Self::Mock(_)
            | Self::CoreFailed
            | Self::Admin(_)
            | Self::Control(_)
            | Self::AskAdmin(_)
            | Self::Install(_)
            | Self::Io { .. } => Exit::Failed,
        }
    }
}
