//! The last minute, from a log of what passed.

use super::Verdict;
use crate::LimitGauge;
use alloc::collections::VecDeque;
use core::time::Duration;
use squall_determinism::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Log {
    allowed: u64,
    /// When what passed, no older than a minute. Each entry is at least 1, so it is no longer than
    /// `allowed`.
    passed: VecDeque<(Timestamp, u64)>,
}

impl Log {
    pub(super) const fn new(per_minute: u64) -> Self {
        Self { allowed: per_minute, passed: VecDeque::new() }
    }

    pub(super) fn check(&mut self, now: Timestamp, amount: u64) -> Verdict {
        self.trim(now);
        if amount > self.allowed {
            return Verdict::Never;
        }
        let mut used: u64 = self.used();
        if used + amount <= self.allowed {
            return Verdict::Pass;
        }
        for &(at, passed) in &self.passed {
            used -= passed;
            if used + amount <= self.allowed {
                return Verdict::Wait((at + MINUTE).since(now));
            }
        }
        Verdict::Never
    }

    pub(super) fn charge(&mut self, now: Timestamp, amount: u64) {
        self.passed.push_back((now, amount));
    }

    pub(super) fn gauge(&mut self, now: Timestamp) -> LimitGauge {
        self.trim(now);
        let last = self.passed.back().map(|&(at, _)| (at + MINUTE).since(now));
        LimitGauge {
            limit: self.allowed,
            remaining: self.allowed.saturating_sub(self.used()),
            reset: last.unwrap_or_default(),
        }
    }

    fn used(&self) -> u64 {
        self.passed.iter().map(|&(_, amount)| amount).sum()
    }

    fn trim(&mut self, now: Timestamp) {
        while self.passed.front().is_some_and(|&(at, _)| at + MINUTE <= now) {
            self.passed.pop_front();
        }
    }
}
