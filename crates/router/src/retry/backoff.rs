//! Exponential backoff with full jitter.

use crate::{Backoff, RetryRule};
use core::time::Duration;
use squall_defects::{Defect, planted};
use squall_determinism::RandomStream;

impl Backoff {
    /// The upper bound of the wait before retry number `retry`, counted from 1.
    #[must_use]
    pub fn ceiling(&self, retry: u16) -> Duration {
        let doublings = u32::from(retry.saturating_sub(1)).min(32);
        self.base.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(self.cap)
    }

    /// A wait drawn uniformly from zero to the upper bound.
    pub(crate) fn jitter(&self, retry: u16, draws: &mut RandomStream) -> Duration {
        let ceiling = u64::try_from(self.ceiling(retry).as_nanos()).unwrap_or(u64::MAX);
        if planted(Defect::JitterDropped) {
            return Duration::from_nanos(ceiling);
        }
        Duration::from_nanos(draws.below(ceiling.saturating_add(1)))
    }
}

impl RetryRule {
    /// The highest wait before retry number `retry`, counted from 1, if nobody asks for more.
    #[must_use]
    pub fn ceiling(&self, retry: u16) -> Duration {
        match self {
            Self::Untried(backoff) => backoff.ceiling(retry),
            Self::Litellm(_) => Backoff::default().ceiling(retry) + Duration::from_millis(750),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let backoff = Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(8) };
        let ceilings = [1, 2, 3, 4, 5, 6, 1_000].map(|retry| backoff.ceiling(retry).as_millis());
        assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    }
}
