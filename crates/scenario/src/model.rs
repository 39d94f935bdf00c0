//! A scenario that has been read and checked: every name resolved, every number in its unit.

use crate::{Expectation, TargetConfig};
use chrono::{DateTime, Datelike as _, FixedOffset, Timelike as _};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::ops::Range;
use core::time::Duration;
use squall_determinism::{Distribution, Seed, Share, Timestamp};
use squall_provider::{FaultConfig, ProviderConfig, ProviderLimits};
use squall_router::shared_state::{ReplicaConfig, StoreConfig};
use squall_router::{
    DeploymentConfig, DeploymentId, Features, GroupId, IdRegistry, Overrides, RegionId,
    RouterConfig, Tags, TenantId,
};
use squall_wire::{ANSWER_MAX, Format, ServerSettings, StreamUsage, TlsSettings};
use squall_workload::WorkloadConfig;

/// Wall time at the start of a run of a scenario that names none, in nanoseconds since 1970: 2026-01-01T00:00:00Z.
/// Minute windows are aligned to it, so that a scenario means the same on every day.
pub const EPOCH_NANOS: u64 = 1_767_225_600_000_000_000;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name, also of the folder with its reports.
    pub name: String,
    /// Its purpose, in a sentence or two.
    pub description: Option<String>,
    /// The seed of all random streams.
    pub seed: Seed,
    /// The wall time at which the run begins, where the file says so.
    pub start: Option<StartTime>,
    /// How long traffic lasts: the end of the last phase.
    pub duration: Duration,
    /// Until when no metric counts anything; zero by default.
    pub warm_up: Timestamp,
    /// The phases, in the order of the file.
    pub phases: Vec<Phase>,
    /// Who asks, and when.
    pub workload: WorkloadConfig,
    /// The group that the first source of traffic asks for.
    pub target: GroupId,
    /// The providers, replicas written out. A provider's number is its place here.
    pub providers: Vec<ScenarioProvider>,
    /// The sources of traffic, in the order of the file and of the workload.
    pub sources: Vec<TrafficSource>,
    /// The kinds of requests that clients send, in the order of the file, those of one source after those of the one
    /// before; a request's kind is a place here. A source without a `mix` has one, named as itself, or as its group
    /// where it has no name.
    pub kinds: Vec<RequestKind>,
    /// The router as the run begins.
    pub router: RouterConfig,
    /// The same as it is written, where the file names a profile, which then takes the place of its formulas.
    pub before_profile: Option<RouterConfig>,
    /// The names of the budgets that have one, by number.
    pub budgets: Vec<String>,
    /// Configurations that hold later, in the order of their times.
    pub changes: Vec<ConfigChange>,
    /// What serves each deployment, by `DeploymentId`: those of the first configuration, then those that
    /// changes bring, as [`IdRegistry`](squall_router::IdRegistry) numbers them.
    pub deployments: Vec<DeploymentLink>,
    /// The names of tags, by bit.
    pub tags: Vec<String>,
    /// The names of regions, by number.
    pub regions: Vec<String>,
    /// What a gateway's work costs in virtual time; `None` for nothing.
    pub gateway_cost: Option<GatewayCost>,
    /// The replicas of the gateway.
    pub gateway_replicas: GatewayReplicas,
    /// The gateway that live runs test in place of the built-in one; `None` for the built-in one.
    pub gateway_target: Option<TargetConfig>,
    /// What must come out.
    pub expectations: Vec<Expectation>,
    /// The text it was read from.
    pub text: String,
}

