//! The settings of LiteLLM's router and of its deployments.

use crate::ready_made::Tuning;
use crate::routing_view::{DeploymentView, RoutingView, failures_to_trip, whole_seconds};
use core::fmt::Write as _;
use squall_router::{
    CooldownRule, FallbackRule, GroupConfig, GroupId, LitellmStrategy, MidStream, Money,
    SpendPeriod, Strategy,
};

/// Retries by class of failure: ours, and the key of its retry policy.
pub(super) const RETRY_POLICY: [(&str, &str); 7] = [
    ("bad_request", "BadRequestErrorRetries"),
    ("auth", "AuthenticationErrorRetries"),
    ("timeout", "TimeoutErrorRetries"),
    ("throttled", "RateLimitErrorRetries"),
    ("content_policy", "ContentPolicyViolationErrorRetries"),
    ("server", "InternalServerErrorRetries"),
    ("overloaded", "ServiceUnavailableErrorRetries"),
];

/// `router_settings`.
pub(super) fn router(view: &RoutingView<'_>, tuning: Tuning) -> String {
    let mut lines = Vec::new();
    let groups = &view.router.groups;
    let lists = |of: fn(&GroupConfig) -> &[GroupId]| -> Vec<String> {
        let said = groups.iter().filter(|group| !of(group).is_empty());
        let entries = said.map(|group| {
            let names: Vec<_> =
                of(group).iter().map(|id| format!("\"{}\"", groups[id.index()].name)).collect();
            format!("{{ \"{}\": [{}] }}", group.name, names.join(", "))
        });
        entries.collect()
    };
    let fallbacks = [
        ("fallbacks", lists(|group| &group.fallbacks.general)),
        (
            "context_window_fallbacks",
            lists(|group| group.fallbacks.context_window.as_deref().unwrap_or(&[])),
        ),
        (
            "content_policy_fallbacks",
            lists(|group| group.fallbacks.content_policy.as_deref().unwrap_or(&[])),
        ),
    ];
    for (key, entries) in fallbacks {
        if !entries.is_empty() {
            lines.push(format!("{key}: [ {} ]", entries.join(", ")));
        }
    }
    let aliases: Vec<_> = groups
        .iter()
        .flat_map(|group| {
            group.aliases.iter().map(|alias| format!("\"{alias}\": \"{}\"", group.name))
        })
        .collect();
    if !aliases.is_empty() {
        lines.push(format!("model_group_alias: {{ {} }}", aliases.join(", ")));
    }
    if tuning.is_tuned() {
        tuned(view, &mut lines);
    }
    if lines.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("router_settings:\n{}", lines.concat())
}

fn tuned(view: &RoutingView<'_>, lines: &mut Vec<String>) {
    let target = view.target();
    let strategy = strategy(&target.config.strategy);
    lines.push(format!("routing_strategy: {}", strategy.as_str()));
    lines.push(format!("num_retries: {}", retries(target.config)));
    if let FallbackRule::DepthFirst { max_moves } = view.router.fallback_rule {
        lines.push(format!("max_fallbacks: {max_moves}"));
    }
    if strategy == LitellmStrategy::SimpleShuffle {
        lines.push(
            "enable_weighted_failover: true # on to those of the group that were not tried"
                .to_owned(),
        );
    }
    let policies: Vec<_> = view.router.groups.iter().filter_map(retry_policy).collect();
    if !policies.is_empty() {
        lines.push(format!("model_group_retry_policy: {{ {} }}", policies.join(", ")));
    }
    cooldowns(view, lines);
    if view.router.groups.iter().any(|group| group.mid_stream == MidStream::Continue) {
        lines.push("enable_mid_stream_fallback_continuation: true".to_owned());
    }
    checks(view, lines);
}

/// The formula that stands in for a strategy of ours.
pub(super) fn strategy(strategy: &Strategy) -> LitellmStrategy {
    match strategy {
        Strategy::Litellm(litellm) => *litellm,
        _ => strategy.info().map_or(LitellmStrategy::SimpleShuffle, |info| info.in_litellm),
    }
}

/// Retries, which may go to the deployment that failed. Where a group has others that weighted failover moves on to, there
/// are none: it tries those that were not tried, at once, as ours do.
fn retries(group: &GroupConfig) -> u16 {
    let moves_on = strategy(&group.strategy) == LitellmStrategy::SimpleShuffle;
    if moves_on && group.deployments.len() > 1 { 0 } else { group.retries.max }
}

fn retry_policy(group: &GroupConfig) -> Option<String> {
    let classes = RETRY_POLICY.iter().filter_map(|(class, key)| {
        let class = squall_failure::FailureClass::from_word(class)?;
        let retries = group.retries.by_class[usize::from(class.code())]?;
        Some(format!("{key}: {retries}"))
    });
    let classes: Vec<_> = classes.collect();
    (!classes.is_empty()).then(|| format!("\"{}\": {{ {} }}", group.name, classes.join(", ")))
}

