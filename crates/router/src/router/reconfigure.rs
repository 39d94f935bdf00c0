//! Applies another configuration to a running router.

use super::{Group, Router};
use crate::admission::AdmissionLimiter;
use crate::candidate_index::CandidateIndex;
use crate::cooldown::JitterSource;
use crate::deployment::Deployment;
use crate::health_state::HealthState;
use crate::queue::RequestQueue;
use crate::request_table::RequestState;
use crate::retry_budget::RetryBudgetWindow;
use crate::silence_detection::ResponseTimeQuantiles;
use crate::slow_start::Ramp;
use crate::spend_budget::SpendAccount;
use crate::strategy::SmoothWeighted;
use crate::{
    AssignedIds, ConfigError, ConfigId, DeploymentId, GroupConfig, GroupId, RateLimits, RetryRule,
    RouterConfig, RouterEvent, WhenFull,
};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// Whether a deployment of the group refuses what it has no place for.
fn refuses_when_full(config: &GroupConfig) -> bool {
    matches!(config.retry_rule, RetryRule::Litellm(_))
        && config.litellm.rules().when_full == WhenFull::Refuse
        && config.deployments.iter().any(|each| each.limits.concurrency.is_some())
}

impl Router {
    /// Takes a configuration that may hold later, and says how
    /// [`RouterInput::Reconfigure`](crate::RouterInput::Reconfigure) is to call it, and what its groups, deployments
    /// and tenants are called: those that were there before, by name, as before. The first that is
    /// prepared is [`ConfigId`] 1, the next 2, and so on, but for numbers that were
    /// [forgotten](Self::forget): those are given first. Number 0 is the one that the router began with,
    /// so that there is a way back.
    ///
    /// # Errors
    /// When the configuration is not one that a router can run with, or there is no number left for it or
    /// for a name in it; then nothing has changed.
    pub fn prepare(
        &mut self,
        config: RouterConfig,
    ) -> Result<(ConfigId, AssignedIds), ConfigError> {
        config.validate()?;
        self.roster.has_room_for(&config)?;
        let free = self.configs.iter().position(Option::is_none).unwrap_or(self.configs.len());
        let id = u16::try_from(free).map(ConfigId).map_err(|_| ConfigError::TooManyConfigs)?;
        let numbers = self.roster.add(&config);
        self.enrol(&config, &numbers);
        if free == self.configs.len() {
            self.configs.push(None);
        }
        self.configs[free] = Some((config, numbers.clone()));
        Ok((id, numbers))
    }

    /// Forgets a configuration that was prepared: it cannot be made to hold any more, and its number is
    /// given again. The one that holds goes on to hold. A server that is given another configuration every
    /// minute forgets each as soon as it holds.
    pub fn forget(&mut self, config: ConfigId) {
        if let Some(place) = self.configs.get_mut(usize::from(config.0)) {
            *place = None;
        }
    }

    /// Makes places for groups, deployments and tenants that were not there before. They take no part
    /// in anything until a configuration that has them holds.
    fn enrol(&mut self, config: &RouterConfig, numbers: &AssignedIds) {
        let epoch_nanos = self.epoch_nanos;
        let mut ids = numbers.deployments.iter();
        for (group, &of) in config.groups.iter().zip(&numbers.groups) {
            if of.index() >= self.groups.len() {
                self.groups.push(Group {
                    candidates: CandidateIndex::default(),
                    balancer: Box::new(SmoothWeighted::new(Vec::new())),
                    shares: Vec::new(),
                    queue: RequestQueue::default(),
                    response_times: [ResponseTimeQuantiles::NEW; 2],
                    limiter: AdmissionLimiter::new(RateLimits::default(), epoch_nanos),
                    config: GroupConfig { deployments: Vec::new(), ..group.clone() },
                });
            }
            for (deployment, &id) in group.deployments.iter().zip(&mut ids) {
                if id.index() >= self.deployments.len() {
                    let jitter = JitterSource { seed: self.seed, deployment: id.0 };
                    let new = Deployment::new(of, deployment, group, epoch_nanos, jitter);
                    self.deployments.push(new);
                }
            }
        }
        for (tenant, id) in config.tenants.iter().zip(&numbers.tenants) {
            if id.index() >= self.tenants.len() {
                self.tenants.push(AdmissionLimiter::new(tenant.limits, epoch_nanos));
            }
        }
    }