impl Scenario {
    /// The phase with this name.
    #[must_use]
    pub fn phase(&self, name: &str) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.name == name)
    }

    /// Wall time at the start of the run, in nanoseconds since 1970.
    #[must_use]
    pub fn epoch_nanos(&self) -> u64 {
        self.start.map_or(EPOCH_NANOS, |start| start.nanos)
    }

    /// What metrics count: all that begins after the warm-up.
    #[must_use]
    pub const fn measured(&self) -> Range<Timestamp> {
        self.warm_up..Timestamp::MAX
    }

    /// The part of a phase that metrics count.
    #[must_use]
    pub fn measured_of(&self, phase: &Phase) -> Range<Timestamp> {
        phase.start.max(self.warm_up)..phase.end
    }

    /// The expectations that decide a verdict: all but the soft ones.
    pub fn hard_expectations(&self) -> impl Iterator<Item = &Expectation> {
        self.expectations.iter().filter(|expectation| !expectation.soft)
    }

    /// Every deployment that there ever is with its number and its group, as it first is, in the order of
    /// the numbers.
    pub fn deployments(
        &self,
    ) -> impl Iterator<Item = (DeploymentId, GroupId, &DeploymentConfig)> + '_ {
        let mut roster = IdRegistry::default();
        let mut all: Vec<(DeploymentId, GroupId, &DeploymentConfig)> = Vec::new();
        for config in core::iter::once(&self.router).chain(self.changes.iter().map(|c| &c.router)) {
            let numbers = roster.add(config);
            let groups = config.groups.iter().zip(&numbers.groups);
            let deployments = groups.flat_map(|(group, &id)| {
                group.deployments.iter().map(move |deployment| (id, deployment))
            });
            for ((group, deployment), &id) in deployments.zip(&numbers.deployments) {
                if id.index() == all.len() {
                    all.push((id, group, deployment));
                }
            }
        }
        all.into_iter()
    }

    /// What goes wrong with the provider of a deployment; nothing for one that does not exist.
    #[must_use]
    pub fn faults_of(&self, deployment: DeploymentId) -> &[FaultConfig] {
        let link = self.deployments.get(deployment.index());
        let provider = link.and_then(|link| self.providers.get(usize::from(link.provider)));
        provider.map_or(&[], |provider| &provider.config.faults)
    }
}

/// The wall time at which a run begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StartTime {
    /// In nanoseconds since 1970.
    pub nanos: u64,
    /// How far the clocks that it was written by are ahead of UTC, in seconds.
    pub utc_offset: i32,
}

/// Date and time of day by the clocks of a [`StartTime`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockReading {
    /// The year.
    pub year: i32,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// Seconds since midnight.
    pub second_of_day: u32,
}

impl StartTime {
    /// What the clocks read so long after the start; fractions of a second are cut off.
    #[must_use]
    pub fn clock_after(self, time: Duration) -> ClockReading {
        let since_1970 = Duration::from_nanos(self.nanos).saturating_add(time).as_secs();
        let offset = FixedOffset::east_opt(self.utc_offset);
        let time = DateTime::from_timestamp(i64::try_from(since_1970).unwrap_or(i64::MAX), 0);
        let local = time.unwrap_or_default().naive_utc();
        let local = offset.map_or(local, |offset| local + offset);
        let (date, clock) = (local.date(), local.time());
        ClockReading {
            year: date.year(),
            month: date.month(),
            day: date.day(),
            second_of_day: clock.num_seconds_from_midnight(),
        }
    }

    /// `UTC`, `UTC+02:00`.
    #[must_use]
    pub fn zone(self) -> String {
        let minutes = self.utc_offset.unsigned_abs() / 60;
        match self.utc_offset {
            0 => "UTC".to_owned(),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl fmt::Display for StartTime {
    /// `2026-11-29 08:00:00 UTC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClockReading { year, month, day, second_of_day: seconds } =
            self.clock_after(Duration::ZERO);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {}", self.zone())
    }
}

/// A source of traffic: what it sends, and when, stands in the workload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrafficSource {
    /// Its name; `None` for the only source of a file that names none.
    pub name: Option<String>,
    /// The group that it asks for.
    pub target: GroupId,
    /// Its kinds, as places in [`Scenario::kinds`].
    pub kinds: Range<u16>,
}

/// A kind of request: what a client asks for beyond tokens. How many there are of it, and how long its
/// prompts are, stands in the workload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestKind {
    /// Its name.
    pub name: String,
    /// The group that it asks for.
    pub group: GroupId,
    /// Its rank when requests wait.
    pub priority: u8,
    /// Its tenant.
    pub tenant: Option<TenantId>,
    /// Its tags.
    pub tags: Tags,
    /// What it needs of a model.
    pub features: Features,
    /// Where it must be served.
    pub region: Option<RegionId>,
    /// What it asks for instead of what is configured.
    pub overrides: Overrides,
}

