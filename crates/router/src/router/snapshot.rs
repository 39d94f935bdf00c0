//! Snapshots of a router for metrics, never for decisions.

use super::Router;
use crate::cooldown::Availability;
use crate::deployment::Deployment;
use crate::spend_budget::SpendAccount;
use crate::{
    DeploymentId, GroupId, LimitUse, LitellmVersion, Money, SpendBudgetId, UnavailablePolicy,
};
use squall_determinism::Timestamp;
use squall_failure::FailureClass;

/// A snapshot of a deployment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeploymentSnapshot {
    /// Which.
    pub id: DeploymentId,
    /// Its group.
    pub group: GroupId,
    /// Attempts in flight.
    pub running: u32,
    /// Whether it is ejected.
    pub state: DeploymentState,
    /// How much of its limits is in use.
    pub limits: LimitUse,
    /// Its weight as configured.
    pub weight: u32,
    /// Whether it is healthy by health checks, if there are any.
    pub healthy: bool,
    /// When its spend budgets reset, if one is exhausted.
    pub spent_until: Option<Timestamp>,
}

impl DeploymentSnapshot {
    /// Whether requests go there: it is neither skipped nor found unhealthy. Limits and budgets are another matter.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.healthy && self.state != DeploymentState::Cooling
    }
}

/// Whether a deployment is ejected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeploymentState {
    /// It is not.
    Available,
    /// One probe decides.
    Probing,
    /// It cools down.
    Cooling,
}

/// A skipped deployment, for error messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// Which.
    pub deployment: DeploymentId,
    /// The class of the failure for which it is; `None` where checks apart from traffic say that it is unhealthy.
    pub reason: Option<FailureClass>,
    /// Until when; `None` where a probe or a check that is in flight decides.
    pub until: Option<Timestamp>,
}

/// A snapshot of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GroupSnapshot {
    /// Which.
    pub id: GroupId,
    /// Requests that wait.
    pub queued: usize,
    /// How much of its limits is in use.
    pub limits: LimitUse,
}

/// The store of shared state, as this replica sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SharedStoreSnapshot {
    /// It does not answer.
    pub is_away: bool,
    /// Replicas that share state, as the store has told last.
    pub replicas: u64,
    /// Replicas that the configuration states.
    pub expected: u64,
}

/// A snapshot of a spend budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpendBudgetSnapshot {
    /// Which.
    pub id: SpendBudgetId,
    /// Spent in this period.
    pub spent: Money,
    /// The limit.
    pub limit: Money,
    /// When its period ends, if anything was spent in it.
    pub until: Option<Timestamp>,
}

impl Router {
    /// The deployments of the configuration that holds, at the time of the latest input.
    pub fn deployment_snapshots(&mut self) -> impl Iterator<Item = DeploymentSnapshot> {
        let now = self.now;
        let held = self.deployments.iter_mut().enumerate();
        held.filter_map(move |(place, deployment)| {
            deployment.place?;
            Some(look(DeploymentId(place as u16), deployment, now))
        })
    }

    /// Those of one group.
    pub fn deployment_snapshots_of(
        &mut self,
        group: GroupId,
    ) -> impl Iterator<Item = DeploymentSnapshot> {
        let Self { now, deployments, groups, .. } = self;
        let ids = groups.get(group.index()).map_or(&[][..], |group| &group.candidates.ids);
        ids.iter().map(|&id| look(id, &mut deployments[id.index()], *now))
    }

    /// The deployments of a group that are skipped, at the time of the latest input: asked when a request
    /// has been refused, it says why.
    pub fn skipped(&self, group: GroupId) -> impl Iterator<Item = Skipped> {
        let ids = self.groups.get(group.index()).map_or(&[][..], |group| &group.candidates.ids);
        ids.iter().filter_map(|&id| {
            let deployment = &self.deployments[id.index()];
            let until = deployment.record.next_change(self.now);
            let probing = deployment.record.availability(self.now) == Availability::Probing;
            let skipped = until.is_some() || probing || deployment.health.unhealthy;
            let reason = deployment.record.reason(self.now);
            skipped.then_some(Skipped { deployment: id, reason, until })
        })
    }

    /// The groups of the configuration that holds, at the time of the latest input.
    pub fn group_snapshots(&mut self) -> impl Iterator<Item = GroupSnapshot> {
        let now = self.now;
        let held =
            self.groups.iter_mut().enumerate().filter(|(_, group)| !group.candidates.is_empty());
        held.map(move |(place, group)| GroupSnapshot {
            id: GroupId(place as u16),
            queued: group.queue.len(),
            limits: group.limiter.gauge(now),
        })
    }

    /// Requests that wait in a group.
    #[must_use]
    pub fn queued(&self, group: GroupId) -> usize {
        self.groups.get(group.index()).map_or(0, |group| group.queue.len())
    }

    /// The version of LiteLLM whose rule says what a request is told while all deployments of a group cool down, if it
    /// is LiteLLM's, and whether pre-call checks are on.
    #[must_use]
    pub fn litellm_version(&self, group: GroupId) -> Option<(LitellmVersion, bool)> {
        let config = &self.groups.get(group.index())?.config;
        let states = matches!(config.when_unavailable, UnavailablePolicy::FailStating(_));
        states.then_some((config.litellm, config.pre_call_checks))
    }

    /// The names of the budgets of the configuration that holds, by number.
    pub fn spend_budget_names(&self) -> impl Iterator<Item = &str> {
        self.spend_accounts.iter().map(SpendAccount::name)
    }

    /// The budgets of the configuration that holds, at the time of the latest input.
    pub fn spend_budget_snapshots(&mut self) -> impl Iterator<Item = SpendBudgetSnapshot> {
        let now = self.now;
        self.spend_accounts.iter_mut().enumerate().map(move |(place, account)| {
            SpendBudgetSnapshot {
                id: SpendBudgetId(place as u16),
                spent: account.spent(now),
                limit: account.limit(),
                until: account.ends(now),
            }
        })
    }
}

fn look(id: DeploymentId, deployment: &mut Deployment, now: Timestamp) -> DeploymentSnapshot {
    let state = match deployment.record.availability(now) {
        Availability::Available => DeploymentState::Available,
        Availability::Probe | Availability::Probing => DeploymentState::Probing,
        Availability::Until(_) | Availability::Throttled(_) => DeploymentState::Cooling,
    };
    DeploymentSnapshot {
        id,
        group: deployment.group,
        running: deployment.limiter.running(),
        state,
        limits: deployment.limiter.gauge(now),
        weight: deployment.weight,
        healthy: !deployment.health.unhealthy,
        spent_until: (deployment.spent_until > now).then_some(deployment.spent_until),
    }
}