    pub(super) fn reconfigure(&mut self, config: ConfigId) {
        if !self.reload(config.0.into()) {
            self.ignored += 1;
            return;
        }
        self.note(RouterEvent::Reconfigured { config });
        self.leave_what_is_gone();
        self.serve_queues();
    }

    /// From now on this configuration holds; false, if there is none.
    pub(super) fn reload(&mut self, place: usize) -> bool {
        let Some(Some((config, numbers))) = self.configs.get(place).cloned() else { return false };
        if self.retry_budget.config() != config.retry_budget {
            self.retry_budget = RetryBudgetWindow::new(config.retry_budget);
        }
        self.fallback_rule = config.fallback_rule;
        self.take_on_accounts(&config);
        self.take_on_tenants(&config, &numbers);
        self.retire_the_others(&numbers);
        let mut ids = numbers.deployments.iter().copied();
        for (mut group, &id) in config.groups.into_iter().zip(&numbers.groups) {
            let members = ids.by_ref().take(group.deployments.len()).collect();
            group.fallbacks = group.fallbacks.renumbered(&numbers.groups);
            self.take_on_group(id, group, members);
        }
        self.take_on_checks(config.health_checks);
        if let Some(Some((config, numbers))) = self.configs.get(place).cloned() {
            self.take_on_shared(&config, &numbers);
        }
        true
    }

    fn take_on_accounts(&mut self, config: &RouterConfig) {
        let (now, epoch_nanos) = (self.now, self.epoch_nanos);
        let mut before: Vec<_> =
            core::mem::take(&mut self.spend_accounts).into_iter().map(Some).collect();
        let mut inherited = |place: usize, name: &str| {
            let same = |account: &Option<SpendAccount>| {
                account.as_ref().is_some_and(|account| account.name() == name)
            };
            let place = if name.is_empty() { Some(place) } else { before.iter().position(same) };
            before.get_mut(place?)?.take_if(|account| account.name() == name)
        };
        let accounts =
            config.spend_budgets.iter().enumerate().map(|(place, budget)| {
                match inherited(place, &budget.name) {
                    Some(mut account) => {
                        account.reconfigure(now, budget.clone());
                        account
                    }
                    None => SpendAccount::new(now, budget.clone(), epoch_nanos),
                }
            });
        self.spend_accounts = accounts.collect();
    }

    fn take_on_tenants(&mut self, config: &RouterConfig, numbers: &AssignedIds) {
        let now = self.now;
        let known = numbers.tenants.iter().zip(&config.tenants);
        let known: BTreeMap<usize, RateLimits> =
            known.map(|(id, tenant)| (id.index(), tenant.limits)).collect();
        for (place, limiter) in self.tenants.iter_mut().enumerate() {
            let limits = known.get(&place).copied().unwrap_or_default();
            self.freed |= limiter.reconfigure(now, limits);
        }
    }

    /// Deployments and groups that the configuration does not have take nothing more.
    fn retire_the_others(&mut self, numbers: &AssignedIds) {
        let (deployments, groups): (BTreeSet<_>, BTreeSet<_>) =
            (numbers.deployments.iter().collect(), numbers.groups.iter().collect());
        for place in 0..self.deployments.len() {
            let id = DeploymentId(place as u16);
            if deployments.contains(&id) {
                continue;
            }
            self.deployment_timers.disarm(id.0.into());
            let deployment = &mut self.deployments[place];
            deployment.place = None;
            deployment.spends_from = Vec::new();
            if core::mem::take(&mut deployment.cooling) {
                self.note(RouterEvent::CooldownEnded { deployment: id });
            }
        }
        for (place, group) in self.groups.iter_mut().enumerate() {
            if !groups.contains(&GroupId(place as u16)) {
                group.candidates = CandidateIndex::default();
                group.balancer = Box::new(SmoothWeighted::new(Vec::new()));
            }
        }
    }

