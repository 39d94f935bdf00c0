//! The router that a LiteLLM file describes, by either profile.

use super::read::{ModelEntry, Settings, fits};
use super::{LitellmFile, REFERENCE_TIMEOUT, group};
use core::time::Duration;
use squall_router::{
    AfterTimeout, AttemptTimeouts, Backoff, ConcurrencyRelease, CooldownRule, Declared,
    DeploymentConfig, FallbackRule, Fallbacks, Features, GroupConfig, GroupId, LitellmRetry,
    LitellmRules, LitellmStrategy, LitellmVersion, Money, OrderUse, Price, Profile, RateLimit,
    RateLimits, RateWindow, RegionId, RetryBudget, RetryRule, RouterConfig, SpendBudget,
    SpendBudgetId, Strategy, TagMatch, Tags, UnavailablePolicy, WhenFull,
};

/// How deep lists of fallbacks may lead one into the other at most.
const DEPTH_MAX: u32 = 8;

pub(super) fn router(file: &LitellmFile, profile: Profile) -> RouterConfig {
    let settings = &file.settings;
    let names = file.groups();
    let mut config = RouterConfig::default();
    let budgets = settings.provider_budgets.iter();
    config.spend_budgets = budgets
        .enumerate()
        .map(|(place, each)| SpendBudget {
            name: budget_name(place),
            ..SpendBudget::rolling(each.limit, each.period)
        })
        .collect();
    let depth = u8::try_from(settings.max_fallbacks.min(DEPTH_MAX)).unwrap_or(5);
    match profile {
        Profile::Litellm(_) => {
            let weighted_failover = settings.weighted_failover;
            config.fallback_rule =
                FallbackRule::LitellmNested { max_depth: depth, weighted_failover };
            config.retry_budget = RetryBudget::UNLIMITED;
        }
        Profile::Squall => {
            let max_moves = u8::try_from(settings.max_fallbacks).unwrap_or(u8::MAX);
            config.fallback_rule = FallbackRule::DepthFirst { max_moves };
        }
    }
    for name in &names {
        let group = one(file, name, &names, profile, &mut config.spend_budgets);
        config.groups.push(group);
    }
    if profile == Profile::Squall {
        for group in &mut config.groups {
            let has_fallback = group.fallbacks.all().next().is_some();
            group.max_queue_wait = Duration::from_secs(if has_fallback { 0 } else { 10 });
        }
    }
    config
}

/// The name of a budget, which the file does not have: as it is called where the file is written out.
fn budget_name(place: usize) -> String {
    format!("budget-{}", place + 1)
}

fn one(
    file: &LitellmFile,
    name: &str,
    names: &[&str],
    profile: Profile,
    spend_budgets: &mut Vec<SpendBudget>,
) -> GroupConfig {
    let settings = &file.settings;
    let entries: Vec<&ModelEntry> = file.entries_of(name).collect();
    let mut group = GroupConfig::new(name);
    let aliases = settings.aliases.iter().filter(|(_, of)| of == name);
    group.aliases = aliases.map(|(alias, _)| alias.clone()).collect();
    group.fallbacks = fallbacks(file, name, names, profile);
    group.retries = group::retries(settings, name, profile);
    group.cooldown = group::cooldown(settings, name, None, profile);
    group.timeouts = timeouts(settings, None, profile);
    group.tags = match (settings.tag_filtering, settings.match_any) {
        (false, _) => TagMatch::Ignore,
        (true, true) => TagMatch::Any,
        (true, false) => TagMatch::All,
    };
    match profile {
        Profile::Litellm(version) => theirs(settings, &entries, version, &mut group),
        Profile::Squall => ours(settings, &entries, &mut group),
    }
    let ordered = entries.iter().any(|entry| entry.order.is_some());
    for entry in &entries {
        // Beside some that have one, a deployment without an order comes last.
        let last = if ordered { u32::MAX } else { 0 };
        let order = entry.order.unwrap_or(last);
        group.deployments.push(deployment(settings, entry, order, profile, spend_budgets));
    }
    weigh(&entries, &mut group);
    if profile == Profile::Squall {
        share_with_the_unlimited(&entries, &mut group);
    }
    if let Some(rules) = profile.litellm() {
        let waits = rules.when_full == WhenFull::Wait
            && group.deployments.iter().any(|each| each.limits.concurrency.is_some());
        group.max_queue_wait = if waits { group.deadline } else { Duration::ZERO };
    }
    group
}

