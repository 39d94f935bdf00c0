//! What LiteLLM tries in a group beyond its retries, before the request leaves it: deployments of the next order,
//! and with `enable_weighted_failover` those that were not asked, each with retries of its own. And what it refuses:
//! a deployment whose places are all taken answers 429 without being called.

use super::Router;
use super::pick::{CandidateScope, PickOutcome};
use crate::admission::AdmissionDenied;
use crate::request_table::RequestState;
use crate::{
    DeploymentId, FallbackChoice, FallbackRule, LimitScope, LitellmStrategy, OrderUse, RetryRule,
    RouterEvent, Strategy,
};
use squall_failure::{Failure, FailureClass, FailureSource};

impl Router {
    /// Goes on in the group of a request that was about to leave it, if LiteLLM's rules have something left there.
    pub(super) fn goes_on_in_group(&mut self, slot: u32, class: Option<FailureClass>) -> bool {
        let request = self.requests.at(slot);
        let (group, asked) = (request.group, request.overrides.fallbacks);
        let config = &self.groups[group.index()].config;
        if !matches!(config.retry_rule, RetryRule::Litellm(_)) || asked == FallbackChoice::None {
            return false;
        }
        let has_own_list =
            matches!(class, Some(FailureClass::ContextWindow | FailureClass::ContentPolicy));
        let rules = config.litellm.rules();
        if rules.order == OrderUse::Fallbacks
            && !has_own_list
            && let Some(order) = self.next_order(slot)
        {
            self.begins_again(slot);
            self.requests.cold(slot).hops.order = Some(order);
            self.explain_leaving(slot, Some(group), None);
            self.advance(slot);
            return true;
        }
        self.most_failovers(slot).is_some_and(|most| self.fails_over(slot, most))
    }

    /// The order after the one that the request has been tried at.
    fn next_order(&mut self, slot: u32) -> Option<u8> {
        let group = self.requests.at(slot).group;
        let orders = &self.groups[group.index()].candidates.order;
        let tried = self.requests.cold(slot).hops.order.or_else(|| orders.iter().copied().min())?;
        orders.iter().copied().filter(|order| *order > tried).min()
    }

    /// How often a request may fail over in its group, if it may at all.
    fn most_failovers(&mut self, slot: u32) -> Option<u8> {
        let group = self.requests.at(slot).group;
        let config = &self.groups[group.index()].config;
        let shuffles = config.strategy == Strategy::Litellm(LitellmStrategy::SimpleShuffle);
        let FallbackRule::LitellmNested { max_depth, weighted_failover } = self.fallback_rule
        else {
            return None;
        };
        let knows = config.litellm.rules().weighted_failover;
        (weighted_failover && knows && shuffles).then_some(max_depth)
    }

    /// Tries a deployment of the group that was not asked, if there is one.
    fn fails_over(&mut self, slot: u32, most: u8) -> bool {
        if self.requests.cold(slot).hops.failovers >= most {
            return false;
        }
        let PickOutcome::Deployment { id, probe } = self.pick(slot, CandidateScope::Unasked) else {
            return false;
        };
        self.begins_again(slot);
        self.requests.cold(slot).hops.failovers += 1;
        let group = self.requests.at(slot).group;
        self.explain_leaving(slot, Some(group), None);
        self.start(slot, id, probe);
        true
    }

    /// The request begins anew in its group, with all its retries.
    fn begins_again(&mut self, slot: u32) {
        let request = self.requests.at(slot);
        request.retries = 0;
        request.first_failure = None;
        request.state = RequestState::Deciding;
        self.requests.cold(slot).refused_by.clear();
    }

    /// Keeps that a deployment is asked, where failovers go by it.
    pub(super) fn remember_asked(&mut self, slot: u32, id: DeploymentId) {
        if self.most_failovers(slot).is_some() {
            let asked = &mut self.requests.cold(slot).hops.asked;
            if !asked.contains(&id) {
                asked.push(id);
            }
        }
    }

    /// Whether all places of the deployment that was picked are taken, and the request is told so: as a 429 of the
    /// deployment's, for which nobody cools down.
    pub(super) fn is_refused_when_full(&mut self, slot: u32, id: DeploymentId) -> bool {
        let group = self.requests.at(slot).group;
        if !self.groups[group.index()].candidates.refuses_when_full {
            return false;
        }
        let now = self.now;
        let tokens = self.requests.at(slot).tokens();
        let closed = self.deployments[id.index()].limiter.closed(now, tokens);
        if closed != Some(AdmissionDenied::Full) {
            return false;
        }
        let failure =
            Failure::new(FailureClass::Throttled, FailureSource::Gateway).with_status(429);
        self.note(RouterEvent::LimitReached { deployment: id, limit: LimitScope::Concurrency });
        self.remember_asked(slot, id);
        let request = self.requests.at(slot);
        request.attempts = request.attempts.saturating_add(1);
        request.unsent = request.unsent.saturating_add(1);
        request.tried.add(id);
        request.state = RequestState::Deciding;
        request.last_failure = Some(failure);
        request.first_failure.get_or_insert(failure);
        self.remember_original(slot, failure);
        self.after_failure(slot, id, failure);
        true
    }
}
