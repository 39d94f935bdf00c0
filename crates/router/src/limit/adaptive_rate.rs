//! A request rate that 429s alone show, for a provider that states no limits.
//!
//! Multiplicative decrease: a 429 sets the cap to 0.7 times the rate at which attempts passed. Then it follows
//! CUBIC's curve (RFC 9438): back to that rate within a minute, slowly near it, and beyond it ever faster while no
//! 429 comes. Decrease and shape are those of the AWS SDKs' adaptive retry mode, which computes the length of the
//! curve for limits per second; here it is a minute, the time over which LLM vendors count. As there, a cap that
//! is not used does not grow.
//!
//! Attempts that began before a 429 came in belong to its burst and lower nothing further. A 429 to the first
//! attempt after a pause says that a window is used up (a calendar minute), rather than that the rate of the moment
//! is too high: the cap follows what passed in the last minute, and the pause doubles until an attempt passes.

use crate::rolling_counts::RollingCounts;
use alloc::collections::VecDeque;
use core::ops::Range;
use core::time::Duration;
use squall_determinism::Timestamp;

/// Units of level in one request: a rate of n thousandths of a request per minute leaks n units a nanosecond.
const UNIT: u64 = 60_000_000_000_000;
/// One request a minute: the lowest cap. AWS's is one in two seconds; free tiers of LLM vendors allow less.
const LEAST: u64 = 1_000;
/// Ten million a minute, so that the level of a burst fits.
const MOST: u64 = 10_000_000_000;
/// What a 429 takes off the rate: 1 - 0.7, CUBIC's and AWS's.
const DECREASE: f64 = 0.3;
/// In which the cap returns to the rate of the latest 429, in nanoseconds.
const RETURN: u64 = 60_000_000_000;
/// As much passes at once as in this time, in nanoseconds, and at least one request: a second, AWS's.
const BURST: u64 = 1_000_000_000;
/// How many starts are kept.
const STARTS_MAX: usize = 256;
/// The rate is taken over so many attempts, at most over a minute.
const SAMPLE: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);
/// Or over this, if that shows a higher rate by at least so many attempts: traffic that has just begun.
const SECOND: Duration = Duration::from_secs(1);
const SECOND_SAMPLE: usize = 3;
/// A cap grows only while at least half of it is used, by so many attempts.
const USE_SAMPLE: usize = 8;
/// The pauses after 429s that follow each other with nothing between, where no Retry-After says how long to pause.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

/// A rate learned from 429s. Rates are in thousandths of a request per minute.
#[derive(Clone, Debug)]
pub(crate) struct AdaptiveRate {
    /// At what rate the latest 429 came that lowered the cap; 0 before there was one.
    ceiling: u64,
    /// For how long the cap has been in use since, in nanoseconds.
    grown: u64,
    /// What is used up, in units, at `at`.
    level: u64,
    at: Timestamp,
    /// When the latest attempts began that are not known to be throttled.
    starts: VecDeque<Timestamp>,
    /// How many attempts of the last minute are not known to be throttled.
    minute: RollingCounts,
    /// When the first attempt began.
    began: Option<Timestamp>,
    /// When the latest 429 came in.
    throttled_at: Option<Timestamp>,
    /// When the first attempt after it began.
    first_since: Option<Timestamp>,
    pause: Duration,
    paused_until: Timestamp,
}

impl Default for AdaptiveRate {
    fn default() -> Self {
        Self {
            ceiling: 0,
            grown: 0,
            level: 0,
            at: Timestamp::ZERO,
            starts: VecDeque::with_capacity(STARTS_MAX),
            minute: RollingCounts::new(MINUTE),
            began: None,
            throttled_at: None,
            first_since: None,
            pause: Duration::ZERO,
            paused_until: Timestamp::ZERO,
        }
    }
}

impl AdaptiveRate {
    /// The cap, if one has been found: requests per minute, rounded up.
    fn per_minute(&self) -> Option<u64> {
        (self.ceiling > 0).then(|| self.cap().div_ceil(1_000))
    }

    /// From when one more attempt can pass.
    pub(crate) fn earliest(&mut self, now: Timestamp) -> Timestamp {
        let free = now.max(self.paused_until);
        if self.ceiling == 0 {
            return free;
        }
        self.leak_until(now);
        let over = self.level.saturating_add(UNIT).saturating_sub(self.burst());
        free.max(Timestamp::from_nanos(now.as_nanos().saturating_add(over.div_ceil(self.cap()))))
    }

    /// An attempt begins.
    pub(crate) fn take(&mut self, now: Timestamp) {
        if self.ceiling > 0 {
            self.leak_until(now);
            self.grow(now);
            self.level = self.level.saturating_add(UNIT);
        }
        if self.starts.len() == STARTS_MAX {
            self.starts.pop_front();
        }
        self.starts.push_back(now);
        self.minute.add(now, [1, 0]);
        self.began.get_or_insert(now);
        if self.throttled_at.is_some() {
            self.first_since.get_or_insert(now);
        }
    }

