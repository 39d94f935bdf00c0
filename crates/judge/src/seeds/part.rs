//! `check-shard.json`: what a shard of a check leaves, so that all of them together are judged as a check of one process is.

use super::{Baseline, Origin};
use crate::file::{FileError, put};
use crate::metrics::{Measured, Measurement, MetricValue};
use crate::verdict::{Judgement, Verdict, VerdictRow};
use serde::{Deserialize, Serialize};
use squall_determinism::{Shard, Timestamp};
use squall_record::Mode;
use squall_scenario::{Expectation, Scenario};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The form that is written and read.
const SCHEMA_VERSION: u32 = 1;

/// The name of the file in the folder of a shard.
pub const CHECK_SHARD_FILE: &str = "check-shard.json";

/// The runs of a shard of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckShard {
    /// The shard.
    pub shard: Shard,
    /// The version of squall that ran it.
    pub version: String,
    /// How many seeds all shards together were asked to run of each scenario.
    pub seeds: usize,
    /// The first of them; the scenario's own if none was given.
    pub first_seed: Option<u64>,
    /// The scenarios, in their order.
    pub scenarios: Vec<ShardScenario>,
}

/// The runs of a scenario in a shard of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct ShardScenario {
    /// Where it comes from.
    pub origin: Origin,
    /// Its text.
    pub text: String,
    /// The baseline beside it.
    pub baseline: Option<Baseline>,
    /// The verdicts of its runs, in the order of seeds.
    pub verdicts: Vec<RunVerdict>,
}

/// What the judgement over seeds needs of the verdict of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RunVerdict {
    seed: u64,
    validity_problems: Vec<String>,
    rows: Vec<RunRow>,
    soft: Vec<RunRow>,
    over_seeds: Vec<RunRow>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct RunRow {
    phase: Option<String>,
    judgement: String,
    reason: String,
    value: RunValue,
    n: u64,
    detail: Vec<String>,
}

/// A value, exactly: numbers are written so that they are read as the same.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RunValue {
    Fraction(String),
    Ratio(String),
    Dollars(String),
    Duration(Duration),
    Count(u64),
    Inconclusive(String),
}

#[derive(Deserialize, Serialize)]
struct CheckShardFile {
    schema_version: u32,
    squall: String,
    shard: String,
    seeds: usize,
    first_seed: Option<u64>,
    scenarios: Vec<CheckedScenarioFile>,
}

#[derive(Deserialize, Serialize)]
struct CheckedScenarioFile {
    file: String,
    variables: Vec<String>,
    settings: Vec<String>,
    text: String,
    baseline: Option<Baseline>,
    verdicts: Vec<RunVerdict>,
}

impl CheckShard {
    /// Writes it into the folder of the shard.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), FileError> {
        let path = dir.join(CHECK_SHARD_FILE);
        let scenarios = self.scenarios.iter().map(|each| CheckedScenarioFile {
            file: each.origin.path.clone(),
            variables: each.origin.variables.clone(),
            settings: each.origin.settings.clone(),
            text: each.text.clone(),
            baseline: each.baseline.clone(),
            verdicts: each.verdicts.clone(),
        });
        let file = CheckShardFile {
            schema_version: SCHEMA_VERSION,
            squall: self.version.clone(),
            shard: self.shard.to_string(),
            seeds: self.seeds,
            first_seed: self.first_seed,
            scenarios: scenarios.collect(),
        };
        let json = serde_json::to_vec(&file);
        put(&path, &json.map_err(|source| FileError::write(&path, source.into()))?)
    }

    /// Reads it back from the folder of a shard.
    ///
    /// # Errors
    /// When it cannot be read, or is not as it is written.
    pub fn read(dir: &Path) -> Result<Self, FileError> {
        let path = dir.join(CHECK_SHARD_FILE);
        let unreadable = |source| FileError::Read { path: path.clone(), source };
        let bytes = fs::read(&path).map_err(unreadable)?;
        let file: CheckShardFile =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.into()))?;
        let malformed = |problem: String| unreadable(std::io::Error::other(problem));
        if file.schema_version != SCHEMA_VERSION {
            let (found, version) = (file.schema_version, file.squall);
            return Err(malformed(format!("it is of form {found}, written by squall {version}")));
        }
        let shard = file.shard.parse::<Shard>().map_err(|error| malformed(error.to_string()))?;
        let scenarios = file.scenarios.into_iter().map(|each| ShardScenario {
            origin: Origin { path: each.file, variables: each.variables, settings: each.settings },
            text: each.text,
            baseline: each.baseline,
            verdicts: each.verdicts,
        });
        let (version, seeds, first_seed) = (file.squall, file.seeds, file.first_seed);
        Ok(Self { shard, version, seeds, first_seed, scenarios: scenarios.collect() })
    }
}