/// The router's cooldown, by the group that traffic asks for. A 429 cools at once and for as long as Retry-After says;
/// other failures once there are as many as trip our breaker.
fn cooldowns(view: &RoutingView<'_>, lines: &mut Vec<String>) {
    let target = view.target();
    let Some(failure) = target.deployments.first().and_then(DeploymentView::failure_cooldown)
    else {
        lines.push("disable_cooldowns: true".to_owned());
        return;
    };
    lines.push(format!("cooldown_time: {}", whole_seconds(failure.base)));
    if let CooldownRule::Litellm(litellm) = target.config.cooldown {
        if let Some(fails) = litellm.allowed_fails {
            lines.push(format!("allowed_fails: {fails}"));
        }
        return;
    }
    let allowed = failures_to_trip(&failure).saturating_sub(1);
    lines.push(format!("allowed_fails: {allowed}"));
    let classes = ["Timeout", "InternalServer", "ServiceUnavailable", "BadGateway"];
    let classes: Vec<_> =
        classes.iter().map(|class| format!("{class}ErrorAllowedFails: {allowed}")).collect();
    let mut policy = String::new();
    let _ = write!(
        policy,
        "allowed_fails_policy: {{ RateLimitErrorAllowedFails: 0, {} }}",
        classes.join(", ")
    );
    lines.push(policy);
}

fn checks(view: &RoutingView<'_>, lines: &mut Vec<String>) {
    let groups = view.groups();
    let deployments = || groups.iter().flat_map(|group| &group.deployments);
    if deployments()
        .any(|each| each.config.max_input_tokens.is_some() || each.config.region.is_some())
    {
        lines.push("enable_pre_call_checks: true".to_owned());
    }
    let mut checks = Vec::new();
    if deployments()
        .any(|each| each.config.limits.rpm.is_some() || each.config.limits.tpm.is_some())
    {
        checks.push("enforce_model_rate_limits");
    }
    if deployments().any(|each| own_budget(view, each).is_some()) {
        checks.push("router_budget_limiting");
    }
    if !checks.is_empty() {
        lines.push(format!("optional_pre_call_checks: [{}]", checks.join(", ")));
    }
    if deployments().any(|each| !each.config.tags.is_empty()) {
        lines.push("enable_tag_filtering: true".to_owned());
    }
}

/// What of a deployment is in its `litellm_params` and its `model_info`.
pub(super) fn of_deployment(
    view: &RoutingView<'_>,
    deployment: &DeploymentView<'_>,
    lines: &mut Vec<String>,
    info: &mut Vec<String>,
) {
    let (config, timeouts) = (deployment.config, deployment.timeouts());
    lines.push(format!("timeout: {}", timeouts.total.as_secs_f64()));
    let silence = timeouts.first_token.max(timeouts.between_tokens);
    lines.push(format!("stream_timeout: {}", silence.as_secs_f64()));
    let retries = retries(deployment.group);
    if retries != self::retries(view.target().config) {
        lines.push(format!("num_retries: {retries}"));
    }
    let limits = [
        ("rpm", config.limits.rpm.map(|limit| limit.per_minute)),
        ("tpm", config.limits.tpm.map(|limit| limit.per_minute)),
        ("max_parallel_requests", config.limits.concurrency.map(u64::from)),
    ];
    lines.extend(limits.iter().filter_map(|(key, limit)| Some(format!("{key}: {}", (*limit)?))));
    if config.order > 0 || view.router.groups.iter().any(has_orders) {
        lines.push(format!("order: {}", config.order));
    }
    let prices = [
        ("input_cost_per_token", config.price.input),
        ("output_cost_per_token", config.price.output),
    ];
    lines.extend(
        prices
            .iter()
            .filter(|(_, price)| price.0 > 0)
            .map(|(key, price)| format!("{key}: {}", dollars(*price))),
    );
    if let Some((limit, period)) = own_budget(view, deployment) {
        lines.push(format!("max_budget: {limit}\n      budget_duration: {period}"));
    }
    if let Some(region) =
        config.region.and_then(|region| view.scenario.regions.get(usize::from(region.0)))
    {
        lines.push(format!("region_name: \"{region}\""));
    }
    let tags = (0_u32..).zip(&view.scenario.tags).filter(|(bit, _)| config.tags.0 >> bit & 1 == 1);
    let mut tags: Vec<_> = tags.map(|(_, tag)| format!("\"{tag}\"")).collect();
    if config.default_pool {
        tags.push("default".to_owned());
    }
    if !tags.is_empty() {
        lines.push(format!("tags: [{}]", tags.join(", ")));
    }
    if let Some(most) = config.max_input_tokens {
        info.push(format!("max_input_tokens: {most}"));
    }
    if config.assistant_prefill {
        info.push("supports_assistant_prefill: true".to_owned());
    }
}

fn has_orders(group: &GroupConfig) -> bool {
    group.deployments.iter().any(|each| each.order > 0)
}

/// The budget of a deployment alone: how many dollars, and in what time. Those that several share LiteLLM does not have.
pub(super) fn own_budget(
    view: &RoutingView<'_>,
    deployment: &DeploymentView<'_>,
) -> Option<(String, String)> {
    let [only] = deployment.config.spends_from.as_slice() else { return None };
    let budget = view.router.spend_budgets.get(only.index())?;
    let all = view.router.groups.iter().flat_map(|group| &group.deployments);
    if all.filter(|each| each.spends_from.contains(only)).count() > 1 {
        return None;
    }
    let period = match budget.period {
        SpendPeriod::Rolling(period) => format!("{}s", period.as_secs().max(1)),
        SpendPeriod::Day(_) => "1d".to_owned(),
        SpendPeriod::Month(_) => "30d".to_owned(),
    };
    Some((dollars(budget.limit), period))
}

fn dollars(money: Money) -> String {
    let text = format!("{:.12}", money.0 as f64 / Money::DOLLAR.0 as f64);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