fn theirs(
    settings: &Settings,
    entries: &[&ModelEntry],
    version: LitellmVersion,
    group: &mut GroupConfig,
) {
    group.litellm = version;
    group.strategy = Strategy::Litellm(settings.strategy);
    let least = settings.retry_after;
    group.retry_rule = RetryRule::Litellm(LitellmRetry { least, ..LitellmRetry::default() });
    group.after_timeout = AfterTimeout::Retry;
    group.deadline_sharing = None;
    group.hedge = None;
    let usual = settings.cooldown_time.unwrap_or(Duration::from_secs(5));
    let times = entries.iter().map(|entry| entry.cooldown_time.unwrap_or(usual));
    let shortest = times.min().unwrap_or(usual);
    let is_never = group.cooldown == CooldownRule::Never;
    group.when_unavailable =
        UnavailablePolicy::FailStating(if is_never { Duration::ZERO } else { shortest });
    group.deadline = REFERENCE_TIMEOUT;
    group.pre_call_checks = settings.pre_call_checks;
    if settings.strategy == LitellmStrategy::UsageBased {
        // The first version of that strategy goes past the filters.
        group.tags = TagMatch::Ignore;
    }
}

fn ours(settings: &Settings, entries: &[&ModelEntry], group: &mut GroupConfig) {
    let any = |stated: fn(&ModelEntry) -> bool| entries.iter().any(|entry| stated(entry));
    let weighs = any(|entry| entry.weight.is_some());
    let (rpm, tpm) = (any(|entry| entry.rpm.is_some()), any(|entry| entry.tpm.is_some()));
    group.strategy = group::our_strategy(settings.strategy, weighs, rpm, tpm);
    if !settings.retry_after.is_zero() {
        let usual = Backoff::default();
        let base = settings.retry_after.max(usual.base);
        group.retry_rule = RetryRule::Untried(Backoff { base, cap: usual.cap.max(base) });
    }
    group.deadline = group.deadline.max(group.timeouts.total);
}

fn deployment(
    settings: &Settings,
    entry: &ModelEntry,
    order: u32,
    profile: Profile,
    spend_budgets: &mut Vec<SpendBudget>,
) -> DeploymentConfig {
    let rules = profile.litellm();
    let theirs = rules.is_some();
    let mut deployment = DeploymentConfig::new(&entry.name);
    let filters = rules.is_some_and(|rules| rules.order == OrderUse::FilterWithChecks);
    if !filters || settings.pre_call_checks {
        deployment.order = u8::try_from(order).unwrap_or(u8::MAX);
    }
    deployment.limits = limits(settings, entry, profile);
    let differs = entry.timeout.is_some() || entry.stream_timeout.is_some();
    deployment.timeouts = differs.then(|| timeouts(settings, Some(entry), profile));
    let own = entry.cooldown_time;
    deployment.cooldown =
        own.map(|own| group::cooldown(settings, &entry.group, Some(own), profile));
    let money = |cost: Option<f64>| cost.map(Money::dollars).unwrap_or_default();
    deployment.price = Price { input: money(entry.input_cost), output: money(entry.output_cost) };
    if !(theirs && settings.strategy == LitellmStrategy::UsageBased) {
        let shared = settings.provider_budgets.iter().enumerate();
        let shared = shared.filter(|(_, budget)| budget.provider == entry.provider);
        deployment.spends_from.extend(shared.map(|(place, _)| SpendBudgetId(place as u16)));
        if let Some((limit, period)) = entry.budget {
            deployment.spends_from.push(SpendBudgetId(spend_budgets.len() as u16));
            let name = budget_name(spend_budgets.len());
            spend_budgets.push(SpendBudget { name, ..SpendBudget::rolling(limit, period) });
        }
    }
    deployment.tags = Tags(entry.tags);
    deployment.default_pool = entry.is_default;
    deployment.max_input_tokens = entry.max_input_tokens;
    if entry.no_web_search {
        deployment.features = Features::TOOLS.and(Features::VISION).and(Features::JSON_SCHEMA);
    }
    deployment.region = entry.region.map(RegionId);
    if theirs {
        let weight = entry.weight.map(whole);
        deployment.declared = Declared { weight, rpm: entry.rpm, tpm: entry.tpm };
    }
    deployment
}

