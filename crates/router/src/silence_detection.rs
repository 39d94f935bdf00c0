//! Silence detection: how long answers of a group usually take to begin, and which attempts have waited longer.
//!
//! A deployment that takes requests and says nothing is found by time-outs alone if clients wait for them;
//! clients that leave first would hide it for ever. So each group learns its own times to the first token,
//! and an attempt that was silent for longer than nearly all of them counts as failed however it ended.
//!
//! Against one attempt that takes a long silence: answers differ. Several that are silent at once say the same
//! within a moment, so that a deployment that hangs is not given a time-out's worth of requests.

use crate::SilenceCooldown;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};

/// Answers that are remembered: at so many, each counts for half of what it did.
const REMEMBERED: u16 = 1_024;

/// RollingCounts: four to an octave, from a millisecond to more than an hour.
const BUCKETS: usize = 92;

/// Nanoseconds to a unit of the buckets, as a power of two: about a millisecond.
const UNIT: u32 = 20;

/// The quantile is looked up again after so many answers, once there are several times as many.
const STEP: u16 = 16;

/// What an attempt that has not begun to answer is waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Awaited {
    /// The first token of a stream.
    FirstToken,
    /// An answer in one piece.
    Whole,
}

impl Awaited {
    pub(crate) const fn of(stream: bool) -> Self {
        if stream { Self::FirstToken } else { Self::Whole }
    }
}

/// How long the answers of a group kept one waiting, as far as it matters: a quantile, to a quarter of an
/// octave, over the latest thousand or so.
#[derive(Clone, Debug)]
pub(crate) struct ResponseTimeQuantiles {
    buckets: [u16; BUCKETS],
    count: u16,
    /// Answers that have come; the others were waited for so long and then given up for another's.
    answered: u16,
    /// Answers since the quantiles were last looked up.
    since: u16,
    quantile: Share,
    hedged_at: Share,
    at_quantile: Duration,
    at_hedge: Duration,
    at_median: Duration,
}

impl ResponseTimeQuantiles {
    /// Of a group that has answered nobody yet.
    pub(crate) const NEW: Self = Self {
        buckets: [0; BUCKETS],
        count: 0,
        answered: 0,
        since: 0,
        quantile: Share::percent(99),
        hedged_at: Share::percent(99),
        at_quantile: Duration::ZERO,
        at_hedge: Duration::ZERO,
        at_median: Duration::ZERO,
    };

    /// From now on these quantiles are wanted: of silences, and of hedges.
    pub(crate) fn reconfigure(&mut self, quantile: Share, hedged_at: Share) {
        (self.quantile, self.hedged_at) = (quantile, hedged_at);
        self.look_up();
    }

    /// An answer began after so long.
    pub(crate) fn take_in(&mut self, waited: Duration) {
        self.answered = self.answered.saturating_add(1).min(REMEMBERED);
        self.count_in(waited);
    }

    /// An answer had not begun after so long when another's was taken instead: it would have taken longer.
    /// Left out, answers that are slow would look as if there were none, and every later one like them would be
    /// given up as soon.
    pub(crate) fn take_in_unfinished(&mut self, waited: Duration) {
        self.count_in(waited);
    }

    fn count_in(&mut self, waited: Duration) {
        if self.count >= REMEMBERED {
            self.buckets.iter_mut().for_each(|count| *count /= 2);
            self.count = self.buckets.iter().sum();
        }
        self.buckets[bucket(waited)] += 1;
        self.count += 1;
        self.since += 1;
        if self.count <= 4 * STEP || self.since >= STEP {
            self.look_up();
        }
    }

    /// What the quantile is, once there are so many answers.
    pub(crate) fn learned(&self, min_samples: u32) -> Option<Duration> {
        self.knows(min_samples).then_some(self.at_quantile)
    }

    /// After how long a second attempt is due, once there are so many answers.
    pub(crate) fn hedge(&self, min_samples: u32) -> Option<Duration> {
        self.knows(min_samples).then_some(self.at_hedge)
    }

    /// Whether so many answers have really come.
    pub(crate) fn has_answered(&self, min_samples: u32) -> bool {
        u32::from(self.answered) >= min_samples
    }

    /// What the median is, once there are so many answers.
    pub(crate) fn median(&self, min_samples: u32) -> Option<Duration> {
        self.knows(min_samples).then_some(self.at_median)
    }

    fn knows(&self, min_samples: u32) -> bool {
        u32::from(self.count) >= min_samples.clamp(1, u32::from(REMEMBERED / 2))
    }

    fn look_up(&mut self) {
        self.since = 0;
        self.at_quantile = self.at(self.quantile);
        self.at_hedge = if self.hedged_at == self.quantile {
            self.at_quantile
        } else {
            self.at(self.hedged_at)
        };
        self.at_median = self.at(Share::percent(50));
    }

    fn at(&self, quantile: Share) -> Duration {
        let rank = u64::from(self.count) * u64::from(quantile.ppm());
        let rank = rank.div_ceil(1_000_000).max(1);
        let mut below = 0;
        let bucket = self.buckets.iter().position(|&count| {
            below += u64::from(count);
            below >= rank
        });
        bucket.map_or(Duration::ZERO, upper_end)
    }
}

