//! A replica's half of one resource: what it may use now, and what it asks for.

use crate::{Draw, Grant, Resource, UsageWindow, UsedUnits};
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Timestamp;

/// After so many requests without use, a replica keeps no unit of a small limit.
const IDLE_AFTER: u32 = 8;
/// A limit of fewer units than this for each replica is small: kept without use, they would be most of it.
const SMALL: u64 = 4;
/// With a reserve, all replicas together keep this part of the limit in hand.
const RESERVE: u64 = 32;

/// What a replica has of a resource.
///
/// With a lease it uses what it has in hand. Without, it uses what it was told that it may use alone, in any window,
/// with what it has used in that window before.
#[derive(Clone, Debug)]
pub struct Lease {
    resource: Resource,
    used: u64,
    refunded: u64,
    /// Up to where `used` may go while the lease is valid.
    allowed: u64,
    valid_until: Timestamp,
    alone: u64,
    share: u64,
    /// From when the share may be used without the store.
    share_from: Timestamp,
    window: UsageWindow,
    demand: Demand,
    /// What all had used by the last grant.
    used_by_all: u64,
    /// Quota was short for somebody of late.
    short: bool,
    has_reserve: bool,
}

/// What was asked for since the last request.
#[derive(Clone, Copy, Debug, Default)]
struct Demand {
    /// `used` at the last request.
    used_before: u64,
    /// The most that was asked for at once and was not there.
    missed: u64,
    /// The store had less than was wanted.
    scarce: bool,
    /// Requests in a row without use.
    idle: u32,
    /// In hand after the last request.
    had: u64,
}

impl Lease {
    /// That of one of `replicas` that has used nothing.
    #[must_use]
    pub fn new(resource: Resource, replicas: u64) -> Self {
        let share = resource.limit / replicas.max(1);
        Self {
            resource,
            used: 0,
            refunded: 0,
            allowed: 0,
            valid_until: Timestamp::ZERO,
            alone: share,
            share,
            share_from: Timestamp::ZERO,
            window: UsageWindow::default(),
            demand: Demand::default(),
            used_by_all: 0,
            short: false,
            has_reserve: false,
        }
    }

    /// The same with a 32nd of the limit in hand at all replicas together, at least, as long as quota is not short: for a
    /// long window, of which two intervals are next to nothing, and uses that are large beside that.
    #[must_use]
    pub const fn with_reserve(mut self) -> Self {
        self.has_reserve = true;
        self
    }

