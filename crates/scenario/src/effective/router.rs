//! A router as files write it: every setting from its declaration, and the names that stand for numbers.

use crate::model::{ApiKey, DeploymentLink};
use crate::read::{
    DEPLOYMENT_SETTINGS, GROUP_LIMITS, OVER_ALL, POLICIES, Secret, TENANT_SETTINGS,
    usual_queue_wait, written_budget,
};
use crate::settings::{ValueKind as _, Written};
use squall_router::{
    AttemptTimeouts, CooldownRule, Declared, DeploymentConfig, GroupConfig, GroupId, RouterConfig,
    SpendBudgetId, TenantConfig,
};

/// The names behind the numbers of a router.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NamesOfNumbers<'n> {
    /// The providers.
    pub(crate) providers: &'n [String],
    /// What serves each deployment, in the order of the groups.
    pub(crate) links: &'n [DeploymentLink],
    /// The tags, by bit.
    pub(crate) tags: &'n [String],
    /// The regions.
    pub(crate) regions: &'n [String],
    /// The budgets that have a name.
    pub(crate) budgets: &'n [String],
    /// The keys of tenants.
    pub(crate) keys: &'n [Option<ApiKey>],
    /// Whether to tell what LiteLLM's formulas read, which no file of ours says.
    pub(crate) declared: bool,
}

type Entries = Vec<(String, Written)>;

/// The router, every setting of it.
pub(crate) fn written(config: &RouterConfig, names: &NamesOfNumbers<'_>) -> Entries {
    let mut out = OVER_ALL.write(config);
    let budgets = names.budgets.iter().zip(&config.spend_budgets);
    let budgets: Entries =
        budgets.map(|(name, budget)| (name.clone(), written_budget(budget))).collect();
    put_some(&mut out, "budgets", budgets);
    let tenants = config.tenants.iter().enumerate().map(|(place, tenant)| {
        let mut own = TENANT_SETTINGS.write(tenant);
        let key = names.keys.get(place).cloned().flatten();
        own.push(("key".to_owned(), Secret.write(&key)));
        (tenant.name.clone(), Written::Map(own))
    });
    let tenants: Entries = tenants.collect();
    put_some(&mut out, "tenants", tenants);
    let mut links = names.links.iter();
    let groups = config.groups.iter().map(|group| {
        let served: Vec<_> = links.by_ref().take(group.deployments.len()).collect();
        (group.name.clone(), Written::Map(of_group(config, group, &served, names)))
    });
    let groups = groups.collect();
    put(&mut out, "groups", Written::Map(groups));
    out
}

/// The same router with the defaults in place of every setting: what a file means that names its groups,
/// deployments and tenants and says no more.
pub(crate) fn without_settings(config: &RouterConfig) -> RouterConfig {
    let plain = |deployment: &DeploymentConfig| DeploymentConfig {
        timeouts: deployment.timeouts.map(|_| AttemptTimeouts::default()),
        cooldown: deployment.cooldown.map(|_| CooldownRule::default()),
        ..DeploymentConfig::new(&deployment.name)
    };
    let group = |group: &GroupConfig| {
        let mut plain = GroupConfig {
            deployments: group.deployments.iter().map(plain).collect(),
            fallbacks: group.fallbacks.clone(),
            ..GroupConfig::new(&group.name)
        };
        plain.max_queue_wait = usual_queue_wait(&plain);
        plain.fallbacks = Default::default();
        plain
    };
    let tenant = |tenant: &TenantConfig| TenantConfig {
        name: tenant.name.clone(),
        ..TenantConfig::default()
    };
    RouterConfig {
        groups: config.groups.iter().map(group).collect(),
        tenants: config.tenants.iter().map(tenant).collect(),
        ..RouterConfig::default()
    }
}

fn of_group(
    config: &RouterConfig,
    group: &GroupConfig,
    served: &[&DeploymentLink],
    names: &NamesOfNumbers<'_>,
) -> Entries {
    let list = |ids: &[GroupId]| -> Written {
        let known = ids.iter().filter_map(|id| config.groups.get(id.index()));
        Written::List(known.map(|group| Written::text(&group.name)).collect())
    };
    let mut out = Entries::new();
    let aliases = group.aliases.iter().map(Written::text).collect();
    put(&mut out, "aliases", unless_empty(aliases));
    let fallbacks = &group.fallbacks;
    let general =
        if fallbacks.general.is_empty() { Written::Unset } else { list(&fallbacks.general) };
    put(&mut out, "fallback", general);
    for (key, special) in [
        ("context_window_fallback", &fallbacks.context_window),
        ("content_policy_fallback", &fallbacks.content_policy),
    ] {
        put(&mut out, key, special.as_deref().map_or(Written::Unset, list));
    }
    out.extend(GROUP_LIMITS.write(group));
    out.extend(POLICIES.write(group));
    let deployments = group.deployments.iter().enumerate().map(|(place, deployment)| {
        Written::Map(of_deployment(config, deployment, served.get(place).copied(), names))
    });
    put(&mut out, "deployments", Written::List(deployments.collect()));
    out
}

fn of_deployment(
    config: &RouterConfig,
    deployment: &DeploymentConfig,
    link: Option<&DeploymentLink>,
    names: &NamesOfNumbers<'_>,
) -> Entries {
    let mut out = vec![("name".to_owned(), Written::text(&deployment.name))];
    if let Some(link) = link {
        let provider = names.providers.get(usize::from(link.provider));
        put(&mut out, "provider", provider.map_or(Written::Unset, Written::text));
        put(&mut out, "model", Written::text(&link.model));
        put(&mut out, "key", link.key.as_ref().map_or(Written::Unset, Written::text));
    }
    out.extend(DEPLOYMENT_SETTINGS.write(deployment));
    let declared = declared(&deployment.declared).filter(|_| names.declared);
    out.extend(declared.map(|declared| ("declared".to_owned(), declared)));
    let of = |spend: &SpendBudgetId| names.budgets.get(spend.index());
    let shared = deployment.spends_from.iter().filter_map(of).map(Written::text).collect();
    let own = deployment.spends_from.iter().find(|spend| of(spend).is_none());
    let own = own.and_then(|spend| config.spend_budgets.get(spend.index()));
    put(&mut out, "budget", own.map_or(Written::Unset, written_budget));
    put(&mut out, "budgets", unless_empty(shared));
    let tags = (0_u32..).zip(names.tags).filter(|(bit, _)| deployment.tags.0 >> bit & 1 == 1);
    put(&mut out, "tags", unless_empty(tags.map(|(_, tag)| Written::text(tag)).collect()));
    let region = deployment.region.and_then(|region| names.regions.get(usize::from(region.0)));
    put(&mut out, "region", region.map_or(Written::Unset, Written::text));
    out
}

/// What LiteLLM's formulas read.
fn declared(declared: &Declared) -> Option<Written> {
    let numbers =
        [("weight", declared.weight.map(u64::from)), ("rpm", declared.rpm), ("tpm", declared.tpm)];
    let said = numbers
        .into_iter()
        .filter_map(|(key, number)| Some((key.to_owned(), Written::plain(number?.to_string()))));
    let said: Entries = said.collect();
    (!said.is_empty()).then_some(Written::Map(said))
}

fn unless_empty(items: Vec<Written>) -> Written {
    if items.is_empty() { Written::Unset } else { Written::List(items) }
}

fn put(out: &mut Entries, key: &str, value: Written) {
    out.push((key.to_owned(), value));
}

fn put_some(out: &mut Entries, key: &str, entries: Entries) {
    let value = if entries.is_empty() { Written::Unset } else { Written::Map(entries) };
    put(out, key, value);
}
