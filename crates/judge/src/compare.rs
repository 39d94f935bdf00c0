//! What differs between runs of a scenario: each figure of a candidate against that of the reference, with an interval,
//! and whether it is a regression.
//!
//! The unit of evidence is a run: requests within one run are no independent draws, since a fault, a failover and an
//! ejection hit many of them together. Runs that were simulated with the same seeds are compared in pairs, which takes
//! the traffic's own noise out; others by the difference of their means (Welch). A figure has regressed when its mean is
//! worse by more than a margin, with false alarms controlled over all figures (Holm); that it differs by no more than
//! the margin takes an interval within the margin and as many runs as speak for 95 % of all. `docs/COMPARE.md`.

mod conditions;
mod figure;
mod margin;
pub(crate) mod output;
mod rule;
mod stored;
mod student;

pub use conditions::{RunConditions, conditions_differ};
pub use figure::{ComparedFigure, MeasuredRun, RunFigure, measure_run};
pub use margin::StatedMargin;
pub use output::{
    comparison_annotations, comparison_json, comparison_lines, comparison_markdown,
    comparison_reasons, comparison_title, comparison_verdict,
};
pub use rule::control_comparisons;
pub use stored::{StoredRunsError, parse_stored_runs, read_stored_runs, write_stored_runs};

use crate::seeds::Origin;
use squall_record::{Mode, Recording};
use squall_scenario::Scenario;
use std::time::Duration;

/// The runs of one scenario under one configuration: one side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSet {
    /// What a reader calls it: the folder or file that was given.
    pub label: String,
    /// The scenario's name.
    pub scenario: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The text of the scenario; `None` where only figures were kept.
    pub text: Option<String>,
    /// Live or simulated.
    pub mode: Mode,
    /// The version of squall that ran it.
    pub version: String,
    /// The gateway that was tested in place of the built-in one, in a few words.
    pub target: Option<String>,
    /// How long each run is.
    pub duration: Duration,
    /// What is compared.
    pub figures: Vec<ComparedFigure>,
    /// The runs, with a value for each of the figures.
    pub runs: Vec<MeasuredRun>,
    /// How many runs were asked for: more, if an interruption cut them short.
    pub asked: usize,
}

impl RunSet {
    /// A scenario that is simulated by this version, before any of its runs.
    #[must_use]
    pub fn simulated(label: String, scenario: &Scenario, origin: Origin) -> Self {
        Self {
            label,
            scenario: scenario.name.clone(),
            origin,
            text: Some(scenario.text.clone()),
            mode: Mode::Simulated,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            target: None,
            duration: scenario.duration,
            figures: Vec::new(),
            runs: Vec::new(),
            asked: 0,
        }
    }

    /// The same with runs as [`measure_run`] has measured them, of which so many were `asked` for.
    #[must_use]
    pub fn with_runs(
        mut self,
        measured: impl IntoIterator<Item = (Vec<ComparedFigure>, MeasuredRun)>,
        asked: usize,
    ) -> Self {
        for (figures, run) in measured {
            self.figures = figures;
            self.runs.push(run);
        }
        self.asked = asked.max(self.runs.len());
        self
    }

    /// A run that was recorded.
    #[must_use]
    pub fn recorded(
        label: String,
        scenario: &Scenario,
        recording: &Recording,
        origin: Origin,
    ) -> Self {
        let (figures, run) = measure_run(scenario, recording);
        let header = &recording.header;
        Self {
            mode: header.mode,
            version: header.version.clone(),
            target: header.target.as_ref().map(|target| target.name.clone()),
            figures,
            runs: vec![run],
            asked: 1,
            ..Self::simulated(label, scenario, origin)
        }
    }
}

/// How two sides were compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ComparisonMethod {
    /// By the differences of runs with the same seed: so many pairs.
    Paired(usize),
    /// By their means: so many runs of the reference, and of the candidate.
    Unpaired(usize, usize),
}

