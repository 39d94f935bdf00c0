//! The gateways that are known by name: a file and a line of [`READY_MADE`] each.

mod bifrost;
mod envoy;
mod haproxy;
mod litellm;
mod nginx;
mod portkey;
mod squall;
mod tensorzero;

use crate::install_recipe::InstallRecipe;
use core::fmt;
use squall_scenario::{Scenario, TargetConfig, Template};

/// Every ready-made target, in the order in which lists show them.
const READY_MADE: &[&dyn ReadyMade] = &[
    &nginx::Nginx,
    &haproxy::Haproxy,
    &envoy::Envoy,
    &squall::Squall,
    &litellm::LitellmProxy,
    &portkey::Portkey,
    &tensorzero::TensorZero,
    &bifrost::Bifrost,
];

/// A gateway that is known by name.
pub trait ReadyMade: Sync + fmt::Debug {
    /// Its name, as it is typed.
    fn name(&self) -> &'static str;

    /// The version that is installed and that its configuration is written for.
    fn version(&self) -> &'static str;

    /// The program that is started.
    fn program(&self) -> &'static str {
        self.name()
    }

    /// How it is installed.
    fn install(&self) -> InstallRecipe;

    /// Its own configuration for the groups of a scenario, as a target that can be started. Providers stand in it as
    /// placeholders.
    fn export(&self, scenario: &Scenario, tuning: Tuning) -> Exported;
}

/// How much of a scenario's router is expressed in a gateway's own configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tuning {
    /// Groups, deployments, weights and fallbacks; everything else at the vendor's defaults.
    Defaults,
    /// Everything that the gateway can express.
    Tuned,
}

impl Tuning {
    pub(crate) fn is_tuned(self) -> bool {
        self == Self::Tuned
    }
}

/// A gateway's own configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exported {
    /// How it is started and asked.
    pub target: TargetConfig,
    /// What it cannot express, or expresses otherwise.
    pub notes: Vec<ExportNote>,
}

/// A setting that a gateway does not have, or has otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExportNote {
    /// Its path in the scenario: `router.groups.chat.deadline`.
    pub setting: String,
    /// What becomes of it, as a sentence goes on after it.
    pub what: String,
}

impl fmt::Display for ExportNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.what)
    }
}

/// Every ready-made target, in the order in which lists show them.
pub fn all_ready_made() -> impl Iterator<Item = &'static dyn ReadyMade> {
    READY_MADE.iter().copied()
}

/// The ready-made target of this name.
#[must_use]
pub fn ready_made(name: &str) -> Option<&'static dyn ReadyMade> {
    all_ready_made().find(|target| target.name() == name)
}

/// The names of all ready-made targets.
pub fn names() -> impl Iterator<Item = &'static str> {
    READY_MADE.iter().map(|target| target.name())
}

/// A text with placeholders. Names of a scenario hold no `$`, so that only ours are placeholders.
fn template(text: &str) -> Template {
    text.parse().unwrap_or_else(|_| Template::from(text))
}

/// Texts with placeholders.
fn templates(texts: &[&str]) -> Vec<Template> {
    texts.iter().map(|text| template(text)).collect()
}

#[cfg(test)]
mod tests;
