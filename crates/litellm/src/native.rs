//! A LiteLLM file as a gateway file of ours: text, with the lines it came from.

mod group;
mod policy;
mod value;

use super::LitellmFile;
use core::fmt::Write as _;
use squall_router::{FallbackRule, Profile, RetryBudget, RouterConfig};
use squall_wire::Format;

/// How far a group's keys stand to the right.
const GROUP: &str = "      ";

impl LitellmFile {
    /// The gateway file, in our own syntax, that says the same; defaults are left out.
    #[must_use]
    pub fn gateway_yaml(&self, profile: Profile) -> String {
        let mut out = String::new();
        let path = self.path.replace('\n', " ");
        let _ = writeln!(out, "# From {path}, a configuration of LiteLLM.");
        let used = self.upstreams.iter();
        out.push_str("providers:\n");
        for upstream in used {
            let name = value::quoted(&upstream.name);
            let _ = writeln!(out, "  {name}:");
            if upstream.format != Format::default() {
                let _ = writeln!(out, "    format: {}", upstream.format.as_str());
            }
            let doubt = upstream.doubt.map_or_else(String::new, |doubt| format!("  # {doubt}"));
            let _ = writeln!(out, "    base_url: {}{doubt}", value::quoted(&upstream.base_url));
            if let Some(key) = &upstream.api_key {
                let _ = writeln!(out, "    api_key: {}", value::quoted(key));
            }
        }
        out.push('\n');
        let provider = |place: usize| {
            let entry = &self.entries[place];
            (self.upstreams[entry.upstream].name.clone(), Some(entry.model.clone()))
        };
        out.push_str(&self.router_yaml(profile, &provider));
        out
    }

    /// The `router:` of a file; `served` tells the provider and the model of an entry by its place.
    pub(super) fn router_yaml(
        &self,
        profile: Profile,
        served: &dyn Fn(usize) -> (String, Option<String>),
    ) -> String {
        let config = self.router(profile);
        let mut out = String::from("router:\n");
        if profile != Profile::default() {
            let _ = writeln!(out, "  profile: {}", profile.as_str());
        }
        let checked = config.groups.iter().flat_map(|group| &group.deployments);
        let checked = checked.into_iter().any(|deployment| deployment.limits.rpm.is_some());
        if profile == Profile::Litellm180 && checked {
            out.push_str(
                "  # By this profile `rpm` is a weight. That pre-call checks hold it as a limit\n",
            );
            out.push_str("  # too is kept only by `router: { litellm: FILE }`.\n");
        }
        top(&config, &mut out);
        out.push_str("  groups:\n");
        for group in &config.groups {
            group::group(self, &config, group, served, &mut out);
        }
        out
    }
}

/// A text as a scalar of YAML.
pub(super) fn value_of(text: &str) -> String {
    value::quoted(text)
}

/// What holds for every group.
fn top(config: &RouterConfig, out: &mut String) {
    match config.fallback_rule {
        rule if rule == FallbackRule::default() => {}
        FallbackRule::Once { max_moves } => {
            let _ = writeln!(out, "  fallback_rule: {{ max_moves: {max_moves} }}");
        }
        FallbackRule::Nested { max_depth } => {
            let _ = writeln!(out, "  fallback_rule: {{ max_depth: {max_depth} }}");
        }
    }
    if config.retry_budget == RetryBudget::UNLIMITED {
        out.push_str("  retry_budget: unlimited\n");
    }
    if config.spend_limits.is_empty() {
        return;
    }
    out.push_str("  budgets:\n");
    for (place, budget) in config.spend_limits.iter().enumerate() {
        let (limit, period) = (value::dollars(budget.limit), value::duration(budget.period));
        let name = value::budget(place);
        let _ = writeln!(out, "    {name}: {{ limit: {limit}, period: {period} }}");
    }
}
