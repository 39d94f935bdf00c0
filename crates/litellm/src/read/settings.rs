//! `router_settings`, and what `litellm_settings` says where they are silent.

use crate::setting;
use core::time::Duration;
use squall_config_file::diagnostic::{Problem, Problems, suggestion};
use squall_config_file::name::is_pattern;
use squall_config_file::node::{Node, NodeKind};
use squall_determinism::Share;
use squall_router::{LitellmAllowedFails, LitellmStrategy, Money};

/// The keys under which lists of fallbacks stand.
pub(super) const FALLBACK_KEYS: [&str; 4] =
    ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"];

const STRATEGIES: [&str; 8] = [
    "simple-shuffle",
    "lar1",
    "least-busy",
    "usage-based-routing",
    "usage-based-routing-v2",
    "latency-based-routing",
    "cost-based-routing",
    "provider-budget-routing",
];

/// Lists of fallbacks by group.
pub(crate) type FallbackLists = Vec<(String, Vec<String>)>;

/// Retries by exception, `retry_policy`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Policy {
    pub(crate) bad_request: Option<u32>,
    pub(crate) authentication: Option<u32>,
    pub(crate) timeout: Option<u32>,
    pub(crate) rate_limit: Option<u32>,
    pub(crate) content_policy: Option<u32>,
    pub(crate) internal_server: Option<u32>,
    pub(crate) service_unavailable: Option<u32>,
    pub(crate) not_found: Option<u32>,
    /// `DefaultRetries`: after all others.
    pub(crate) other: Option<u32>,
}

/// An entry of `provider_budget_config`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ProviderBudget {
    pub(crate) provider: String,
    pub(crate) limit: Money,
    pub(crate) period: Duration,
}

/// The settings that a router keeps.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) strategy: LitellmStrategy,
    pub(crate) num_retries: u32,
    pub(crate) max_fallbacks: u32,
    pub(crate) retry_after: Duration,
    pub(crate) retry_policy: Policy,
    pub(crate) group_policies: Vec<(String, Policy)>,
    pub(crate) allowed_fails: Option<u32>,
    /// `None` where the file has none, or an empty one.
    pub(crate) allowed_fails_policy: Option<LitellmAllowedFails>,
    pub(crate) cooldown_time: Option<Duration>,
    pub(crate) disable_cooldowns: bool,
    pub(crate) fallbacks: FallbackLists,
    /// `None` where the file has none at all, which is not the same as an empty list.
    pub(crate) context_window: Option<FallbackLists>,
    pub(crate) content_policy: Option<FallbackLists>,
    pub(crate) default_fallbacks: Vec<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stream_timeout: Option<Duration>,
    pub(crate) default_max_parallel: Option<u32>,
    pub(crate) pre_call_checks: bool,
    pub(crate) weighted_failover: bool,
    pub(crate) tag_filtering: bool,
    pub(crate) match_any: bool,
    pub(crate) aliases: Vec<(String, String)>,
    pub(crate) provider_budgets: Vec<ProviderBudget>,
}

pub(super) fn read(root: &Node, problems: &Problems) -> Settings {
    let router = setting::get(Some(root), "router_settings");
    let general = setting::get(Some(root), "litellm_settings");
    // An empty list is as good as none there.
    let is_stated = |node: &&Node| !matches!(&node.kind, NodeKind::List(items) if items.is_empty());
    let of_both = |key: &str| setting::get(router, key).filter(is_stated);
    let either = |key: &str| of_both(key).or_else(|| setting::get(general, key).filter(is_stated));
    let of_router = |key: &str| setting::get(router, key);
    let is_on = |key: &str| setting::switch(of_router(key), problems);
    let timeout = of_router("timeout").or_else(|| setting::get(general, "request_timeout"));
    let special = |key: &str| either(key).map(|node| fallbacks(Some(node), problems));
    Settings {
        strategy: strategy(router, problems),
        num_retries: setting::small(either("num_retries"), problems).unwrap_or(2),
        max_fallbacks: setting::small(either("max_fallbacks"), problems).unwrap_or(5),
        retry_after: setting::seconds(of_router("retry_after"), problems).unwrap_or_default(),
        retry_policy: policy(of_router("retry_policy"), problems),
        group_policies: setting::entries(of_router("model_group_retry_policy"))
            .iter()
            .map(|entry| (entry.key.clone(), policy(Some(&entry.value), problems)))
            .collect(),
        allowed_fails: setting::small(either("allowed_fails"), problems),
        allowed_fails_policy: allowed_fails(of_router("allowed_fails_policy"), problems),
        cooldown_time: setting::seconds(of_router("cooldown_time"), problems),
        disable_cooldowns: is_on("disable_cooldowns").unwrap_or(false),
        fallbacks: fallbacks(either("fallbacks"), problems),
        context_window: special("context_window_fallbacks"),
        content_policy: special("content_policy_fallbacks"),
        default_fallbacks: defaults(either("default_fallbacks"), problems),
        timeout: setting::seconds(timeout, problems),
        stream_timeout: setting::seconds(of_router("stream_timeout"), problems),
        default_max_parallel: setting::small(of_router("default_max_parallel_requests"), problems),
        pre_call_checks: is_on("enable_pre_call_checks").unwrap_or(false),
        weighted_failover: is_on("enable_weighted_failover").unwrap_or(false),
        tag_filtering: is_on("enable_tag_filtering").unwrap_or(false),
        match_any: is_on("tag_filtering_match_any").unwrap_or(true),
        aliases: aliases(of_router("model_group_alias")),
        provider_budgets: budgets(of_router("provider_budget_config"), problems),
    }
}