/// Another configuration of the router from some time on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigChange {
    /// From when.
    pub at: Timestamp,
    /// What the file says of it in a few words, for charts: `weights eu 1, us 9`.
    pub what: String,
    /// The whole configuration that holds from then on.
    pub router: RouterConfig,
}

/// The replicas of a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayReplicas {
    /// How many there are.
    pub count: u16,
    /// What they share; `None` for nothing.
    pub shared: Option<SharedStateSettings>,
}

impl Default for GatewayReplicas {
    /// One.
    fn default() -> Self {
        Self { count: 1, shared: None }
    }
}

/// What replicas share through a store, and the store in virtual time.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedStateSettings {
    /// How a replica talks to the store. Its number of replicas is that of the scenario.
    pub replica: ReplicaConfig,
    /// How the store times what it gives.
    pub store: StoreConfig,
    /// From a request to its answer, in nanoseconds.
    pub latency: Distribution,
    /// The share of messages that are lost, each way.
    pub loss: Share,
    /// What goes wrong with it.
    pub faults: Vec<StoreFault>,
}

/// A fault of the store of shared state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreFault {
    /// From when.
    pub at: Timestamp,
    /// For how long.
    pub lasts: Duration,
    /// What.
    pub kind: StoreFaultKind,
    /// The replicas that it affects, by place; all if there are none.
    pub replicas: Vec<u16>,
}

impl StoreFault {
    /// Whether a message of this replica meets it now.
    #[must_use]
    pub fn hits(&self, now: Timestamp, replica: u16) -> bool {
        let is_now = self.at <= now && now < self.at + self.lasts;
        is_now && (self.replicas.is_empty() || self.replicas.contains(&replica))
    }
}

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreFaultKind {
    /// It was killed, and comes back without its data.
    Down,
    /// All messages are lost.
    Unreachable,
    /// Answers take so much longer.
    Slow(Duration),
    /// This share of messages is lost, each way.
    Loss(Share),
}

/// What a gateway's work costs: so many workers, each of which does one thing at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GatewayCost {
    /// Number of workers.
    pub workers: u16,
    /// CPU time of an attempt, spent before it is sent.
    pub cpu_per_attempt: Duration,
    /// What an attempt costs that fails, all in all: what is above `cpu_per_attempt` is paid before the
    /// router hears of the failure.
    pub cpu_per_failed_attempt: Duration,
}

/// A named stretch of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// From when.
    pub start: Timestamp,
    /// Until just before this.
    pub end: Timestamp,
}

/// A provider of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioProvider {
    /// Its name.
    pub name: String,
    /// Wire format.
    pub format: Format,
    /// How it behaves in a run of the scenario's seed.
    pub config: ProviderConfig,
    /// The same as it stands in the file: what happens at random times is not drawn.
    pub written: ProviderConfig,
    /// Where it listens in live runs; `None` for a free port of this machine.
    pub listen: Option<SocketAddr>,
}

impl ScenarioProvider {
    /// Whether its format tells waits in Retry-After, and not elsewhere.
    #[must_use]
    pub fn has_retry_after(&self) -> bool {
        squall_wire::server(self.format).has_retry_after()
    }

    /// How it would behave without limits and faults.
    #[must_use]
    pub fn without_trouble(&self) -> ProviderConfig {
        ProviderConfig {
            limits: ProviderLimits::NONE,
            capacity: None,
            faults: Vec::new(),
            random: Vec::new(),
            ..self.config.clone()
        }
    }
}

impl Scenario {
    /// Its traffic alone, for a system with providers of its own: nothing goes wrong but what does there.
    #[must_use]
    pub fn without_providers(mut self) -> Self {
        for provider in &mut self.providers {
            provider.config = provider.without_trouble();
        }
        self.changes.clear();
        self
    }

