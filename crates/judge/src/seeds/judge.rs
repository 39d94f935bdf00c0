//! What many runs say of one expectation.

use super::order::{CONFIDENCE, least_seeds, lower_rank, upper_rank};
use super::{Claim, SeedDoubt, SeedsRow, Spread};
use crate::binomial::{at_least, below};
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
    let is_bad = |sample: &&SeedSample<'_>| sample.row.judgement != Judgement::Met;
    let bad = samples.iter().filter(is_bad).count();
    let ruling = match expectation.over_seeds {
        None => every(&seen, &missed, samples, expectation),
        _ if !unclear.is_empty() => SeedRuling::of(Judgement::Inconclusive, cannot_say(&unclear)),
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
        judgement: ruling.judgement,
        soft: expectation.soft,
        reason: ruling.reason,
        spread: spread(&seen, comparison, limit),
        seeds_to_meet: match expectation.over_seeds {
            None => Some(seeds_for(bad)),
            Some(_) => None,
        },
        missed,
        doubt: ruling.doubt,
    }
}

/// What all runs say of one row, before all rows of the check are decided together.
pub(super) struct SeedRuling {
    pub(super) judgement: Judgement,
    pub(super) reason: String,
    pub(super) doubt: Option<SeedDoubt>,
}

impl SeedRuling {
    pub(super) const fn of(judgement: Judgement, reason: String) -> Self {
        Self { judgement, reason, doubt: None }
    }

    /// Missed with so small a p-value that it is no false alarm, and open otherwise.
    fn in_doubt(p_value: f64, missed: String, open: String) -> Self {
        let otherwise = (Judgement::Inconclusive, open.clone());
        let doubt = Some(SeedDoubt { p_value, missed, otherwise });
        Self { judgement: Judgement::Inconclusive, reason: open, doubt }
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

/// Whether so few runs missed it, or said nothing of it, that it holds for enough of all runs; else whether so many
/// missed it that it does not.
fn every(
    seen: &[SeedValue],
    missed: &[u64],
    samples: &[SeedSample<'_>],
    expectation: &Expectation,
) -> SeedRuling {
    let unclear: Vec<_> =
        samples.iter().filter(|sample| sample.row.judgement == Judgement::Inconclusive).collect();
    let (n, least, share) = (samples.len(), least_seeds(RUNS), text::percent(RUNS));
    let of = match n {
        0 => return SeedRuling::of(Judgement::Inconclusive, "no seed was run".to_owned()),
        1 => "the one seed".to_owned(),
        n => format!("all {n} seeds"),
    };
    let bad = missed.len() + unclear.len();
    let is_enough = is_few(n, bad);
    if !missed.is_empty() {
        let told = miss(seen, missed, samples, expectation);
        if is_enough {
            let told = format!("{told}; {share} of all runs meet it with {}", confidence());
            return SeedRuling::of(Judgement::Met, told);
        }
        let p_value = at_least(n as u64, 1.0 - RUNS, missed.len() as u64);
        let open = format!(
            "{told}; open whether {share} of all runs meet it: {} seeds of which no other misses it \
             would show that",
            seeds_for(bad)
        );
        return SeedRuling::in_doubt(p_value, told, open);
    }
    if !unclear.is_empty() && !is_enough {
        let more = match n >= least {
            true => format!("; {} seeds could leave it out", seeds_for(bad)),
            false => String::new(),
        };
        return SeedRuling::of(Judgement::Inconclusive, cannot_say(&unclear) + &more);
    }
    if !is_enough {
        let reason = format!(
            "{of} met it, but {least} are required for a statement about {share} of all runs"
        );
        return SeedRuling::of(Judgement::Inconclusive, reason);
    }
    let mut reason = match unclear.len() {
        0 => format!("{of} met it"),
        some => format!("{} of {n} seeds met it, and {some} cannot tell", n - some),
    };
    if let Some(worst) = worst(seen, expectation.comparison, value_of(expectation.limit)) {
        reason += &format!("; the closest is seed {} with {}", worst.seed, worst.value.display());
    }
    SeedRuling::of(Judgement::Met, reason)
}

/// Whether `bad` of `n` runs are so few that at least [`RUNS`] of all are good, with confidence.
fn is_few(n: usize, bad: usize) -> bool {
    below(n as u64, 1.0 - RUNS, bad as u64 + 1) <= 1.0 - CONFIDENCE
}

/// How many seeds it takes if so many of them are bad: 59, 93, 124.
fn seeds_for(bad: usize) -> usize {
    (least_seeds(RUNS)..).find(|&n| is_few(n, bad)).unwrap_or(usize::MAX)
}

fn confidence() -> String {
    format!("{} confidence", text::percent(CONFIDENCE))
}

/// Holds the bounds of a quantile against the limit: met if it lies within with confidence, missed if so many values are
/// beyond the limit that it does not.
pub(super) fn of_quantile(
    seen: &[SeedValue],
    quantile: f64,
    comparison: Comparison,
    limit: MetricValue,
) -> SeedRuling {
    let n = seen.len();
    let at = |rank: Option<usize>| rank.and_then(|rank| seen.get(rank - 1)).map(|seen| seen.value);
    let (low, high) = (at(lower_rank(n, quantile)), at(upper_rank(n, quantile)));
    let low_is_bad = matches!(comparison, Comparison::AtLeast | Comparison::Above);
    let (inner, outer) = if low_is_bad { (high, low) } else { (low, high) };
    let holds = |value: MetricValue| side(comparison, value, limit).holds;
    let name = format!("p{}", text::ratio(quantile * 100.0));
    let words = if low_is_bad { ("at least", "at most") } else { ("at most", "at least") };
    let is = |word: &str, value: MetricValue| {
        format!("{name} is {word} {} with {}, from {n} seeds", value.display(), confidence())
    };
    if let Some(outer) = outer.filter(|outer| holds(*outer)) {
        return SeedRuling::of(Judgement::Met, is(words.0, outer));
    }
    let open = match (low, high) {
        (Some(low), Some(high)) => format!(
            "{name} is between {} and {}: more seeds are needed to decide",
            low.display(),
            high.display()
        ),
        _ => {
            let least = least_seeds(if low_is_bad { 1.0 - quantile } else { quantile });
            match n < least {
                true => format!("{n} seeds cannot bound {name}: {least} are required"),
                false => format!("{n} seeds leave it open: more are needed to decide"),
            }
        }
    };
    let beyond = seen.iter().filter(|seen| !holds(seen.value)).count();
    if beyond == 0 {
        return SeedRuling::of(Judgement::Inconclusive, open);
    }
    let missed = match inner.filter(|inner| !holds(*inner)) {
        Some(inner) => is(words.1, inner),
        None => format!("{beyond} of {n} seeds are beyond it"),
    };
    // As many as are beyond a quantile that is at the limit, at most.
    let share = if low_is_bad { quantile } else { 1.0 - quantile };
    SeedRuling::in_doubt(at_least(n as u64, share, beyond as u64), missed, open)
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
