//! A scenario around a LiteLLM file: mock providers for its deployments, traffic for its groups, and a drill that judges
//! the outage of the largest deployment of each.

mod drill_request;
mod family;
mod plan;
mod text;

use super::LitellmFile;
use core::time::Duration;
use plan::DrillPlan;
use squall_router::Profile;

/// What is asked of [`LitellmFile::scenario_yaml`].
#[derive(Clone, Debug, PartialEq)]
pub struct InitOptions {
    /// The scenario's name; characters that no folder's name may have are replaced.
    pub name: String,
    /// The path of the LiteLLM file as the scenario names it; `None` writes the router out in our own
    /// syntax.
    pub reference: Option<String>,
    /// By whose formulas the router works.
    pub profile: Profile,
    /// The only group that takes traffic; default every group of the file.
    pub group: Option<String>,
    /// Requests per second in the spike, of all groups together; default 60 % of what the limits allow.
    pub rps: Option<f64>,
    /// The median time to the first token of every deployment; default that of the model's family.
    pub ttft: Option<Duration>,
}

impl InitOptions {
    /// Options with every default.
    #[must_use]
    pub fn new(name: impl Into<String>, profile: Profile) -> Self {
        let name = name.into();
        Self { name, reference: None, profile, group: None, rps: None, ttft: None }
    }
}

impl LitellmFile {
    /// The names of the groups, in the order of their first entries.
    #[must_use]
    pub fn group_names(&self) -> Vec<&str> {
        self.groups()
    }

    /// A scenario around this file that runs at once: a mock provider for each deployment, with its
    /// limits and a latency of its family, traffic for each group at about 60 % of what its limits allow,
    /// and for each group an outage of its largest deployment, which an expectation judges. Where a group
    /// has nothing to fall back to, the scenario says so, and its expectation bounds the loss. `inline` is
    /// the router in our own syntax, for options without a reference.
    #[must_use]
    pub fn scenario_yaml(&self, options: &InitOptions, inline: &str) -> String {
        let plan = DrillPlan::new(self, options);
        text::scenario(self, &plan, options, inline)
    }
}
