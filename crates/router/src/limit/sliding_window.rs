//! A sliding window of a minute: every reservation is remembered until it is a minute old.

use alloc::collections::VecDeque;
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct SlidingWindow {
    allowed: u64,
    length: Duration,
    /// What was taken, and when. No longer than `allowed`, since nothing takes less than 1.
    taken: VecDeque<(Timestamp, u64)>,
    /// The mark of the first entry of `taken`.
    first: u64,
    used: u64,
}

impl SlidingWindow {
    pub(crate) fn new(per_minute: u64, length: Duration) -> Self {
        Self { allowed: per_minute, length, taken: VecDeque::new(), first: 0, used: 0 }
    }

    pub(crate) fn earliest(&mut self, now: Timestamp, amount: u64) -> Option<Timestamp> {
        self.forget(now);
        if amount > self.allowed {
            return None;
        }
        let more = u64::from(planted(Defect::SlidingOffByOne));
        let mut over = self.used.saturating_add(amount).saturating_sub(self.allowed + more);
        if over == 0 {
            return Some(now);
        }
        for &(at, taken) in &self.taken {
            over = over.saturating_sub(taken);
            if over == 0 {
                return Some(at + self.length);
            }
        }
        None
    }

    pub(crate) fn reserve(&mut self, now: Timestamp, amount: u64) -> u64 {
        self.forget(now);
        self.taken.push_back((now, amount));
        self.used = self.used.saturating_add(amount);
        self.first + self.taken.len() as u64 - 1
    }

    pub(crate) fn refund(&mut self, mark: u64, amount: u64) {
        let place = mark.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some((_, taken)) = place.and_then(|place| self.taken.get_mut(place)) {
            let back = amount.min(*taken);
            *taken -= back;
            self.used -= back;
        }
    }

    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        self.forget(now);
        self.used
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some(&(at, amount)) = self.taken.front() {
            if at + self.length > now {
                break;
            }
            self.taken.pop_front();
            self.first += 1;
            self.used -= amount;
        }
    }
}
