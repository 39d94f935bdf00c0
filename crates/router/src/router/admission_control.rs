//! The limits of groups and tenants: reserved once per request, when its first attempt starts.

use super::Router;
use super::pick::WhyNone;
use crate::admission::{AdmissionDenied, AdmissionLimiter};
use crate::deployment::Unfit;
use crate::request::Aside;
use crate::{LimitScope, TenantId, TokenUsage};
use squall_failure::Sent;

/// A request delayed by a limit of its group or tenant.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldRequest {
    /// The tenant whose limit it is; `None` for the group's.
    pub(super) tenant: Option<TenantId>,
    pub(super) limit: LimitScope,
    pub(super) why: WhyNone,
}

impl Router {
    /// Whether a limit of its tenant or group delays the request now.
    #[inline]
    pub(super) fn held_back(&mut self, slot: u32) -> Option<HeldRequest> {
        let request = self.requests.at(slot);
        let (tenant, group, tokens) = (request.tenant, request.group, request.tokens());
        let Aside { tenant: at_tenant, group: at_group, .. } = *self.requests.aside(slot);
        let now = self.now;
        if let Some(tenant) = tenant
            && at_tenant.is_none()
            && let Some(gate) = self.tenants.get_mut(usize::from(tenant.0))
            && let Some(closed) = gate.closed(now, tokens)
        {
            return Some(held(Some(tenant), closed));
        }
        let gate = &mut self.groups[group.index()].gate;
        if gate.is_open_to_all() || at_group.is_some() {
            return None;
        }
        gate.closed(now, tokens).map(|closed| held(None, closed))
    }

    /// The request's first attempt in its group starts.
    #[inline]
    pub(super) fn enter_gates(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        let (tenant, group, tokens) = (request.tenant, request.group, request.tokens());
        let now = self.now;
        if let Some(gate) = tenant.and_then(|tenant| self.tenants.get_mut(usize::from(tenant.0))) {
            let aside = self.requests.aside(slot);
            aside.tenant.get_or_insert_with(|| gate.enter(now, tokens));
        }
        let gate = &mut self.groups[group.index()].gate;
        if !gate.is_open_to_all() {
            let aside = self.requests.aside(slot);
            aside.group.get_or_insert_with(|| gate.enter(now, tokens));
        }
    }

    /// The request has ended: unused reservations are refunded.
    #[inline]
    pub(super) fn leave_gates(&mut self, slot: u32, usage: Option<TokenUsage>) {
        let used = usage.map(TokenUsage::total);
        self.leave_group_gate(slot, used);
        let request = self.requests.at(slot);
        let Some(tenant) = request.tenant else { return };
        let sent = self.sent_of(slot);
        if let Some(ticket) = self.requests.aside(slot).tenant.take() {
            self.tenants[usize::from(tenant.0)].leave(self.now, ticket, used, sent);
            self.freed = true;
        }
    }

    /// The request leaves its group.
    pub(super) fn leave_group_gate(&mut self, slot: u32, used: Option<u64>) {
        let sent = self.sent_of(slot);
        if let Some(ticket) = self.requests.aside(slot).group.take() {
            let group = self.requests.at(slot).group;
            let gate: &mut AdmissionLimiter = &mut self.groups[group.index()].gate;
            gate.leave(self.now, ticket, used, sent);
            self.freed = true;
        }
    }

    /// Without a call to a provider, nothing was used.
    fn sent_of(&mut self, slot: u32) -> Sent {
        let called = self.requests.at(slot).calls() > 0;
        if called { Sent::Something } else { Sent::Nothing }
    }

    /// Its answer has started: releases slots that are held only until then.
    pub(super) fn gates_begun(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        let (tenant, group) = (request.tenant, request.group);
        let aside = self.requests.aside(slot);
        let gate = tenant.and_then(|tenant| self.tenants.get_mut(usize::from(tenant.0)));
        if let (Some(gate), Some(ticket)) = (gate, &mut aside.tenant) {
            self.freed |= gate.begun(ticket);
        }
        if let Some(ticket) = &mut aside.group {
            self.freed |= self.groups[group.index()].gate.begun(ticket);
        }
    }
}

fn held(tenant: Option<TenantId>, closed: AdmissionDenied) -> HeldRequest {
    let (earliest, limit, possible) = match closed {
        AdmissionDenied::Until(until, limit) => (Some(until), limit, true),
        AdmissionDenied::Full => (None, LimitScope::Concurrency, true),
        AdmissionDenied::Never => (None, LimitScope::Tokens, false),
    };
    let unfit = (!possible).then_some(Unfit::Limit);
    let why = WhyNone { earliest, possible, unfit, spent: false, ..WhyNone::default() };
    HeldRequest { tenant, limit, why }
}
