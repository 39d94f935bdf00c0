//! What a gateway is given, and what it leaves.

use squall_clock::Clock;
use squall_determinism::Seed;
use squall_record::{AttemptRow, NoteRow};
use squall_router::{ConfigError, RouterConfig};
use std::io;
use std::net::SocketAddr;

/// All that a gateway needs.
#[derive(Clone, Debug)]
pub struct GatewaySetup {
    /// The router's configuration.
    pub router: RouterConfig,
    /// Whom each deployment calls, by `DeploymentId`.
    pub upstreams: Vec<Upstream>,
    /// The seed of the router's draws.
    pub seed: Seed,
    /// Wall time at the start of the clock, in nanoseconds since 1970.
    pub epoch_nanos: u64,
    /// The clock of the run.
    pub clock: Clock,
    /// Where to listen; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// What to keep.
    pub keep: Keep,
}

/// Whom a deployment calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// The deployment's name, told to clients in `x-squall-deployment`.
    pub name: String,
    /// Its API up to the version: `http://127.0.0.1:9001/v1`. Only `http`: TLS is a proxy's to add.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// The key, sent as a bearer token.
    pub api_key: Option<String>,
}

/// What a gateway keeps while it runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// Notes, refused attempts and the journal: for a run that ends.
    Everything,
    /// Nothing: for a server that runs for days.
    Nothing,
}

/// What a gateway saw.
#[derive(Clone, Debug, Default)]
pub struct GatewayLog {
    /// The router's decisions.
    pub notes: Vec<NoteRow>,
    /// Attempts whose connection was refused: they reached no provider's log.
    pub refused: Vec<AttemptRow>,
    /// The journal, as [`JournalWriter`](squall_record::JournalWriter) writes it.
    pub journal: Vec<u8>,
}

/// How a gateway is doing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GatewayStatus {
    /// Requests that have not ended.
    pub in_flight: usize,
    /// The names of the deployments that cool down.
    pub cooling: Vec<String>,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The router refuses its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A base URL is none.
    #[error(
        "deployment `{name}`: `{base_url}` is not a base URL such as `http://127.0.0.1:9001/v1`"
    )]
    BaseUrl {
        /// The deployment.
        name: String,
        /// What was given.
        base_url: String,
    },
    /// The address cannot be listened on.
    #[error("failed to listen on {listen}: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}
