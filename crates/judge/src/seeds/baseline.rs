//! A committed baseline: limits that nobody wrote, taken from how good the runs were when it was blessed.
//!
//! For each expectation it keeps the median, and the bound of p95 in the worse direction by order statistics: the worst
//! of 59 seeds. Later runs are held against both with some slack, and are worse only when their median or their p95 lies
//! beyond them, and that is no false alarm, so that a draw that moved does not fail a build and a change for the worse does.

use super::judge::{RUNS, SeedValue, of_quantile, sorted, spread};
use super::order::{least_seeds, upper_rank};
use super::{Claim, SeedDoubt, SeedsRow, samples};
use crate::file::{FileError, put_json};
use crate::metrics::MetricValue;
use crate::verdict::{Judgement, Verdict, number, sign};
use serde::{Deserialize, Serialize};
use squall_scenario::{Comparison, Expectation, Limit, Scenario};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What may be worse than the bound: a tenth of what is lost, waited or counted.
pub(crate) const SLACK: f64 = 0.1;
/// And a tick, for times, which are known to a tenth of a second.
const SLACK_TIME: Duration = Duration::from_millis(100);
/// And a tenth of a point, for shares.
pub(crate) const SLACK_SHARE: f64 = 0.001;
/// And this, for ratios.
pub(crate) const SLACK_RATIO: f64 = 0.02;

/// How good a scenario was when it was blessed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Baseline {
    /// Of this file: 1.
    pub schema_version: u32,
    /// The version of squall that ran it.
    pub squall: String,
    /// The scenario's name.
    pub scenario: String,
    /// The first seed.
    pub first_seed: u64,
    /// How many seeds.
    pub seeds: usize,
    /// A line for each expectation that has a better and a worse.
    pub expectations: Vec<BaselineLine>,
}

/// How good one expectation was: seconds for times, parts of one for shares.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct BaselineLine {
    /// As it stood in the scenario.
    pub expectation: String,
    /// The median over seeds.
    pub median: f64,
    /// The bound of p95 in the worse direction.
    pub bound: f64,
}

/// What holding runs against a baseline gave.
pub(super) struct BaselineComparison {
    pub(super) rows: Vec<SeedsRow>,
    pub(super) unknown: Vec<String>,
}

impl Baseline {
    /// The file that keeps it, beside the scenario: `viral-spike.baseline.json`.
    #[must_use]
    pub fn path_of(scenario: &Path) -> PathBuf {
        scenario.with_extension("baseline.json")
    }

    /// The baseline beside a scenario; `None` where there is none.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>, FileError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FileError::Read { path: path.to_owned(), source }),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| FileError::Read { path: path.to_owned(), source: source.into() })
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        put_json(path, self)
    }

    /// The baseline of these runs; `None` if they are too few to bound p95.
    #[must_use]
    pub fn of(scenario: &Scenario, verdicts: &[Verdict]) -> Option<Self> {
        if verdicts.len() < least_seeds(RUNS) {
            return None;
        }
        let expectations =
            samples(scenario, verdicts).into_iter().filter_map(|(place, samples)| {
                let expectation = &scenario.expectations[place];
                let worse = Worse::of(expectation.comparison)?;
                let seen = sorted(&samples);
                let bound = number(worse.bound(&seen)?);
                let median = number(seen[(seen.len() - 1) / 2].value);
                // What never came has no bound, and is no limit.
                (bound < Duration::MAX.as_secs_f64()).then(|| BaselineLine {
                    expectation: expectation.text.clone(),
                    median,
                    bound,
                })
            });
        Some(Self {
            schema_version: 1,
            squall: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.name.clone(),
            first_seed: verdicts.first()?.seed,
            seeds: verdicts.len(),
            expectations: expectations.collect(),
        })
    }

    /// A row for each expectation that the baseline knows, and a line for each that it does not.
    pub(super) fn hold(&self, scenario: &Scenario, verdicts: &[Verdict]) -> BaselineComparison {
        let mut held = BaselineComparison { rows: Vec::new(), unknown: Vec::new() };
        for (place, samples) in samples(scenario, verdicts) {
            let expectation = &scenario.expectations[place];
            let Some(worse) = Worse::of(expectation.comparison) else { continue };
            let known = self.expectations.iter().find(|line| line.expectation == expectation.text);
            let Some(line) = known else {
                let text = &expectation.text;
                held.unknown.push(format!("the baseline has no `{text}`; `--bless` adds it"));
                continue;
            };
            let seen = sorted(&samples);
            for (claim, quantile, was) in [
                (Claim::Baseline, worse.quantile(), line.bound),
                (Claim::BaselineMedian, 0.5, line.median),
            ] {
                let limit = worse.slackened(expectation.limit, was);
                held.rows.push(row(
                    expectation,
                    &seen,
                    worse,
                    (claim, quantile),
                    limit,
                    self.seeds,
                ));
            }
        }
        held
    }
}

