//! A scenario that has been read and checked: every name resolved, every number in its unit.

use crate::Expectation;
use core::time::Duration;
use squall_determinism::{Seed, Timestamp};
use squall_provider::ProviderConfig;
use squall_router::{GroupId, RouterConfig};
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
