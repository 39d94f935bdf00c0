//! Comparisons, told: on a terminal, as Markdown for a pull request, to GitHub, and as JSON.

mod amount;
pub(crate) mod json;

pub use json::comparison_json;

use super::{ComparedRow, ComparisonMethod, ComparisonOutcome, RunComparison, worst_outcome};
use crate::seeds::{annotation_data, annotation_property};
use crate::table::{ColumnSide, align};

const HEAD: [&str; 6] =
    ["verdict", "figure", "reference", "candidate", "difference [95% interval]", "margin"];

/// What a terminal shows of a comparison.
#[must_use]
pub fn comparison_lines(comparison: &RunComparison) -> Vec<String> {
    let mut lines = vec![comparison_title(comparison)];
    lines.extend(comparison.changed.iter().map(|[path, before, after]| {
        format!("  {path}: {before} in the reference, {after} in the candidate")
    }));
    lines.push(String::new());
    let (shown, others) = shown(comparison);
    let mut table = vec![HEAD.map(str::to_owned)];
    table.extend(shown.iter().map(|row| row.cells()));
    let (left, right) = (ColumnSide::Left, ColumnSide::Right);
    lines.extend(align(&table, &[left, left, right, right, left, right]));
    lines.extend(others);
    lines.extend(
        comparison_reasons(&shown).into_iter().map(|(names, reason)| format!("{names}: {reason}")),
    );
    lines.extend(comparison.notes.iter().map(|note| format!("note: {note}")));
    lines.push(format!("verdict: {}", comparison_verdict(comparison)));
    lines
}

/// Comparisons as Markdown, for a pull request or a job's summary.
#[must_use]
pub fn comparison_markdown(comparisons: &[RunComparison]) -> String {
    let mut out = format!("### squall compare: {}\n", overall_words(worst_outcome(comparisons)));
    for comparison in comparisons {
        out += &format!(
            "\n#### {}\n\n**{}**\n",
            title_markdown(comparison),
            comparison_verdict(comparison)
        );
        out += &changed_markdown(comparison);
        let (shown, others) = shown(comparison);
        out += &table_markdown(&shown);
        out.extend(others.map(|others| format!("\n{others}\n")));
        let told = comparison_reasons(&shown).into_iter();
        let told: Vec<_> = told.map(|(names, reason)| format!("- {names}: {reason}\n")).collect();
        if !told.is_empty() {
            out += &format!("\n{}", told.concat());
        }
        let notes = comparison.notes.iter().map(|note| format!("\nNote: {note}.\n"));
        out.extend(notes);
    }
    out
}

/// The workflow commands by which GitHub shows what regressed beside the scenario, and what is inconclusive.
#[must_use]
pub fn comparison_annotations(comparison: &RunComparison) -> Vec<String> {
    let rows = comparison.rows.iter().filter_map(|row| {
        let level = match row.outcome {
            ComparisonOutcome::Regressed => "error",
            ComparisonOutcome::Inconclusive if row.figure.is_key && !row.is_not_worse => "warning",
            _ => return None,
        };
        let title = format!("{}: {}", comparison.scenario, row.outcome.as_str());
        let message = format!("{}: {}", row.figure.name, row.reason);
        let file = match comparison.path.is_empty() {
            true => String::new(),
            false => format!("file={},", annotation_property(&comparison.path)),
        };
        Some(format!(
            "::{level} {file}title={}::{}",
            annotation_property(&title),
            annotation_data(&message)
        ))
    });
    rows.collect()
}

impl RunComparison {
    /// The rows that are shown first, those that differ and the key figures; and all others.
    #[must_use]
    pub fn shown(&self) -> (Vec<&ComparedRow>, Vec<&ComparedRow>) {
        let is_shown = |row: &&ComparedRow| {
            row.figure.is_key
                || !matches!(
                    row.outcome,
                    ComparisonOutcome::NoDifference | ComparisonOutcome::Inconclusive
                )
        };
        let (mut shown, others): (Vec<_>, Vec<_>) = self.rows.iter().partition(is_shown);
        shown.sort_by_key(|row| row.outcome);
        (shown, others)
    }
}

/// The rows that are shown, and a line about the others.
fn shown(comparison: &RunComparison) -> (Vec<&ComparedRow>, Option<String>) {
    let (shown, others) = comparison.shown();
    let parts = [
        (ComparisonOutcome::NoDifference, "no difference found within the margin"),
        (ComparisonOutcome::Inconclusive, "inconclusive"),
    ];
    let parts = parts.into_iter().filter_map(|(outcome, words)| {
        match others.iter().filter(|row| row.outcome == outcome).count() {
            0 => None,
            count => Some(format!("{count} {words}")),
        }
    });
    let parts: Vec<_> = parts.collect();
    (shown, (!parts.is_empty()).then(|| format!("other figures: {}", parts.join(", "))))
}

