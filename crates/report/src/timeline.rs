//! What happened in a run, in words: faults and the failures that followed, what the router noticed and did, what clients
//! felt, and when traffic was back. Each line is a moment of the run.
//!
//! A line is told from [occurrences](occurrence) of one topic about one subject that follow each other closely; how closely
//! depends on how many lines there would be.

mod occurrence;
mod running;
mod tell;

use occurrence::{Occurrence, occurrences};
pub use running::{LastingFault, RunningTimeline};
use squall_determinism::Timestamp;
use squall_record::Recording;
use squall_scenario::Scenario;
use std::time::Duration;
use tell::LineGroup;

/// A line of what happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimelineLine {
    /// When it began.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// Whether somebody failed or was kept waiting, or all is well again.
    pub tone: TimelineTone,
}

/// How a line is marked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TimelineTone {
    /// Something breaks, or somebody loses.
    Bad,
    /// The router acts.
    Neutral,
    /// Something is well again.
    Good,
}

impl TimelineTone {
    /// The word for it in the page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Neutral => "neutral",
            Self::Good => "good",
        }
    }
}

/// How many lines are told at most, as far as occurrences can be told together.
const LINES: usize = 16;
/// Occurrences no further apart than this are one line: first by seconds, and then by ever more.
const GAP: Duration = Duration::from_secs(5);
const DOUBLINGS: u32 = 10;

/// What happened, by time: by deployment and group as far as that has room, and else those of one topic together.
pub(crate) fn timeline(scenario: &Scenario, recording: &Recording) -> Vec<TimelineLine> {
    let occurrences = occurrences(scenario, recording);
    let gaps = (0..=DOUBLINGS).map(|doubled| GAP * 2_u32.pow(doubled));
    let ways = gaps.clone().map(|gap| (gap, true)).chain(gaps.map(|gap| (gap, false)));
    let mut fewest = Vec::new();
    for (gap, apart) in ways {
        fewest = grouped(&occurrences, gap, apart);
        if fewest.len() <= LINES {
            break;
        }
    }
    fewest.iter().map(LineGroup::line).collect()
}

/// Occurrences of one topic that are no more than `gap` apart, by the first of each, and by their subjects if those are
/// told apart.
fn grouped(all: &[Occurrence], gap: Duration, apart: bool) -> Vec<LineGroup> {
    let mut groups: Vec<LineGroup> = Vec::new();
    for occurrence in all {
        let mut latest_first = groups.iter_mut().rev();
        let same = latest_first.find(|group| group.is_about(occurrence, apart));
        match same.filter(|group| group.takes(occurrence, gap, apart)) {
            Some(group) => group.add(occurrence),
            None => groups.push(LineGroup::new(occurrence)),
        }
    }
    groups
}

#[cfg(test)]
mod tests;