    fn take_on_group(&mut self, id: GroupId, config: GroupConfig, members: Vec<DeploymentId>) {
        let now = self.now;
        let mut from = Vec::with_capacity(members.len());
        let mut running = Vec::with_capacity(members.len());
        let serves = !self.groups[id.index()].candidates.is_empty();
        for (place, (member, each)) in members.iter().zip(&config.deployments).enumerate() {
            let deployment = &mut self.deployments[member.index()];
            from.push(deployment.place);
            running.push(deployment.limiter.running());
            deployment.reconfigure(now, each, &config);
            // One that joins others at work, as one that returns.
            let joins = serves && deployment.place.is_none();
            deployment.ramp = match config.slow_start {
                Some(_) if joins => Some(Ramp::new(now)),
                Some(_) => deployment.ramp,
                None => None,
            };
            deployment.place = Some(place);
            for spend in &each.spends_from {
                let until = self.spend_accounts[spend.index()].spent_until(now);
                deployment.spent_until = deployment.spent_until.max(until.unwrap_or(now));
            }
        }
        let mut balancer = config.strategy.balancer(&config.deployments, config.litellm);
        let order = config.deployments.iter().map(|each| each.order).collect();
        let group = &mut self.groups[id.index()];
        balancer.inherit(&*group.balancer, &from, &running);
        group.balancer = balancer;
        group.shares = config.strategy.weights(&config.deployments);
        self.freed |= group.limiter.reconfigure(now, config.limits);
        let silence = config.cooldown.silence().unwrap_or_default();
        let hedged_at = config.hedge.unwrap_or_default().quantile();
        let quantiles = (silence.quantile, hedged_at);
        group
            .response_times
            .iter_mut()
            .for_each(|usual| usual.reconfigure(quantiles.0, quantiles.1));
        let threshold = config.panic_threshold;
        group.candidates = CandidateIndex::new(members, order, threshold, &self.deployments);
        group.candidates.refuses_when_full = refuses_when_full(&config);
        group.config = config;
        for place in 0..self.groups[id.index()].candidates.len() {
            self.watch(self.groups[id.index()].candidates.ids[place]);
        }
        self.renew_group(id);
    }

    /// Updates all rows of a group's index.
    pub(super) fn renew_group(&mut self, id: GroupId) {
        let group = &mut self.groups[id.index()];
        group.candidates.count_unhealthy(&self.deployments);
        for place in 0..group.candidates.len() {
            let deployment = &mut self.deployments[group.candidates.ids[place].index()];
            group.candidates.renew(self.now, place, deployment);
        }
    }

    /// Deployments that were forgiven with their old rule are told of; those who wait in a group that is
    /// gone leave it.
    fn leave_what_is_gone(&mut self) {
        for place in 0..self.deployments.len() {
            let id = DeploymentId(place as u16);
            if self.deployments[place].cooling {
                self.cooldown_over(id);
            }
        }
        for place in 0..self.groups.len() {
            while self.groups[place].candidates.is_empty()
                && let Some((_, waiting)) = self.groups[place].queue.first()
            {
                let slot = waiting.key.slot;
                debug_assert!(matches!(self.requests.at(slot).state, RequestState::Queued { .. }));
                self.leave_queue(slot);
                self.move_on(slot, None);
            }
        }
    }

    pub(super) fn take_on_checks(&mut self, config: Option<crate::HealthChecks>) {
        if config == self.health_checks && config.is_none() {
            return;
        }
        self.health_checks = config;
        let Some(checks) = config else {
            self.deployments.iter_mut().for_each(|each| each.health = HealthState::default());
            (0..self.deployments.len()).for_each(|place| self.check_timers.disarm(place as u32));
            (0..self.groups.len()).for_each(|place| self.renew_group(GroupId(place as u16)));
            return;
        };
        self.stagger(&checks);
    }
}