/// The keys of `litellm_settings` that `router_settings` has too.
pub(super) fn overridden(root: &Node) -> Vec<String> {
    let router = setting::get(Some(root), "router_settings");
    let general = setting::entries(setting::get(Some(root), "litellm_settings"));
    let both = general.iter().filter(|entry| {
        setting::get(router, &entry.key).is_some()
            || entry.key == "request_timeout" && setting::get(router, "timeout").is_some()
    });
    both.map(|entry| entry.key.clone()).collect()
}

fn strategy(router: Option<&Node>, problems: &Problems) -> LitellmStrategy {
    let Some(node) = setting::get(router, "routing_strategy") else {
        return LitellmStrategy::SimpleShuffle;
    };
    let arguments = setting::get(router, "routing_strategy_args");
    match setting::text(Some(node)).unwrap_or_default() {
        "simple-shuffle" | "lar1" | "provider-budget-routing" => LitellmStrategy::SimpleShuffle,
        "least-busy" => LitellmStrategy::LeastBusy,
        "usage-based-routing" => LitellmStrategy::UsageBased,
        "usage-based-routing-v2" => LitellmStrategy::UsageBasedV2,
        "cost-based-routing" => LitellmStrategy::CostBased,
        "latency-based-routing" => {
            let buffer = setting::get(arguments, "lowest_latency_buffer");
            let buffer = setting::number(buffer, problems).unwrap_or(0.0).min(1.0);
            let ttl = setting::seconds(setting::get(arguments, "ttl"), problems);
            LitellmStrategy::LatencyBased {
                buffer: Share::from_ppm((buffer * 1e6) as u32).unwrap_or(Share::percent(0)),
                ttl: ttl.unwrap_or(Duration::from_secs(3_600)),
            }
        }
        other => {
            let message = format!("unknown routing strategy `{other}`");
            let problem = Problem::new(&node.span, message, "LiteLLM refuses to start");
            problems.push(problem.maybe_help(suggestion(other, STRATEGIES)));
            LitellmStrategy::SimpleShuffle
        }
    }
}

fn policy(node: Option<&Node>, problems: &Problems) -> Policy {
    let of = |key: &str| setting::small(setting::get(node, key), problems);
    Policy {
        bad_request: of("BadRequestErrorRetries"),
        authentication: of("AuthenticationErrorRetries"),
        timeout: of("TimeoutErrorRetries"),
        rate_limit: of("RateLimitErrorRetries"),
        content_policy: of("ContentPolicyViolationErrorRetries"),
        internal_server: of("InternalServerErrorRetries"),
        service_unavailable: of("ServiceUnavailableErrorRetries"),
        not_found: of("NotFoundErrorRetries"),
        other: of("DefaultRetries"),
    }
}

