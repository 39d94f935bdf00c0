//! The leases of one deployment, group or tenant on quota that replicas share.

use crate::{LimitScope, RateLimit, RateLimits, RateWindow};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::Sent;
use squall_shared_state::{Lease, ReplicaConfig, Resource, ResourceKey};

/// Leases on requests and on tokens per minute, where these are limited.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedLimits {
    leases: [Option<Lease>; 2],
    interval: Duration,
}

impl SharedLimits {
    /// Those for these limits of `name`, one of `owner`. A lease on the same resource goes on.
    pub(crate) fn renewed(
        before: Option<&Self>,
        limits: &RateLimits,
        (owner, name): (&str, &str),
        config: ReplicaConfig,
    ) -> Self {
        let lease = |place: usize, kind: &str, limit: Option<RateLimit>| {
            let resource = resource(owner, name, kind, limit?);
            let known = before.and_then(|before| before.leases[place].clone());
            let known = known.filter(|lease| lease.resource() == resource);
            Some(known.unwrap_or_else(|| Lease::new(resource, config.replicas)))
        };
        Self {
            leases: [lease(0, "rpm", limits.rpm), lease(1, "tpm", limits.tpm)],
            interval: config.sync_interval,
        }
    }

    /// Until when, at the earliest, one request of so many tokens has to wait, and for which limit.
    #[inline]
    pub(crate) fn closed(
        &mut self,
        now: Timestamp,
        tokens: u64,
    ) -> Option<(Timestamp, LimitScope)> {
        let interval = self.interval;
        let amounts = [(1, LimitScope::Requests), (tokens, LimitScope::Tokens)];
        let closed = self.leases.iter_mut().zip(amounts).filter_map(|(lease, (units, scope))| {
            let lease = lease.as_mut()?;
            if lease.available(now) >= units {
                return None;
            }
            lease.missed(units);
            Some((lease.retry_at(now, interval), scope))
        });
        closed.max_by_key(|&(until, _)| until)
    }

    #[inline]
    pub(crate) fn take(&mut self, now: Timestamp, tokens: u64) {
        for (lease, units) in self.leases.iter_mut().zip([1, tokens]) {
            if let Some(lease) = lease {
                lease.take(now, units);
            }
        }
    }

    /// One request of `estimate` tokens has ended.
    pub(crate) fn settle(&mut self, now: Timestamp, estimate: u64, used: Option<u64>, sent: Sent) {
        let [requests, tokens] = &mut self.leases;
        if let (Some(lease), Sent::Nothing) = (requests, sent) {
            lease.give_back(1);
        }
        let used = if sent == Sent::Nothing { 0 } else { used.unwrap_or(estimate) };
        if let Some(lease) = tokens {
            if used > estimate {
                lease.take(now, used - estimate);
            } else {
                lease.give_back(estimate - used);
            }
        }
    }

    /// Whether more is wanted, and the store may have it.
    pub(crate) fn run_low(&self, now: Timestamp) -> bool {
        self.leases.iter().flatten().any(|lease| lease.runs_low(now))
    }

    pub(crate) fn leases(&mut self) -> impl Iterator<Item = &mut Lease> {
        self.leases.iter_mut().flatten()
    }
}

/// A limit as a resource. Every window that a rate is counted in is held as a rolling one.
fn resource(owner: &str, name: &str, kind: &str, limit: RateLimit) -> Resource {
    const MINUTE_MS: u64 = 60_000;
    let (limit, window_ms) = match limit.window {
        RateWindow::Slice(length) => {
            let window_ms = u64::try_from(length.as_millis()).unwrap_or(MINUTE_MS).max(1);
            let part = u128::from(limit.per_minute) * u128::from(window_ms) / u128::from(MINUTE_MS);
            (u64::try_from(part).unwrap_or(limit.per_minute).max(1), window_ms)
        }
        RateWindow::Gcra { .. }
        | RateWindow::Fixed
        | RateWindow::Sliding
        | RateWindow::FromFirst => (limit.per_minute, MINUTE_MS),
    };
    // A limit beyond what a store counts exactly is no limit that is ever reached.
    let limit = limit.min(1 << 50);
    Resource { key: ResourceKey::new(owner, name, kind, limit, window_ms), limit, window_ms }
}
