//! The limits of groups and tenants: reserved once per request, when its first attempt starts.

use super::Router;
use super::pick::NoCandidate;
use crate::admission::{AdmissionDenied, AdmissionLimiter};
use crate::deployment::CannotServe;
use crate::request_table::RequestColdState;
use crate::{LimitScope, TenantId, TokenUsage};
use squall_failure::Sent;

/// A request delayed by a limit of its group or tenant.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitedRequest {
    /// The tenant whose limit it is; `None` for the group's.
    pub(super) tenant: Option<TenantId>,
    pub(super) limit: LimitScope,
    pub(super) why: NoCandidate,
}

impl LimitedRequest {
    /// Whether the limit delays every request that it applies to, whatever its size.
    pub(super) fn holds_all(&self) -> bool {
        match self.limit {
            LimitScope::Requests | LimitScope::Concurrency => true,
            LimitScope::Tokens | LimitScope::Money => false,
        }
    }
}

impl Router {
    /// Whether a limit of its tenant or group delays the request now.
    #[inline]
    pub(super) fn over_limit(&mut self, slot: u32) -> Option<LimitedRequest> {
        let request = self.requests.at(slot);
        let (tenant, group, tokens) = (request.tenant, request.group, request.tokens());
        let RequestColdState { tenant: at_tenant, group: at_group, .. } = *self.requests.cold(slot);
        let now = self.now;
        if let Some(tenant) = tenant
            && at_tenant.is_none()
            && let Some(limiter) = self.tenants.get_mut(usize::from(tenant.0))
            && let Some(closed) = limiter.closed(now, tokens)
        {
            return Some(held(Some(tenant), closed));
        }
        let limiter = &mut self.groups[group.index()].limiter;
        if limiter.is_open_to_all() || at_group.is_some() {
            return None;
        }
        limiter.closed(now, tokens).map(|closed| held(None, closed))
    }

    /// The request's first attempt in its group starts.
    #[inline]
    pub(super) fn enter_gates(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        let (tenant, group, tokens) = (request.tenant, request.group, request.tokens());
        let now = self.now;
        if let Some(limiter) = tenant.and_then(|tenant| self.tenants.get_mut(usize::from(tenant.0)))
        {
            let cold = self.requests.cold(slot);
            cold.tenant.get_or_insert_with(|| limiter.enter(now, tokens));
        }
        let limiter = &mut self.groups[group.index()].limiter;
        if !limiter.is_open_to_all() {
            let cold = self.requests.cold(slot);
            cold.group.get_or_insert_with(|| limiter.enter(now, tokens));
        }
    }

    /// The request has ended: unused reservations are refunded.
    #[inline]
    pub(super) fn leave_gates(&mut self, slot: u32, usage: Option<TokenUsage>) {
        let used = usage.map(TokenUsage::total);
        let begun = self.requests.cold(slot).begun_answer;
        let left_behind = begun.map_or(0, |begun| begun.left_behind);
        self.leave_group_gate(slot, used.map(|used| used.saturating_sub(left_behind)));
        let request = self.requests.at(slot);
        let Some(tenant) = request.tenant else { return };
        let sent = self.sent_of(slot);
        if let Some(permit) = self.requests.cold(slot).tenant.take() {
            self.tenants[usize::from(tenant.0)].leave(self.now, permit, used, sent);
            self.freed = true;
        }
    }

    /// The request leaves its group.
    pub(super) fn leave_group_gate(&mut self, slot: u32, used: Option<u64>) {
        let sent = self.sent_of(slot);
        if let Some(permit) = self.requests.cold(slot).group.take() {
            let group = self.requests.at(slot).group;
            let limiter: &mut AdmissionLimiter = &mut self.groups[group.index()].limiter;
            limiter.leave(self.now, permit, used, sent);
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
        let now = self.now;
        let request = self.requests.at(slot);
        let (tenant, group) = (request.tenant, request.group);
        let cold = self.requests.cold(slot);
        let limiter = tenant.and_then(|tenant| self.tenants.get_mut(usize::from(tenant.0)));
        if let (Some(limiter), Some(permit)) = (limiter, &mut cold.tenant) {
            self.freed |= limiter.begun(now, permit);
        }
        if let Some(permit) = &mut cold.group {
            self.freed |= self.groups[group.index()].limiter.begun(now, permit);
        }
    }
}

fn held(tenant: Option<TenantId>, closed: AdmissionDenied) -> LimitedRequest {
    let (earliest, limit, possible) = match closed {
        AdmissionDenied::Until(until, limit) => (Some(until), limit, true),
        AdmissionDenied::Full => (None, LimitScope::Concurrency, true),
        AdmissionDenied::Never => (None, LimitScope::Tokens, false),
    };
    let unfit = (!possible).then_some(CannotServe::Limit);
    let why = NoCandidate { earliest, possible, unfit, spent: false, ..NoCandidate::default() };
    LimitedRequest { tenant, limit, why }
}
