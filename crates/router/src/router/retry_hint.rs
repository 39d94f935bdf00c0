//! When a request that the router refuses had better come back: its Retry-After.
//!
//! What is known comes first: the next token of a limit, the end of a cooldown or of a budget's period, the next
//! health check. What only an event will tell is estimated from its pace of late: a place that is given back, a
//! queue that drains. Nothing here decides anything else.

use super::Router;
use super::admission_control::LimitedRequest;
use super::pick::NoCandidate;
use crate::deployment::{Readiness, RequestNeeds, TagClass};
use crate::{DeploymentId, GroupId, LimitScope};
use core::time::Duration;
use squall_determinism::Timestamp;

/// Where nothing is known: as the gateway says when it is out of memory or stops.
const UNKNOWN: Duration = Duration::from_secs(1);

impl Router {
    /// How long a request of the slot had better stay away that no deployment took. Never 0.
    pub(super) fn retry_hint(&mut self, slot: u32, why: Option<NoCandidate>) -> Duration {
        let now = self.now;
        let request = self.requests.at(slot);
        let (origin, needs, stream) = (request.origin, request.needs(), request.stream);
        let returns = self.returns_at(origin, &needs, stream);
        let limit = self.limit_frees_at(slot).or_else(|| why.and_then(|why| why.earliest));
        let queue = self.queue_drains_at(origin);
        let at = returns.max(limit).max(queue);
        at.map(|at| at.since(now)).filter(|wait| !wait.is_zero()).unwrap_or(UNKNOWN)
    }

    /// When the first deployment of a group could take it, if that is known or can be estimated.
    fn returns_at(
        &mut self,
        group: GroupId,
        needs: &RequestNeeds,
        stream: bool,
    ) -> Option<Timestamp> {
        let now = self.now;
        let answered = now + self.least_time_in(group, stream);
        let all_unhealthy = self.groups[group.index()].candidates.all_unhealthy();
        let mut first = None;
        for place in 0..self.groups[group.index()].candidates.len() {
            let of = &self.groups[group.index()];
            let (id, rule) = (of.candidates.ids[place], of.config.tags);
            let deployment = &mut self.deployments[id.index()];
            let fits = needs.tags.is_empty() || deployment.tags(needs.tags, rule) != TagClass::No;
            if deployment.weight == 0 || !fits {
                continue;
            }
            let at = match deployment.readiness(now, needs) {
                Readiness::Never(_) => None,
                _ if deployment.health.unhealthy && !all_unhealthy => self.recovers_at(id),
                Readiness::Now | Readiness::Probe => Some(now),
                Readiness::CoolingUntil(until)
                | Readiness::ThrottledUntil(until)
                | Readiness::LimitedUntil(until, _) => Some(until),
                Readiness::Busy => deployment.limiter.place_frees_at(now),
                Readiness::Probing => Some(answered),
                Readiness::Unhealthy => None,
            };
            first = first.into_iter().chain(at).min();
        }
        first
    }

    /// When an unhealthy deployment has passed as many checks as it takes, if they all pass.
    fn recovers_at(&self, id: DeploymentId) -> Option<Timestamp> {
        let checks = self.health_checks?;
        let next = self.check_timers.due(id.0.into())?;
        let more = self.deployments[id.index()].health.checks_to_recover(&checks).saturating_sub(1);
        Some(next + checks.every * more.into())
    }

    /// When the limit of its tenant or group that delays the request frees a place; `None` where the limit is a
    /// rate, whose next token is known, or where there is none.
    fn limit_frees_at(&mut self, slot: u32) -> Option<Timestamp> {
        let LimitedRequest { tenant, limit: LimitScope::Concurrency, .. } =
            self.over_limit(slot)?
        else {
            return None;
        };
        let group = self.requests.at(slot).group;
        let limiter = match tenant {
            Some(tenant) => self.tenants.get(usize::from(tenant.0))?,
            None => &self.groups[group.index()].limiter,
        };
        limiter.place_frees_at(self.now)
    }

    /// When those who wait in a group have been served, one more with them, at the pace of late.
    pub(super) fn queue_drains_at(&self, group: GroupId) -> Option<Timestamp> {
        let queue = &self.groups[group.index()].queue;
        let ahead = u32::try_from(queue.len()).unwrap_or(u32::MAX);
        let interval = queue.interval(self.now).filter(|_| ahead > 0)?;
        Some(self.now + interval.saturating_mul(ahead.saturating_add(1)))
    }
}