    /// How many replicas of the gateway there are.
    #[must_use]
    pub fn replicas(&self) -> u16 {
        self.gateway_replicas.count.max(1)
    }

    /// The seed of a replica's draws: each draws for itself, the first by the seed of the scenario.
    #[must_use]
    pub fn seed_of_replica(&self, replica: u16) -> Seed {
        self.seed.following(usize::from(replica) + 1).last().unwrap_or(self.seed)
    }

    /// What the replicas share; `None` for nothing.
    #[must_use]
    pub const fn shared_state(&self) -> Option<&SharedStateSettings> {
        self.gateway_replicas.shared.as_ref()
    }

    /// Tells every router configuration what its replicas share.
    pub(crate) fn share_state(&mut self) {
        let shared = self.shared_state().map(|shared| shared.replica);
        self.router.shared = shared;
        self.changes.iter_mut().for_each(|change| change.router.shared = shared);
    }

    /// The scenario with another seed: what happens at random times is drawn anew.
    pub fn set_seed(&mut self, seed: Seed) {
        self.seed = seed;
        for (entity, provider) in (0..).zip(&mut self.providers) {
            provider.config = provider.written.drawn(seed, entity);
        }
    }
}

/// What serves a deployment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeploymentLink {
    /// The provider, by its place in [`Scenario::providers`].
    pub provider: u16,
    /// The model's name upstream: what tells two deployments of one provider apart. Defaults to the
    /// deployment's name.
    pub model: String,
    /// The name of the key that it is called with, in a scenario: limits may be per key, and a fault may hit
    /// one key alone.
    pub key: Option<String>,
}

/// Configuration of `squall gateway`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayFile {
    /// Listen address. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// What it takes from clients, and how long it waits for them.
    pub server: ServerSettings,
    /// TLS towards clients; `None` is plain HTTP.
    pub tls: Option<TlsSettings>,
    /// The providers.
    pub providers: Vec<GatewayProvider>,
    /// The router.
    pub router: RouterConfig,
    /// The same as it is written, where the file names a profile, which then takes the place of its formulas.
    pub before_profile: Option<RouterConfig>,
    /// What serves each deployment, by `DeploymentId`; its provider is a place in `providers`.
    pub deployments: Vec<DeploymentLink>,
    /// The keys by which tenants are known, by `TenantId`; `None` for one without. Either every tenant
    /// has one or none has: without keys the gateway believes what a request says of itself.
    pub tenants: Vec<Option<ApiKey>>,
    /// The names of tags, by bit.
    pub tags: Vec<String>,
    /// The names of regions, by number.
    pub regions: Vec<String>,
    /// The names of the budgets that have one, by number.
    pub budgets: Vec<String>,
    /// The largest answer that is taken, in bytes. Default [`ANSWER_MAX`].
    pub max_answer_size: usize,
    /// The store through which it shares state with its replicas; `None` if it is alone. Default none.
    pub shared_state: Option<StoreLink>,
    /// How many requests that have ended the admin API can explain. Default 1,000.
    pub recent_requests: usize,
    /// What is written down of decisions; `None` for nothing. Default none.
    pub decision_log: Option<DecisionLogSettings>,
}

/// What is written down of the router's decisions, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DecisionLogSettings {
    /// The share of requests, by their ids. Default 1 %.
    pub sample: Share,
    /// Whether every request that failed is written besides. Default yes.
    pub failed: bool,
    /// The file; `None` for the log of the process. Default none.
    pub path: Option<String>,
    /// The size at which the file is put aside, in bytes. Default 100 MiB.
    pub max_size: usize,
    /// How many files that were put aside are kept. Default 4.
    pub keep: u32,
}

impl Default for DecisionLogSettings {
    fn default() -> Self {
        Self { sample: Share::percent(1), failed: true, path: None, max_size: 100 << 20, keep: 4 }
    }
}

