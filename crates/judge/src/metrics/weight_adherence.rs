//! `weight_adherence(group)`: 1 − total-variation distance of the first attempts' shares from the
//! weights that held when each was made, over the time in which every deployment with a weight could be
//! chosen: ticks without a fault of any of their providers and outside every Retry-After in the
//! providers' log. What the router held of a deployment does not excuse it.
//!
//! Minimum sample: 100 first attempts. Beside the value stands the distance that independent random
//! choices by the same weights would have: its mean, and what 1 in 100 would exceed.

use super::faults::all_windows;
use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;
use squall_determinism::{Seed, StreamPurpose, Timestamp};
use squall_record::TICK;
use squall_scenario::Argument;
use std::f64::consts::{PI, TAU};
use std::ops::Range;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(Argument::Group(group)) = ask.argument else {
        return Measurement::inconclusive("a group is required");
    };
    let members = ask.members(group.0);
    let (periods, left_out) = count(ask, &members);
    let n: u64 = periods.iter().map(Period::n).sum();
    if n < MINIMUM {
        return Measurement::too_few(n, "first attempts while all were healthy", MINIMUM);
    }
    let counts: Vec<u64> = (0..members.len())
        .map(|member| periods.iter().map(|period| period.counts[member]).sum())
        .collect();
    let due = due(&periods, n);
    let (mean, p99) = noise(&periods, n);
    let mut detail: Vec<_> = members
        .iter()
        .zip(&counts)
        .zip(&due)
        .map(|((&member, &count), &share)| {
            let (is, due) = (text::percent(count as f64 / n as f64), text::percent(share));
            format!("{}: {is} of first attempts, weight {due}", ask.info(member).name)
        })
        .collect();
    detail.push(format!(
        "random draws would give {} on average and below {} in 1 of 100 runs",
        text::percent(1.0 - mean),
        text::percent(1.0 - p99)
    ));
    if periods.len() > 1 {
        detail.push(
            "weights changed: each first attempt is compared with the weights at its time"
                .to_owned(),
        );
    }
    if left_out > 0 {
        let seconds = text::ratio(TICK.as_secs_f64() * left_out as f64);
        detail.push(format!("{seconds} s of faults and Retry-After are excluded"));
    }
    let value = MetricValue::Fraction(1.0 - distance(&counts, &due));
    Measurement::Measured(Measured { value, n, of: "first attempts", detail })
}

/// First attempts of a group and how far they are from its weights.
pub(super) struct WeightSample {
    /// By stretches of equal weights.
    pub(super) periods: Vec<Period>,
    /// How many.
    pub(super) n: u64,
    /// Their distance from what is due.
    pub(super) distance: f64,
}

impl WeightSample {
    /// Those of a group in the time in which all could be chosen.
    pub(super) fn of(ask: &MetricQuery<'_>, group: u16) -> Self {
        let members = ask.members(group);
        let (periods, _) = count(ask, &members);
        let n = periods.iter().map(Period::n).sum();
        let counts: Vec<u64> = (0..members.len())
            .map(|member| periods.iter().map(|period| period.counts[member]).sum())
            .collect();
        let distance = distance(&counts, &due(&periods, n));
        Self { periods, n, distance }
    }
}

/// First attempts under one set of weights.
pub(super) struct Period {
    /// Each member's part of the weights.
    shares: Vec<f64>,
    /// First attempts at each member.
    counts: Vec<u64>,
}