/// A candidate's runs of a scenario against those of the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct RunComparison {
    /// The scenario's name, as the reference has it.
    pub scenario: String,
    /// The scenario's file, as the candidate names it.
    pub path: String,
    /// What the reference is called.
    pub reference: String,
    /// What the candidate is called.
    pub candidate: String,
    /// How they were compared.
    pub method: ComparisonMethod,
    /// A row for each figure that either has.
    pub rows: Vec<ComparedRow>,
    /// What differs between the two configurations: path, reference, candidate.
    pub changed: Vec<[String; 3]>,
    /// What decides nothing and should be known.
    pub notes: Vec<String>,
    /// The worst of the rows.
    pub overall: ComparisonOutcome,
}

/// A figure of a candidate against the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedRow {
    /// The figure.
    pub figure: ComparedFigure,
    /// Of the reference.
    pub reference: SideSummary,
    /// Of the candidate.
    pub candidate: SideSummary,
    /// Candidate − reference, in the unit of the figure; `None` where either has no value.
    pub difference: Option<f64>,
    /// The interval that holds the difference with 95 % confidence; `None` for a single run.
    pub interval: Option<(f64, f64)>,
    /// How much worse is no regression.
    pub margin: f64,
    /// How likely so bad a mean is if the figure is worse by the margin; `None` where that cannot be told.
    pub p_regressed: Option<f64>,
    /// The same for better.
    pub p_improved: Option<f64>,
    /// Whether the runs show that it is not worse by more than the margin.
    pub is_not_worse: bool,
    /// What came of it.
    pub outcome: ComparisonOutcome,
    /// Why, in a sentence.
    pub reason: String,
    /// What it is while it is neither a regression nor an improvement, and why.
    pub(crate) otherwise: (ComparisonOutcome, String),
}

/// What one side of a row rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SideSummary {
    /// The mean over the runs that were compared; `None` if none was.
    pub mean: Option<f64>,
    /// How many runs have a value.
    pub runs: usize,
    /// In how many of them what was waited for never came: those count as long as the run is.
    pub never: usize,
    /// In how many runs it could not be measured.
    pub unknown: usize,
}

/// What came of a figure, or of a whole comparison.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ComparisonOutcome {
    /// Worse by more than the margin.
    Regressed,
    /// The runs cannot tell.
    Inconclusive,
    /// Other by more than the margin, of a figure that is neither better nor worse.
    Changed,
    /// Better by more than the margin.
    Improved,
    /// Within the margin.
    NoDifference,
}

impl ComparisonOutcome {
    /// The words for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
            Self::Changed => "changed",
            Self::Improved => "improved",
            Self::NoDifference => "no difference",
        }
    }
}

impl RunComparison {
    /// How many rows came out so.
    #[must_use]
    pub fn count(&self, outcome: ComparisonOutcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }
}

/// The worst of several comparisons.
#[must_use]
pub fn worst_outcome(comparisons: &[RunComparison]) -> ComparisonOutcome {
    let outcomes = comparisons.iter().map(|comparison| comparison.overall);
    outcomes.min().unwrap_or(ComparisonOutcome::Inconclusive)
}

/// Compares the runs of a candidate with those of the reference. [`control_comparisons`] decides which of the
/// differences are regressions, over all comparisons of a command together.
#[must_use]
pub fn compare_runs(
    reference: &RunSet,
    candidate: &RunSet,
    margins: &[StatedMargin],
) -> RunComparison {
    let conditions = conditions_differ(reference, candidate);
    let sides = rule::Sides::of(reference, candidate);
    let rows = rule::rows(&sides, margins);
    let mut notes = sides.notes();
    notes.extend(conditions.notes);
    let mut comparison = RunComparison {
        scenario: reference.scenario.clone(),
        path: candidate.origin.path.clone(),
        reference: reference.label.clone(),
        candidate: candidate.label.clone(),
        method: sides.method(),
        rows,
        changed: conditions.changed,
        notes,
        overall: ComparisonOutcome::Inconclusive,
    };
    control_comparisons(std::slice::from_mut(&mut comparison));
    comparison
}

#[cfg(test)]
mod tests;