/// Why rows regressed or are open: names of figures, and the reason; alike reasons are told once.
#[must_use]
pub fn comparison_reasons(shown: &[&ComparedRow]) -> Vec<(String, String)> {
    let is_told = |row: &&&ComparedRow| {
        matches!(row.outcome, ComparisonOutcome::Regressed | ComparisonOutcome::Inconclusive)
    };
    let mut told: Vec<(String, String)> = Vec::new();
    for row in shown.iter().filter(is_told) {
        match told.iter_mut().find(|(_, reason)| *reason == row.reason) {
            Some((names, _)) => *names += &format!(", {}", row.figure.name),
            None => told.push((row.figure.name.clone(), row.reason.clone())),
        }
    }
    told
}

/// `viral-spike: reports/pr against reports/main, paired by 59 seeds`.
#[must_use]
pub fn comparison_title(comparison: &RunComparison) -> String {
    let RunComparison { scenario, reference, candidate, .. } = comparison;
    format!("{scenario}: {candidate} against {reference}, {}", method(comparison.method))
}

fn title_markdown(comparison: &RunComparison) -> String {
    let RunComparison { scenario, reference, candidate, .. } = comparison;
    format!("`{scenario}`: `{candidate}` against `{reference}`, {}", method(comparison.method))
}

fn method(method: ComparisonMethod) -> String {
    match method {
        ComparisonMethod::Paired(1) => "one seed in both".to_owned(),
        ComparisonMethod::Paired(pairs) => format!("paired by {pairs} seeds"),
        ComparisonMethod::Unpaired(1, 1) => "one run each".to_owned(),
        ComparisonMethod::Unpaired(before, after) => {
            format!("{before} runs of the reference, {after} of the candidate")
        }
    }
}

/// `regressed (2 regressed, 1 improved, 20 no difference, 4 inconclusive)`.
#[must_use]
pub fn comparison_verdict(comparison: &RunComparison) -> String {
    let outcomes = [
        ComparisonOutcome::Regressed,
        ComparisonOutcome::Improved,
        ComparisonOutcome::Changed,
        ComparisonOutcome::NoDifference,
        ComparisonOutcome::Inconclusive,
    ];
    let counts = outcomes.into_iter().filter_map(|outcome| match comparison.count(outcome) {
        0 => None,
        count => Some(format!("{count} {}", outcome.as_str())),
    });
    let counts: Vec<_> = counts.collect();
    format!("{} ({})", overall_words(comparison.overall), counts.join(", "))
}

/// The words for a whole comparison.
#[must_use]
const fn overall_words(outcome: ComparisonOutcome) -> &'static str {
    match outcome {
        ComparisonOutcome::Regressed => "REGRESSED",
        ComparisonOutcome::Inconclusive => "inconclusive",
        ComparisonOutcome::Improved => "improved, no regression found",
        ComparisonOutcome::Changed | ComparisonOutcome::NoDifference => {
            "no difference found within the margins"
        }
    }
}

fn changed_markdown(comparison: &RunComparison) -> String {
    if comparison.changed.is_empty() {
        return String::new();
    }
    let rows = comparison.changed.iter().map(|[path, before, after]| {
        let cell = |text: &str| text.replace('|', "\\|");
        format!("| `{}` | `{}` | `{}` |\n", cell(path), cell(before), cell(after))
    });
    let rows: String = rows.collect();
    format!("\n| setting | reference | candidate |\n| --- | --- | --- |\n{rows}")
}

fn table_markdown(rows: &[&ComparedRow]) -> String {
    let mut out =
        format!("\n| {} |\n| --- | --- | ---: | ---: | ---: | ---: |\n", HEAD.join(" | "));
    for row in rows {
        let [word, figure, before, after, difference, margin] = row.cells();
        let (word, figure) = match row.outcome {
            ComparisonOutcome::Regressed => (format!("**{}**", row.outcome.as_str()), figure),
            _ => (word, figure),
        };
        out += &format!(
            "| {word} | `{}` | {before} | {after} | {difference} | {margin} |\n",
            figure.replace('|', "\\|")
        );
    }
    out
}

impl ComparedRow {
    /// Its cells, as every output shows them.
    #[must_use]
    pub fn cells(&self) -> [String; 6] {
        let difference = self.difference_text();
        let word = match self.outcome {
            ComparisonOutcome::Regressed => "REGRESSED",
            _ => self.outcome.as_str(),
        };
        [
            word.to_owned(),
            self.figure.name.clone(),
            self.value(self.reference),
            self.value(self.candidate),
            difference,
            self.amount(self.margin),
        ]
    }
}
