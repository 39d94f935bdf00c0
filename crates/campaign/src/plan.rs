//! How far a value can go while the expectations hold, over seeds: as things are, and with each provider gone.
//!
//! A value is met when no seed missed an expectation, and missed when more than 5 % of all runs do with 95 %
//! confidence. What lies between is unknown, so the answer is an interval: met up to here, missed from there.

mod load;
mod needs;
mod search;

pub use load::PeakLoad;
pub use needs::{ProviderNeed, needs};
pub use search::{Bracket, MetRange, SearchBounds, rounded};

use crate::{CampaignError, IsInterrupted, check, parallel};
use search::search;
use squall_determinism::{Seed, Timestamp};
use squall_judge::{Judgement, Verdict, judge, lower_rank};
use squall_provider::{FaultConfig, FaultKind};
use squall_scenario::Scenario;
use squall_sim::{RowRetention, SimOptions, simulate};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::time::Duration;

/// What is asked.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct PlanQuestion<'a> {
    /// The scenario with the value, its expectations those that are to hold; `None` where a file with that
    /// value cannot be read.
    pub scenario_at: &'a (dyn Fn(f64) -> Option<Scenario> + Sync),
    /// The value that stands in the file.
    pub start: f64,
    /// Where to look.
    pub limits: SearchBounds,
    /// How many seeds speak for a value; 59 or more for an answer.
    pub seeds: usize,
    /// How many runs are made at once.
    pub workers: NonZero<usize>,
    /// Whether it is to end with what it has.
    pub is_interrupted: &'a IsInterrupted<'a>,
}

/// The answer for one world.
#[derive(Clone, Debug)]
pub struct Case {
    /// The provider that is gone; `None` for the world as it is.
    pub gone: Option<String>,
    /// Between which values the answer lies.
    pub bracket: Bracket,
    /// The ranges of values that are met, where a harder one is met and an easier one is not; else none.
    pub ranges: Vec<MetRange>,
    /// Every value that was tried, in the order of the values.
    pub points: Vec<TriedValue>,
    /// Whether the search was interrupted: the ends are then as near as it had brought them.
    pub interrupted: bool,
}

/// A value that was tried.
#[derive(Clone, Debug)]
pub struct TriedValue {
    /// The value.
    pub value: f64,
    /// What came of it.
    pub judgement: Judgement,
    /// The expectation that most runs missed, if any did.
    pub gave: Option<String>,
    /// What was offered and answered in each run.
    pub loads: Vec<PeakLoad>,
}

/// The answer for the world as it is, or without a provider, which then refuses every connection.
///
/// # Errors
/// When the router refuses a configuration.
pub fn plan(
    question: &PlanQuestion<'_>,
    gone: Option<&str>,
    mut told: impl FnMut(f64),
) -> Result<Case, CampaignError> {
    let mut points: BTreeMap<u64, TriedValue> = BTreeMap::new();
    let answer = search(question.start, &question.limits, |value| {
        if let Some(tried) = points.get(&value.to_bits()) {
            return Ok(Some(tried.judgement));
        }
        told(value);
        let tried = try_value(question, gone, value, question.seeds)?;
        let judgement = tried.as_ref().map(|tried| tried.judgement);
        points.extend(tried.map(|tried| (value.to_bits(), tried)));
        Ok(judgement)
    })?;
    // The bits of numbers that are not negative are in the order of the numbers.
    let points = points.into_values().collect();
    let interrupted = (question.is_interrupted)();
    let (bracket, ranges) = (answer.bracket, answer.ranges);
    Ok(Case { gone: gone.map(str::to_owned), bracket, ranges, points, interrupted })
}

/// What comes of values all along a range: for a curve, with fewer seeds than an answer takes. Values that
/// no file may hold are left out, and so are those that an interruption left no time for.
///
/// # Errors
/// When the router refuses a configuration.
pub fn sweep(
    question: &PlanQuestion<'_>,
    gone: Option<&str>,
    values: &[f64],
    mut told: impl FnMut(f64),
) -> Result<Vec<TriedValue>, CampaignError> {
    let mut tried = Vec::with_capacity(values.len());
    for &value in values {
        told(value);
        tried.extend(try_value(question, gone, value, question.seeds)?);
    }
    Ok(tried)
}