/// How long an attempt may be silent: what is learned, or, until enough is, a sixth of what its time-out
/// allows; never less than the floor.
pub(crate) fn allowance(
    rule: &SilenceCooldown,
    usual: &ResponseTimeQuantiles,
    time_out: Duration,
) -> Duration {
    usual.learned(rule.min_samples).unwrap_or(time_out / 6).max(rule.floor)
}

/// How long `concurrent` attempts may be silent together; `None` where that says nothing, or nothing yet.
pub(crate) fn joint_allowance(
    rule: &SilenceCooldown,
    usual: &ResponseTimeQuantiles,
    own: &SlowestOfLate,
) -> Option<Duration> {
    let usual = usual.learned(rule.min_samples).filter(|_| rule.concurrent > 0)?;
    Some(usual.max(own.0).max(rule.concurrent_floor))
}

/// About the slowest of the latest answers of one deployment: where a group's deployments differ, the slow one's
/// usual times are beyond what is usual in the group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SlowestOfLate(Duration);

impl SlowestOfLate {
    /// An answer began after so long. An earlier one counts for a sixteenth less with each that follows.
    pub(crate) fn take_in(&mut self, waited: Duration) {
        self.0 = waited.max(self.0 - self.0 / 16);
    }
}

fn bucket(waited: Duration) -> usize {
    let units = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX) >> UNIT;
    if units < 4 {
        return units as usize;
    }
    let octave = 63 - units.leading_zeros();
    let quarter = (units >> (octave - 2)) & 3;
    ((octave - 1) as usize * 4 + quarter as usize).min(BUCKETS - 1)
}

/// Where the bucket ends.
const fn upper_end(bucket: usize) -> Duration {
    let next = bucket as u64 + 1;
    let units = if next < 4 { next } else { (4 + next % 4) << (next / 4 - 1) };
    Duration::from_nanos(units << UNIT)
}

/// The attempts of one deployment whose answer has not begun, oldest first: a list through the requests'
/// slots, so that nothing is allocated and any of them leaves at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UnansweredAttempts {
    pub(crate) first: Option<u32>,
    pub(crate) last: Option<u32>,
    /// Since when the first of them waits.
    pub(crate) since: Option<Timestamp>,
}

/// A slot's neighbours in the line that it stands in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QueueLinks {
    pub(crate) before: Option<u32>,
    pub(crate) behind: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usual(waits: impl IntoIterator<Item = u64>) -> ResponseTimeQuantiles {
        let mut usual = ResponseTimeQuantiles::NEW;
        waits.into_iter().for_each(|millis| usual.take_in(Duration::from_millis(millis)));
        usual
    }

    #[test]
    fn it_knows_nothing_before_it_has_seen_enough() {
        assert_eq!(usual([300; 19]).learned(20), None);
        assert!(usual([300; 20]).learned(20).is_some());
    }

    #[test]
    fn one_slow_answer_in_a_thousand_is_not_usual_and_one_in_twenty_is() {
        let waits =
            |every: u64| (1..=1_000).map(move |nth| if nth % every == 0 { 9_000 } else { 300 });
        assert!(usual(waits(1_000)).learned(20) < Some(Duration::from_millis(400)));
        assert!(usual(waits(20)).learned(20) >= Some(Duration::from_millis(9_000)));
    }

    #[test]
    fn it_follows_a_group_that_has_become_slower_and_one_that_has_become_quicker() {
        let slower = usual([300; 5_000].into_iter().chain([8_000; 500]));
        assert!(slower.learned(20) >= Some(Duration::from_millis(8_000)));
        let quicker = usual([8_000; 5_000].into_iter().chain([300; 8_000]));
        assert!(quicker.learned(20) < Some(Duration::from_millis(500)));
    }

    #[test]
    fn until_it_knows_a_share_of_the_time_out_holds_and_the_floor_always() {
        let rule = SilenceCooldown::default();
        let wait = |usual: &ResponseTimeQuantiles, secs| {
            allowance(&rule, usual, Duration::from_secs(secs)).as_secs()
        };
        assert_eq!(wait(&usual([]), 30), 5);
        assert_eq!(wait(&usual([]), 600), 100);
        assert_eq!(wait(&usual([300; 50]), 600), 5);
        assert_eq!(wait(&usual([60_000; 50]), 30), 60);
    }

    proptest! {
        #[test]
        fn a_bucket_holds_what_falls_into_it_to_a_quarter(nanos in 0..u64::MAX) {
            let waited = Duration::from_nanos(nanos);
            let place = bucket(waited);
            prop_assert!(place < BUCKETS);
            let longest = upper_end(BUCKETS - 1);
            if waited < longest {
                prop_assert!(waited < upper_end(place));
                prop_assert!(place == 0 || waited >= upper_end(place - 1));
                let end = upper_end(place).as_nanos();
                prop_assert!(end <= waited.as_nanos() * 5 / 4 + (2 << UNIT), "{end}");
            }
        }
    }
}
