//! The last minute, from a log of what passed.

use super::LimitDecision;
use crate::LimitStatus;
use alloc::collections::VecDeque;
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct SlidingLog {
    allowed: u64,
    /// When what passed, no older than a minute. Each entry is at least 1.
    passed: VecDeque<(Timestamp, u64)>,
    /// The sum of `passed`.
    used: u64,
}

impl SlidingLog {
    pub(super) const fn new(per_minute: u64) -> Self {
        Self { allowed: per_minute, passed: VecDeque::new(), used: 0 }
    }

    pub(super) const fn set_rate(&mut self, per_minute: u64) {
        self.allowed = per_minute;
    }

    pub(super) fn check(&mut self, now: Timestamp, amount: u64) -> LimitDecision {
        self.trim(now);
        if amount > self.allowed {
            return LimitDecision::Never;
        }
        let mut used = self.used;
        if used + amount <= self.allowed + u64::from(planted(Defect::LogOffByOne)) {
            return LimitDecision::Pass;
        }
        for &(at, passed) in &self.passed {
            used -= passed;
            if used + amount <= self.allowed {
                return LimitDecision::Wait((at + MINUTE).since(now));
            }
        }
        LimitDecision::Never
    }

    pub(super) fn charge(&mut self, now: Timestamp, amount: u64) {
        if amount > 0 {
            self.passed.push_back((now, amount));
            self.used += amount;
        }
    }

    pub(super) fn gauge(&mut self, now: Timestamp) -> LimitStatus {
        self.trim(now);
        let last = self.passed.back().map(|&(at, _)| (at + MINUTE).since(now));
        LimitStatus {
            limit: self.allowed,
            remaining: self.allowed.saturating_sub(self.used),
            reset: last.unwrap_or_default(),
        }
    }

    fn trim(&mut self, now: Timestamp) {
        while let Some((_, amount)) = self.passed.pop_front_if(|&mut (at, _)| at + MINUTE <= now) {
            self.used -= amount;
        }
    }
}
