//! The log of servers: what is heard, how it looks, and where it goes.
//!
//! Lines are written to standard error by a thread of their own. Where they are not read, the queue fills and
//! lines are dropped: a log that nobody takes must not hold requests.

use crate::args::{LogArgs, LogFormat};
use crate::error::CliError;
use crate::terminal;
use std::io::IsTerminal;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that may wait to be written.
const LINES_WAITING_MAX: usize = 16_384;

/// What is heard where nothing is said.
const LEVEL: &str = "info";

/// Keeps the log going. Dropping it writes what is left.
pub(crate) struct Logging {
    _writer: WorkerGuard,
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
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING_MAX)
        .lossy(true)
        .thread_name("log")
        .finish(std::io::stderr());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let started = match format {
        LogFormat::Text => builder.with_ansi(terminal::colours_errors()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // There is one server in a process: nobody has started a log before.
    started.map_err(|error| CliError::Log { given: String::new(), why: error.to_string() })?;
    if args.log_format == Some(LogFormat::Json) {
        terminal::status_is_logged();
    }
    Ok(Logging { _writer: guard })
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
