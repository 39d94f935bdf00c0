//! The limits of one deployment, group or tenant together: take at the start, settle at the end.

use crate::event_pace::EventPace;
use crate::limit::{
    AdaptiveConcurrency, AdaptiveRate, HeaderLimit, RateLimiter, Reservation, part,
};
use crate::shared_limits::SharedLimits;
use crate::{ConcurrencyRelease, LimitScope, RateLimits, UpstreamLimits};
use alloc::boxed::Box;
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::{Share, Timestamp};
use squall_failure::Sent;
use squall_shared_state::{Lease, ReplicaConfig};

#[derive(Clone, Debug)]
pub(crate) struct AdmissionLimiter {
    rpm: Option<RateLimiter>,
    tpm: Option<RateLimiter>,
    /// What answers have stated, of requests and of tokens.
    learned: [HeaderLimit; 2],
    /// What 429s have shown.
    adaptive: Option<Box<AdaptiveRate>>,
    concurrency: u32,
    /// What times to the first token have shown, where that bounds `concurrency`.
    pace: Option<Box<AdaptiveConcurrency>>,
    release: ConcurrencyRelease,
    /// When places are given back, where they are limited.
    places: Option<Box<EventPace>>,
    /// What holds a place now.
    running: u32,
    /// Counts the configurations: what was taken from a limiter that is gone is not given to another.
    generation: u32,
    limits: RateLimits,
    epoch_nanos: u64,
    /// What of the limits this replica may use now, where replicas share them.
    shared: Option<Box<SharedLimits>>,
}

/// Why a limiter admits nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AdmissionDenied {
    /// A rate is used up until then.
    Until(Timestamp, LimitScope),
    /// Every place is taken until something ends.
    Full,
    /// It asks for more than the limit ever lets through.
    Never,
}

/// A reservation at a limiter, released once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Permit {
    rpm: Option<Reservation>,
    tpm: Option<Reservation>,
    /// What had been taken by then of what was learned.
    learned: [u64; 2],
    /// When it was taken.
    at: Timestamp,
    generation: u32,
    /// It holds a place.
    place: bool,
    /// Tokens, as estimated.
    tokens: u64,
}

/// How much of a limiter's limits is in use, with the most there may be. `None` where there is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LimitUse {
    /// Requests of the last minute, as the limit counts them; of a limit that 429s have shown if there is no other.
    pub rpm: Option<(u64, u64)>,
    /// Tokens of the last minute, as the limit counts them.
    pub tpm: Option<(u64, u64)>,
    /// What runs now.
    pub concurrency: Option<(u64, u64)>,
}

impl AdmissionLimiter {
    pub(crate) fn new(limits: RateLimits, epoch_nanos: u64) -> Self {
        let pace = adaptive(&limits);
        Self {
            rpm: limits.rpm.map(|limit| RateLimiter::new(limit, epoch_nanos)),
            tpm: limits.tpm.map(|limit| RateLimiter::new(limit, epoch_nanos)),
            learned: [HeaderLimit::default(); 2],
            adaptive: limits.from_429s.then(Box::default),
            concurrency: allowed(&limits, pace.as_deref()),
            pace,
            release: limits.release,
            places: limits.bounds_concurrency().then(Box::default),
            running: 0,
            generation: 0,
            limits,
            epoch_nanos,
            shared: None,
        }
    }

    /// From now on the limits are those of all replicas together. `name`: whose they are, and its name.
    pub(crate) fn share(&mut self, name: (&str, &str), config: ReplicaConfig) {
        let shared = SharedLimits::renewed(self.shared.as_deref(), &self.limits, name, config);
        self.shared = Some(Box::new(shared));
    }

    /// From now on the limits are this replica's own.
    pub(crate) fn unshare(&mut self) {
        self.shared = None;
    }

    /// The leases on its limits.
    pub(crate) fn leases(&mut self) -> impl Iterator<Item = &mut Lease> {
        self.shared.iter_mut().flat_map(|shared| shared.leases())
    }

