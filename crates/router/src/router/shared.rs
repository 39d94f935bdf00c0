//! State that replicas share: the exchange with the store, and what other replicas have found.

use super::Router;
use crate::admission::AdmissionLimiter;
use crate::cooldown::Availability;
use crate::spend_budget::SpendAccount;
use crate::{
    AssignedIds, CooldownCause, DeploymentId, GroupId, RouterConfig, RouterEvent, RouterOutput,
    SharedEvent, SharedOutput, SharedStoreSnapshot, SpendBudgetId, TenantId,
};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use squall_determinism::Timestamp;
use squall_shared_state::{
    Accepted, DeploymentKey, DrawTerms, Grant, Lease, Notice, NoticeState, Replica, ReplicaConfig,
    ResourceKey, SharedInput, StoreChange, SyncRequest,
};

/// This replica, as one of several.
#[derive(Clone, Debug)]
pub(super) struct SharedState {
    replica: Replica,
    request: SyncRequest,
    /// The reply that is being taken in.
    accepted: Option<Accepted>,
    /// Whose limits are shared, in the order of the draws.
    owners: Vec<LimitOwner>,
    /// The resource of every draw, and whose it is.
    resources: Vec<(ResourceKey, LimitOwner)>,
    deployments: Vec<(DeploymentKey, DeploymentId)>,
    /// Something was wanted and was not in hand, or little is left.
    wants_more: bool,
    /// How many deployments wait for a permit to be probed.
    withheld: usize,
}

/// Whose limits they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum LimitOwner {
    Deployment(DeploymentId),
    Group(GroupId),
    Tenant(TenantId),
    Budget(SpendBudgetId),
}

impl Router {
    /// The request that [`SharedOutput::Sync`] asks to be sent, until the next one. The driver fills in
    /// [`SyncRequest::replica`].
    #[must_use]
    pub fn sync_request(&self) -> Option<&SyncRequest> {
        self.shared.as_ref().map(|shared| &shared.request)
    }

    /// The store of shared state as this replica sees it; `None` where no state is shared.
    #[must_use]
    pub fn shared_store(&self) -> Option<SharedStoreSnapshot> {
        let replica = &self.shared.as_ref()?.replica;
        Some(SharedStoreSnapshot {
            is_away: replica.is_away(),
            replicas: replica.members(),
            expected: replica.config().replicas,
        })
    }

    /// From now on limits are shared as this configuration says.
    pub(super) fn take_on_shared(&mut self, config: &RouterConfig, numbers: &AssignedIds) {
        let Some(terms) = config.shared else {
            self.shared = None;
            let limiters = self.deployments.iter_mut().map(|deployment| &mut deployment.limiter);
            let limiters = limiters.chain(self.groups.iter_mut().map(|group| &mut group.limiter));
            limiters.chain(&mut self.tenants).for_each(AdmissionLimiter::unshare);
            self.spend_accounts.iter_mut().for_each(SpendAccount::unshare);
            self.deployments.iter_mut().for_each(|deployment| deployment.probe_withheld = false);
            return;
        };
        let mut shared = self.shared.take().unwrap_or_else(|| Box::new(SharedState::new(terms)));
        shared.replica.reconfigure(terms);
        shared.owners.clear();
        shared.deployments.clear();
        let mut ids = numbers.deployments.iter().copied();
        for (group, &of) in config.groups.iter().zip(&numbers.groups) {
            shared.owners.push(LimitOwner::Group(of));
            self.groups[of.index()].limiter.share(("group", &group.name), terms);
            for (deployment, id) in group.deployments.iter().zip(&mut ids) {
                let key = DeploymentKey::new(&group.name, &deployment.name);
                shared.deployments.push((key, id));
                shared.owners.push(LimitOwner::Deployment(id));
                let name = format!("{}/{}", group.name, deployment.name);
                self.deployments[id.index()].limiter.share(("deployment", &name), terms);
            }
        }
        for (tenant, &id) in config.tenants.iter().zip(&numbers.tenants) {
            shared.owners.push(LimitOwner::Tenant(id));
            self.tenants[id.index()].share(("tenant", &tenant.name), terms);
        }
        for (place, account) in self.spend_accounts.iter_mut().enumerate() {
            let id = SpendBudgetId(place as u16);
            shared.owners.push(LimitOwner::Budget(id));
            let name = shared_name(account, id);
            account.share(self.now, &name, terms);
        }
        self.shared = Some(shared);
        self.renew_spend_of_all();
    }

