//! The state of a gateway, for operators and their programs. Its fields are documented in `docs/GATEWAY.md`; base URLs
//! and keys are not among them.

use crate::gateway::GatewayView;
use crate::operator::LiveConfig;
use crate::readiness::ReadyState;
use serde::Serialize;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_router::{
    DeploymentConfig, DeploymentSnapshot, DeploymentState, GroupConfig, GroupId, LimitUse, Money,
    Router, Skipped,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// The state of a gateway.
#[derive(Debug, Serialize)]
pub(super) struct StateDocument {
    version: &'static str,
    uptime_seconds: f64,
    ready: bool,
    /// As `/ready` has it.
    reason: &'static str,
    paused: bool,
    in_flight: usize,
    groups: Vec<GroupStatus>,
    budgets: Vec<BudgetStatus>,
}

#[derive(Debug, Serialize)]
struct GroupStatus {
    name: String,
    aliases: Vec<String>,
    strategy: String,
    /// The deployment that serves it alone, if an operator has said so.
    pinned: Option<String>,
    queued: usize,
    limits: LimitsStatus,
    fallbacks: Vec<String>,
    deployments: Vec<DeploymentStatus>,
}

#[derive(Debug, Serialize)]
struct DeploymentStatus {
    name: String,
    provider: String,
    state: &'static str,
    healthy: bool,
    drained: bool,
    /// What holds now, and what the file says.
    weight: u32,
    configured_weight: u32,
    /// When a weight ends that holds for a while.
    weight_ends_in_seconds: Option<f64>,
    in_flight: u32,
    cooldown: Option<CooldownStatus>,
    limits: LimitsStatus,
    /// Until a spend budget of it begins anew that is exhausted.
    spend_exhausted_for_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct CooldownStatus {
    /// The class of the failure for which it is.
    cause: Option<&'static str>,
    /// Unknown where a probe decides.
    ends_in_seconds: Option<f64>,
}

/// The limits that there are.
#[derive(Debug, Serialize)]
pub(super) struct LimitsStatus {
    requests: Option<LimitUseStatus>,
    tokens: Option<LimitUseStatus>,
    concurrency: Option<LimitUseStatus>,
}

#[derive(Debug, Serialize)]
struct LimitUseStatus {
    used: u64,
    allowed: u64,
}

#[derive(Debug, Serialize)]
struct BudgetStatus {
    name: String,
    spent_dollars: f64,
    limit_dollars: f64,
    ends_in_seconds: Option<f64>,
}

/// The state now; nothing once the core has failed.
pub(super) fn of(gateway: &GatewayView) -> Option<StateDocument> {
    let app = gateway.app();
    let ready = ReadyState::of(app);
    let live = app.operator.live().clone();
    let providers = |id| app.registry.endpoint(id).provider().to_owned();
    app.handle.look(|router, metrics, now| {
        let ids: BTreeMap<_, _> =
            router.group_snapshots().map(|group| (metrics.group(group.id), group.id)).collect();
        let groups = live.file.groups.iter().filter_map(|config| {
            let id = *ids.get(config.name.as_str())?;
            Some(group(router, id, config, &live, now, &providers))
        });
        StateDocument {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: now.as_secs_f64(),
            ready: ready.is_ready(),
            reason: ready.reason(),
            paused: app.operator.is_paused(),
            in_flight: 0,
            groups: groups.collect(),
            budgets: Vec::new(),
        }
        .with(router, now)
    })
}

impl StateDocument {
    fn with(mut self, router: &mut Router, now: Timestamp) -> Self {
        self.in_flight = router.in_flight();
        let spent: Vec<_> = router.spend_budget_snapshots().collect();
        let names = router.spend_budget_names();
        self.budgets = spent
            .iter()
            .zip(names)
            .map(|(budget, name)| BudgetStatus {
                name: name.to_owned(),
                spent_dollars: dollars(budget.spent),
                limit_dollars: dollars(budget.limit),
                ends_in_seconds: budget.until.map(|until| seconds(until, now)),
            })
            .collect();
        self
    }
}

fn group(
    router: &mut Router,
    id: GroupId,
    config: &GroupConfig,
    live: &LiveConfig,
    now: Timestamp,
    providers: &impl Fn(squall_router::DeploymentId) -> String,
) -> GroupStatus {
    let skipped: BTreeMap<_, _> =
        router.skipped(id).map(|skipped| (skipped.deployment, skipped)).collect();
    let limits = router.group_snapshots().find(|group| group.id == id);
    let queued = limits.map_or(0, |group| group.queued);
    let limits = LimitsStatus::of(limits.map(|group| group.limits).unwrap_or_default());
    // Both are in the group's order.
    let deployments = config.deployments.iter().zip(router.deployment_snapshots_of(id));
    let deployments = deployments.map(|(config, snapshot)| {
        let skipped = skipped.get(&snapshot.id);
        deployment(config, &snapshot, skipped, live, now, providers(snapshot.id))
    });
    let names = |id: GroupId| live.file.groups.get(id.index()).map(|group| group.name.clone());
    GroupStatus {
        name: config.name.clone(),
        aliases: config.aliases.clone(),
        strategy: config.strategy.name().to_owned(),
        pinned: live.overrides.pins.get(&config.name).cloned(),
        queued,
        limits,
        fallbacks: config.fallbacks.general.iter().filter_map(|&id| names(id)).collect(),
        deployments: deployments.collect(),
    }
}

fn deployment(
    config: &DeploymentConfig,
    snapshot: &DeploymentSnapshot,
    skipped: Option<&Skipped>,
    live: &LiveConfig,
    now: Timestamp,
    provider: String,
) -> DeploymentStatus {
    let cools = snapshot.state != DeploymentState::Available;
    let cooldown = skipped.filter(|_| cools).map(|skipped| CooldownStatus {
        cause: skipped.reason.map(FailureClass::as_str),
        ends_in_seconds: skipped.until.map(|until| seconds(until, now)),
    });
    let ends = live.weights_until.get(&config.name);
    DeploymentStatus {
        name: config.name.clone(),
        provider,
        state: match snapshot.state {
            DeploymentState::Available => "available",
            DeploymentState::Probing => "probing",
            DeploymentState::Cooling => "cooling",
        },
        healthy: snapshot.healthy,
        drained: live.overrides.drained.contains(&config.name),
        weight: snapshot.weight,
        configured_weight: config.weight,
        weight_ends_in_seconds: ends.map(|&until| seconds(until, now)),
        in_flight: snapshot.running,
        cooldown,
        limits: LimitsStatus::of(snapshot.limits),
        spend_exhausted_for_seconds: snapshot.spent_until.map(|until| seconds(until, now)),
    }
}

impl LimitsStatus {
    pub(super) fn of(limits: LimitUse) -> Self {
        let used = |limit: Option<(u64, u64)>| {
            limit.map(|(used, allowed)| LimitUseStatus { used, allowed })
        };
        Self {
            requests: used(limits.rpm),
            tokens: used(limits.tpm),
            concurrency: used(limits.concurrency),
        }
    }
}

/// Seconds until then, to a millisecond.
pub(super) fn seconds(until: Timestamp, now: Timestamp) -> f64 {
    let left: Duration = until.since(now);
    left.as_millis() as f64 / 1e3
}

pub(super) fn dollars(money: Money) -> f64 {
    money.0 as f64 / Money::DOLLAR.0 as f64
}
