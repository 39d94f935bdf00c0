//! What a LiteLLM file comes to: the router that it describes, each value with the line of LiteLLM's setting
//! that it is from.

use super::{
    NamesOfNumbers, SettingOrigin, Shown, ShownValue, origin, without_settings, written_router,
};
use crate::model::{ApiKey, DeploymentLink, GatewayProvider};
use crate::read::UPSTREAM;
use crate::settings::Written;
use origin::{Annotator, Lines, Versions};
use squall_litellm::{ImportFinding, LitellmFile};
use squall_router::Profile;
use std::collections::BTreeMap;

/// The settings of LiteLLM's that a setting of a group is from, by the beginning of its path.
const OF_GROUP: &[(&str, &[&str])] = &[
    ("aliases", &["model_group_alias"]),
    ("fallback", &["fallbacks", "default_fallbacks"]),
    ("context_window_fallback", &["context_window_fallbacks"]),
    ("content_policy_fallback", &["content_policy_fallbacks"]),
    ("strategy", &["routing_strategy_args", "routing_strategy"]),
    ("retries.default", &["num_retries"]),
    ("retries", &["model_group_retry_policy", "retry_policy", "num_retries"]),
    ("backoff.litellm.least", &["retry_after"]),
    ("backoff.base", &["retry_after"]),
    ("cooldown.litellm.cooldown_time", &["cooldown_time"]),
    ("cooldown.litellm.allowed_fails", &["allowed_fails"]),
    ("cooldown.litellm.policy", &["allowed_fails_policy"]),
    ("cooldown.failure.consecutive", &["allowed_fails"]),
    ("cooldown.failure.base", &["cooldown_time"]),
    ("timeouts.first_token", &["stream_timeout", "timeout", "request_timeout"]),
    ("timeouts.between_tokens", &["stream_timeout", "timeout", "request_timeout"]),
    ("timeouts.connect", &["timeout", "request_timeout"]),
    ("timeouts.total", &["timeout", "request_timeout"]),
    ("tag_match", &["tag_filtering_match_any", "enable_tag_filtering"]),
    ("pre_call_checks", &["enable_pre_call_checks"]),
];

/// The same for a deployment, whose settings stand with its entry.
const OF_DEPLOYMENT: &[(&str, &[&str])] = &[
    ("name", &["id", "model_name"]),
    ("provider", &["model"]),
    ("model", &["model"]),
    ("weight", &["weight"]),
    ("order", &["order"]),
    ("limits.concurrency", &["max_parallel_requests", "rpm", "tpm"]),
    ("limits.tpm", &["tpm"]),
    ("limits", &["rpm", "tpm"]),
    ("timeouts.first_token", &["stream_timeout", "timeout"]),
    ("timeouts.between_tokens", &["stream_timeout", "timeout"]),
    ("timeouts.connect", &["timeout"]),
    ("timeouts.total", &["timeout"]),
    ("cooldown.litellm.deployment_time", &["cooldown_time"]),
    ("cooldown.failure.base", &["cooldown_time"]),
    ("price.input", &["input_cost_per_token"]),
    ("price.output", &["output_cost_per_token"]),
    ("default_pool", &["tags"]),
    ("max_input_tokens", &["max_input_tokens"]),
    ("features", &["supports_web_search"]),
    ("declared.weight", &["weight"]),
    ("declared.rpm", &["rpm"]),
    ("declared.tpm", &["tpm"]),
    ("budget", &["max_budget"]),
    ("tags", &["tags"]),
    ("region", &["region_name"]),
];

/// The same for what holds over all groups.
const OVER_ALL: &[(&str, &[&str])] =
    &[("fallback_rule", &["max_fallbacks"]), ("budgets", &["provider_budget_config"])];

/// The lines of a file's settings, by their last key: those of a deployment by its place in the list.
struct Found<'f> {
    general: BTreeMap<&'f str, u32>,
    of_item: BTreeMap<(usize, &'f str), u32>,
}