fn allowed_fails(node: Option<&Node>, problems: &Problems) -> Option<LitellmAllowedFails> {
    let of = |key: &str| setting::small(setting::get(node, key), problems);
    let policy = LitellmAllowedFails {
        bad_request: of("BadRequestErrorAllowedFails"),
        authentication: of("AuthenticationErrorAllowedFails"),
        timeout: of("TimeoutErrorAllowedFails"),
        rate_limit: of("RateLimitErrorAllowedFails"),
        content_policy: of("ContentPolicyViolationErrorAllowedFails"),
        internal_server: of("InternalServerErrorAllowedFails"),
        service_unavailable: of("ServiceUnavailableErrorAllowedFails"),
        bad_gateway: of("BadGatewayErrorAllowedFails"),
        not_found: of("NotFoundErrorAllowedFails"),
    };
    // Whatever its keys are, known or not: LiteLLM asks whether there is a policy.
    let is_there =
        matches!(node.map(|node| &node.kind), Some(NodeKind::Map(entries)) if !entries.is_empty());
    is_there.then_some(policy)
}

/// The groups that a list of fallbacks, or of maps to such, names.
pub(super) fn targets(node: Option<&Node>) -> Vec<&Node> {
    let mut targets = Vec::new();
    for item in setting::items(node) {
        match &item.kind {
            NodeKind::Map(entries) => {
                targets.extend(entries.iter().flat_map(|entry| setting::items(Some(&entry.value))));
            }
            _ => targets.push(item),
        }
    }
    targets
}

fn fallbacks(node: Option<&Node>, problems: &Problems) -> FallbackLists {
    if let Some(node) = node
        && !matches!(node.kind, NodeKind::List(_))
    {
        let message = format!("expected a list of fallbacks, found {}", node.found());
        let label = "LiteLLM takes no fallback from it";
        let problem = Problem::new(&node.span, message, label).warning();
        problems.push(problem.help("write a list: `- group: [others]`"));
    }
    let mut all = Vec::new();
    for item in setting::items(node) {
        match setting::entries(Some(item)) {
            [only] => all.extend(fallback(&only.key, &only.value, problems)),
            [_, second, ..] => {
                let message = "a map of fallbacks with more than one group";
                let label = "LiteLLM rejects more than one";
                let problem = Problem::new(&second.key_span, message, label);
                problems.push(problem.help("write it as an item of its own: `- group: [others]`"));
            }
            [] => {
                let message = format!("expected a group and its fallbacks, found {}", item.found());
                problems.push(Problem::new(&item.span, message, "expected `group: [others]`"));
            }
        }
    }
    all
}

fn fallback(group: &str, others: &Node, problems: &Problems) -> Option<(String, Vec<String>)> {
    if !matches!(others.kind, NodeKind::List(_) | NodeKind::Nothing) {
        let message = format!("the fallbacks of `{group}` are {}", others.found());
        let problem = Problem::new(&others.span, message, "LiteLLM refuses to start");
        problems.push(problem.help("write a list: `[others]`"));
        return None;
    }
    Some((group.to_owned(), names(Some(others))))
}

/// `default_fallbacks`.
fn defaults(node: Option<&Node>, problems: &Problems) -> Vec<String> {
    if let Some(node) = node.filter(|node| !matches!(node.kind, NodeKind::List(_))) {
        let message = format!("`default_fallbacks` is {}", node.found());
        let problem = Problem::new(&node.span, message, "LiteLLM refuses to start");
        problems.push(problem.help("write a list of groups: `[others]`"));
    }
    names(node)
}

fn names(node: Option<&Node>) -> Vec<String> {
    let all = setting::items(node).iter().filter_map(|item| setting::text(Some(item)));
    all.map(str::to_owned).collect()
}

fn aliases(node: Option<&Node>) -> Vec<(String, String)> {
    let of = |entry: &squall_config_file::node::MapEntry| {
        let model = setting::get(Some(&entry.value), "model");
        let group = setting::text(model).or_else(|| setting::text(Some(&entry.value)))?;
        Some((entry.key.clone(), group.to_owned()))
    };
    let all = setting::entries(node).iter().filter_map(of);
    all.filter(|(alias, _)| is_pattern(alias)).collect()
}

fn budgets(node: Option<&Node>, problems: &Problems) -> Vec<ProviderBudget> {
    let of = |entry: &squall_config_file::node::MapEntry| {
        let value = Some(&entry.value);
        let limit =
            setting::get(value, "budget_limit").or_else(|| setting::get(value, "max_budget"));
        let period =
            setting::get(value, "time_period").or_else(|| setting::get(value, "budget_duration"));
        Some(ProviderBudget {
            provider: entry.key.clone(),
            limit: Money::dollars(setting::number(limit, problems)?),
            period: setting::period(period, problems)?,
        })
    };
    setting::entries(node).iter().filter_map(of).collect()
}