/// Which way is worse.
#[derive(Clone, Copy)]
enum Worse {
    Higher,
    Lower,
}

impl Worse {
    const fn of(comparison: Comparison) -> Option<Self> {
        match comparison {
            Comparison::AtMost | Comparison::Below => Some(Self::Higher),
            Comparison::AtLeast | Comparison::Above => Some(Self::Lower),
            Comparison::Equal => None,
        }
    }

    const fn comparison(self) -> Comparison {
        match self {
            Self::Higher => Comparison::AtMost,
            Self::Lower => Comparison::AtLeast,
        }
    }

    /// The quantile of values beyond which are the worst runs.
    const fn quantile(self) -> f64 {
        match self {
            Self::Higher => RUNS,
            Self::Lower => 1.0 - RUNS,
        }
    }

    fn bound(self, seen: &[SeedValue]) -> Option<MetricValue> {
        let rank = upper_rank(seen.len(), RUNS)?;
        let place = match self {
            Self::Higher => rank - 1,
            Self::Lower => seen.len() - rank,
        };
        seen.get(place).map(|seen| seen.value)
    }

    /// The bound with its slack, in the unit of the expectation.
    fn slackened(self, unit: Limit, bound: f64) -> MetricValue {
        let moved = |by: f64| match self {
            Self::Higher => bound + by,
            Self::Lower => (bound - by).max(0.0),
        };
        match unit {
            Limit::Fraction(_) => {
                // What is lost is what grows: a tenth of the way to a whole, or to nothing.
                let lost = match self {
                    Self::Higher => bound,
                    Self::Lower => 1.0 - bound,
                };
                MetricValue::Fraction(moved(lost * SLACK + SLACK_SHARE).clamp(0.0, 1.0))
            }
            Limit::Duration(_) => {
                let by = bound * SLACK + SLACK_TIME.as_secs_f64();
                MetricValue::Duration(
                    Duration::try_from_secs_f64(moved(by)).unwrap_or(Duration::MAX),
                )
            }
            Limit::Count(_) => {
                let moved = moved(bound * SLACK + 1.0);
                MetricValue::Count(match self {
                    Self::Higher => moved.ceil() as u64,
                    Self::Lower => moved.floor() as u64,
                })
            }
            Limit::Dollars(_) => MetricValue::Dollars(moved(bound * SLACK)),
            Limit::Ratio(_) => MetricValue::Ratio(moved(bound * SLACK * 0.5 + SLACK_RATIO)),
        }
    }
}

/// A row for a quantile of the runs, of which only what is surely worse counts: the baseline was a draw too.
fn row(
    expectation: &Expectation,
    seen: &[SeedValue],
    worse: Worse,
    (claim, quantile): (Claim, f64),
    limit: MetricValue,
    blessed: usize,
) -> SeedsRow {
    let comparison = worse.comparison();
    let ruling = of_quantile(seen, quantile, comparison, limit);
    let no_worse = format!("no worse than the baseline of {blessed} seeds");
    let doubt = ruling.doubt.map(|doubt| SeedDoubt {
        missed: format!("worse than the baseline of {blessed} seeds: {}", doubt.missed),
        otherwise: (Judgement::Met, no_worse.clone()),
        ..doubt
    });
    SeedsRow {
        text: expectation.text.clone(),
        line: expectation.line,
        phase: None,
        claim,
        limit: format!("{} {}", sign(comparison), limit.display()),
        judgement: Judgement::Met,
        soft: expectation.soft,
        reason: no_worse,
        spread: spread(seen, comparison, limit),
        missed: Vec::new(),
        seeds_to_meet: None,
        doubt,
    }
}