    /// What passed in the last minute, and what may pass in one; `None` before a cap has been found.
    pub(crate) fn gauge(&mut self, now: Timestamp) -> Option<(u64, u64)> {
        let most = self.per_minute()?;
        let passed = u64::from(self.minute.sums(now)[0]);
        let waits = self.earliest(now) > now;
        Some((if waits { most } else { passed.min(most - 1) }, most))
    }

    /// Nothing was sent: the attempt that began then does not count.
    pub(crate) fn give_back(&mut self, now: Timestamp, started: Timestamp) {
        self.forget(now, started);
        self.level = self.level.saturating_sub(UNIT);
    }

    /// The attempt that began at `started` met a 429. `told`: its Retry-After says for how long to pause.
    pub(crate) fn throttled(&mut self, now: Timestamp, started: Timestamp, told: bool) {
        self.forget(now, started);
        if self.throttled_at.is_some_and(|at| started <= at) {
            return;
        }
        let too_soon = self.first_since == Some(started);
        (self.throttled_at, self.first_since) = (Some(now), None);
        let passed = if !too_soon {
            self.pause = Duration::ZERO;
            self.rate_before(started)
        } else if self.pause.is_zero() {
            self.rate_of_minute(now)
        } else {
            None
        };
        if too_soon {
            self.pause = (self.pause * 2).clamp(PAUSES.0, PAUSES.1);
            if !told {
                self.paused_until = now + self.pause;
            }
        }
        if let Some(passed) = passed {
            self.lower_to(now, passed);
        }
    }

    /// The cap falls below this rate, unless it is lower.
    fn lower_to(&mut self, now: Timestamp, passed: u64) {
        self.leak_until(now);
        let rate = if self.ceiling > 0 { passed.min(self.cap()) } else { passed };
        (self.ceiling, self.grown) = (rate.clamp(LEAST, MOST), 0);
        self.level = self.level.min(self.burst());
    }

    /// The rate at which attempts passed in the last minute.
    fn rate_of_minute(&mut self, now: Timestamp) -> Option<u64> {
        let [passed, _] = self.minute.sums(now);
        let span = now.since(self.began?).clamp(SECOND, MINUTE).as_nanos();
        let rate = u128::from(passed) * u128::from(UNIT) / span;
        (passed > 0).then(|| u64::try_from(rate).unwrap_or(MOST))
    }

    /// The rate at which attempts passed that began until then; `None` if none did. Too high a figure costs another
    /// 429, too low a one costs minutes: of the latest twenty and of the latest second the higher holds.
    fn rate_before(&self, started: Timestamp) -> Option<u64> {
        let until = self.starts.partition_point(|&at| at <= started);
        let from = |span: Duration| {
            let earliest = started - span;
            self.starts.partition_point(|&at| at < earliest).min(until)
        };
        let sample = from(MINUTE).max(until.saturating_sub(SAMPLE));
        let least = if until - sample == SAMPLE { Duration::ZERO } else { SECOND };
        let over_sample = self.rate_of(sample..until, started, least);
        let second = from(SECOND);
        let over_second = (until - second >= SECOND_SAMPLE)
            .then(|| self.rate_of(second..until, started, SECOND))
            .flatten();
        over_sample.into_iter().chain(over_second).max()
    }

    /// The rate of these starts until `now`, over at least so much time; `None` if there are none.
    fn rate_of(&self, places: Range<usize>, now: Timestamp, least: Duration) -> Option<u64> {
        let first = *self.starts.get(places.start).filter(|_| !places.is_empty())?;
        let span = now.since(first).max(least).as_nanos();
        let rate = (places.len() as u128 * u128::from(UNIT)).checked_div(span)?;
        Some(u64::try_from(rate).unwrap_or(MOST))
    }

    /// Lets time count for the cap, if at least half of it is in use.
    fn grow(&mut self, now: Timestamp) {
        let Some(&last) = self.starts.back() else { return };
        let from = self.starts.len().saturating_sub(USE_SAMPLE);
        let used = self.rate_of(from..self.starts.len(), now, Duration::ZERO);
        if used.is_none_or(|used| used >= self.cap() / 2) {
            let since = last.max(self.throttled_at.unwrap_or_default());
            let gap = now.since(since).as_nanos() as u64;
            self.grown = self.grown.saturating_add(gap);
        }
    }

    fn cap(&self) -> u64 {
        let left = 1.0 - self.grown as f64 / RETURN as f64;
        let factor = 1.0 - DECREASE * left * left * left;
        ((self.ceiling as f64 * factor) as u64).clamp(LEAST, MOST)
    }

    /// As much as passes at once after a rest.
    fn burst(&self) -> u64 {
        self.cap().saturating_mul(BURST).max(UNIT)
    }

    fn forget(&mut self, now: Timestamp, started: Timestamp) {
        if let Ok(place) = self.starts.binary_search(&started) {
            self.starts.remove(place);
        }
        self.minute.take_back(now, [1, 0]);
    }

    fn leak_until(&mut self, now: Timestamp) {
        let leaked = u128::from(now.since(self.at).as_nanos() as u64) * u128::from(self.cap());
        self.level = self.level.saturating_sub(u64::try_from(leaked).unwrap_or(u64::MAX));
        self.at = now;
    }
}

#[cfg(test)]
mod tests;
