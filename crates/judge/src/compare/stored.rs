//! `values.json`: what every run of a check measured, so that a later one can be compared with it. A few kilobytes for
//! each scenario: numbers in the units of `summary.json`, `null` for what could not be measured, `"never"` for what did
//! not come within the run.

use super::{ComparedFigure, MeasuredRun, RunFigure, RunSet};
use crate::file::{FileError, put};
use crate::seeds::Origin;
use serde::{Deserialize, Serialize};
use squall_record::Mode;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The form that is written and read.
const SCHEMA_VERSION: u32 = 1;

/// The largest file that is read: that of thousands of scenarios.
const FILE_MAX: u64 = 1 << 30;

/// The name of the file in the folder of a check.
const FILE: &str = "values.json";

/// Why the values of a check cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredRunsError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else than what was written there, such as half of it.
    #[error("`{}` is not as squall writes it: {problem}; run the check again", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// Another version wrote it in another form.
    #[error(
        "`{}` is of form {found}, written by squall {version}; this squall reads form {SCHEMA_VERSION}: read it with \
         that version, or run the check again",
        path.display()
    )]
    Form {
        /// Which.
        path: PathBuf,
        /// Of which form it is.
        found: u32,
        /// By which version of squall.
        version: String,
    },
}

/// What a check keeps of all its runs.
#[derive(Debug, Deserialize, Serialize)]
struct StoredRuns {
    schema_version: u32,
    squall: String,
    scenarios: Vec<StoredScenario>,
}

#[derive(Debug, Deserialize, Serialize)]
struct StoredScenario {
    scenario: String,
    file: String,
    variables: Vec<String>,
    settings: Vec<String>,
    mode: String,
    target: Option<String>,
    duration_ms: u64,
    asked: usize,
    text: String,
    seeds: Vec<u64>,
    /// Why a run is invalid, by its place.
    doubts: Vec<(usize, String)>,
    figures: Vec<StoredFigure>,
}

#[derive(Debug, Deserialize, Serialize)]
struct StoredFigure {
    figure: String,
    key: bool,
    /// A value for each seed.
    values: Vec<Option<StoredValue>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum StoredValue {
    Number(f64),
    Word(NeverWord),
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum NeverWord {
    Never,
}

/// Writes the values of all runs of a check into its folder.
///
/// # Errors
/// When the file cannot be written.
pub fn write_stored_runs(dir: &Path, sets: &[RunSet]) -> Result<PathBuf, FileError> {
    let path = dir.join(FILE);
    let stored = StoredRuns {
        schema_version: SCHEMA_VERSION,
        squall: env!("CARGO_PKG_VERSION").to_owned(),
        scenarios: sets.iter().map(StoredScenario::of).collect(),
    };
    let mut json =
        serde_json::to_vec(&stored).map_err(|source| FileError::write(&path, source.into()))?;
    json.push(b'\n');
    put(&path, &json)?;
    Ok(path)
}

/// Reads the values of a check back from its folder; `None` where it has none.
///
/// # Errors
/// When they cannot be read, are cut off, or are of another version.
pub fn read_stored_runs(dir: &Path, label: &str) -> Result<Option<Vec<RunSet>>, StoredRunsError> {
    let path = dir.join(FILE);
    let malformed = |problem: String| StoredRunsError::Malformed { path: path.clone(), problem };
    let length = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoredRunsError::Read { path, source }),
    };
    if length > FILE_MAX {
        return Err(malformed(format!("it is larger than {} MiB", FILE_MAX >> 20)));
    }
    let bytes =
        fs::read(&path).map_err(|source| StoredRunsError::Read { path: path.clone(), source })?;
    parse_stored_runs(&bytes, &path, label).map(Some)
}

