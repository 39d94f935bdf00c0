//! What many runs of one scenario say together. A run is one draw; whether a change made things worse is a
//! question about all of them.
//!
//! An expectation of every run is met when so few seeds missed it that it holds for 95 % of all runs with 95 %
//! confidence: none of 59, one of 93. It is missed when so many did that it does not, with false alarms controlled over
//! all expectations of a check. One about a quantile over seeds is held against the bounds that order statistics give.
//! What the seeds cannot decide is open: inconclusive, never met.

mod baseline;
mod false_alarms;
mod judge;
mod order;
pub(crate) mod output;
mod part;

pub use baseline::{Baseline, BaselineLine};
pub(crate) use baseline::{SLACK, SLACK_RATIO, SLACK_SHARE};
pub(crate) use false_alarms::holm_limit;
pub use false_alarms::{FALSE_ALARMS, SeedDoubt, control_false_alarms};
pub use order::{CONFIDENCE, least_seeds, lower_rank, upper_rank};
pub use output::{CheckPaths, annotations, check_lines, check_markdown, write_check};
pub(crate) use output::{data as annotation_data, property as annotation_property};
pub use part::{CHECK_SHARD_FILE, CheckShard, RunVerdict, ShardScenario};

use crate::metrics::MetricValue;
use crate::verdict::{Judgement, RowOutcome, Verdict, VerdictRow, nothing_to_meet};
use judge::SeedSample;
use squall_determinism::Timestamp;
use squall_scenario::Scenario;
use std::time::Duration;

/// Many runs of a scenario, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedsVerdict {
    /// The scenario's name.
    pub scenario: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The seeds that were run, in their order.
    pub seeds: Vec<u64>,
    /// How many were to be run: more, if the check was interrupted.
    pub asked: usize,
    /// How long each run was, in its own time.
    pub duration: Duration,
    /// Until when nothing was counted.
    pub warm_up: Timestamp,
    /// A row for each expectation in the order of the file, then one for each that a baseline knows.
    pub rows: Vec<SeedsRow>,
    /// The same for the soft ones, which decide nothing.
    pub soft: Vec<SeedsRow>,
    /// Missed if any row is; else inconclusive if any is; else met.
    pub overall: Judgement,
    /// What decides nothing and should be known.
    pub warnings: Vec<String>,
}

/// Where a scenario comes from, so that a run can be made again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origin {
    /// Its file, as it was named.
    pub path: String,
    /// The values of its variables that make it this case, as `NAME=VALUE`.
    pub variables: Vec<String>,
    /// What was set otherwise than it stands there, as `PATH=VALUE`.
    pub settings: Vec<String>,
}

/// An expectation, judged over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedsRow {
    /// As it stands in the scenario.
    pub text: String,
    /// Its line there, from 1.
    pub line: u32,
    /// The phase it is about, if not the whole run.
    pub phase: Option<String>,
    /// What is claimed of the seeds.
    pub claim: Claim,
    /// The limit as people read it, with its comparison.
    pub limit: String,
    /// What came of it.
    pub judgement: Judgement,
    /// Whether missing it is a warning.
    pub soft: bool,
    /// One sentence that says why.
    pub reason: String,
    /// What was measured; `None` if nothing was.
    pub spread: Option<Spread>,
    /// The seeds whose run missed the limit by itself.
    pub missed: Vec<u64>,
    /// How many seeds in all would meet it if no other seed misses it; `None` where that is not known.
    pub seeds_to_meet: Option<usize>,
    /// What these say; `None` where nothing speaks against it.
    pub doubt: Option<SeedDoubt>,
}

/// What is claimed of the values of all seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claim {
    /// That each is within the limit.
    EveryRun,
    /// That this quantile, between 0 and 1, is.
    Quantile(f64),
    /// That the worst are no worse than those of a committed baseline.
    Baseline,
    /// That their median is no worse than that of a committed baseline.
    BaselineMedian,
}

/// Where the values of all seeds lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub least: MetricValue,
    /// The lower median.
    pub median: MetricValue,
    /// The most.
    pub most: MetricValue,
    /// The seed whose value is nearest to the limit, or farthest beyond it.
    pub worst: u64,
}

/// Judges the runs of a scenario, one for each seed, and holds them against a baseline if there is one. False alarms are
/// controlled over its expectations; [`control_false_alarms`] does so over those of several scenarios.
#[must_use]
pub fn judge_seeds(
    scenario: &Scenario,
    origin: Origin,
    verdicts: &[Verdict],
    baseline: Option<&Baseline>,
) -> SeedsVerdict {
    let mut rows: Vec<_> = samples(scenario, verdicts)
        .into_iter()
        .map(|(place, samples)| judge::judge(&scenario.expectations[place], &samples))
        .collect();
    let mut warnings: Vec<_> = verdicts.first().map_or_else(Vec::new, |verdict| {
        verdict
            .validity_problems
            .iter()
            .map(|problem| format!("seed {}: {problem}", verdict.seed))
            .collect()
    });
    if scenario.hard_expectations().next().is_none() {
        warnings.push(nothing_to_meet(scenario));
    }
    if let Some(baseline) = baseline {
        let held = baseline.hold(scenario, verdicts);
        rows.extend(held.rows);
        warnings.extend(held.unknown);
    }
    let (soft, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.soft);
    let mut verdict = SeedsVerdict {
        scenario: scenario.name.clone(),
        origin,
        seeds: verdicts.iter().map(|verdict| verdict.seed).collect(),
        asked: verdicts.len(),
        duration: scenario.duration,
        warm_up: scenario.warm_up,
        overall: overall(&rows),
        rows,
        soft,
        warnings,
    };
    control_false_alarms(std::slice::from_mut(&mut verdict));
    verdict
}

