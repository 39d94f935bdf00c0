//! A limit of attempts at once that follows the time to the first token: Netflix's gradient (`Gradient2Limit` of
//! concurrency-limits), over windows as its `WindowedLimit` has them.
//!
//! Where answers take longer to begin than they usually do, more attempts are waited for than the provider works on:
//! the limit shrinks by as much. Where they do not, it grows. Times to the first token are taken and never whole
//! answers, whose length says nothing of load.

use core::time::Duration;
use squall_determinism::Timestamp;

/// The limit to begin with. `Gradient2Limit`: `initialLimit` 20.
const INITIAL: f64 = 20.0;

/// How much longer than usual answers may take to begin before the limit shrinks. `Gradient2Limit`: `rttTolerance` 1.5.
const TOLERANCE: f64 = 1.5;

/// The least that a window leaves of the limit, before smoothing. `Gradient2Limit`: 0.5.
const GRADIENT_LEAST: f64 = 0.5;

/// How much of the new limit is taken at once. `Gradient2Limit`: `smoothing` 0.2.
const SMOOTHING: f64 = 0.2;

/// The windows over which the usual time is averaged, and how many of them are averaged evenly at first.
/// `Gradient2Limit`: `longWindow` 600, and a warm-up of 10.
const LONG_WINDOWS: f64 = 600.0;
const WARM_UP: u32 = 10;

/// Where the usual time is more than twice that of a window, load is gone: it falls by this. `Gradient2Limit`: 0.95.
const EXCESS: f64 = 2.0;
const EXCESS_DECAY: f64 = 0.95;

/// A window has so many answers and lasts so long at least. `WindowedLimit`: 10 and 1 s.
const WINDOW_LEAST: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

/// The times of a window that are kept: its latest. Their median is taken, as by Envoy's adaptive concurrency filter
/// (`sample_aggregate_percentile` 50): one long prompt is no load.
const KEPT: usize = 32;

/// The most that the limit grows to without a configured one. Envoy: `max_concurrency_limit` 1000.
const MOST: u32 = 1_000;

/// A limit of attempts at once that adapts.
#[derive(Clone, Debug)]
pub(crate) struct AdaptiveConcurrency {
    limit: f64,
    most: f64,
    /// What answers usually take to begin, in seconds, and from how many windows that is known.
    usual: f64,
    windows: u32,
    /// The window under way: its latest times, how many there were, since when, and the most that ran at once.
    times: [f64; KEPT],
    count: u32,
    since: Timestamp,
    ran: u32,
}

impl AdaptiveConcurrency {
    /// One that never allows more than `most`.
    pub(crate) fn new(most: Option<u32>) -> Self {
        let most = f64::from(most.unwrap_or(MOST).max(1));
        Self {
            limit: INITIAL.min(most),
            most,
            usual: 0.0,
            windows: 0,
            times: [0.0; KEPT],
            count: 0,
            since: Timestamp::ZERO,
            ran: 0,
        }
    }

    /// How many attempts may run at once: at least 1.
    pub(crate) fn limit(&self) -> u32 {
        (self.limit as u32).max(1)
    }

    /// Takes another upper bound; what is known stays known.
    pub(crate) fn bound(&mut self, most: Option<u32>) {
        self.most = f64::from(most.unwrap_or(MOST).max(1));
        self.limit = self.limit.min(self.most);
    }

    /// An answer has begun after this long, or has not begun for so long, while so many attempts ran.
    pub(crate) fn began(&mut self, now: Timestamp, after: Duration, running: u32) {
        if self.count == 0 {
            self.since = now;
        }
        self.times[self.count as usize % KEPT] = after.as_secs_f64();
        self.count += 1;
        self.ran = self.ran.max(running);
        if self.count >= WINDOW_LEAST && now.since(self.since) >= WINDOW {
            self.close_window();
        }
    }

    fn close_window(&mut self) {
        let kept = (self.count as usize).min(KEPT);
        let times = &mut self.times[..kept];
        times.sort_unstable_by(f64::total_cmp);
        // No answer begins in no time at all.
        let current = times[kept / 2].max(1e-6);
        let ran = f64::from(core::mem::take(&mut self.ran));
        self.count = 0;
        self.windows = self.windows.saturating_add(1);
        let weight = if self.windows <= WARM_UP {
            1.0 / f64::from(self.windows)
        } else {
            2.0 / (LONG_WINDOWS + 1.0)
        };
        self.usual += (current - self.usual) * weight;
        if self.usual > EXCESS * current {
            self.usual *= EXCESS_DECAY;
        }
        // Who does not use what there is learns nothing of more.
        if ran < self.limit / 2.0 {
            return;
        }
        let gradient = (TOLERANCE * self.usual / current).clamp(GRADIENT_LEAST, 1.0);
        // Envoy's headroom: what may queue, the square root of the limit.
        let wanted = self.limit * gradient + libm::sqrt(self.limit);
        self.limit += (wanted - self.limit) * SMOOTHING;
        self.limit = self.limit.clamp(1.0, self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// So many seconds of a full deployment whose answers begin after so many milliseconds.
    fn full(limit: &mut AdaptiveConcurrency, from: u64, seconds: u64, millis: u64) {
        for tenth in 0..seconds * 20 {
            let now = Timestamp::from_millis(from * 1_000 + tenth * 50);
            let running = limit.limit();
            limit.began(now, Duration::from_millis(millis), running);
        }
    }

    #[test]
    fn it_shrinks_where_answers_begin_late_and_grows_back_where_they_do_not() {
        let mut limit = AdaptiveConcurrency::new(None);
        assert_eq!(limit.limit(), 20);
        full(&mut limit, 0, 30, 300);
        let grown = limit.limit();
        assert!(grown > 30, "{grown}");
        full(&mut limit, 30, 20, 3_000);
        let shrunk = limit.limit();
        assert!(shrunk < grown / 2, "{shrunk} of {grown}");
        full(&mut limit, 50, 60, 300);
        assert!(limit.limit() > grown, "{} after {shrunk}", limit.limit());
    }

    #[test]
    fn who_uses_little_learns_nothing_of_more() {
        let mut limit = AdaptiveConcurrency::new(None);
        for tenth in 0..1_000 {
            limit.began(Timestamp::from_millis(tenth * 50), Duration::from_millis(300), 3);
        }
        assert_eq!(limit.limit(), 20);
    }

    #[test]
    fn it_stays_below_what_is_configured() {
        let mut limit = AdaptiveConcurrency::new(Some(25));
        full(&mut limit, 0, 100, 300);
        assert_eq!(limit.limit(), 25);
        limit.bound(Some(5));
        assert_eq!(limit.limit(), 5);
        limit.bound(None);
        full(&mut limit, 100, 20, 300);
        assert!(limit.limit() > 5);
    }

    proptest! {
        #[test]
        fn it_is_at_least_one_and_at_most_what_is_allowed_and_recovers(
            most in 1..2_000_u32,
            times in prop::collection::vec((0..400_u64, 0..60_000_u64, 0..3_000_u32), 0..400),
        ) {
            let mut limit = AdaptiveConcurrency::new(Some(most));
            let mut now = 0;
            for (after, took, running) in times {
                now += after;
                limit.began(Timestamp::from_millis(now), Duration::from_millis(took), running);
                prop_assert!((1..=most).contains(&limit.limit()));
            }
            let before = limit.limit();
            full(&mut limit, now / 1_000 + 1, 900, 1);
            prop_assert!(limit.limit() >= before.min(most));
            prop_assert!(limit.limit() > 20.min(most - 1), "{} of {most}", limit.limit());
        }
    }
}
