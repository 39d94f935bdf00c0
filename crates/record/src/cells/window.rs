//! Stretches of a run, as cells can tell them apart.

use core::ops::Range;
use core::time::Duration;
use squall_determinism::Timestamp;

/// How finely counts are kept.
pub const TICK: Duration = Duration::from_millis(100);

/// Times beyond this are counted in the last tick, so that a nonsensical time cannot fill the memory.
const LAST_TICK: usize = 10 * 24 * 3600 * 10;

const TICK_NANOS: u64 = TICK.as_nanos() as u64;
const SECOND_NANOS: u64 = 1_000_000_000;

/// A stretch of a run, from its start until just before its end.
///
/// Counts take the ticks, distributions the seconds, that *begin* in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Window {
    /// From here.
    pub start: Timestamp,
    /// Until just before this.
    pub end: Timestamp,
}

impl Window {
    /// Everything, what came after the scenario's end included.
    pub const WHOLE: Self = Self { start: Timestamp::ZERO, end: Timestamp::MAX };

    /// The stretch from `start` until just before `end`.
    #[must_use]
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// Whether it holds that moment.
    #[must_use]
    pub fn contains(self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// The ticks that begin in it, of a table of `len`.
    #[must_use]
    pub fn ticks(self, len: usize) -> Range<usize> {
        self.slots(TICK_NANOS, len)
    }

    /// The seconds that begin in it, of a table of `len`.
    #[must_use]
    pub fn seconds(self, len: usize) -> Range<usize> {
        self.slots(SECOND_NANOS, len)
    }

    fn slots(self, nanos: u64, len: usize) -> Range<usize> {
        let slot = |time: Timestamp| {
            usize::try_from(time.as_nanos().div_ceil(nanos)).map_or(len, |slot| slot.min(len))
        };
        let end = slot(self.end);
        slot(self.start).min(end)..end
    }
}

/// The tick that `time` is in.
#[inline]
pub(super) fn tick_of(time: Timestamp) -> usize {
    usize::try_from(time.as_nanos() / TICK_NANOS).map_or(LAST_TICK, |tick| tick.min(LAST_TICK))
}

/// The second that `time` is in.
#[inline]
pub(super) fn second_of(time: Timestamp) -> usize {
    usize::try_from(time.as_nanos() / SECOND_NANOS)
        .map_or(LAST_TICK / 10, |second| second.min(LAST_TICK / 10))
}