/// A weight as a whole number: a fraction counts in hundredths by [`weigh`].
fn whole(weight: f64) -> u32 {
    weight as u32
}

/// Weights of a group as whole numbers: all of them a hundred times if one is a fraction. Where one is
/// stated, those that state none weigh nothing; a limit of 0 is a weight of 0 by our formulas; where all
/// are 0, they weigh the same.
fn weigh(entries: &[&ModelEntry], group: &mut GroupConfig) {
    let closed = |entry: &ModelEntry| entry.rpm == Some(0) || entry.tpm == Some(0);
    let by_ours = !matches!(group.strategy, Strategy::Litellm(_));
    if by_ours {
        let closed = group.deployments.iter_mut().zip(entries).filter(|(_, entry)| closed(entry));
        closed.for_each(|(deployment, _)| deployment.weight = 0);
    }
    if entries.iter().all(|entry| entry.weight.is_none()) {
        share_alike(group);
        return;
    }
    let fraction =
        entries.iter().filter_map(|entry| entry.weight).any(|weight| weight.fract() > 0.0);
    let scale = if fraction { 100.0 } else { 1.0 };
    for (deployment, entry) in group.deployments.iter_mut().zip(entries) {
        let weight = entry.weight.map(|weight| whole((weight * scale).round()));
        let weight = weight.filter(|_| !(by_ours && closed(entry)));
        // One that weighs nothing is drawn when no other is left: LiteLLM's formulas go by what is declared.
        deployment.weight = if by_ours { weight.unwrap_or(0) } else { 1 };
        if deployment.declared != Declared::default() {
            deployment.declared.weight = weight;
        }
    }
    share_alike(group);
}

/// A deployment without a limit beside some that have one gets the mean of theirs: by its own formula it would
/// get nothing while the others refuse what is beyond their limits.
fn share_with_the_unlimited(entries: &[&ModelEntry], group: &mut GroupConfig) {
    let limit: fn(&ModelEntry) -> Option<u64> = match group.strategy {
        Strategy::RpmProportional => |entry| entry.rpm,
        Strategy::TpmProportional => |entry| entry.tpm,
        _ => return,
    };
    let stated: Vec<u64> = entries.iter().filter_map(|entry| limit(entry)).collect();
    if stated.is_empty() || stated.len() == entries.len() {
        return;
    }
    let mean = stated.iter().sum::<u64>() / stated.len() as u64;
    group.strategy = Strategy::SmoothWeighted;
    for (deployment, entry) in group.deployments.iter_mut().zip(entries) {
        let share = limit(entry).unwrap_or_else(|| mean.max(1));
        deployment.weight = u32::try_from(share).unwrap_or(u32::MAX);
    }
    share_alike(group);
}

/// Gives all the same weight if all have none.
fn share_alike(group: &mut GroupConfig) {
    if group.deployments.iter().all(|deployment| deployment.weight == 0) {
        group.deployments.iter_mut().for_each(|deployment| deployment.weight = 1);
    }
}

fn limits(settings: &Settings, entry: &ModelEntry, profile: Profile) -> RateLimits {
    let stated = entry.max_parallel;
    match profile {
        Profile::Squall => {
            let steady =
                |per_minute| RateLimit { per_minute, window: RateWindow::Gcra { burst: None } };
            // A limit of 0 takes the deployment out, which a weight of 0 says here.
            let above_zero = |limit: &u64| *limit > 0;
            RateLimits {
                rpm: entry.rpm.filter(above_zero).map(steady),
                tpm: entry.tpm.filter(above_zero).map(steady),
                concurrency: stated.or(settings.default_max_parallel),
                release: ConcurrencyRelease::AtEnd,
                from_headers: false,
                from_429s: false,
                adaptive_concurrency: false,
            }
        }
        Profile::Litellm(version) => {
            let rules = version.rules();
            let of_rpm = entry.rpm.map(|rpm| u32::try_from(rpm).unwrap_or(u32::MAX));
            let of_tpm = entry.tpm.map(|tpm| rules.places_of_tpm.places(tpm));
            let concurrency = stated.or(of_rpm).or(of_tpm).or(settings.default_max_parallel);
            let checked = entry.rpm.filter(|_| settings.pre_call_checks && rules.checks_hold_rpm);
            RateLimits {
                rpm: checked
                    .map(|per_minute| RateLimit { per_minute, window: RateWindow::FromFirst }),
                tpm: None,
                concurrency,
                release: rules.release,
                from_headers: false,
                from_429s: false,
                adaptive_concurrency: false,
            }
        }
    }
}

