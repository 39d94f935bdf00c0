//! What the runs of two sides say of each figure, and which of the differences are regressions.

use super::student::{MeanDifference, of_groups, of_pairs};
use super::{
    ComparedFigure, ComparedRow, ComparisonMethod, ComparisonOutcome, MeasuredRun, RunComparison,
    RunFigure, RunSet, SideSummary, StatedMargin, margin,
};
use crate::metrics::BetterSide;
use crate::seeds::{CONFIDENCE, FALSE_ALARMS, holm_limit, least_seeds};
use crate::text;
use squall_record::Mode;
use std::collections::BTreeMap;

/// A comparison asks of every figure whether it is worse and whether it is better: each family of questions has its part
/// of the false alarms.
const FAMILIES: f64 = 2.0;

/// The part of all runs that a claim of no difference speaks for, as those of `check` do: it takes 59 of them.
const RUNS: f64 = 0.95;

/// In how many runs a figure may be unknown before nothing is said of it: those in which it is may be the bad ones.
const UNKNOWN: f64 = 1.0 - RUNS;

/// The runs of both sides that are compared with each other.
pub(super) struct Sides<'r> {
    reference: &'r RunSet,
    candidate: &'r RunSet,
    /// The valid runs: of a pair, both at the same place.
    runs: [Vec<&'r MeasuredRun>; 2],
    is_paired: bool,
}

impl<'r> Sides<'r> {
    /// Pairs the runs where both were simulated and share most of their seeds.
    pub(super) fn of(reference: &'r RunSet, candidate: &'r RunSet) -> Self {
        let valid = |set: &'r RunSet| -> Vec<_> {
            set.runs.iter().filter(|run| run.doubts.is_empty()).collect()
        };
        let runs = [valid(reference), valid(candidate)];
        let is_simulated = |set: &RunSet| set.mode == Mode::Simulated;
        let pairs = pairs(&runs);
        let is_paired = is_simulated(reference)
            && is_simulated(candidate)
            && 2 * pairs[0].len() >= runs[0].len().min(runs[1].len()).max(1);
        let runs = if is_paired { pairs } else { balanced(runs) };
        Self { reference, candidate, runs, is_paired }
    }

    pub(super) const fn method(&self) -> ComparisonMethod {
        match self.is_paired {
            true => ComparisonMethod::Paired(self.runs[0].len()),
            false => ComparisonMethod::Unpaired(self.runs[0].len(), self.runs[1].len()),
        }
    }

    /// What is to be known of the runs, a line each.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for set in [self.reference, self.candidate] {
            let invalid = set.runs.iter().filter(|run| !run.doubts.is_empty());
            let count = invalid.clone().count();
            if let Some(first) = invalid.clone().flat_map(|run| &run.doubts).next() {
                let of = set.runs.len();
                notes.push(format!(
                    "`{}`: {count} of {of} runs are invalid or partial and left out: {first}",
                    set.label
                ));
            }
            if set.runs.len() < set.asked {
                let (done, asked) = (set.runs.len(), set.asked);
                notes.push(format!(
                    "`{}` is partial: interrupted after {done} of {asked} runs",
                    set.label
                ));
            }
        }
        for (set, runs) in [self.reference, self.candidate].into_iter().zip(&self.runs) {
            let (valid, taken) =
                (set.runs.iter().filter(|run| run.doubts.is_empty()).count(), runs.len());
            if taken > 1 && taken < valid {
                notes.push(format!("`{}`: {taken} of {valid} runs are compared, those of seeds that both have, or as many as the other has", set.label));
            }
        }
        if self.reference.version != self.candidate.version {
            let (before, after) = (&self.reference.version, &self.candidate.version);
            notes.push(format!("run by squall {before} and {after}: what the simulation or a metric does may differ"));
        }
        let seeds: Vec<_> = self.runs.iter().flatten().map(|run| run.seed).collect();
        if !self.is_paired && seeds.len() > 2 && seeds.windows(2).all(|pair| pair[0] == pair[1]) {
            notes
                .push(format!("all runs have seed {}: they speak for its traffic alone", seeds[0]));
        }
        notes
    }

    /// The values of a figure of both sides, and what they rest on; of a pair only where both have one.
    fn values(&self, figure: &ComparedFigure) -> [SideValues; 2] {
        let sets = [self.reference, self.candidate];
        let place = |set: &RunSet| set.figures.iter().position(|other| other.name == figure.name);
        let places = sets.map(place);
        let of = |side: usize, run: &MeasuredRun| {
            places[side]
                .and_then(|place| run.values.get(place))
                .copied()
                .unwrap_or(RunFigure::Unknown)
        };
        let longest = self.reference.duration.max(self.candidate.duration);
        let mut values = [0, 1].map(|side| {
            let mut values =
                SideValues { has_figure: places[side].is_some(), ..SideValues::default() };
            for (at, run) in self.runs[side].iter().enumerate() {
                // What one of a pair lacks leaves out both.
                let other = self.runs[1 - side].get(at).map(|run| of(1 - side, run));
                let is_alone = self.is_paired && other == Some(RunFigure::Unknown);
                values.add(of(side, run), is_alone, longest.as_secs_f64() * 1e3);
            }
            values
        });
        values.iter_mut().for_each(SideValues::close);
        values
    }
}

