//! What many runs say of one expectation.

use super::order::{CONFIDENCE, least_seeds, lower_rank, upper_rank};
use super::{Claim, SeedsRow, Spread};
use crate::metrics::{Measurement, MetricValue};
use crate::text;
use crate::verdict::{Judgement, VerdictRow, number, side, sign, value_of};
use squall_scenario::{Comparison, Expectation};
use std::cmp::Ordering;

/// The part of runs that an expectation of every run speaks for: the p95 of what teams bound.
pub(crate) const RUNS: f64 = 0.95;

/// How many seeds are named before the rest is counted.
const NAMED: usize = 5;

/// What one run gave for an expectation.
pub(super) struct SeedSample<'a> {
    pub(super) seed: u64,
    pub(super) row: &'a VerdictRow,
}

/// A value that was measured with a seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SeedValue {
    pub(super) seed: u64,
    pub(super) value: MetricValue,
}

/// Judges an expectation by what every run gave for it.
pub(super) fn judge(expectation: &Expectation, samples: &[SeedSample<'_>]) -> SeedsRow {
    let seen = sorted(samples);
    let unclear: Vec<_> = samples
        .iter()
        .filter(|sample| matches!(sample.row.measurement, Measurement::Inconclusive { .. }))
        .collect();
    let (comparison, limit) = (expectation.comparison, value_of(expectation.limit));
    let missed: Vec<_> = samples
        .iter()
        .filter(|sample| sample.row.judgement == Judgement::Missed)
        .map(|sample| sample.seed)
        .collect();
    let (judgement, reason) = match expectation.over_seeds {
        None if !missed.is_empty() => {
            (Judgement::Missed, miss(&seen, &missed, samples, expectation))
        }
        _ if !unclear.is_empty() => (Judgement::Inconclusive, cannot_say(&unclear)),
        None => every(&seen, expectation),
        Some(quantile) => of_quantile(&seen, quantile, comparison, limit),
    };
    SeedsRow {
        text: expectation.text.clone(),
        line: expectation.line,
        phase: samples.first().and_then(|sample| sample.row.phase.clone()),
        claim: match expectation.over_seeds {
            None => Claim::EveryRun,
            Some(quantile) => Claim::Quantile(quantile),
        },
        limit: format!("{} {}", sign(comparison), limit.display()),
        judgement,
        reason,
        spread: spread(&seen, comparison, limit),
        missed,
    }
}

/// What was measured, the least first.
pub(super) fn sorted(samples: &[SeedSample<'_>]) -> Vec<SeedValue> {
    let mut seen: Vec<_> = samples
        .iter()
        .filter_map(|sample| match &sample.row.measurement {
            Measurement::Measured(measured) => {
                Some(SeedValue { seed: sample.seed, value: measured.value })
            }
            Measurement::Inconclusive { .. } => None,
        })
        .collect();
    seen.sort_by(|a, b| order(a.value, b.value).then(a.seed.cmp(&b.seed)));
    seen
}

fn order(a: MetricValue, b: MetricValue) -> Ordering {
    number(a).total_cmp(&number(b))
}

/// A limit was missed: by how many, by which, and how far at the worst.
fn miss(
    seen: &[SeedValue],
    missed: &[u64],
    samples: &[SeedSample<'_>],
    expectation: &Expectation,
) -> String {
    let limit = value_of(expectation.limit);
    let mut reason =
        format!("{} of {} seeds missed it: {}", missed.len(), samples.len(), named(missed));
    if let Some(worst) = worst(seen, expectation.comparison, limit) {
        reason += &format!(
            "; the worst is seed {} with {}{}",
            worst.seed,
            worst.value.display(),
            distance(worst.value, limit)
        );
        let detail = samples.iter().find(|sample| sample.seed == worst.seed);
        if let Some(first) = detail.and_then(|sample| sample.row.detail().first()) {
            reason += &format!(" ({first})");
        }
    }
    reason
}

/// No run missed it: whether there were enough to speak for all.
fn every(seen: &[SeedValue], expectation: &Expectation) -> (Judgement, String) {
    let (n, least) = (seen.len(), least_seeds(RUNS));
    if n < least {
        let of = match n {
            0 => return (Judgement::Inconclusive, "no seed was run".to_owned()),
            1 => "the one seed".to_owned(),
            n => format!("all {n} seeds"),
        };
        let share = text::percent(RUNS);
        return (
            Judgement::Inconclusive,
            format!(
                "{of} met it, but {least} are required for a statement about {share} of all \
                 runs"
            ),
        );
    }
    let mut reason = format!("all {n} seeds met it");
    if let Some(worst) = worst(seen, expectation.comparison, value_of(expectation.limit)) {
        reason += &format!("; the closest is seed {} with {}", worst.seed, worst.value.display());
    }
    (Judgement::Met, reason)
}

/// Holds the bounds of a quantile against the limit: met if it lies within with confidence, missed if it
/// lies beyond with confidence.
pub(super) fn of_quantile(
    seen: &[SeedValue],
    quantile: f64,
    comparison: Comparison,
    limit: MetricValue,
) -> (Judgement, String) {
    let n = seen.len();
    let at = |rank: Option<usize>| rank.and_then(|rank| seen.get(rank - 1)).map(|seen| seen.value);
    let (low, high) = (at(lower_rank(n, quantile)), at(upper_rank(n, quantile)));
    let (inner, outer) = match comparison {
        Comparison::AtLeast | Comparison::Above => (high, low),
        _ => (low, high),
    };
    let holds =
        |value: Option<MetricValue>| value.map(|value| side(comparison, value, limit).holds);
    let name = format!("p{}", text::ratio(quantile * 100.0));
    let confidence = text::percent(CONFIDENCE);
    let is = |value: Option<MetricValue>| {
        let value = value.map_or_else(String::new, MetricValue::display);
        let word = match comparison {
            Comparison::AtLeast | Comparison::Above => ("at least", "at most"),
            _ => ("at most", "at least"),
        };
        (
            format!("{name} is {} {value} with {confidence} confidence, from {n} seeds", word.0),
            format!("{name} is {} {value} with {confidence} confidence, from {n} seeds", word.1),
        )
    };
    match (holds(outer), holds(inner)) {
        (Some(true), _) => (Judgement::Met, is(outer).0),
        (_, Some(false)) => (Judgement::Missed, is(inner).1),
        (None, _) => {
            let least = match comparison {
                Comparison::AtLeast | Comparison::Above => least_seeds(1.0 - quantile),
                _ => least_seeds(quantile),
            };
            (
                Judgement::Inconclusive,
                format!("{n} seeds cannot bound {name}: {least} are required"),
            )
        }
        _ => {
            let text = |value: Option<MetricValue>| {
                value.map_or_else(|| "?".to_owned(), MetricValue::display)
            };
            let (low, high) = (text(low), text(high));
            let reason = format!(
                "{name} is between {low} and {high}: more seeds are needed to \
                 decide"
            );
            (Judgement::Inconclusive, reason)
        }
    }
}

fn cannot_say(unclear: &[&SeedSample<'_>]) -> String {
    let first =
        unclear.first().map(|sample| format!("seed {}: {}", sample.seed, sample.row.reason));
    let more = match unclear.len() {
        0 | 1 => String::new(),
        2 => "; and 1 more seed".to_owned(),
        n => format!("; and {} more seeds", n - 1),
    };
    format!("{}{more}", first.unwrap_or_default())
}

/// The value that is nearest to the limit, or farthest beyond it.
fn worst(seen: &[SeedValue], comparison: Comparison, limit: MetricValue) -> Option<SeedValue> {
    match comparison {
        Comparison::AtMost | Comparison::Below => seen.last().copied(),
        Comparison::AtLeast | Comparison::Above => seen.first().copied(),
        Comparison::Equal => {
            let off = |seen: &SeedValue| (number(seen.value) - number(limit)).abs();
            seen.iter().copied().max_by(|a, b| off(a).total_cmp(&off(b)))
        }
    }
}

pub(super) fn spread(
    seen: &[SeedValue],
    comparison: Comparison,
    limit: MetricValue,
) -> Option<Spread> {
    let middle = seen.get(seen.len().saturating_sub(1) / 2)?;
    Some(Spread {
        least: seen.first()?.value,
        median: middle.value,
        most: seen.last()?.value,
        worst: worst(seen, comparison, limit)?.seed,
    })
}

/// How far a value is from its limit: `, 2,210 ms over the limit`; nothing if it never came.
fn distance(value: MetricValue, limit: MetricValue) -> String {
    let way = if number(value) > number(limit) { "over" } else { "under" };
    let far = match (value, limit) {
        (MetricValue::Duration(value), _) if value == std::time::Duration::MAX => {
            return String::new();
        }
        (MetricValue::Duration(value), MetricValue::Duration(limit)) => {
            text::duration(value.abs_diff(limit))
        }
        (MetricValue::Fraction(value), MetricValue::Fraction(limit)) => {
            format!("{} points", text::ratio(((value - limit).abs() * 1e4).round() / 100.0))
        }
        (MetricValue::Count(value), MetricValue::Count(limit)) => {
            text::count(value.abs_diff(limit))
        }
        _ => text::ratio((number(value) - number(limit)).abs()),
    };
    format!(", {far} {way} the limit")
}

/// The first few seeds, and how many more there are.
fn named(seeds: &[u64]) -> String {
    let mut named: Vec<_> = seeds.iter().take(NAMED).map(u64::to_string).collect();
    if seeds.len() > NAMED {
        named.push(format!("and {} more", seeds.len() - NAMED));
    }
    named.join(", ")
}