impl RunVerdict {
    /// Of a verdict.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        let rows = |rows: &[VerdictRow]| rows.iter().map(RunRow::of).collect();
        Self {
            seed: verdict.seed,
            validity_problems: verdict.validity_problems.clone(),
            rows: rows(&verdict.rows),
            soft: rows(&verdict.soft),
            over_seeds: rows(&verdict.over_seeds),
        }
    }

    /// The verdict, as far as it was kept; `None` if it is none of this scenario's.
    #[must_use]
    pub fn into_verdict(self, scenario: &Scenario) -> Option<Verdict> {
        let (over, single): (Vec<_>, Vec<_>) =
            scenario.expectations.iter().partition(|each| each.over_seeds.is_some());
        let (soft, hard): (Vec<_>, Vec<_>) = single.into_iter().partition(|each| each.soft);
        let rows = |rows: Vec<RunRow>, of: &[&Expectation]| -> Option<Vec<VerdictRow>> {
            let are_all = rows.len() == of.len();
            let rows = rows.into_iter().zip(of).map(|(row, of)| row.into_row(of));
            are_all.then(|| rows.collect::<Option<_>>())?
        };
        Some(Verdict {
            scenario: scenario.name.clone(),
            seed: self.seed,
            mode: Mode::Simulated,
            duration: scenario.duration,
            warm_up: scenario.warm_up,
            rows: rows(self.rows, &hard)?,
            soft: rows(self.soft, &soft)?,
            over_seeds: rows(self.over_seeds, &over)?,
            // Of the whole run nothing is asked over seeds.
            overall: Judgement::Inconclusive,
            validity_problems: self.validity_problems,
            warnings: Vec::new(),
            changes: Vec::new(),
            target: Vec::new(),
            shards: None,
            throttled: Vec::new(),
        })
    }
}

impl RunRow {
    fn of(row: &VerdictRow) -> Self {
        // Rust reads what it writes of a number as the same number.
        let exact = |number: f64| format!("{number:?}");
        let (value, n, detail) = match &row.measurement {
            Measurement::Inconclusive { reason } => {
                (RunValue::Inconclusive(reason.clone()), 0, Vec::new())
            }
            Measurement::Measured(measured) => {
                let value = match measured.value {
                    MetricValue::Fraction(number) => RunValue::Fraction(exact(number)),
                    MetricValue::Ratio(number) => RunValue::Ratio(exact(number)),
                    MetricValue::Dollars(number) => RunValue::Dollars(exact(number)),
                    MetricValue::Duration(duration) => RunValue::Duration(duration),
                    MetricValue::Count(count) => RunValue::Count(count),
                };
                (value, measured.n, measured.detail.clone())
            }
        };
        let (phase, reason) = (row.phase.clone(), row.reason.clone());
        Self { phase, judgement: row.judgement.as_str().to_owned(), reason, value, n, detail }
    }

    fn into_row(self, expectation: &Expectation) -> Option<VerdictRow> {
        let judgement = [Judgement::Met, Judgement::Missed, Judgement::Inconclusive];
        let judgement = judgement.into_iter().find(|each| each.as_str() == self.judgement)?;
        let value = match self.value {
            RunValue::Inconclusive(reason) => Err(reason),
            RunValue::Fraction(number) => Ok(MetricValue::Fraction(number.parse().ok()?)),
            RunValue::Ratio(number) => Ok(MetricValue::Ratio(number.parse().ok()?)),
            RunValue::Dollars(number) => Ok(MetricValue::Dollars(number.parse().ok()?)),
            RunValue::Duration(duration) => Ok(MetricValue::Duration(duration)),
            RunValue::Count(count) => Ok(MetricValue::Count(count)),
        };
        let measurement = match value {
            // Of what it was measured stands in the reason.
            Ok(value) => {
                Measurement::Measured(Measured { value, n: self.n, of: "", detail: self.detail })
            }
            Err(reason) => Measurement::Inconclusive { reason },
        };
        Some(VerdictRow {
            text: expectation.text.clone(),
            line: expectation.line,
            phase: self.phase,
            window: Timestamp::ZERO..Timestamp::ZERO,
            measurement,
            measured: String::new(),
            limit: String::new(),
            judgement,
            soft: expectation.soft,
            reason: self.reason,
        })
    }
}