/// A store in Redis or Valkey.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreLink {
    /// Its address, which may hold a password. There is one in every file that was read.
    pub url: Option<ApiKey>,
    /// What all replicas that share call themselves. Default `default`.
    pub fleet: String,
    /// How many replicas there are, until the store says. Default 1.
    pub replicas: u64,
    /// Between two requests to the store. Default 250 ms.
    pub sync_interval: Duration,
    /// How long an answer of the store may take. Default 200 ms.
    pub store_timeout: Duration,
    /// How long quota in hand is valid. Default 1 s.
    pub lease: Duration,
    /// After how long without a word a replica is forgotten. Default 10 minutes.
    pub forget_after: Duration,
}

impl StoreLink {
    /// How the router talks to the store.
    #[must_use]
    pub const fn replica(&self) -> ReplicaConfig {
        let Self { replicas, sync_interval, store_timeout, .. } = *self;
        ReplicaConfig { replicas, sync_interval, store_timeout }
    }

    /// How the store times what it gives.
    #[must_use]
    pub fn store(&self) -> StoreConfig {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1);
        let (lease_ms, forget_ms) = (millis(self.lease), millis(self.forget_after));
        StoreConfig { lease_ms, forget_ms, ..StoreConfig::default() }
    }
}

impl Default for StoreLink {
    fn default() -> Self {
        let ReplicaConfig { replicas, sync_interval, store_timeout } = ReplicaConfig::default();
        let StoreConfig { lease_ms, forget_ms, .. } = StoreConfig::default();
        Self {
            url: None,
            fleet: "default".to_owned(),
            replicas,
            sync_interval,
            store_timeout,
            lease: Duration::from_millis(lease_ms),
            forget_after: Duration::from_millis(forget_ms),
        }
    }
}

impl Default for GatewayFile {
    /// A gateway that serves nothing yet.
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            server: ServerSettings::default(),
            tls: None,
            providers: Vec::new(),
            router: RouterConfig::default(),
            before_profile: None,
            deployments: Vec::new(),
            tenants: Vec::new(),
            tags: Vec::new(),
            regions: Vec::new(),
            budgets: Vec::new(),
            max_answer_size: ANSWER_MAX,
            shared_state: None,
            recent_requests: 1_000,
            decision_log: None,
        }
    }
}

/// A provider that a gateway calls.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GatewayProvider {
    /// Its name.
    pub name: String,
    /// Wire format.
    pub format: Format,
    /// Its API up to the version, `http://127.0.0.1:9001/v1`, without a slash at the end.
    pub base_url: String,
    /// A file of certificates in PEM that are trusted instead of the machine's own, relative to the file.
    pub trusted: Option<String>,
    /// The key it asks for.
    pub api_key: Option<ApiKey>,
    /// Whether its streams are asked to tell their usage.
    pub stream_usage: StreamUsage,
}

/// A key of a provider or of a tenant. `Debug` keeps it to itself.
#[derive(Clone, Eq, PartialEq)]
pub enum ApiKey {
    /// As it stands in the file.
    Literal(String),
    /// In the environment variable with this name.
    Environment(String),
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(…)"),
            Self::Environment(name) => f.debug_tuple("Environment").field(name).finish(),
        }
    }
}

/// Configuration of `squall mock`.
#[derive(Clone, Debug, PartialEq)]
pub struct MockFile {
    /// The seed of all random streams.
    pub seed: Seed,
    /// The providers.
    pub providers: Vec<MockProviderConfig>,
}

/// A mock provider with an address of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct MockProviderConfig {
    /// Its name.
    pub name: String,
    /// Wire format.
    pub format: Format,
    /// How it behaves; faults count from its start.
    pub config: ProviderConfig,
    /// Where it listens. Default 127.0.0.1:0, a free port.
    pub listen: SocketAddr,
    /// The models that it lists and serves; none for its own name in the list and every model served.
    pub models: Vec<String>,
    /// The most tokens that an answer may be asked to have.
    pub max_output_tokens: Option<u32>,
    /// Whether a field that the vendor does not have is refused.
    pub strict: bool,
}