    /// When something is due between this replica and the store.
    pub(super) fn shared_timer(&self) -> Option<Timestamp> {
        Some(self.shared.as_ref()?.replica.next_timer())
    }

    /// Quota may be running low: looked at before the next output.
    #[inline]
    pub(super) fn want_more_quota(&mut self) {
        if let Some(shared) = &mut self.shared {
            shared.wants_more = true;
        }
    }

    /// Does what is due between this replica and the store.
    pub(super) fn serve_shared(&mut self) {
        let Some(mut shared) = self.shared.take() else { return };
        let now = self.now;
        let change = shared.replica.tick(now);
        if shared.wants_more && shared.replica.may_hurry(now) {
            shared.wants_more = false;
            if self.runs_low(&shared) {
                shared.replica.hurry();
            }
        }
        if shared.replica.is_due(now) {
            self.send_sync(&mut shared);
        }
        self.shared = Some(shared);
        if change == Some(StoreChange::Away) {
            self.note(RouterEvent::Shared(SharedEvent::StoreAway));
            self.release_probes();
            self.renew_shared();
        }
    }

    fn runs_low(&self, shared: &SharedState) -> bool {
        let now = self.now;
        shared.owners.iter().any(|&owner| match owner {
            LimitOwner::Deployment(id) => self.deployments[id.index()].limiter.runs_low(now),
            LimitOwner::Group(id) => self.groups[id.index()].limiter.runs_low(now),
            LimitOwner::Tenant(id) => self.tenants[id.index()].runs_low(now),
            LimitOwner::Budget(id) => self.spend_accounts[id.index()].runs_low(now),
        })
    }

    /// Makes a request of everything that is shared.
    fn send_sync(&mut self, shared: &mut SharedState) {
        let terms = shared.replica.terms();
        self.make_request(shared, &terms);
        let number = shared.request.number;
        self.outputs.push_back(RouterOutput::Shared(SharedOutput::Sync { number }));
    }

    /// The last request of this replica, which stops: it tells what was used, and gives up what is in hand. The driver
    /// fills in [`SyncRequest::replica`]. `None` where no state is shared.
    pub fn leave_shared(&mut self) -> Option<SyncRequest> {
        let mut shared = self.shared.take()?;
        let terms = DrawTerms { leaving: true, ..shared.replica.terms() };
        self.make_request(&mut shared, &terms);
        shared.request.leaving = true;
        let request = shared.request.clone();
        self.shared = Some(shared);
        Some(request)
    }

    fn make_request(&mut self, shared: &mut SharedState, terms: &DrawTerms) {
        let now = self.now;
        shared.request = shared.replica.request(now);
        shared.resources.clear();
        for &owner in &shared.owners {
            for lease in self.leases_of(owner) {
                shared.resources.push((lease.resource().key, owner));
                shared.request.draws.push(lease.draw(now, terms));
            }
        }
    }

