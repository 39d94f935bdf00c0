//! How often something has happened of late.

use core::time::Duration;
use squall_determinism::Timestamp;

/// The latest so many times are kept: enough for a mean, few enough to follow a change.
const KEPT: usize = 16;

/// The pace of recurring events: places that are given back, requests that leave a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EventPace {
    times: [Timestamp; KEPT],
    /// How many there were.
    count: u64,
}

impl EventPace {
    pub(crate) fn happened(&mut self, now: Timestamp) {
        self.times[(self.count % KEPT as u64) as usize] = now;
        self.count += 1;
    }

    /// Whether there were enough to decide by: ten, whose mean is off by a third where they are random.
    pub(crate) const fn is_settled(&self) -> bool {
        self.count >= 10
    }

    /// The mean time between two; with the wait for the next one where that makes it longer, so that a stall
    /// shows. `None` before there were two.
    pub(crate) fn interval(&self, now: Timestamp) -> Option<Duration> {
        let kept = self.count.min(KEPT as u64);
        if kept < 2 {
            return None;
        }
        let at = |nth: u64| self.times[(nth % KEPT as u64) as usize];
        let (oldest, latest) = (at(self.count - kept), at(self.count - 1));
        let between = latest.since(oldest) / (kept - 1) as u32;
        Some(between.max(now.since(oldest) / kept as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_the_latest_and_of_the_wait_for_the_next() {
        let mut pace = EventPace::default();
        pace.happened(Timestamp::from_secs(1));
        assert_eq!(pace.interval(Timestamp::from_secs(9)), None, "one shows no interval");
        (2..40).for_each(|second| pace.happened(Timestamp::from_secs(second)));
        // From the 24th second on.
        assert_eq!(pace.interval(Timestamp::from_secs(40)), Some(Duration::from_secs(1)));
        assert_eq!(pace.interval(Timestamp::from_secs(56)), Some(Duration::from_secs(2)));
    }
}