    /// The resource.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        self.resource
    }

    /// Whether what is in hand is valid.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.valid_until
    }

    /// How many units may be used now.
    #[inline]
    pub fn available(&mut self, now: Timestamp) -> u64 {
        if self.is_valid(now) {
            return self.allowed.saturating_sub(self.used);
        }
        let used = self.window.expire(millis(now), self.resource.window_ms);
        self.alone_now(now).saturating_sub(used)
    }

    /// What it may use in a window without the store, by now.
    fn alone_now(&self, now: Timestamp) -> u64 {
        if now >= self.share_from { self.share } else { self.alone }
    }

    /// What this replica has used within the window.
    pub fn used_in_window(&mut self, now: Timestamp) -> u64 {
        self.window.expire(millis(now), self.resource.window_ms)
    }

    /// What all replicas have used within the window, as far as this one knows.
    #[must_use]
    pub fn used_by_all(&self) -> u64 {
        let since = self.used.saturating_sub(self.demand.used_before);
        self.used_by_all.saturating_add(since).max(self.window.sum())
    }

    /// Takes `units`, whether they are available or not: the caller has asked.
    #[inline]
    pub fn take(&mut self, now: Timestamp, units: u64) {
        self.used = self.used.saturating_add(units);
        self.window.add(millis(now), self.resource.window_ms, units);
    }

    /// So many of the units taken were not used after all.
    pub fn give_back(&mut self, units: u64) {
        self.refunded += self.window.take_back(units);
    }

    /// So many units are wanted at once and are not there.
    #[inline]
    pub fn missed(&mut self, units: u64) {
        self.demand.missed = self.demand.missed.max(units);
    }

    /// Whether little is left of what is in hand, where the store may have more.
    #[inline]
    #[must_use]
    pub fn runs_low(&self, now: Timestamp) -> bool {
        let left = self.allowed.saturating_sub(self.used);
        let low = left < self.demand.missed || left <= self.demand.had / 4;
        low && !self.demand.scarce && self.is_valid(now)
    }

    /// When there may be units again that are not there now, if nothing is heard before.
    #[must_use]
    pub fn retry_at(&self, now: Timestamp, interval: Duration) -> Timestamp {
        let later = now + interval;
        if self.is_valid(now) {
            return later;
        }
        let expiry = self.window.next_expiry_ms(self.resource.window_ms);
        let expiry = expiry.map_or(later, Timestamp::from_millis);
        let share_from = if self.share_from > now { self.share_from } else { Timestamp::MAX };
        expiry.min(share_from).max(now + Duration::from_millis(1))
    }

    /// What it tells the store and asks of it, with all that it has used if it `restate`s. It gives up what it has in hand
    /// and does not want.
    pub fn draw(&mut self, now: Timestamp, terms: &DrawTerms) -> Draw {
        let want = self.wanted(terms);
        let has = if self.is_valid(now) && !terms.restate { self.available(now) } else { 0 };
        let kept = has.min(want);
        self.allowed = self.used.saturating_add(kept);
        self.demand = Demand { used_before: self.used, missed: 0, had: kept, ..self.demand };
        let history = if terms.restate { self.history(now) } else { Vec::new() };
        Draw {
            resource: self.resource,
            used: self.used,
            refunded: self.refunded,
            kept,
            want,
            alone: self.alone_now(now),
            share: self.share,
            history,
        }
    }

    /// As much as is used in two intervals, as it was of late, or as it would be with an equal part of the limit.
    fn wanted(&mut self, terms: &DrawTerms) -> u64 {
        let Resource { limit, window_ms, .. } = self.resource;
        if terms.leaving {
            return 0;
        }
        let horizon_ms = u64::try_from(2 * terms.interval.as_millis()).unwrap_or(u64::MAX);
        let part = u128::from(limit) * u128::from(horizon_ms)
            / (u128::from(window_ms) * u128::from(terms.members.max(1)));
        let part = u64::try_from(part).unwrap_or(u64::MAX).max(1);
        let Demand { used_before, missed, .. } = self.demand;
        let taken = self.used - used_before;
        let is_idle = taken == 0 && missed == 0;
        self.demand.idle = if is_idle { self.demand.idle.saturating_add(1) } else { 0 };
        let is_scarce =
            limit < SMALL.saturating_mul(terms.members) || (self.has_reserve && self.short);
        if self.demand.idle > IDLE_AFTER && is_scarce {
            return 0;
        }
        let reserve = if self.has_reserve && !self.short {
            limit / RESERVE / terms.members.max(1)
        } else {
            0
        };
        part.max(reserve).max(taken.saturating_mul(2)).max(missed.saturating_mul(2)).min(limit)
    }

    fn history(&mut self, now: Timestamp) -> Vec<UsedUnits> {
        let (now_ms, window_ms) = (millis(now), self.resource.window_ms);
        self.window.expire(now_ms, window_ms);
        let ends = self.window.buckets(window_ms);
        ends.map(|(end_ms, units)| UsedUnits { age_ms: now_ms.saturating_sub(end_ms), units })
            .collect()
    }

    /// Takes what the store has granted in answer to the request that was sent at `sent`.
    pub fn granted(&mut self, sent: Timestamp, lease: Duration, grant: &Grant) {
        self.allowed = grant.allowed;
        (self.alone, self.share) = (grant.alone, grant.share);
        self.valid_until = sent + lease;
        self.share_from = sent + 4 * lease + Duration::from_millis(self.resource.window_ms);
        self.demand.scarce = grant.scarce;
        (self.used_by_all, self.short) = (grant.used, grant.short);
        self.demand.had = grant.allowed.saturating_sub(self.used);
    }
}

/// What holds for all draws of a request.
#[derive(Clone, Copy, Debug)]
pub struct DrawTerms {
    /// Whether the request restates.
    pub restate: bool,
    /// Between requests.
    pub interval: Duration,
    /// How many replicas there are.
    pub members: u64,
    /// Whether it is the last: nothing is wanted any longer.
    pub leaving: bool,
}

const fn millis(now: Timestamp) -> u64 {
    now.as_nanos() / 1_000_000
}