fn timeouts(settings: &Settings, entry: Option<&ModelEntry>, profile: Profile) -> AttemptTimeouts {
    let whole = entry.and_then(|entry| entry.timeout).or(settings.timeout);
    let stream = entry.and_then(|entry| entry.stream_timeout).or(settings.stream_timeout);
    if profile.litellm().is_some() {
        let whole = whole.unwrap_or(REFERENCE_TIMEOUT);
        let stream = stream.unwrap_or(whole);
        return AttemptTimeouts {
            connect: whole,
            first_token: stream,
            between_tokens: stream,
            total: whole,
            stream_total: Some(REFERENCE_TIMEOUT),
        };
    }
    let usual = AttemptTimeouts::default();
    let total = whole.unwrap_or(usual.total);
    let first_token = stream.unwrap_or(usual.first_token);
    AttemptTimeouts {
        connect: usual.connect.min(total),
        first_token: first_token.min(total),
        between_tokens: usual.between_tokens.min(total),
        total,
        stream_total: None,
    }
}

fn fallbacks(file: &LitellmFile, name: &str, names: &[&str], profile: Profile) -> Fallbacks {
    let settings = &file.settings;
    let ids = |list: &[String]| -> Vec<GroupId> {
        let mut ids: Vec<GroupId> = Vec::new();
        for target in list {
            let Some(place) = group_of(file, names, target) else { continue };
            if names[place] != name && !ids.contains(&GroupId(place as u16)) {
                ids.push(GroupId(place as u16));
            }
        }
        ids
    };
    let general = listed(&settings.fallbacks, name);
    let general = general.unwrap_or(&settings.default_fallbacks);
    // Where there are lists at all, a group that is in none of them goes nowhere, if they are final.
    let special = |lists: &Option<super::read::FallbackLists>,
                   final_in: fn(&LitellmRules) -> bool| {
        let own = lists.as_ref().map(|lists| listed(lists, name).map(ids))?;
        let is_final = profile.litellm().is_some_and(final_in);
        own.or_else(|| is_final.then(Vec::new))
    };
    let general = ids(general);
    // Without a list of their own, refusals go there by the general one: said by name here.
    let content_policy = special(&settings.content_policy, |_| true);
    let said = profile == Profile::Squall && !general.is_empty();
    Fallbacks {
        content_policy: content_policy.or_else(|| said.then(|| general.clone())),
        context_window: special(&settings.context_window, |rules| rules.context_lists_are_final),
        general,
    }
}

/// The list of a group: under its name, else under its name without a provider, else under `*`.
fn listed<'l>(lists: &'l super::read::FallbackLists, name: &str) -> Option<&'l [String]> {
    let under = |key: &str| lists.iter().find(|(group, _)| group == key);
    let bare = name.rsplit_once('/').map(|(_, bare)| bare);
    let found = under(name).or_else(|| bare.and_then(under)).or_else(|| under("*"))?;
    Some(&found.1)
}

/// The group that a fallback names: by its name, an alias, a deployment's id, or a pattern.
fn group_of(file: &LitellmFile, names: &[&str], target: &str) -> Option<usize> {
    let place = |wanted: &str| names.iter().position(|name| *name == wanted);
    let alias = || {
        let found = file.settings.aliases.iter().find(|(alias, _)| alias == target)?;
        place(&found.1)
    };
    let id = || place(&file.entries.iter().find(|entry| entry.name == target)?.group);
    let bare =
        || names.iter().position(|name| name.rsplit_once('/').is_some_and(|of| of.1 == target));
    let pattern = || names.iter().position(|name| fits(name, target));
    place(target).or_else(alias).or_else(id).or_else(bare).or_else(pattern)
}