impl Period {
    fn n(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// First attempts of each member in the ticks of the window in which all could be chosen, by the weights
/// that held; and how many ticks were left out.
fn count(ask: &MetricQuery<'_>, members: &[usize]) -> (Vec<Period>, u64) {
    let cells = &ask.recording.cells;
    let end = members.iter().map(|&member| cells.deployments[member].end()).max();
    let end = end.unwrap_or_default().min(ask.window.end);
    let changes = ask.recording.header.changes.iter().map(|change| change.at);
    let starts = std::iter::once(Timestamp::ZERO).chain(changes.clone());
    let ends = changes.chain([Timestamp::MAX]);
    let mut periods: Vec<_> = starts
        .zip(ends)
        .map(|(from, until)| {
            let shares = members.iter().map(|&each| ask.weight_share(each, from)).collect();
            PeriodTicks {
                // A tick in which the weights change belongs to neither, nor does one that the window cuts.
                ticks: first_tick(from.max(ask.window.start))..last_tick(until.min(end)),
                excluded: TickRanges::of(excluded(ask, members, &(from..until))),
                period: Period { shares, counts: vec![0; members.len()] },
            }
        })
        .collect();
    let mut now = 0;
    cells.first_attempts(members, |tick, counts| {
        now += periods[now..].iter().take_while(|each| each.ticks.end <= tick).count();
        let Some(PeriodTicks { ticks, excluded, period }) = periods.get_mut(now) else { return };
        if ticks.contains(&tick) && !excluded.contains(tick) {
            for (sum, &count) in period.counts.iter_mut().zip(counts) {
                *sum += u64::from(count);
            }
        }
    });
    let left_out = periods.iter().map(|each| each.excluded.within(&each.ticks)).sum();
    let counted = periods.into_iter().map(|each| each.period).filter(|period| period.n() > 0);
    (counted.collect(), left_out)
}

/// A period, while its first attempts are counted.
struct PeriodTicks {
    /// The ticks in which its weights hold.
    ticks: Range<u64>,
    /// Ticks in which somebody could not be chosen.
    excluded: TickRanges,
    period: Period,
}

/// The first tick that begins at `time` or later.
const fn first_tick(time: Timestamp) -> u64 {
    time.as_nanos().div_ceil(TICK.as_nanos() as u64)
}

/// The tick in which `time` lies: those before it have ended.
const fn last_tick(time: Timestamp) -> u64 {
    time.as_nanos() / TICK.as_nanos() as u64
}

/// When some deployment with a weight could not be chosen, as far as it is within `period`.
fn excluded(
    ask: &MetricQuery<'_>,
    members: &[usize],
    period: &Range<Timestamp>,
) -> Vec<Range<Timestamp>> {
    let mut excluded = Vec::new();
    for &member in members {
        if ask.recording.header.weight_at(member, period.start) == 0 {
            continue;
        }
        let faults = all_windows(ask.scenario, member);
        excluded.extend(faults.iter().map(|fault| fault.start..fault.end));
        excluded.extend(ask.recording.cells.deployments[member].embargoed());
    }
    excluded.retain(|range| range.start < period.end && range.end > period.start);
    excluded.sort_by_key(|range| (range.start, range.end));
    excluded
}

/// Ticks that some stretch of time touches, as ranges of which none touches the next.
struct TickRanges(Vec<Range<u64>>);

impl TickRanges {
    /// Those of stretches in the order of their starts.
    fn of(stretches: Vec<Range<Timestamp>>) -> Self {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for stretch in stretches {
            let (start, end) = (last_tick(stretch.start), first_tick(stretch.end));
            match ranges.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                _ => ranges.push(start..end),
            }
        }
        Self(ranges)
    }

    fn contains(&self, tick: u64) -> bool {
        let begun = self.0.partition_point(|range| range.start <= tick);
        begun > 0 && self.0[begun - 1].contains(&tick)
    }

    /// How many of them are among some ticks.
    fn within(&self, ticks: &Range<u64>) -> u64 {
        let within = |range: &Range<u64>| {
            range.end.min(ticks.end).saturating_sub(range.start.max(ticks.start))
        };
        self.0.iter().map(within).sum()
    }
}

/// Each member's part of all first attempts, by the weights that held when each was made.
fn due(periods: &[Period], n: u64) -> Vec<f64> {
    // One set of weights is due as it is, without a detour through counts.
    if let [only] = periods {
        return only.shares.clone();
    }
    let members = periods.first().map_or(0, |period| period.shares.len());
    let part =
        |period: &Period, member: usize| period.n() as f64 / n as f64 * period.shares[member];
    (0..members).map(|member| periods.iter().map(|period| part(period, member)).sum()).collect()
}

/// Total-variation distance: half the sum of the differences of the shares.
fn distance(counts: &[u64], shares: &[f64]) -> f64 {
    let n = counts.iter().sum::<u64>() as f64;
    let differences = counts.iter().zip(shares).map(|(&count, share)| count as f64 / n - share);
    differences.map(f64::abs).sum::<f64>() / 2.0
}

/// The mean and the 99th percentile of the distance that n independent choices would have. The mean is
/// ½·√(2/π)·Σ√(Σ m·w(1−w))/n, over the deployments and, within, over the stretches of equal weights with m
/// choices each; the percentile comes from seeded draws of its normal limit.
fn noise(periods: &[Period], n: u64) -> (f64, f64) {
    let members = periods.first().map_or(0, |period| period.shares.len());
    let variance = |member: usize| {
        let each = periods.iter().map(|period| (period.n() as f64, period.shares[member]));
        each.map(|(n, share)| n * share * (1.0 - share)).sum::<f64>()
    };
    let sum: f64 = (0..members).map(|member| variance(member).sqrt()).sum();
    let mean = 0.5 * (2.0 / PI).sqrt() * sum / n as f64;
    (mean, draws(periods, n)[DRAWS * 99 / 100])
}

/// Distances of many seeded draws of n independent choices by the weights, in their normal limit, the least first.
pub(super) fn draws(periods: &[Period], n: u64) -> Vec<f64> {
    let n = n as f64;
    let members = periods.first().map_or(0, |period| period.shares.len());
    let mut draws = Seed::new(0).stream(StreamPurpose::named("report/weight-adherence"), 0, 0);
    let mut normal = || (-2.0 * (1.0 - draws.unit()).ln()).sqrt() * (TAU * draws.unit()).cos();
    let mut distances: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let mut differences = vec![0.0; members];
            for period in periods {
                let root = (period.n() as f64).sqrt();
                let parts: Vec<f64> =
                    period.shares.iter().map(|share| share.sqrt() * normal()).collect();
                // Less the common part: shares sum to one.
                let total: f64 = parts.iter().sum();
                let each = parts.iter().zip(&period.shares);
                for (difference, (part, share)) in differences.iter_mut().zip(each) {
                    *difference += root * (part - share * total);
                }
            }
            differences.iter().map(|difference| difference.abs()).sum::<f64>() / 2.0 / n
        })
        .collect();
    distances.sort_by(f64::total_cmp);
    distances
}

