//! Why a live run could not be carried out.

use squall_gateway::StartError;
use std::io;
use std::time::Duration;

/// Why a live run could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The machine gives no threads or no event queue.
    #[error(
        "failed to start the runtime of the {part}: {source}; close other programs and try again"
    )]
    Runtime {
        /// Whose: `driver`, `gateway` or `mock providers`.
        part: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A mock provider cannot listen.
    #[error("{0}; a live run needs a free port on 127.0.0.1 for each provider")]
    Provider(#[source] io::Error),
    /// The gateway cannot start.
    #[error("failed to start the gateway: {0}")]
    Gateway(#[from] StartError),
    /// The driver cannot reach the gateway.
    #[error("failed to connect to the gateway: {0}")]
    Target(#[from] squall_traffic::BaseUrlError),
    /// Another gateway cannot be tested.
    #[error(transparent)]
    Foreign(#[from] squall_target::TargetError),
    /// The target cannot be called.
    #[error("failed to connect to the target `{url}`: {source}")]
    Unreachable {
        /// Its URL.
        url: String,
        /// Why not.
        source: io::Error,
    },
    /// There is a target to name.
    #[error("a load test needs a target: name it with `--target`, or in the scenario's `target`")]
    NoTarget,
    /// The target is for other providers.
    #[error(
        "the target `{target}` names the provider `{provider}`, which the scenario does not have: it has {}",
        known.join(", ")
    )]
    UnknownProvider {
        /// The target.
        target: String,
        /// Which provider.
        provider: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The store of shared state cannot be started.
    #[error(
        "failed to start the store that the gateway's replicas share: {0}; a live run needs `redis-server` (Debian: \
         apt-get install redis-server)"
    )]
    Store(#[source] io::Error),
    /// The store is to misbehave in a way that only one in virtual time can.
    #[error(
        "the fault `{word}` of the store is one of virtual time: run with `--sim`, or use `down`"
    )]
    StoreFault {
        /// The fault.
        word: &'static str,
    },
    /// The time at which the traffic is to begin has passed.
    #[error(
        "the agreed start has passed {:.3} s before the run was ready, by the clock of this machine: agree on a later one",
        late.as_secs_f64()
    )]
    StartPassed {
        /// How long ago it was.
        late: Duration,
    },
    /// There is no folder for the target or the store.
    #[error("failed to make a folder: {0}")]
    Folder(#[source] io::Error),
    /// The recording cannot be begun.
    #[error(transparent)]
    Record(#[from] squall_record::RecordError),
    /// A part of the run ended before the run did: a defect.
    #[error("the {part} stopped in the middle of the run: this is a defect, please report it")]
    Died {
        /// Which.
        part: &'static str,
    },
}
