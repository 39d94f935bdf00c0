//! Why a target could not be tested.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a target could not be tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A placeholder names an environment variable that is not set.
    #[error("the target needs the environment variable `{name}`, which is not set")]
    Unset {
        /// Which.
        name: String,
    },
    /// A placeholder names a provider that the scenario does not have.
    #[error("the target names the provider `{name}`; the scenario has {}", known.join(", "))]
    UnknownProvider {
        /// Which.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The system gives no port.
    #[error("failed to find a free port on 127.0.0.1 for the target: {0}")]
    NoPort(#[source] io::Error),
    /// A file of the target cannot be written.
    #[error("failed to write `{}` for the target: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its program is not there.
    #[error(
        "failed to start the target: no program `{program}` in PATH; install it, or name its path in `command`"
    )]
    NoProgram {
        /// As the command names it.
        program: String,
    },
    /// Its program cannot be started.
    #[error("failed to start the target `{program}`: {source}")]
    Spawn {
        /// As the command names it.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// Its URL is none, once its placeholders are filled in.
    #[error("the target's URL `{url}` is not a URL such as `http://127.0.0.1:4000/v1`")]
    Url {
        /// The URL.
        url: String,
    },
    /// It is called by TLS.
    #[error(
        "the target `{url}` is called by TLS: gateways under test are called by plain HTTP on this machine; `squall \
         load` calls any system"
    )]
    Secure {
        /// Its URL.
        url: String,
    },
    /// It is to be started, where only systems that run already are called.
    #[error(
        "the target has `{key}`, but `squall load` calls a system that runs already; start it with `squall run`"
    )]
    NotRunning {
        /// What says so: `start` or `exec`.
        key: &'static str,
    },
    /// It is on another machine, and nobody said that it may be called.
    #[error(
        "the target `{url}` is not on this machine: to send load to it, name its host: `--allow-remote {host}`"
    )]
    NotAllowed {
        /// Its URL.
        url: String,
        /// Its host.
        host: String,
    },
    /// It is not on this machine.
    #[error(
        "the target `{url}` is not on this machine: a run sends its load to loopback only; `squall load` sends it \
         elsewhere"
    )]
    Remote {
        /// Its URL.
        url: String,
    },
    /// Something listens on its port already.
    #[error(
        "something listens at {addr} already, where the target is to listen: stop it, or use `${{port}}`"
    )]
    Taken {
        /// Host and port.
        addr: String,
    },
    /// It ended before it was ready.
    #[error("the target ended before it was ready: {status}{log}")]
    Ended {
        /// How.
        status: String,
        /// The end of its log.
        log: LogTail,
    },
    /// It was not ready in time.
    #[error("the target was not ready within {}: {last}{log}", seconds(*.within))]
    NotReady {
        /// The time it had.
        within: Duration,
        /// What the last check saw.
        last: String,
        /// The end of its log.
        log: LogTail,
    },
    /// A program wrote many lines, and none was an answer.
    #[error("the target writes no answers, which are lines of JSON (docs/TARGETS.md): {last}{log}")]
    NoAnswers {
        /// The latest of its lines.
        last: String,
        /// The end of its log.
        log: LogTail,
    },
    /// The wait for it was interrupted.
    #[error("interrupted before the target was ready")]
    Interrupted,
    /// The machine gives no threads.
    #[error("failed to start the runtime of the target: {0}")]
    Runtime(#[source] io::Error),
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

/// The end of a log, for an error: each line behind a bar, on lines of its own.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LogTail {
    /// The file.
    pub path: PathBuf,
    /// Its last lines.
    pub lines: Vec<String>,
}

impl std::fmt::Display for LogTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.as_os_str().is_empty() {
            return Ok(());
        }
        if self.lines.is_empty() {
            return write!(f, "\nits log is empty: {}", self.path.display());
        }
        write!(f, "\nthe end of its log, {}:", self.path.display())?;
        self.lines.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}