/// As many runs of one side as of the other, the first of each. The means of two skewed samples of unequal sizes differ in
/// one direction more often than Student's distribution says (one in six comparisons of 59 and 236 such runs called
/// something that was nothing, at a stated one in 20); those of equal sizes differ as often in either.
fn balanced([mut before, mut after]: [Vec<&MeasuredRun>; 2]) -> [Vec<&MeasuredRun>; 2] {
    let least = before.len().min(after.len());
    // One run is told as what it is.
    if least > 1 {
        before.truncate(least);
        after.truncate(least);
    }
    [before, after]
}

/// The runs of both that have the same seed, in the order of the seeds.
fn pairs<'r>(runs: &[Vec<&'r MeasuredRun>; 2]) -> [Vec<&'r MeasuredRun>; 2] {
    let by_seed = |side: &[&'r MeasuredRun]| -> BTreeMap<u64, &'r MeasuredRun> {
        side.iter().map(|run| (run.seed, *run)).collect()
    };
    let [before, after] = [by_seed(&runs[0]), by_seed(&runs[1])];
    let both = before.iter().filter_map(|(seed, run)| Some((*run, *after.get(seed)?)));
    let (before, after) = both.unzip();
    [before, after]
}

/// The values of one side.
#[derive(Default)]
struct SideValues {
    has_figure: bool,
    /// Whether any run has a value, though the other of its pair may have none.
    has_any: bool,
    /// In how many runs it is unknown here and not in the other run of the pair.
    unknown_alone: usize,
    values: Vec<f64>,
    summary: SideSummary,
}

impl SideValues {
    fn add(&mut self, value: RunFigure, is_alone: bool, never: f64) {
        let (value, is_never) = match value {
            RunFigure::Unknown => {
                self.summary.unknown += 1;
                self.unknown_alone += usize::from(!is_alone);
                return;
            }
            RunFigure::Value(value) => (value, false),
            RunFigure::Never => (never, true),
        };
        self.has_any = true;
        if !is_alone {
            self.summary.never += usize::from(is_never);
            self.values.push(value);
        }
    }

    fn close(&mut self) {
        let n = self.values.len();
        self.summary.runs = n;
        self.summary.mean = (n > 0).then(|| self.values.iter().sum::<f64>() / n as f64);
    }
}

/// A row for each figure that any run of either side has a value of: key figures first.
pub(super) fn rows(sides: &Sides<'_>, margins: &[StatedMargin]) -> Vec<ComparedRow> {
    let (reference, candidate) = (&sides.reference.figures, &sides.candidate.figures);
    let only_after =
        candidate.iter().filter(|figure| !reference.iter().any(|other| other.name == figure.name));
    let mut rows: Vec<_> = reference
        .iter()
        .chain(only_after)
        .filter_map(|figure| row(sides, figure, margins))
        .collect();
    rows.sort_by_key(|row| !row.figure.is_key);
    rows
}

fn row(
    sides: &Sides<'_>,
    figure: &ComparedFigure,
    margins: &[StatedMargin],
) -> Option<ComparedRow> {
    let [before, after] = sides.values(figure);
    if !before.has_any && !after.has_any {
        return None;
    }
    let mean = before.summary.mean.or(after.summary.mean).unwrap_or_default();
    let margin = margin::margin(margins, figure, mean);
    let estimate = match sides.is_paired {
        true => {
            let differences = before.values.iter().zip(&after.values).map(|(a, b)| b - a);
            of_pairs(&differences.collect::<Vec<_>>())
        }
        false => of_groups(&before.values, &after.values),
    };
    let means = before.summary.mean.zip(after.summary.mean);
    let mut row = ComparedRow {
        figure: figure.clone(),
        reference: before.summary,
        candidate: after.summary,
        difference: means.map(|(a, b)| b - a),
        interval: estimate.map(|estimate| estimate.interval(CONFIDENCE)),
        margin,
        p_regressed: None,
        p_improved: None,
        is_not_worse: false,
        outcome: ComparisonOutcome::Inconclusive,
        reason: String::new(),
        otherwise: (ComparisonOutcome::Inconclusive, String::new()),
    };
    let is_of_both = before.has_figure && after.has_figure;
    row.otherwise = match estimate {
        Some(estimate) if is_of_both && is_known(&before) && is_known(&after) => {
            weigh(&mut row, &estimate, sides);
            open(&mut row, sides.is_paired)
        }
        _ => (ComparisonOutcome::Inconclusive, cannot_say(&row, is_of_both)),
    };
    (row.outcome, row.reason) = row.otherwise.clone();
    Some(row)
}

/// Whether it is known in nearly all runs of a side. What neither of a pair can tell makes no difference between them.
fn is_known(side: &SideValues) -> bool {
    let all = (side.values.len() + side.unknown_alone) as f64;
    side.unknown_alone as f64 <= UNKNOWN * all
}

/// How likely so bad or so good a mean is if the figure is worse or better by the margin at most.
fn weigh(row: &mut ComparedRow, estimate: &MeanDifference, sides: &Sides<'_>) {
    let least = least_p(row.reference.runs, row.candidate.runs, sides.is_paired);
    let flipped = MeanDifference { mean: -estimate.mean, ..*estimate };
    let (worse, better) = match row.figure.better() {
        BetterSide::Higher => (&flipped, estimate),
        BetterSide::Lower | BetterSide::Neither => (estimate, &flipped),
    };
    row.p_regressed = Some(worse.p_above(row.margin).max(least));
    row.p_improved = Some(better.p_above(row.margin).max(least));
}

/// The least p-value that so many runs can have, whatever they measured: of how many ways to tell them apart theirs is
/// one. A spread that is estimated from few runs may be far too small, and of counts and shares it is often nothing.
fn least_p(reference: usize, candidate: usize, is_paired: bool) -> f64 {
    if is_paired {
        return 0.5_f64.powi(i32::try_from(reference).unwrap_or(i32::MAX));
    }
    let (few, all) = (reference.min(candidate), reference + candidate);
    (0..few).map(|each| (few - each) as f64 / (all - each) as f64).product()
}

/// What a row is unless it is a regression or an improvement.
fn open(row: &mut ComparedRow, is_paired: bool) -> (ComparisonOutcome, String) {
    let Some((low, high)) = row.interval else { return row.otherwise.clone() };
    let (least, n) = (least_seeds(RUNS), row.reference.runs.min(row.candidate.runs));
    let (within, margin) = (row.amount(row.margin), row.margin);
    let (worst, best) = match row.figure.better() {
        BetterSide::Higher => (-low, -high),
        BetterSide::Lower | BetterSide::Neither => (high, low),
    };
    let runs = if is_paired { "pairs of runs" } else { "runs of each" };
    if n < least {
        let told = match worst <= margin {
            true => "within the margin so far",
            false => "wider than the margin",
        };
        let reason = format!(
            "the interval is {told} ({within}), but {n} {runs} are too few: {least} are required for a statement \
             about {} of all runs",
            text::percent(RUNS)
        );
        return (ComparisonOutcome::Inconclusive, reason);
    }
    row.is_not_worse = worst <= margin;
    match (worst <= margin, best >= -margin) {
        (true, true) => (
            ComparisonOutcome::NoDifference,
            format!("within the margin of {within}, from {n} {runs}"),
        ),
        (true, false) => {
            let reason = format!(
                "not worse by more than {within}; the interval leaves open whether it is better"
            );
            (ComparisonOutcome::Inconclusive, reason)
        }
        (false, _) => {
            let reason =
                format!("the interval reaches beyond the margin of {within}: more runs would tell");
            (ComparisonOutcome::Inconclusive, reason)
        }
    }
}

/// Why nothing is said of a row.
fn cannot_say(row: &ComparedRow, is_of_both: bool) -> String {
    let (before, after) = (row.reference, row.candidate);
    let unknown = |side: SideSummary| {
        (side.unknown > 0).then(|| {
            format!(
                "could not be measured in {} of {} runs",
                side.unknown,
                side.runs + side.unknown
            )
        })
    };
    if !is_of_both {
        return "only one of them has it".to_owned();
    }
    match (unknown(before), unknown(after)) {
        (Some(told), _) => format!("{told} of the reference"),
        (None, Some(told)) => format!("{told} of the candidate"),
        (None, None) if before.runs == 1 && after.runs == 1 => {
            "one run each: a single run cannot tell a difference from the noise between runs"
                .to_owned()
        }
        (None, None) => {
            let few = if before.runs < 2 { "reference" } else { "candidate" };
            format!(
                "a single run of the {few} cannot tell a difference from the noise between runs"
            )
        }
    }
}

/// Decides which differences are regressions and which improvements, over all comparisons of a command together. At most
/// one command in 20 calls anything one or the other that is not.
pub fn control_comparisons(comparisons: &mut [RunComparison]) {
    let alpha = FALSE_ALARMS / FAMILIES;
    let mut rows: Vec<_> = comparisons.iter_mut().flat_map(|each| &mut each.rows).collect();
    let limit = |of: fn(&ComparedRow) -> Option<f64>, rows: &[&mut ComparedRow]| {
        let p_values: Vec<_> = rows.iter().filter_map(|row| of(row)).collect();
        let hypotheses = p_values.len();
        (holm_limit(p_values, hypotheses, alpha), hypotheses)
    };
    let (worse, hypotheses) = limit(|row| row.p_regressed, &rows);
    let (better, _) = limit(|row| row.p_improved, &rows);
    for row in &mut rows {
        let is = |p: Option<f64>, limit: Option<f64>| p.zip(limit).filter(|(p, limit)| p <= limit);
        (row.outcome, row.reason) = if let Some((p, _)) = is(row.p_regressed, worse) {
            (row.told_as(ComparisonOutcome::Regressed), row.beyond("worse", p))
        } else if let Some((p, _)) = is(row.p_improved, better) {
            (row.told_as(ComparisonOutcome::Improved), row.beyond("better", p))
        } else {
            (row.otherwise.0, row.still_open(alpha / hypotheses.max(1) as f64))
        };
    }
    for comparison in comparisons {
        comparison.overall = overall(&comparison.rows);
    }
}

/// Regressed if any row is; inconclusive if a key figure may be worse; else improved if a key figure is.
fn overall(rows: &[ComparedRow]) -> ComparisonOutcome {
    let any = |outcome| rows.iter().any(|row| row.outcome == outcome);
    let mut key = rows.iter().filter(|row| row.figure.is_key).peekable();
    let is_settled =
        |row: &ComparedRow| row.is_not_worse || row.outcome != ComparisonOutcome::Inconclusive;
    if any(ComparisonOutcome::Regressed) {
        ComparisonOutcome::Regressed
    } else if key.peek().is_none() || !key.clone().all(is_settled) {
        ComparisonOutcome::Inconclusive
    } else if key.any(|row| row.outcome == ComparisonOutcome::Improved) {
        ComparisonOutcome::Improved
    } else {
        ComparisonOutcome::NoDifference
    }
}

impl ComparedRow {
    /// A figure without a better side is neither.
    fn told_as(&self, outcome: ComparisonOutcome) -> ComparisonOutcome {
        match self.figure.better() {
            BetterSide::Neither => ComparisonOutcome::Changed,
            BetterSide::Higher | BetterSide::Lower => outcome,
        }
    }

    fn beyond(&self, way: &str, p: f64) -> String {
        let way = match self.figure.better() {
            BetterSide::Neither => "other",
            BetterSide::Higher | BetterSide::Lower => way,
        };
        let never = match (self.candidate.never, self.reference.never) {
            (0, 0) => String::new(),
            (after, before) => format!("; never in {after} runs, {before} of the reference"),
        };
        format!(
            "{way} by more than the margin of {}, {}{never}",
            self.amount(self.margin),
            p_value(p)
        )
    }

    /// Why it is open though the interval lies beyond the margin: so few runs, or so many figures.
    fn still_open(&self, alpha: f64) -> String {
        let (n, m) = (self.reference.runs, self.candidate.runs);
        let (Some(p), Some((low, high))) =
            (least_of(self.p_regressed, self.p_improved), self.interval)
        else {
            return self.otherwise.1.clone();
        };
        let is_beyond = low > self.margin || high < -self.margin;
        if !is_beyond || self.otherwise.0 != ComparisonOutcome::Inconclusive {
            return self.otherwise.1.clone();
        }
        let needed = (2..200).find(|&each| least_p(each, each, false) <= alpha);
        match needed {
            Some(needed) if n.min(m) < needed => format!(
                "the interval is beyond the margin of {}, but {} runs are too few to rule out chance: {needed} of \
                 each could",
                self.amount(self.margin),
                n.min(m)
            ),
            _ => format!(
                "the interval is beyond the margin of {}, but {} is no evidence among so many figures: more runs \
                 would tell",
                self.amount(self.margin),
                p_value(p)
            ),
        }
    }
}

fn least_of(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a.min(b))
}

/// `p = 0.0042`.
fn p_value(p: f64) -> String {
    if p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}