    /// Takes a part of what a driver tells of the store.
    pub(super) fn shared_input(&mut self, input: SharedInput) {
        let Some(mut shared) = self.shared.take() else {
            self.ignored += 1;
            return;
        };
        let now = self.now;
        match input {
            SharedInput::Replied(head) => {
                shared.accepted = shared.replica.replied(now, &head);
                let Some(accepted) = shared.accepted else {
                    self.ignored += u64::from(!head.restate);
                    self.shared = Some(shared);
                    return;
                };
                self.shared = Some(shared);
                self.reply_accepted(&accepted);
                return;
            }
            SharedInput::Granted(grant) => self.granted(&shared, &grant),
            SharedInput::Told(notice) => {
                if shared.accepted.is_some()
                    && let Some(id) = shared.id_of(notice.deployment)
                {
                    shared.replica.settled(notice.deployment);
                    self.shared = Some(shared);
                    self.told_by_peer(id, &notice);
                    return;
                }
            }
            SharedInput::Permitted(key) => {
                shared.replica.permitted(key);
                let id = shared.id_of(key).filter(|_| shared.replica.may_probe(key));
                self.shared = Some(shared);
                if let Some(id) = id {
                    self.allow_probe(id);
                }
                return;
            }
            SharedInput::Failed { number } => shared.replica.failed(now, number),
        }
        self.shared = Some(shared);
    }

    fn reply_accepted(&mut self, accepted: &Accepted) {
        if accepted.change == Some(StoreChange::Back) {
            let members = self.shared.as_ref().map_or(1, |shared| shared.replica.members());
            self.note(RouterEvent::Shared(SharedEvent::StoreBack { members }));
        }
        if accepted.is_new {
            self.tell_all_cooldowns();
        }
    }

    fn granted(&mut self, shared: &SharedState, grant: &Grant) {
        let found = shared.resources.iter().find(|(key, _)| *key == grant.resource);
        let (Some(&(_, owner)), Some(accepted)) = (found, shared.accepted) else {
            self.ignored += 1;
            return;
        };
        let leases = self.leases_of(owner);
        for lease in leases.filter(|lease| lease.resource().key == grant.resource) {
            lease.granted(accepted.sent, accepted.lease, grant);
        }
        match owner {
            LimitOwner::Deployment(id) => self.renew(id),
            LimitOwner::Budget(id) => {
                self.spend_accounts[id.index()].replicas_are(shared.replica.members());
                self.renew_spend(id);
            }
            LimitOwner::Group(_) | LimitOwner::Tenant(_) => {}
        }
        self.freed = true;
    }

    /// Another replica has found out something of a deployment.
    fn told_by_peer(&mut self, id: DeploymentId, notice: &Notice) {
        let now = self.now;
        let deployment = &mut self.deployments[id.index()];
        match notice.state {
            NoticeState::Out { remaining_ms, cause } => {
                let until = now + core::time::Duration::from_millis(remaining_ms);
                let throttled = cause == CooldownCause::Throttled as u8;
                if !deployment.record.told_out(now, until, throttled) {
                    return;
                }
                deployment.cooling = true;
                deployment.probe_withheld = false;
                let until = deployment.record.next_change(now).unwrap_or(until);
                self.arm_deployment(id, until);
                self.renew(id);
                let cause = CooldownCause::Peer;
                self.note(RouterEvent::CooldownStarted { deployment: id, cause, until });
            }
            NoticeState::Recovered => {
                if !deployment.record.told_recovered(now) {
                    return;
                }
                deployment.probe_withheld = false;
                let cooled = core::mem::take(&mut deployment.cooling);
                let group = deployment.group;
                self.renew(id);
                if cooled {
                    self.note(RouterEvent::CooldownEnded { deployment: id });
                }
                self.note(RouterEvent::Recovered { deployment: id });
                self.begin_ramp(id);
                self.serve_queue(group);
            }
        }
    }

    /// A cooldown has begun here, to be told to the others.
    pub(super) fn tell_cooldown(
        &mut self,
        id: DeploymentId,
        cause: CooldownCause,
        until: Timestamp,
    ) {
        let Some(shared) = &mut self.shared else { return };
        self.deployments[id.index()].probe_withheld = false;
        if let Some(key) = shared.key_of(id) {
            shared.replica.found_out(key, until, cause as u8);
        }
    }

    /// A deployment has recovered here, to be told to the others.
    pub(super) fn tell_recovery(&mut self, id: DeploymentId) {
        let Some(shared) = &mut self.shared else { return };
        self.deployments[id.index()].probe_withheld = false;
        if let Some(key) = shared.key_of(id) {
            shared.replica.found_recovered(key);
        }
    }

