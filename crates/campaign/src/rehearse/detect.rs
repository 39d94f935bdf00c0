//! The test of a rise of errors: how many requests it takes to notice one, and whether the failures that came are
//! one. A one-sided test of one share against a known one, with exact binomial probabilities: the normal approximation
//! promises 99 % power and has 93 % to 98.5 %, since failures are few.

use squall_judge::binomial::{at_least, critical_count, first_number};
use squall_judge::{ItemEvidence, Judgement, text};
use squall_scenario::Rise;

/// How often a false alarm may come: once in 1,000 steps.
pub const ALPHA: f64 = 0.001;
/// How often a true rise has to be noticed: 99 times in 100.
pub const POWER: f64 = 0.99;

/// More requests than any step has: where the search for a sample ends.
const MOST: u64 = 1 << 40;

/// A rise of errors, and what it takes to notice it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DetectedRise {
    rise: Rise,
    /// How many requests on the new path.
    pub(super) needed: u64,
}

/// Requests of one run that ended, and those of them that got no whole answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ErrorCount {
    pub(super) requests: u64,
    pub(super) failed: u64,
}

impl DetectedRise {
    pub(super) fn of(rise: Rise) -> Self {
        Self { rise, needed: samples(rise) }
    }

    /// Whether errors have risen in these runs, and whether a rise would have been noticed in each.
    pub(super) fn judge(self, runs: &[ErrorCount]) -> (ItemEvidence, ItemEvidence) {
        let Rise { from, to } = self.rise;
        let (from, to) = (text::percent(from), text::percent(to));
        let alarmed = |run: &&ErrorCount| run.failed >= alarm_from(self.rise, run.requests);
        let alarms = runs.iter().filter(alarmed).count();
        let least = runs.iter().map(|run| run.requests).min().unwrap_or(0);
        let can = least >= self.needed;
        let risen = alarms as u64 >= alarms_from(runs.len() as u64);
        let share = |run: &ErrorCount| run.failed as f64 / run.requests.max(1) as f64;
        let worst = runs.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
        let worst = worst.map_or_else(String::new, |run| {
            format!(
                "{} of {} requests on the new path failed ({}), and {} or more are an alarm at a \
                 normal rate of {from}",
                text::count(run.failed),
                text::count(run.requests),
                text::percent(share(run)),
                text::count(alarm_from(self.rise, run.requests)),
            )
        });
        let reason = match (runs.len(), alarms) {
            (1, _) => worst,
            (of, 0) => format!("none of {of} seeds raises an alarm; at the worst, {worst}"),
            (of, alarms) if !risen => format!(
                "{alarms} of {of} seeds raise an alarm, which false alarms explain; at the worst, {worst}"
            ),
            (of, alarms) => format!("{alarms} of {of} seeds raise an alarm; at the worst, {worst}"),
        };
        let no_rise = match (risen, can) {
            (true, _) => Judgement::Missed,
            (false, true) => Judgement::Met,
            (false, false) => Judgement::Inconclusive,
        };
        let needed = self.needed;
        let detectable = if can { Judgement::Met } else { Judgement::Inconclusive };
        let came =
            format!("{needed} requests on the new path are required, and there were {least}");
        let text = format!("errors have not risen from {from} to {to}");
        let no_rise = ItemEvidence { text, judgement: no_rise, reason };
        let text = "the rise can be detected".to_owned();
        (no_rise, ItemEvidence { text, judgement: detectable, reason: came })
    }
}

/// How many requests a step takes to detect a rise: with so many or more, failures at the rate that is too high reach
/// the count from which on there is an alarm, with [`POWER`].
#[must_use]
pub fn samples(rise: Rise) -> u64 {
    // The fewest requests of which `count` fail with power, and the most of which that is no false alarm.
    let fewest = |count| first_number(1, MOST, |n| at_least(n, rise.to, count) >= POWER);
    let most = |count| match count {
        0 => 0,
        count => first_number(1, MOST, |n| at_least(n, rise.from, count) > ALPHA) - 1,
    };
    // With `most(count - 1) + 1` to `most(count)` requests, `count` failures are an alarm. From the first count on for
    // which all of these are enough, any more are.
    let enough = first_number(1, MOST, |count| fewest(count) <= most(count - 1) + 1);
    match enough - 1 {
        0 => fewest(1),
        count => fewest(count).min(most(count) + 1),
    }
}

/// From how many failures among `n` requests on the normal error rate does not explain them, but once in 1,000 steps.
fn alarm_from(rise: Rise, n: u64) -> u64 {
    critical_count(n, rise.from, ALPHA)
}

/// How many of `runs` have to raise an alarm before false alarms do not explain them, but once in 1,000 steps.
fn alarms_from(runs: u64) -> u64 {
    critical_count(runs, ALPHA, ALPHA)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By another program, which tried every number of requests.
    #[test]
    fn a_smaller_rise_takes_more_requests() {
        let needed = |from, to| samples(Rise { from, to });
        assert_eq!(needed(0.01, 0.02), 4_308);
        assert_eq!(needed(0.005, 0.02), 1_460);
        assert_eq!(needed(0.01, 0.05), 478);
        assert_eq!(needed(0.01, 0.10), 156);
        assert_eq!(needed(0.01, 0.30), 30);
    }

    #[test]
    fn a_path_that_never_fails_is_suspected_with_the_first_failure() {
        let rise = Rise { from: 0.0, to: 0.02 };
        // 0.98²²⁸ < 1 %.
        assert_eq!((samples(rise), alarm_from(rise, 228)), (228, 1));
    }

    #[test]
    fn so_many_requests_and_any_more_have_the_power_and_no_more_false_alarms() {
        for rise in [Rise { from: 0.01, to: 0.05 }, Rise { from: 0.1, to: 0.2 }] {
            let needed = samples(rise);
            let power = |n| at_least(n, rise.to, alarm_from(rise, n));
            for n in needed..needed + 200 {
                assert!(power(n) >= POWER, "{n}: {}", power(n));
                assert!(at_least(n, rise.from, alarm_from(rise, n)) <= ALPHA);
            }
            assert!(power(needed - 1) < POWER, "one fewer is too few");
        }
    }

    #[test]
    fn one_or_two_alarms_of_many_runs_are_explained_by_false_ones() {
        assert_eq!([1, 5, 59, 299].map(alarms_from), [1, 2, 3, 4]);
    }
}