/// Reads the values of a check from what its file holds.
///
/// # Errors
/// When they are cut off, edited, or of another version.
pub fn parse_stored_runs(
    bytes: &[u8],
    path: &Path,
    label: &str,
) -> Result<Vec<RunSet>, StoredRunsError> {
    let malformed = |problem: String| StoredRunsError::Malformed { path: path.to_owned(), problem };
    let form: FormOnly =
        serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    if form.schema_version != SCHEMA_VERSION {
        let (found, version) = (form.schema_version, form.squall);
        return Err(StoredRunsError::Form { path: path.to_owned(), found, version });
    }
    let stored: StoredRuns =
        serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    let version = stored.squall;
    let sets = stored.scenarios.into_iter().map(|each| each.into_set(label, &version));
    sets.collect::<Result<Vec<_>, _>>().map_err(malformed)
}

#[derive(Deserialize)]
struct FormOnly {
    schema_version: u32,
    squall: String,
}

impl StoredScenario {
    fn of(set: &RunSet) -> Self {
        let runs = set.runs.iter().enumerate();
        let doubts = runs.filter_map(|(place, run)| Some((place, run.doubts.first()?.clone())));
        let figures = set.figures.iter().enumerate().map(|(place, figure)| StoredFigure {
            figure: figure.name.clone(),
            key: figure.is_key,
            values: set.runs.iter().map(|run| StoredValue::of(run.values[place])).collect(),
        });
        Self {
            scenario: set.scenario.clone(),
            file: set.origin.path.clone(),
            variables: set.origin.variables.clone(),
            settings: set.origin.settings.clone(),
            mode: set.mode.as_str().to_owned(),
            target: set.target.clone(),
            duration_ms: u64::try_from(set.duration.as_millis()).unwrap_or(u64::MAX),
            asked: set.asked,
            text: set.text.clone().unwrap_or_default(),
            seeds: set.runs.iter().map(|run| run.seed).collect(),
            doubts: doubts.collect(),
            figures: figures.collect(),
        }
    }

    fn into_set(self, label: &str, version: &str) -> Result<RunSet, String> {
        let (name, runs) = (&self.scenario, self.seeds.len());
        let mode = Mode::from_word(&self.mode)
            .ok_or_else(|| format!("`{name}` has the mode `{}`", self.mode))?;
        for figure in &self.figures {
            if figure.values.len() != runs {
                let values = figure.values.len();
                return Err(format!(
                    "`{name}` has {runs} seeds and {values} values of `{}`",
                    figure.figure
                ));
            }
        }
        // A metric of a later version is left out: this one does not know which way it is better.
        let known = self.figures.iter().filter_map(|stored| {
            Some((ComparedFigure::named(&stored.figure, stored.key)?, &stored.values))
        });
        let (figures, values): (Vec<_>, Vec<_>) = known.unzip();
        let runs = self.seeds.iter().enumerate().map(|(place, &seed)| MeasuredRun {
            seed,
            values: values.iter().map(|values| StoredValue::read(values[place].as_ref())).collect(),
            doubts: self
                .doubts
                .iter()
                .filter(|(run, _)| *run == place)
                .map(|(_, doubt)| doubt.clone())
                .collect(),
        });
        let runs = runs.collect();
        Ok(RunSet {
            label: label.to_owned(),
            origin: Origin { path: self.file, variables: self.variables, settings: self.settings },
            text: Some(self.text).filter(|text| !text.is_empty()),
            mode,
            version: version.to_owned(),
            target: self.target,
            duration: Duration::from_millis(self.duration_ms),
            asked: self.asked,
            figures,
            runs,
            scenario: self.scenario,
        })
    }
}

impl StoredValue {
    fn of(value: RunFigure) -> Option<Self> {
        match value {
            RunFigure::Value(number) => Some(Self::Number(number)),
            RunFigure::Never => Some(Self::Word(NeverWord::Never)),
            RunFigure::Unknown => None,
        }
    }

    fn read(stored: Option<&Self>) -> RunFigure {
        match stored {
            Some(Self::Number(number)) => RunFigure::Value(*number),
            Some(Self::Word(NeverWord::Never)) => RunFigure::Never,
            None => RunFigure::Unknown,
        }
    }
}