impl<'f> Found<'f> {
    fn new(findings: &'f [ImportFinding]) -> Self {
        let mut found = Self { general: BTreeMap::new(), of_item: BTreeMap::new() };
        for finding in findings {
            let key = finding.path.rsplit('.').next().unwrap_or_default();
            match finding.path.strip_prefix("model_list[").and_then(|rest| rest.split_once(']')) {
                Some((place, _)) => {
                    let place = place.parse().unwrap_or(usize::MAX);
                    found.of_item.entry((place, key)).or_insert(finding.line);
                }
                // What `router_settings` says wins over what `litellm_settings` says.
                None if finding.path.starts_with("router_settings.") => {
                    found.general.insert(key, finding.line);
                    // A part of a policy is a line of the policy too.
                    for above in finding.path.split('.').skip(1) {
                        found.general.entry(above).or_insert(finding.line);
                    }
                }
                None => {
                    found.general.entry(key).or_insert(finding.line);
                }
            }
        }
        found
    }

    fn general(&self, table: &[(&str, &[&str])], path: &str) -> Option<u32> {
        // A cooldown without parts is `never`.
        let keys = match path {
            "cooldown" => &["disable_cooldowns"][..],
            path => table.iter().find(|(begin, _)| begins(path, begin))?.1,
        };
        keys.iter().find_map(|key| self.general.get(key).copied())
    }

    fn of_item(&self, item: usize, path: &str) -> Option<u32> {
        let (_, keys) = OF_DEPLOYMENT.iter().find(|(begin, _)| begins(path, begin))?;
        keys.iter().find_map(|key| self.of_item.get(&(item, *key)).copied())
    }
}

