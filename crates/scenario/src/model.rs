//! A scenario that has been read and checked: every name resolved, every number in its unit.

use crate::Expectation;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use squall_determinism::{Seed, Timestamp};
use squall_provider::{FaultConfig, ProviderConfig};
use squall_router::{DeploymentConfig, DeploymentId, GroupId, RouterConfig};
use squall_workload::WorkloadConfig;

/// Wall time at the start of every run of a scenario, in nanoseconds since 1970: 2026-01-01T00:00:00Z.
/// Minute windows are aligned to it, so that a scenario means the same on every day.
pub const EPOCH_NANOS: u64 = 1_767_225_600_000_000_000;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name: also of the folder that a run writes.
    pub name: String,
    /// What it is for, in a sentence or two.
    pub description: Option<String>,
    /// The seed of every draw.
    pub seed: Seed,
    /// How long traffic lasts: the end of the last phase.
    pub duration: Duration,
    /// The phases, in the order of the file.
    pub phases: Vec<Phase>,
    /// Who asks, and when.
    pub workload: WorkloadConfig,
    /// The group that traffic asks for.
    pub target: GroupId,
    /// The providers, replicas written out. A provider's number is its place here.
    pub providers: Vec<ScenarioProvider>,
    /// The router.
    pub router: RouterConfig,
    /// What serves each deployment, by `DeploymentId`.
    pub deployments: Vec<DeploymentLink>,
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

    /// Every deployment with its number and its group, in the order of the numbers.
    pub fn deployments(
        &self,
    ) -> impl Iterator<Item = (DeploymentId, GroupId, &DeploymentConfig)> + '_ {
        let groups = (0..).map(GroupId).zip(&self.router.groups);
        let all = groups.flat_map(|(group, config)| {
            config.deployments.iter().map(move |deployment| (group, deployment))
        });
        (0..).map(DeploymentId).zip(all).map(|(id, (group, config))| (id, group, config))
    }

    /// What goes wrong with the provider of a deployment; nothing for one that does not exist.
    #[must_use]
    pub fn faults_of(&self, deployment: DeploymentId) -> &[FaultConfig] {
        let link = self.deployments.get(deployment.index());
        let provider = link.and_then(|link| self.providers.get(usize::from(link.provider)));
        provider.map_or(&[], |provider| &provider.config.faults)
    }
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
    /// The API it speaks.
    pub format: Format,
    /// How it behaves.
    pub config: ProviderConfig,
}

/// The API a provider speaks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// OpenAI chat completions.
    #[default]
    OpenAi,
}

/// What serves a deployment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeploymentLink {
    /// The provider, by its place in [`Scenario::providers`].
    pub provider: u16,
    /// The model's name upstream: what tells two deployments of one provider apart. Defaults to the
    /// deployment's name.
    pub model: String,
}

/// What `squall gateway` serves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayFile {
    /// Where clients connect. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// The providers.
    pub providers: Vec<GatewayProvider>,
    /// The router.
    pub router: RouterConfig,
    /// What serves each deployment, by `DeploymentId`; its provider is a place in `providers`.
    pub deployments: Vec<DeploymentLink>,
}

/// A provider that a gateway calls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatewayProvider {
    /// Its name.
    pub name: String,
    /// The API it speaks.
    pub format: Format,
    /// Its API up to the version, `http://127.0.0.1:9001/v1`, without a slash at the end.
    pub base_url: String,
    /// The key it asks for.
    pub api_key: Option<ApiKey>,
}

/// A key of a provider. `Debug` keeps it to itself.
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

/// What `squall mock` serves.
#[derive(Clone, Debug, PartialEq)]
pub struct MockFile {
    /// The seed of every draw.
    pub seed: Seed,
    /// The providers.
    pub providers: Vec<MockProvider>,
}

/// A mock provider with an address of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct MockProvider {
    /// Its name.
    pub name: String,
    /// The API it speaks.
    pub format: Format,
    /// How it behaves; faults count from its start.
    pub config: ProviderConfig,
    /// Where it listens. Default 127.0.0.1:0, a free port.
    pub listen: SocketAddr,
}