    /// A store that has lost everything is told of what is out now.
    fn tell_all_cooldowns(&mut self) {
        for place in 0..self.deployments.len() {
            let until = match self.deployments[place].record.availability(self.now) {
                Availability::Until(until) => (until, CooldownCause::ConsecutiveFailures),
                Availability::Throttled(until) => (until, CooldownCause::Throttled),
                Availability::Available | Availability::Probe | Availability::Probing => continue,
            };
            self.tell_cooldown(DeploymentId(place as u16), until.1, until.0);
        }
    }

    /// An open circuit is half open: one replica may probe, once it has a permit.
    pub(super) fn withhold_probe(&mut self, id: DeploymentId) {
        let Some(shared) = &mut self.shared else { return };
        let deployment = &mut self.deployments[id.index()];
        let is_half_open = deployment.record.availability(self.now) == Availability::Probe;
        let Some(key) = shared.key_of(id) else { return };
        shared.replica.settled(key);
        deployment.probe_withheld = is_half_open && !shared.replica.is_away();
        shared.withheld += usize::from(deployment.probe_withheld);
    }

    /// A request for this group may be a probe: asks for permits.
    #[inline]
    pub(super) fn ask_for_permits(&mut self, group: GroupId) {
        let Some(shared) = &mut self.shared else { return };
        if shared.withheld == 0 {
            return;
        }
        shared.withheld = self.deployments.iter().filter(|each| each.probe_withheld).count();
        for &id in &self.groups[group.index()].candidates.ids {
            if self.deployments[id.index()].probe_withheld
                && let Some(key) = shared.key_of(id)
            {
                shared.replica.may_probe(key);
            }
        }
    }

    fn allow_probe(&mut self, id: DeploymentId) {
        let deployment = &mut self.deployments[id.index()];
        if core::mem::take(&mut deployment.probe_withheld) {
            let group = deployment.group;
            self.renew(id);
            self.serve_queue(group);
        }
    }

    /// Without the store, every replica probes for itself.
    fn release_probes(&mut self) {
        for place in 0..self.deployments.len() {
            self.allow_probe(DeploymentId(place as u16));
        }
    }

    /// What may be used has changed for all.
    fn renew_shared(&mut self) {
        self.renew_spend_of_all();
        (0..self.deployments.len()).for_each(|place| self.renew(DeploymentId(place as u16)));
        self.freed = true;
    }

    fn leases_of(&mut self, owner: LimitOwner) -> impl Iterator<Item = &mut Lease> {
        let now = self.now;
        let (limiter, lease) = match owner {
            LimitOwner::Deployment(id) => (Some(&mut self.deployments[id.index()].limiter), None),
            LimitOwner::Group(id) => (Some(&mut self.groups[id.index()].limiter), None),
            LimitOwner::Tenant(id) => (Some(&mut self.tenants[id.index()]), None),
            LimitOwner::Budget(id) => (None, self.spend_accounts[id.index()].lease(now)),
        };
        limiter.into_iter().flat_map(AdmissionLimiter::leases).chain(lease)
    }
}

/// What replicas call a budget: its name, or its place where it has none.
fn shared_name(account: &SpendAccount, id: SpendBudgetId) -> String {
    match account.name() {
        "" => format!("#{}", id.0),
        name => String::from(name),
    }
}

impl SharedState {
    fn new(config: ReplicaConfig) -> Self {
        Self {
            replica: Replica::new(config),
            request: SyncRequest::default(),
            accepted: None,
            owners: Vec::new(),
            resources: Vec::new(),
            deployments: Vec::new(),
            wants_more: false,
            withheld: 0,
        }
    }

    fn key_of(&self, id: DeploymentId) -> Option<DeploymentKey> {
        self.deployments.iter().find(|(_, other)| *other == id).map(|&(key, _)| key)
    }

    fn id_of(&self, key: DeploymentKey) -> Option<DeploymentId> {
        self.deployments.iter().find(|(other, _)| *other == key).map(|&(_, id)| id)
    }
}
