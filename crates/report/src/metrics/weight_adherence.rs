//! `weight_adherence(group)`: 1 − total-variation distance of the first attempts' shares from the
//! weights, over the time in which every deployment of the group could be chosen: ticks without a fault
//! of any of their providers and outside every Retry-After in the providers' log. What the router held
//! of a deployment does not excuse it.
//!
//! Minimum sample: 100 first attempts. Beside the value stands the distance that independent random
//! choices by the same weights would have: its mean, and what 1 in 100 would exceed.

use super::faults::all_windows;
use super::{Ask, Measured, Measurement, Value};
use crate::text;
use squall_determinism::{Purpose, Seed, Timestamp};
use squall_record::TICK;
use squall_scenario::Argument;
use std::f64::consts::{PI, TAU};
use std::ops::Range;

pub(super) fn measure(ask: &Ask<'_>) -> Measurement {
    let Some(Argument::Group(group)) = ask.argument else {
        return Measurement::inconclusive("it needs a group");
    };
    let members = ask.members(group.0);
    let excluded = excluded(ask, &members);
    let (counts, left_out) = count(ask, &members, &excluded);
    let n: u64 = counts.iter().sum();
    if n < MINIMUM {
        return Measurement::too_few(n, "first attempts while all were healthy", MINIMUM);
    }
    let shares: Vec<_> = members.iter().map(|&member| ask.weight_share(member)).collect();
    let distance = distance(&counts, &shares);
    let (mean, p99) = noise(&shares, n);
    let mut detail: Vec<_> = members
        .iter()
        .zip(&counts)
        .zip(&shares)
        .map(|((&member, &count), &share)| {
            let (is, due) = (text::percent(count as f64 / n as f64), text::percent(share));
            format!("{}: {is} of first attempts, weight {due}", ask.info(member).name)
        })
        .collect();
    detail.push(format!(
        "chance alone would give {} on average and, 1 time in 100, under {}",
        text::percent(1.0 - mean),
        text::percent(1.0 - p99)
    ));
    if left_out > 0 {
        let seconds = text::ratio(TICK.as_secs_f64() * left_out as f64);
        detail.push(format!("{seconds} s of faults and Retry-After are left out"));
    }
    let value = Value::Fraction(1.0 - distance);
    Measurement::Measured(Measured { value, n, of: "first attempts", detail })
}

/// When some deployment could not be chosen.
fn excluded(ask: &Ask<'_>, members: &[usize]) -> Vec<Range<Timestamp>> {
    let mut excluded = Vec::new();
    for &member in members {
        let faults = all_windows(ask.scenario, ask.info(member).provider);
        excluded.extend(faults.iter().map(|fault| fault.start..fault.end));
        excluded.extend(ask.recording.cells.deployments[member].embargoed());
    }
    excluded.sort_by_key(|range| (range.start, range.end));
    excluded
}

/// First attempts of each member in the ticks of the window that no excluded range touches, and how many
/// ticks were left out.
fn count(ask: &Ask<'_>, members: &[usize], excluded: &[Range<Timestamp>]) -> (Vec<u64>, usize) {
    let cells = &ask.recording.cells.deployments;
    let len = members.iter().map(|&member| cells[member].ticks().len()).max().unwrap_or(0);
    let mut counts = vec![0; members.len()];
    let (mut next, mut excluded_until, mut left_out) = (0, Timestamp::ZERO, 0);
    for tick in 0..len {
        let start = Timestamp::ZERO + TICK * tick as u32;
        let end = start + TICK;
        while let Some(range) = excluded.get(next).filter(|range| range.start < end) {
            excluded_until = excluded_until.max(range.end);
            next += 1;
        }
        if !ask.window.contains(&start) {
            continue;
        }
        if start < excluded_until {
            left_out += 1;
            continue;
        }
        for (count, &member) in counts.iter_mut().zip(members) {
            *count += cells[member].ticks().get(tick).map_or(0, |cell| u64::from(cell.first));
        }
    }
    (counts, left_out)
}

/// Total-variation distance: half the sum of the differences of the shares.
fn distance(counts: &[u64], shares: &[f64]) -> f64 {
    let n = counts.iter().sum::<u64>() as f64;
    let differences = counts.iter().zip(shares).map(|(&count, share)| count as f64 / n - share);
    differences.map(f64::abs).sum::<f64>() / 2.0
}

/// The mean and the 99th percentile of the distance that n independent choices would have. The mean is
/// ½·√(2/π)·Σ√(w(1−w)/n); the percentile comes from seeded draws of its normal limit.
fn noise(shares: &[f64], n: u64) -> (f64, f64) {
    let root = (n as f64).sqrt();
    let sum: f64 = shares.iter().map(|share| (share * (1.0 - share)).sqrt()).sum();
    let mean = 0.5 * (2.0 / PI).sqrt() * sum / root;
    let mut draws = Seed::new(0).stream(Purpose::named("report/weight-adherence"), 0, 0);
    let mut normal = || (-2.0 * (1.0 - draws.unit()).ln()).sqrt() * (TAU * draws.unit()).cos();
    let mut distances: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let parts: Vec<f64> = shares.iter().map(|share| share.sqrt() * normal()).collect();
            // Less the common part: shares sum to one.
            let total: f64 = parts.iter().sum();
            let each = parts.iter().zip(shares).map(|(part, share)| (part - share * total).abs());
            each.sum::<f64>() / 2.0 / root
        })
        .collect();
    distances.sort_by(f64::total_cmp);
    (mean, distances[DRAWS * 99 / 100])
}

const MINIMUM: u64 = 100;
const DRAWS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_half_the_sum_of_the_differences() {
        assert!((distance(&[70, 20, 10], &[0.6, 0.3, 0.1]) - 0.1).abs() < 1e-12);
        assert!(distance(&[6, 3, 1], &[0.6, 0.3, 0.1]) < 1e-12);
    }

    /// The numbers of an independent simulation: resilience literature, weights 70/20/10.
    #[test]
    fn the_noise_is_that_of_independent_choices() {
        for (n, mean, p99) in [(1_000, 0.0146, 0.038), (10_000, 0.0046, 0.012)] {
            let noise = noise(&[0.7, 0.2, 0.1], n);
            assert!((noise.0 / mean - 1.0).abs() < 0.03, "{noise:?}");
            assert!((noise.1 / p99 - 1.0).abs() < 0.06, "{noise:?}");
        }
    }
}