/// A run: how it was judged, and its load.
struct PlannedRun {
    verdict: Verdict,
    load: PeakLoad,
}

/// Runs a value with seeds until it is sure what comes of it; `None` if no file may hold it, or if it was
/// interrupted before that was sure.
fn try_value(
    question: &PlanQuestion<'_>,
    gone: Option<&str>,
    value: f64,
    seeds: usize,
) -> Result<Option<TriedValue>, CampaignError> {
    let Some(scenario) = (question.scenario_at)(value) else { return Ok(None) };
    let scenario = without(scenario, gone);
    let all: Vec<_> = scenario.seed.following(seeds).collect();
    let enough = sure_miss(seeds);
    let mut runs: Vec<PlannedRun> = Vec::with_capacity(seeds);
    for batch in all.chunks(question.workers.get() * 4) {
        let run = |seed: &Seed| run(&scenario, *seed);
        for run in
            parallel::do_in_parallel(batch, question.workers, question.is_interrupted, run, |_| ())
        {
            runs.push(run?);
        }
        let missed = runs.iter().filter(|run| run.verdict.overall == Judgement::Missed).count();
        if missed >= enough && !over_seeds(&scenario) {
            break;
        }
        if (question.is_interrupted)() && runs.len() < seeds {
            return Ok(None);
        }
    }
    let verdicts: Vec<_> = runs.iter().map(|run| run.verdict.clone()).collect();
    Ok(Some(TriedValue {
        value,
        judgement: judgement(&scenario, &verdicts, seeds),
        gave: gave(&verdicts),
        loads: runs.into_iter().map(|run| run.load).collect(),
    }))
}

fn run(scenario: &Scenario, seed: Seed) -> Result<PlannedRun, CampaignError> {
    let mut scenario = scenario.clone();
    scenario.set_seed(seed);
    let recording = simulate(&scenario, SimOptions { keep: RowRetention::Cells, journal: false })?;
    Ok(PlannedRun { verdict: judge(&scenario, &recording), load: PeakLoad::of(&recording) })
}

fn over_seeds(scenario: &Scenario) -> bool {
    scenario.hard_expectations().any(|expectation| expectation.over_seeds.is_some())
}

/// So many of the seeds must miss before more than 5 % of all runs do, surely.
fn sure_miss(seeds: usize) -> usize {
    lower_rank(seeds, check::RUNS).map_or_else(|| seeds.max(1), |rank| seeds + 1 - rank)
}

/// What the runs of a value say together.
fn judgement(scenario: &Scenario, verdicts: &[Verdict], seeds: usize) -> Judgement {
    let missed = verdicts.iter().filter(|verdict| verdict.overall == Judgement::Missed).count();
    if missed >= sure_miss(seeds) {
        return Judgement::Missed;
    }
    if missed > 0 {
        return Judgement::Inconclusive;
    }
    squall_judge::judge_seeds(scenario, squall_judge::Origin::default(), verdicts, None).overall
}

/// The expectation that most of the runs missed.
fn gave(verdicts: &[Verdict]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let rows = verdicts.iter().flat_map(|verdict| &verdict.rows);
    for row in rows.filter(|row| row.judgement == Judgement::Missed) {
        *counts.entry(&row.text).or_default() += 1;
    }
    let (text, _) = counts.into_iter().max_by_key(|&(_, count)| count)?;
    Some(text.to_owned())
}

/// The world without a provider: whoever calls it is refused, from the first moment to the last.
pub(crate) fn without(mut scenario: Scenario, gone: Option<&str>) -> Scenario {
    let provider = scenario.providers.iter_mut().find(|each| Some(each.name.as_str()) == gone);
    if let Some(provider) = provider {
        // Retries go on after the last arrival.
        let lasts = scenario.duration.saturating_mul(2) + Duration::from_secs(86_400);
        let refused = FaultConfig::new(Timestamp::ZERO, lasts, FaultKind::Refuse);
        provider.written.faults = vec![refused];
        provider.written.random.clear();
        let seed = scenario.seed;
        scenario.set_seed(seed);
    }
    scenario
}

#[cfg(test)]
mod tests;