pub(super) const MINIMUM: u64 = 100;
const DRAWS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn period(shares: &[f64], n: u64) -> Period {
        let mut counts = vec![0; shares.len()];
        counts[0] = n;
        Period { shares: shares.to_vec(), counts }
    }

    #[test]
    fn what_is_due_and_its_noise_are_of_all_stretches_together() {
        let halves = [period(&[0.9, 0.1], 3_000), period(&[0.1, 0.9], 1_000)];
        let due = due(&halves, 4_000);
        assert!((due[0] - 0.7).abs() < 1e-12 && (due[1] - 0.3).abs() < 1e-12, "{due:?}");
        let same = noise(&[period(&[0.9, 0.1], 4_000)], 4_000);
        let split = noise(&halves, 4_000);
        assert!((same.0 / split.0 - 1.0).abs() < 1e-9, "9 to 1 varies as 1 to 9 does");
        assert!((same.1 / split.1 - 1.0).abs() < 0.05, "{same:?}, {split:?}");
    }

    #[test]
    fn the_distance_is_half_the_sum_of_the_differences() {
        assert!((distance(&[70, 20, 10], &[0.6, 0.3, 0.1]) - 0.1).abs() < 1e-12);
        assert!(distance(&[6, 3, 1], &[0.6, 0.3, 0.1]) < 1e-12);
    }

    /// The numbers of an independent simulation: resilience literature, weights 70/20/10.
    #[test]
    fn the_noise_is_that_of_independent_choices() {
        for (n, mean, p99) in [(1_000, 0.0146, 0.038), (10_000, 0.0046, 0.012)] {
            let noise = noise(&[period(&[0.7, 0.2, 0.1], n)], n);
            assert!((noise.0 / mean - 1.0).abs() < 0.03, "{noise:?}");
            assert!((noise.1 / p99 - 1.0).abs() < 0.06, "{noise:?}");
        }
    }
}
