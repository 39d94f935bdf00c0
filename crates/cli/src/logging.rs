//! The log of servers: what is logged, in which format, and where it goes.

mod json;
mod queue;

use crate::args::{LogArgs, LogFormat};
use crate::error::CliError;
use crate::terminal;
use json::JsonLines;
use queue::LogQueue;
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;

/// The level where none is given.
const LEVEL: &str = "info";

/// The log of this process, once it was started.
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// Keeps the log going. Dropping it writes what is left.
#[must_use]
pub(crate) struct Logging(());

impl Drop for Logging {
    fn drop(&mut self) {
        write_rest();
    }
}

/// Writes what is left of the log, if one was started: the process ends. Lines that come later are dropped.
pub(crate) fn write_rest() {
    if let Some(queue) = QUEUE.get() {
        queue.close();
    }
}

/// Starts the log.
///
/// # Errors
/// When the filter of `--log` or `RUST_LOG` cannot be understood.
pub(crate) fn start(args: &LogArgs) -> Result<Logging, CliError> {
    let filter = filter(args)?;
    let is_terminal = std::io::stderr().is_terminal();
    let format =
        args.log_format.unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json });
    let queue = LogQueue::start(std::io::stderr(), report_dropped)
        .map_err(|source| CliError::Io { what: "failed to start the log".to_owned(), source })?;
    let queue = QUEUE.get_or_init(|| queue);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(queue.clone());
    let started = match format {
        LogFormat::Text => builder.with_ansi(terminal::colours_errors()).try_init(),
        LogFormat::Json => builder.event_format(JsonLines).try_init(),
    };
    // There is one server in a process: nobody has started a log before.
    started.map_err(|error| CliError::Log { given: String::new(), why: error.to_string() })?;
    if args.log_format == Some(LogFormat::Json) {
        terminal::status_is_logged();
    }
    Ok(Logging(()))
}

/// Logs that lines are missing: `dropped` of them since the start.
fn report_dropped(dropped: u64) {
    tracing::warn!(target: "squall::log", dropped, "log lines were dropped: standard error is \
         not read fast enough");
}

/// A bare level is for Squall alone: what its libraries say is heard only if they are named.
fn filter(args: &LogArgs) -> Result<EnvFilter, CliError> {
    let given = args.log.clone().or_else(rust_log).unwrap_or_else(|| LEVEL.to_owned());
    let given = given.trim();
    let directives = if given.contains(['=', ',']) {
        format!("off,{given}")
    } else {
        format!("off,squall={}", given.to_ascii_lowercase())
    };
    let wrong = |why: String| CliError::Log { given: given.to_owned(), why };
    if !given.contains(['=', ',']) && given.parse::<tracing::level_filters::LevelFilter>().is_err()
    {
        return Err(wrong("expected off, error, warn, info, debug or trace".to_owned()));
    }
    EnvFilter::try_new(directives).map_err(|error| wrong(error.to_string()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "RUST_LOG is where Rust programs are told their level"
)]
fn rust_log() -> Option<String> {
    std::env::var("RUST_LOG").ok().filter(|given| !given.trim().is_empty())
}
