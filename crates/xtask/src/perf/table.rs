//! The table of docs/PERFORMANCE.md, and what is printed while it is measured.

use super::goals::GoalVerdict;
use super::host::HostFacts;
use super::measure::RowFigures;
use super::page::figure;
use super::rows::PerfRow;
use super::samples::TurnSamples;
use std::fmt::Write as _;

/// A row that was measured.
#[derive(Debug)]
pub(super) struct MeasuredRow {
    pub(super) row: &'static PerfRow,
    pub(super) figures: RowFigures,
}

impl MeasuredRow {
    fn ours(&self) -> Option<&TurnSamples> {
        let mut all = self.figures.samples.iter();
        all.find(|(whose, _)| whose.starts_with(self.row.ours)).map(|(_, samples)| samples)
    }

    /// The median, its range, and whether the turns disagree.
    fn figure(&self) -> String {
        self.ours().map_or_else(|| "not measured".to_owned(), told)
    }

    /// Peers, each with the ratio of ours to it, turn by turn.
    fn beside(&self) -> String {
        let peers = self.figures.samples.iter();
        let peers = peers.filter(|(whose, _)| !whose.starts_with(self.row.ours));
        let told = peers.map(|(whose, samples)| {
            let ratio = self.ours().and_then(|ours| ours.by(samples));
            let times = ratio.as_ref().and_then(TurnSamples::median);
            let times = times.map_or_else(String::new, |times| format!(", ratio {times:.2}"));
            format!("{whose} {}{times}", told(samples))
        });
        told.collect::<Vec<_>>().join("; ")
    }

    fn verdict(&self, doubt: Option<&str>) -> String {
        let doubt = self.figures.doubt.as_deref().or(doubt);
        let Some(ours) = self.ours() else { return "not measured".to_owned() };
        let peer = |name: &str| self.figures.samples.get(name);
        match (self.row.goal.judge(ours, peer), doubt) {
            (None, _) => "-".to_owned(),
            // A size is what it is, however busy the machine.
            (Some(_), Some(_)) if self.row.unit != "MB" => "not judged: the machine".to_owned(),
            (Some(GoalVerdict::Met), _) => "met".to_owned(),
            (Some(GoalVerdict::Missed), _) => "missed".to_owned(),
            (Some(GoalVerdict::Undecided(why)), _) => format!("undecided: {why}"),
        }
    }

    /// What was left out of it, and what makes it doubtful.
    fn remarks(&self) -> Vec<String> {
        let left_out = self.figures.left_out.iter().map(|why| format!("left out: {why}"));
        left_out.chain(self.figures.doubt.clone()).collect()
    }

    /// A few lines for a terminal.
    pub(super) fn print(&self) {
        println!("\n{}: {}", self.row.name, self.row.what);
        println!(
            "  {} {}, goal {}: {}",
            self.figure(),
            self.row.unit,
            self.row.goal.told(),
            self.verdict(None)
        );
        let beside = self.beside();
        if !beside.is_empty() {
            println!("  beside {beside}");
        }
        for remark in self.remarks() {
            println!("  {remark}");
        }
    }
}

/// `66.2 (64.0 to 69.1)`.
fn told(samples: &TurnSamples) -> String {
    let (Some(median), Some((low, high))) = (samples.median(), samples.range()) else {
        return "not measured".to_owned();
    };
    let range = format!("{} to {}", figure(low), figure(high));
    match samples.turns() {
        1 => format!("{} (one turn)", figure(median)),
        _ if samples.disagree() => format!("{} (turns disagree: {range})", figure(median)),
        _ => format!("{} ({range})", figure(median)),
    }
}

/// For the page.
pub(super) fn page(host: &HostFacts, turns: usize, rows: &[MeasuredRow]) -> String {
    let doubt = host.changed_since();
    let mut out = String::new();
    let doubts = doubt.as_deref().into_iter().chain(host.scaling());
    for fact in host.facts.iter().map(String::as_str).chain(doubts) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "- {fact}");
    }
    let _ = writeln!(
        out,
        "\nMedians of {turns} interleaved turns, with their range.\n\n| row | unit | November 2026 | goal | Squall | beside, with the \
         ratio of Squall to it | goal |\n| --- | --- | ---: | ---: | ---: | --- | --- |"
    );
    for measured in rows {
        let PerfRow { name, what, unit, november, goal, .. } = measured.row;
        let (ours, beside) = (measured.figure(), measured.beside());
        let verdict = measured.verdict(doubt.as_deref());
        let goal = goal.told();
        let _ = writeln!(
            out,
            "| {what} (`{name}`) | {unit} | {november} | {goal} | {ours} | {beside} | {verdict} |"
        );
    }
    let remarks = rows.iter().flat_map(|measured| {
        measured
            .remarks()
            .into_iter()
            .map(|remark| format!("- `{}`: {remark}\n", measured.row.name))
    });
    let remarks: String = remarks.collect();
    if !remarks.is_empty() {
        let _ = write!(out, "\nLeft out, or in doubt:\n\n{remarks}");
    }
    out
}