    /// Whether more of its limits is wanted than is in hand.
    pub(crate) fn runs_low(&self, now: Timestamp) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.run_low(now))
    }

    /// Takes other limits. Places that are held stay held. True if they are others indeed.
    pub(crate) fn reconfigure(&mut self, now: Timestamp, limits: RateLimits) -> bool {
        if limits == self.limits {
            return false;
        }
        let epoch_nanos = self.epoch_nanos;
        for (own, new) in [(&mut self.rpm, limits.rpm), (&mut self.tpm, limits.tpm)] {
            match (own.as_mut(), new) {
                (Some(limiter), Some(limit)) => limiter.inherit(now, limit, epoch_nanos),
                (_, new) => *own = new.map(|limit| RateLimiter::new(limit, epoch_nanos)),
            }
        }
        if !limits.from_headers {
            self.learned = [HeaderLimit::default(); 2];
        }
        if limits.from_429s != self.limits.from_429s {
            self.adaptive = limits.from_429s.then(Box::default);
        }
        if limits.bounds_concurrency() != self.limits.bounds_concurrency() {
            self.places = limits.bounds_concurrency().then(Box::default);
        }
        match &mut self.pace {
            Some(pace) if limits.adaptive_concurrency => pace.bound(limits.concurrency),
            pace => *pace = adaptive(&limits),
        }
        self.concurrency = allowed(&limits, self.pace.as_deref());
        self.release = limits.release;
        self.limits = limits;
        self.generation += 1;
        true
    }

    /// Whether there is no limit at all.
    #[inline]
    pub(crate) fn is_open_to_all(&self) -> bool {
        self.limits.is_none()
    }

    /// Why nothing of so many tokens can pass now; `None` if it can.
    #[inline]
    pub(crate) fn closed(&mut self, now: Timestamp, tokens: u64) -> Option<AdmissionDenied> {
        let more = u32::from(planted(Defect::PlaceTooMany));
        if self.running >= self.concurrency.saturating_add(more) {
            return Some(AdmissionDenied::Full);
        }
        let mut closed = None;
        let mut until = now;
        let limits =
            [(&mut self.rpm, 1, LimitScope::Requests), (&mut self.tpm, tokens, LimitScope::Tokens)];
        for (limit, amount, kind) in limits {
            let Some(limit) = limit else { continue };
            match limit.earliest(now, amount) {
                None => return Some(AdmissionDenied::Never),
                Some(at) if at > until => {
                    until = at;
                    closed = Some(AdmissionDenied::Until(at, kind));
                }
                Some(_) => {}
            }
        }
        if self.limits.from_headers {
            let amounts = [(1, LimitScope::Requests), (tokens, LimitScope::Tokens)];
            for (limit, (amount, kind)) in self.learned.iter_mut().zip(amounts) {
                let at = limit.earliest(now, amount);
                if at > until {
                    until = at;
                    closed = Some(AdmissionDenied::Until(at, kind));
                }
            }
        }
        if let Some(rate) = &mut self.adaptive
            && !self.learned[0].is_known()
        {
            let at = rate.earliest(now);
            if at > until {
                until = at;
                closed = Some(AdmissionDenied::Until(at, LimitScope::Requests));
            }
        }
        if let Some(shared) = &mut self.shared
            && let Some((at, scope)) = shared.closed(now, tokens)
            && at > until.max(now)
        {
            closed = Some(AdmissionDenied::Until(at, scope));
        }
        closed
    }

    /// Takes in what an answer states of the provider's limits.
    pub(crate) fn learn(&mut self, now: Timestamp, permit: &Permit, headers: &UpstreamLimits) {
        if !self.limits.from_headers {
            return;
        }
        let stated = [
            (headers.limit_requests, headers.remaining_requests),
            (headers.limit_tokens, headers.remaining_tokens),
        ];
        for ((learned, mark), stated) in self.learned.iter_mut().zip(permit.learned).zip(stated) {
            if let (Some(limit), Some(remaining)) = stated {
                learned.learn(now, mark, limit.into(), remaining.into());
            }
        }
    }

    /// The attempt with this permit met a 429. `told`: its Retry-After says for how long to pause.
    pub(crate) fn throttled(&mut self, now: Timestamp, permit: &Permit, told: bool) {
        if let Some(rate) = &mut self.adaptive
            && !self.learned[0].is_known()
        {
            rate.throttled(now, permit.at, told);
        }
    }

    /// Whether it learns from headers.
    pub(crate) const fn learns(&self) -> bool {
        self.limits.from_headers
    }

    pub(crate) fn enter(&mut self, now: Timestamp, tokens: u64) -> Permit {
        self.running += 1;
        if let Some(rate) = &mut self.adaptive {
            rate.take(now);
        }
        if let Some(shared) = &mut self.shared {
            shared.take(now, tokens);
        }
        Permit {
            tokens,
            rpm: self.rpm.as_mut().map(|limit| limit.reserve(now, 1)),
            tpm: self.tpm.as_mut().map(|limit| limit.reserve(now, tokens)),
            learned: [self.learned[0].take(now, 1), self.learned[1].take(now, tokens)],
            at: now,
            generation: self.generation,
            place: true,
        }
    }

    /// The answer has begun: a place that is held no longer is given back. True if one was.
    pub(crate) fn begun(&mut self, now: Timestamp, permit: &mut Permit) -> bool {
        let gives = self.release == ConcurrencyRelease::AtFirstToken && permit.place;
        if gives {
            permit.place = false;
            self.give_place_back(now);
        }
        gives
    }

    /// An answer has begun after this long, or was not waited for any longer. True if more may run than before.
    pub(crate) fn first_token(&mut self, now: Timestamp, after: Duration) -> bool {
        let Some(pace) = &mut self.pace else { return false };
        pace.began(now, after, self.running);
        let before = core::mem::replace(&mut self.concurrency, pace.limit());
        self.concurrency > before
    }

    fn give_place_back(&mut self, now: Timestamp) {
        self.running -= 1;
        if let Some(places) = &mut self.places {
            places.happened(now);
        }
    }

    /// When the next place will be given back, as often as they were of late; `None` where nobody knows.
    pub(crate) fn place_frees_at(&self, now: Timestamp) -> Option<Timestamp> {
        Some(now + self.places.as_ref()?.interval(now)?)
    }

    /// It is over: `used` tokens, or as many as estimated if nobody knows; what sent no byte gets
    /// everything back.
    pub(crate) fn leave(&mut self, now: Timestamp, permit: Permit, used: Option<u64>, sent: Sent) {
        if permit.place {
            self.give_place_back(now);
        }
        if permit.generation != self.generation {
            return;
        }
        if let Some(shared) = &mut self.shared {
            shared.settle(now, permit.tokens, used, sent);
        }
        if let (Some(rate), Sent::Nothing) = (&mut self.adaptive, sent) {
            rate.give_back(now, permit.at);
        }
        if let (Some(limit), Some(reservation), Sent::Nothing) = (&mut self.rpm, permit.rpm, sent)
            && !planted(Defect::RefundForgotten)
        {
            limit.settle(now, reservation, 0);
        }
        if let (Some(limit), Some(reservation)) = (&mut self.tpm, permit.tpm) {
            match (sent, used) {
                (Sent::Nothing, _) => limit.settle(now, reservation, 0),
                (Sent::Something, Some(used)) => limit.settle(now, reservation, used),
                (Sent::Something, None) => {}
            }
        }
    }

    /// Which part is left of the rate that is nearest to its limit, if it has any, configured or learned.
    pub(crate) fn headroom(&mut self, now: Timestamp) -> Option<Share> {
        let own =
            [&mut self.rpm, &mut self.tpm].into_iter().flatten().map(|limit| limit.headroom(now));
        let stated = self.learned.iter_mut().filter(|limit| limit.is_known());
        let stated = stated.map(|limit| limit.headroom(now));
        let found = self.adaptive.as_mut().and_then(|rate| rate.gauge(now));
        let found = found.map(|(used, most)| part(most.saturating_sub(used), most));
        own.chain(stated).chain(found).min()
    }

    /// How many tokens could pass at once now.
    #[inline]
    pub(crate) fn token_room(&mut self, now: Timestamp) -> u64 {
        let own = self.tpm.as_mut().map_or(u64::MAX, |limit| limit.room(now));
        own.min(self.learned[1].room(now))
    }

    /// What holds a place now.
    #[inline]
    pub(crate) const fn running(&self) -> u32 {
        self.running
    }

    pub(crate) fn gauge(&mut self, now: Timestamp) -> LimitUse {
        let concurrency = self.limits.bounds_concurrency().then_some(self.concurrency);
        LimitUse {
            rpm: match &mut self.rpm {
                Some(limit) => Some(limit.gauge(now)),
                None => self.adaptive.as_mut().and_then(|rate| rate.gauge(now)),
            },
            tpm: self.tpm.as_mut().map(|limit| limit.gauge(now)),
            concurrency: concurrency.map(|most| (self.running.into(), most.into())),
        }
    }
}

/// The limit that adapts, where there is one.
fn adaptive(limits: &RateLimits) -> Option<Box<AdaptiveConcurrency>> {
    limits.adaptive_concurrency.then(|| Box::new(AdaptiveConcurrency::new(limits.concurrency)))
}

/// How many may run at once.
fn allowed(limits: &RateLimits, pace: Option<&AdaptiveConcurrency>) -> u32 {
    let most = limits.concurrency.unwrap_or(u32::MAX);
    pace.map_or(most, AdaptiveConcurrency::limit)
}
