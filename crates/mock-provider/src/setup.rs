//! What a mock provider is told at its start, and what it tells at its end.

use crate::call_log::CallLog;
use crate::events::EventLog;
use squall_clock::Clock;
use squall_determinism::Seed;
use squall_provider::ProviderConfig;
use squall_record::{AttemptRow, JoinCounts, NoteRow};
use squall_wire::Format;
use squall_wire::serve::Rules;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// One mock provider.
#[derive(Clone, Debug)]
pub struct MockSetup {
    /// Its name, for messages.
    pub name: String,
    /// Its place among the providers of the run: the entity of its draws, and its number in notes.
    pub provider: u16,
    /// The API it speaks.
    pub format: Format,
    /// How it behaves.
    pub config: ProviderConfig,
    /// The seed of the run.
    pub seed: Seed,
    /// The run's time.
    pub clock: Clock,
    /// Wall time at the start of the run, in nanoseconds since 1970.
    pub epoch_nanos: u64,
    /// Where to listen; port 0 for a free one.
    pub listen: SocketAddr,
    /// The models it lists, each with the deployment that calls it by that name. Another model is
    /// served just the same, as [`UNKNOWN_DEPLOYMENT`].
    pub models: Vec<(String, u16)>,
    /// The deployment that a model which is not among them counts for: a gateway that is not ours may ask for
    /// models by names of its own. `None` for [`UNKNOWN_DEPLOYMENT`].
    pub default_deployment: Option<u16>,
    /// Whether a model that is not among them is answered 404 instead.
    pub only_listed: bool,
    /// What it refuses beside what none takes.
    pub rules: Rules,
    /// Whether to log.
    pub rows: AttemptLog,
    /// How long it waits for a request.
    pub patience: ServerTimeouts,
    /// Where it tells what was injected and what became of attempts.
    pub events: Option<Arc<EventLog>>,
    /// Where it keeps attempts for a judgement of its callers.
    pub calls: Option<Arc<CallLog>>,
}

/// How long a server waits for a request that does not come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServerTimeouts {
    /// For the head of the next request on a connection. Default 75 s, as nginx: more than callers keep
    /// a connection that they do not use.
    pub head: Duration,
    /// For a body whose head is there. Default 30 s.
    pub body: Duration,
}

impl Default for ServerTimeouts {
    fn default() -> Self {
        Self { head: Duration::from_secs(75), body: Duration::from_secs(30) }
    }
}

/// The deployment of an attempt whose model no deployment has.
pub const UNKNOWN_DEPLOYMENT: u16 = u16::MAX;

/// Whether a mock provider logs its attempts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttemptLog {
    /// One row each, in memory until the end: for a run.
    Kept,
    /// None: for a server that runs for days.
    Dropped,
}

/// What a mock provider saw.
#[derive(Clone, Debug, Default)]
pub struct ProviderLog {
    /// One row per attempt, in the order of their ends. `ordinal` is 0: it takes all providers' logs
    /// to tell.
    pub attempts: Vec<AttemptRow>,
    /// When each fault began and ended.
    pub notes: Vec<NoteRow>,
    /// Attempts whose model no deployment has.
    pub unknown_models: u64,
    /// In which places attempts had the token of their request.
    pub join: JoinCounts,
}