fn begins(path: &str, begin: &str) -> bool {
    path.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The names and providers of a LiteLLM file, as a gateway file of ours would have them.
pub(crate) struct AsGateway {
    pub(crate) providers: Vec<GatewayProvider>,
    pub(crate) provider_names: Vec<String>,
    pub(crate) links: Vec<DeploymentLink>,
    pub(crate) budgets: Vec<String>,
}

impl AsGateway {
    /// What `file` names; of `budgets` in all.
    pub(crate) fn new(file: &LitellmFile, budgets: usize) -> Self {
        let upstreams = file.upstreams();
        let providers = upstreams.iter().map(|upstream| GatewayProvider {
            name: upstream.name.to_owned(),
            format: upstream.format,
            base_url: upstream.base_url.to_owned(),
            api_key: upstream.api_key.map(|key| match key.strip_prefix('$') {
                Some(variable) => ApiKey::Environment(variable.to_owned()),
                None => ApiKey::Literal(key.to_owned()),
            }),
            ..GatewayProvider::default()
        });
        let deployments = file.deployments();
        let links = deployments.iter().map(|deployment| DeploymentLink {
            provider: u16::try_from(deployment.upstream).unwrap_or(u16::MAX),
            model: deployment.model.to_owned(),
            key: None,
        });
        Self {
            providers: providers.collect(),
            provider_names: upstreams.iter().map(|upstream| upstream.name.to_owned()).collect(),
            links: links.collect(),
            budgets: (1..=budgets).map(|number| format!("budget-{number}")).collect(),
        }
    }

    /// The names behind the numbers.
    pub(crate) fn names<'n>(&'n self, file: &'n LitellmFile) -> NamesOfNumbers<'n> {
        NamesOfNumbers {
            providers: &self.provider_names,
            links: &self.links,
            tags: file.tags(),
            regions: file.regions(),
            budgets: &self.budgets,
            keys: &[],
            declared: true,
        }
    }
}

/// The file by the formulas of a profile.
pub(super) fn shown(file: &LitellmFile, profile: Profile) -> Shown {
    let spoken = file.spoken();
    let file = spoken.as_ref().unwrap_or(file);
    let config = file.router(profile);
    let as_gateway = AsGateway::new(file, config.spend_budgets.len());
    let names = as_gateway.names(file);
    let lines = Lines::of("");
    let annotator = Annotator { lines: &lines, profile: profile.as_str() };
    let now = Written::Map(written_router(&config, &names));
    let default = Written::Map(written_router(&without_settings(&config), &names));
    let versions = Versions { now: &now, written: None, default: Some(&default) };
    let mut router = annotator.section(versions, None);
    let findings = file.findings(profile);
    let found = Found::new(&findings);
    let deployments = file.deployments();
    let mut items = deployments.iter().map(|deployment| deployment.item);
    place(&mut router, &found, &mut items);
    let usual = UPSTREAM.write(&GatewayProvider::default());
    let providers = as_gateway.providers.iter().enumerate().map(|(place, provider)| {
        let now = UPSTREAM.write(provider);
        let versions = Versions { now: &now, written: Some(&now), default: Some(&usual) };
        let mut shown = annotator.section(versions, None);
        let item = deployments.iter().find(|each| each.upstream == place).map(|each| each.item);
        in_leaves(&mut shown, "", &mut |path, leaf| {
            let keys = if path == "api_key" { ["api_key"; 2] } else { ["api_base", "base_url"] };
            let line = |key| found.of_item.get(&(item?, key)).copied();
            if leaf.origin != SettingOrigin::Default {
                leaf.origin = line(keys[0])
                    .or_else(|| line(keys[1]))
                    .or_else(|| line("model"))
                    .map_or(SettingOrigin::Derived, SettingOrigin::Line);
            }
        });
        (provider.name.clone(), shown)
    });
    let providers =
        Shown { value: ShownValue::Map(providers.collect()), origin: SettingOrigin::Default };
    if let ShownValue::Map(entries) = &mut router.value
        && profile != Profile::default()
    {
        let value = ShownValue::Scalar(profile.as_str().to_owned());
        let origin = SettingOrigin::Profile(profile.as_str());
        entries.insert(0, ("profile".to_owned(), Shown { value, origin }));
    }
    let entries = vec![("providers".to_owned(), providers), ("router".to_owned(), router)];
    Shown { value: ShownValue::Map(entries), origin: SettingOrigin::Default }
}

/// Gives the values of a router the lines of the file that they are from.
fn place(router: &mut Shown, found: &Found<'_>, items: &mut dyn Iterator<Item = usize>) {
    let ShownValue::Map(entries) = &mut router.value else { return };
    for (key, shown) in entries {
        if key != "groups" {
            in_leaves(shown, key, &mut |path, leaf| from(leaf, found.general(OVER_ALL, path)));
            continue;
        }
        let ShownValue::Map(groups) = &mut shown.value else { continue };
        for (_, group) in groups {
            let ShownValue::Map(entries) = &mut group.value else { continue };
            for (key, shown) in entries {
                if let ShownValue::List(deployments) = &mut shown.value
                    && key == "deployments"
                {
                    for deployment in deployments {
                        let item = items.next().unwrap_or(usize::MAX);
                        in_leaves(deployment, "", &mut |path, leaf| {
                            let line = found.of_item(item, path);
                            from(leaf, line.or_else(|| of_all(found, path)));
                        });
                    }
                } else {
                    in_leaves(shown, key, &mut |path, leaf| {
                        from(leaf, found.general(OF_GROUP, path));
                    });
                }
            }
        }
    }
}

/// The line of what holds for a deployment since it holds for all.
fn of_all(found: &Found<'_>, path: &str) -> Option<u32> {
    match path {
        "limits.concurrency" => found.general.get("default_max_parallel_requests").copied(),
        "budgets" => found.general.get("provider_budget_config").copied(),
        path => found.general(OF_GROUP, path),
    }
}

fn from(leaf: &mut Shown, line: Option<u32>) {
    if let Some(line) = line
        && !matches!(leaf.value, ShownValue::Unset)
    {
        leaf.origin = SettingOrigin::Line(line);
    }
}

/// Every value that has no parts, with its path.
fn in_leaves(shown: &mut Shown, path: &str, see: &mut dyn FnMut(&str, &mut Shown)) {
    if let ShownValue::Map(entries) = &mut shown.value {
        for (key, part) in entries {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            in_leaves(part, &path, see);
        }
        return;
    }
    see(path, shown);
}
