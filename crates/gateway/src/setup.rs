//! The configuration of a gateway, and what it leaves when it ends.

use crate::decisions::DecisionSetup;
use crate::keys::VirtualKey;
use crate::telemetry::Telemetry;
use squall_clock::Clock;
use squall_determinism::Seed;
use squall_record::{AttemptRow, NoteRow};
use squall_router::shared_state::StoreConfig;
use squall_router::{ConfigError, Money, OverrideError, RouterConfig};
use squall_wire::{Format, ServerSettings, StreamUsage, TlsSettings};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All that a gateway needs.
#[derive(Clone, Debug)]
pub struct GatewaySetup {
    /// The router's configuration.
    pub router: RouterConfig,
    /// Configurations that may hold later: [`GatewayView::reconfigure`](crate::GatewayView::reconfigure)
    /// makes them, by their places from 1 on.
    pub changes: Vec<RouterConfig>,
    /// Whom each deployment calls that there ever is, by `DeploymentId`: those of the first configuration,
    /// then those that changes bring.
    pub upstreams: Vec<UpstreamConfig>,
    /// What is called how.
    pub name_tables: NameTables,
    /// The seed of the router's draws.
    pub seed: Seed,
    /// Wall time at the start of the clock, in nanoseconds since 1970.
    pub epoch_nanos: u64,
    /// The clock of the run.
    pub clock: Clock,
    /// Where to listen; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Where `/metrics` is, with `/health` and `/ready`, if not where requests come in; port 0 takes any
    /// that is free.
    pub metrics_listen: Option<SocketAddr>,
    /// What to keep.
    pub retention: Retention,
    /// What is kept and logged of the router's decisions about requests.
    pub decisions: DecisionSetup,
    /// What was spent before a restart.
    pub spent: Vec<SavedSpend>,
    /// Limits and time-outs towards clients.
    pub server: ServerSettings,
    /// Virtual keys, of which requests need one; `None` where there are no keys but those of tenants.
    pub keys: Option<Vec<VirtualKey>>,
    /// TLS towards clients at [`listen`](Self::listen); `None` is plain HTTP.
    pub tls: Option<TlsSettings>,
    /// The store through which this gateway shares its limits, cooldowns and probes with other replicas, where the router's
    /// configuration says that it shares any.
    pub shared_state: Option<SharedStateSetup>,
    /// Where spans and measurements of requests go, if anybody wants them.
    pub telemetry: Option<Arc<Telemetry>>,
}

/// A store in Redis or Valkey.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SharedStateSetup {
    /// Its address: `redis://127.0.0.1:6379/0`.
    pub url: String,
    /// What all replicas that share call themselves.
    pub fleet: String,
    /// How the store times what it gives: the same in all replicas.
    pub store: StoreConfig,
    /// How long one exchange may take.
    pub timeout: Duration,
}

/// What was spent from a budget in its current period: what is to be kept over a restart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SavedSpend {
    /// The budget's name.
    pub budget: String,
    /// How much.
    pub spent: Money,
    /// When its period ends, in nanoseconds since 1970.
    pub until_nanos: u64,
}

/// What requests call things that the router knows by number.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NameTables {
    /// The names of tags, by bit.
    pub tags: Vec<String>,
    /// The names of regions, by number.
    pub regions: Vec<String>,
    /// The keys of tenants, by the tenants' names. With none of them a request says itself whose it is.
    pub keys: BTreeMap<String, String>,
}

impl NameTables {
    /// # Errors
    /// When two tenants have one key.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        let mut owners = BTreeMap::new();
        for (tenant, key) in &self.keys {
            if let Some(first) = owners.insert(key, tenant) {
                return Err(StartError::SameKey { first: first.clone(), second: tenant.clone() });
            }
        }
        Ok(())
    }
}

/// Another configuration for a gateway that runs.
#[derive(Clone, Debug)]
pub struct Reload {
    /// The router's configuration.
    pub router: RouterConfig,
    /// Whom its deployments call, in its order.
    pub upstreams: Vec<UpstreamConfig>,
    /// What is called how.
    pub name_tables: NameTables,
}

/// Whom a deployment calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpstreamConfig {
    /// The deployment's name, told to clients in `x-squall-deployment`.
    pub name: String,
    /// The provider's name, for metrics.
    pub provider: String,
    /// The API it speaks.
    pub format: Format,
    /// Its API up to the version: `https://api.openai.com/v1`. A query is said with every call.
    pub base_url: String,
    /// A file of certificates in PEM that are trusted instead of the machine's own.
    pub trusted: Option<PathBuf>,
    /// The model's name there. A `*` stands for what the `*` of the group's name stood for.
    pub model: String,
    /// The key, sent in the header that the format has for it.
    pub api_key: Option<String>,
    /// Whether streams are asked to tell their usage.
    pub stream_usage: StreamUsage,
    /// The largest answer, in bytes: in one piece, as an error, of one event of a stream, and before its first
    /// token. Default [`ANSWER_MAX`](Self::ANSWER_MAX).
    pub answer_max: usize,
}

impl UpstreamConfig {
    /// 256 MiB: 2,048 texts, the most that OpenAI takes at once, have vectors of 3,072 numbers in 140 MB of
    /// JSON, and ten pictures of the largest kind are less.
    pub const ANSWER_MAX: usize = squall_wire::ANSWER_MAX;

    /// A deployment of this name whose provider, of the same name, speaks OpenAI's API, without a key.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        base_url: impl Into<String>,
        model: impl Into<String>,
    ) -> Self {
        let name = name.into();
        Self {
            provider: name.clone(),
            name,
            format: Format::OpenAi,
            base_url: base_url.into(),
            trusted: None,
            model: model.into(),
            api_key: None,
            stream_usage: StreamUsage::Auto,
            answer_max: Self::ANSWER_MAX,
        }
    }
}

/// What a gateway keeps while it runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retention {
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
    /// What operators have changed does not fit the configuration.
    #[error(transparent)]
    Override(#[from] OverrideError),
    /// The virtual keys cannot hold.
    #[error("virtual keys: {0}")]
    Keys(String),
    /// A virtual key is of a tenant that the configuration does not have.
    #[error("the key `{key}` is of the tenant `{tenant}`, which is not there any more")]
    KeyTenant {
        /// The key's id.
        key: String,
        /// The tenant.
        tenant: String,
    },
    /// TLS to an upstream cannot be had.
    #[error("deployment `{name}`: {why}")]
    Tls {
        /// The deployment.
        name: String,
        /// Why not, and what to do.
        why: String,
    },
    /// TLS towards clients cannot be had.
    #[error("TLS for clients: {0}")]
    ClientTls(String),
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
    /// A key that no header can carry.
    #[error("deployment `{name}`: its API key cannot be sent in a header")]
    ApiKey {
        /// The deployment.
        name: String,
    },
    /// Two tenants that would be one.
    #[error("the tenants `{first}` and `{second}` have the same key: each is known by its own")]
    SameKey {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// The core has failed before: it takes nothing any more.
    #[error("the core of this gateway has failed: restart it")]
    CoreFailed,
    /// The store of shared state has no address.
    #[error("shared state: {why}")]
    SharedState {
        /// What is wrong with it.
        why: String,
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
