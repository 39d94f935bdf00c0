//! A limit on growth: a window admits at most a multiple of what the one before admitted.

use super::LimitDecision;
use crate::RampLimit;
use core::time::Duration;
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(super) struct RampLimiter {
    limit: RampLimit,
    window: u64,
    now: u64,
    before: u64,
}

impl RampLimiter {
    pub(super) const fn new(limit: RampLimit) -> Self {
        Self { limit, window: 0, now: 0, before: 0 }
    }

    pub(super) fn check(&mut self, now: Timestamp) -> LimitDecision {
        self.enter_window(now);
        let allowed = self.before.saturating_add(self.limit.growth.of(self.before));
        if self.now < allowed.max(self.limit.free) {
            return LimitDecision::Pass;
        }
        let length = self.length();
        LimitDecision::Wait(Duration::from_nanos(length - now.as_nanos() % length))
    }

    pub(super) fn charge(&mut self, now: Timestamp) {
        self.enter_window(now);
        self.now += 1;
    }

    fn length(&self) -> u64 {
        (self.limit.per.as_nanos() as u64).max(1)
    }

    fn enter_window(&mut self, now: Timestamp) {
        let window = now.as_nanos() / self.length();
        if window != self.window {
            self.before = if window == self.window + 1 { self.now } else { 0 };
            (self.window, self.now) = (window, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_determinism::Share;

    #[test]
    fn traffic_may_grow_by_its_share_in_each_window() {
        let per = Duration::from_secs(10);
        let mut growth = RampLimiter::new(RampLimit { growth: Share::percent(50), per, free: 4 });
        let mut let_in = |secs| {
            let now = Timestamp::from_secs(secs);
            (0..100)
                .take_while(|_| {
                    growth.check(now) == LimitDecision::Pass && {
                        growth.charge(now);
                        true
                    }
                })
                .count()
        };
        assert_eq!([let_in(0), let_in(10), let_in(20), let_in(30)], [4, 6, 9, 13]);
        assert_eq!(let_in(60), 4, "a silent window forgets");
    }

    #[test]
    fn one_waits_for_the_next_window() {
        let per = Duration::from_secs(10);
        let mut growth = RampLimiter::new(RampLimit { growth: Share::NONE, per, free: 0 });
        assert_eq!(
            growth.check(Timestamp::from_secs(7)),
            LimitDecision::Wait(Duration::from_secs(3))
        );
    }
}