/// The worst of the rows.
fn overall(rows: &[SeedsRow]) -> Judgement {
    let any = |judgement| rows.iter().any(|row| row.judgement == judgement);
    if any(Judgement::Missed) {
        Judgement::Missed
    } else if rows.is_empty() || any(Judgement::Inconclusive) {
        Judgement::Inconclusive
    } else {
        Judgement::Met
    }
}

/// What every run gave for each expectation, by its place in the scenario.
fn samples<'v>(scenario: &Scenario, verdicts: &'v [Verdict]) -> Vec<(usize, Vec<SeedSample<'v>>)> {
    // Verdicts keep the kinds apart, each in the order of the file.
    let (mut single, mut soft, mut over_seeds) = (0, 0, 0);
    let expectations = scenario.expectations.iter().enumerate();
    expectations
        .map(|(place, expectation)| {
            let (of, at): (fn(&Verdict) -> &[VerdictRow], _) =
                match (expectation.over_seeds, expectation.soft) {
                    (None, false) => (|verdict| &verdict.rows, &mut single),
                    (None, true) => (|verdict| &verdict.soft, &mut soft),
                    (Some(_), _) => (|verdict| &verdict.over_seeds, &mut over_seeds),
                };
            let rows = verdicts.iter().filter_map(|verdict| {
                Some(SeedSample { seed: verdict.seed, row: of(verdict).get(*at)? })
            });
            let rows = rows.collect();
            *at += 1;
            (place, rows)
        })
        .collect()
}

impl Origin {
    /// What shows the run of one seed.
    #[must_use]
    pub fn command(&self, seed: u64) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "=._-/%:".contains(c);
        let option = |name: &str, value: &String| match value.chars().all(plain) {
            true => format!(" --{name} {value}"),
            // As a shell takes it, whatever stands in it.
            false => format!(" --{name} '{}'", value.replace('\'', "'\\''")),
        };
        let variables = self.variables.iter().map(|variable| option("var", variable));
        let settings = self.settings.iter().map(|setting| option("set", setting));
        let options: String = variables.chain(settings).collect();
        format!("squall run {} --sim --seed {seed}{options}", self.path)
    }
}

impl SeedsRow {
    /// What it is told as.
    #[must_use]
    pub const fn outcome(&self) -> RowOutcome {
        RowOutcome::of(self.judgement, self.soft)
    }
}

impl SeedsVerdict {
    /// The verdict of a check that was asked to run so many seeds. Where it was interrupted before it had,
    /// nothing is met; what was missed in the seeds that were run stays missed.
    #[must_use]
    pub fn of_asked(mut self, asked: usize) -> Self {
        self.asked = asked;
        let Some(interrupted) = self.interrupted() else { return self };
        let rows = self.rows.iter_mut().chain(&mut self.soft);
        for row in rows.filter(|row| row.judgement != Judgement::Missed) {
            row.judgement = Judgement::Inconclusive;
            row.reason = format!("{interrupted}: {}", row.reason);
        }
        if self.overall == Judgement::Met {
            self.overall = Judgement::Inconclusive;
        }
        self
    }

    /// Whether so many seeds in all could meet what is open, if no other seed misses it.
    #[must_use]
    pub fn is_decidable_by(&self, seeds: usize) -> bool {
        let open = || self.rows.iter().filter(|row| row.judgement == Judgement::Inconclusive);
        let can = |row: &SeedsRow| row.seeds_to_meet.is_some_and(|needed| needed <= seeds);
        self.overall == Judgement::Inconclusive && open().next().is_some() && open().all(can)
    }

    /// What an interruption left, if there was one: `interrupted after 12 of 59 seeds`.
    #[must_use]
    pub fn interrupted(&self) -> Option<String> {
        let (done, asked) = (self.seeds.len(), self.asked);
        (done < asked).then(|| format!("interrupted after {done} of {asked} seeds"))
    }

    /// Every row as it is shown: first those that decide, then the soft ones.
    pub fn shown(&self) -> impl Iterator<Item = &SeedsRow> {
        self.rows.iter().chain(&self.soft)
    }

    /// How many soft expectations are told as warnings.
    #[must_use]
    pub fn warned(&self) -> usize {
        self.soft.iter().filter(|row| row.outcome() == RowOutcome::Warned).count()
    }

    /// How many rows came out so.
    #[must_use]
    pub fn count(&self, judgement: Judgement) -> usize {
        self.rows.iter().filter(|row| row.judgement == judgement).count()
    }
}

#[cfg(test)]
mod soft_tests;
#[cfg(test)]
mod tests;
