//! The scorecard: several gateways in the same situations, each several times, in one table.
//!
//! A figure is the interval of its values over the runs. What a gateway hides makes a lower bound or is unknown, with
//! the reason; nothing is left blank, and nothing is guessed.

mod added_latency;
mod figures;
mod output;
mod score_value;
mod stored;

pub use figures::{FIGURES, FigureSpec};
pub use output::{scorecard_interval, scorecard_json, scorecard_lines, scorecard_markdown};
pub use score_value::ScoreValue;
pub use stored::{store_sample, stored_sample};

use crate::crash::CrashRow;
use crate::verdict::validity_of;
use serde::{Deserialize, Serialize};
use squall_record::Recording;
use squall_scenario::Scenario;

/// A gateway in one configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScoredSystem {
    /// Its name.
    pub name: String,
    /// Its version, where that is known.
    pub version: Option<String>,
    /// How it is configured and run, in a word or two: `defaults`, `tuned`, `simulated`.
    pub variant: &'static str,
    /// Its own configuration files for one of the situations, by name; empty where there are none.
    pub files: Vec<(String, String)>,
    /// What that configuration cannot express.
    pub notes: Vec<String>,
}

impl ScoredSystem {
    /// `litellm 1.110.2, tuned`.
    #[must_use]
    pub fn title(&self) -> String {
        let version = self.version.as_ref().map(|version| format!(" {version}"));
        format!("{}{}, {}", self.name, version.unwrap_or_default(), self.variant)
    }
}

/// A situation in which systems are compared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScoredSituation {
    /// Its name.
    pub name: String,
    /// What happens, in a sentence.
    pub description: String,
}

/// One run of a system in a situation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ScoreSample {
    /// Its figures, in the order of [`FIGURES`].
    pub figures: Vec<ScoreValue>,
    /// Why the run is in doubt, if it is.
    pub doubts: Vec<String>,
}

impl ScoreSample {
    /// The figures of a recording.
    #[must_use]
    pub fn of(scenario: &Scenario, recording: &Recording) -> Self {
        Self {
            figures: FIGURES.iter().map(|figure| (figure.measure)(scenario, recording)).collect(),
            doubts: validity_of(recording),
        }
    }

    /// A run that could not be made.
    #[must_use]
    pub fn failed(why: &str) -> Self {
        Self {
            figures: vec![ScoreValue::Unknown("the run failed".to_owned()); FIGURES.len()],
            doubts: vec![why.to_owned()],
        }
    }
}

/// The runs of a system in a situation.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreCell {
    /// The system, by its place.
    pub system: usize,
    /// The situation, by its place.
    pub situation: usize,
    /// Its runs.
    pub samples: Vec<ScoreSample>,
}

/// The crash test of a system.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreCrash {
    /// The system, by its place.
    pub system: usize,
    /// A row for each fault.
    pub rows: Vec<CrashRow>,
}

/// A whole scorecard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scorecard {
    /// When, on what machine and by which command it was made, a line each.
    pub made: Vec<String>,
    /// What was compared.
    pub systems: Vec<ScoredSystem>,
    /// In which situations.
    pub situations: Vec<ScoredSituation>,
    /// The runs, in whatever order they were made.
    pub cells: Vec<ScoreCell>,
    /// The crash tests.
    pub crashes: Vec<ScoreCrash>,
}

impl Scorecard {
    /// The runs of a system in a situation.
    #[must_use]
    pub fn samples(&self, system: usize, situation: usize) -> &[ScoreSample] {
        let is_it = |cell: &&ScoreCell| cell.system == system && cell.situation == situation;
        self.cells.iter().find(is_it).map_or(&[], |cell| &cell.samples)
    }

    /// Adds a run.
    pub fn add(&mut self, system: usize, situation: usize, sample: ScoreSample) {
        let is_it = |cell: &&mut ScoreCell| cell.system == system && cell.situation == situation;
        match self.cells.iter_mut().find(is_it) {
            Some(cell) => cell.samples.push(sample),
            None => self.cells.push(ScoreCell { system, situation, samples: vec![sample] }),
        }
    }

    /// How many runs are in doubt, of how many.
    #[must_use]
    pub fn doubted(&self) -> (usize, usize) {
        let samples = || self.cells.iter().flat_map(|cell| &cell.samples);
        (samples().filter(|sample| !sample.doubts.is_empty()).count(), samples().count())
    }
}

#[cfg(test)]
mod tests;
