//! A rollout, rehearsed: each item of a checklist as a scenario of its own, made from the checklist's world by
//! other values, so that anybody can run it again.

mod detect;
mod drain;
mod stage;
mod statics;

pub use detect::{ALPHA, POWER, samples};
pub use stage::PreparedStage;
pub use statics::StaticFinding;

use squall_judge::{ItemEvidence, ItemOutcome, Judgement, SignOffItem};
use squall_scenario::{Checklist, ChecklistItem, Diagnostics, ItemKind, PathError, Scenario};

/// A checklist whose every item can be gone through.
#[derive(Debug)]
pub struct Rehearsal {
    /// Requests per second.
    pub rate: f64,
    /// The items, in the order of the checklist.
    pub items: Vec<PreparedItem>,
}

/// An item that can be gone through.
#[derive(Debug)]
pub enum PreparedItem {
    /// What a person has to say.
    Manual {
        /// Its line in the checklist.
        line: u32,
        /// What is to be done.
        text: String,
    },
    /// What the configuration shows, already looked at.
    Static(SignOffItem),
    /// What has to be run.
    Stage(Box<PreparedStage>),
}

/// Why a checklist cannot be gone through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearseError {
    /// A group that the scenario does not have.
    #[error("the scenario has no group `{0}`: `from` and `to` name groups of its router")]
    NoGroup(String),
    /// Traffic without a rate.
    #[error("the scenario's traffic has no rate at its start: the checklist needs a `rate`")]
    NoRate,
    /// Traffic of several sources.
    #[error(
        "the scenario's traffic has several sources: the steps of a rollout shift the mix of one"
    )]
    Sources,
    /// A value that has no place in the scenario.
    #[error("line {line}: {source}")]
    Path {
        /// The item's line in the checklist.
        line: u32,
        /// What is wrong.
        source: PathError,
    },
    /// An item that makes no scenario.
    #[error("the item in line {line} does not yield a valid scenario:\n{source}")]
    Item {
        /// Its line in the checklist.
        line: u32,
        /// What is wrong with it, in the scenario that it makes.
        source: Box<Diagnostics>,
    },
    /// A fault that is longer than what it is to happen in.
    #[error("line {line}: a fault of {lasts} s does not fit into a dwell of {dwell} s")]
    Fault {
        /// The item's line in the checklist.
        line: u32,
        /// How long the fault is, in seconds.
        lasts: u64,
        /// How long there is, in seconds.
        dwell: u64,
    },
}

/// Where a scenario comes from: its file, its text, and how texts like it are read.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct ScenarioSource<'a> {
    /// Its file, as it was named.
    pub path: &'a str,
    /// What stands in it, with what is set otherwise.
    pub text: &'a str,
    /// The values that its variables were given, as `NAME=VALUE`.
    pub variables: Vec<String>,
    /// What is set otherwise than in the file, as `PATH=VALUE`.
    pub settings: Vec<String>,
    /// Reads a text as if it stood there.
    pub read: &'a dyn Fn(&str) -> Result<Scenario, Diagnostics>,
}

/// Prepares every item: what is wrong with any of them is told before the first is run.
///
/// # Errors
/// When an item makes no scenario.
pub fn prepare(
    checklist: &Checklist,
    world: &ScenarioSource<'_>,
) -> Result<Rehearsal, RehearseError> {
    let unreadable = |source| RehearseError::Item { line: 1, source: Box::new(source) };
    let scenario = (world.read)(world.text).map_err(unreadable)?;
    for group in [&checklist.from, &checklist.to] {
        if !scenario.router.groups.iter().any(|each| each.name == *group) {
            return Err(RehearseError::NoGroup(group.clone()));
        }
    }
    if scenario.sources.len() > 1 {
        return Err(RehearseError::Sources);
    }
    let rate = checklist.rate.or_else(|| stage::rate_of(&scenario)).ok_or(RehearseError::NoRate)?;
    let prepared = |item: &ChecklistItem| {
        Ok(match &item.what {
            ItemKind::Manual { text } => {
                PreparedItem::Manual { line: item.line, text: text.clone() }
            }
            ItemKind::Static { waived } => {
                PreparedItem::Static(statics::look(checklist, &scenario, rate, item.line, waived))
            }
            ItemKind::Baseline(_) | ItemKind::Step { .. } | ItemKind::Rollback { .. } => {
                PreparedItem::Stage(Box::new(stage::prepare(
                    checklist, world, &scenario, rate, item,
                )?))
            }
        })
    };
    let items = checklist.items.iter().map(prepared).collect::<Result<_, _>>()?;
    Ok(Rehearsal { rate, items })
}

/// What a person said of a manual item; `None` if nobody was there to say anything.
#[must_use]
pub fn manual(line: u32, text: &str, done: Option<bool>) -> SignOffItem {
    let (outcome, note) = match done {
        Some(true) => (ItemOutcome::Passed, "Confirmed at the terminal."),
        Some(false) => (ItemOutcome::Failed, "Answered “not done” at the terminal."),
        None => (ItemOutcome::Skipped, "Not asked: must be done by hand."),
    };
    SignOffItem {
        line,
        title: text.to_owned(),
        outcome,
        notes: vec![note.to_owned()],
        evidence: Vec::new(),
        command: None,
    }
}

/// An item that was not come to.
#[must_use]
pub fn not_reached(item: &PreparedItem) -> SignOffItem {
    let (line, title) = match item {
        PreparedItem::Manual { line, text } => (*line, text.clone()),
        PreparedItem::Static(item) => (item.line, item.title.clone()),
        PreparedItem::Stage(stage) => return stage.not_reached(),
    };
    let (notes, evidence, command) = (Vec::new(), Vec::new(), None);
    SignOffItem { line, title, outcome: ItemOutcome::NotReached, notes, evidence, command }
}

/// The worst of what was looked at.
fn worst(evidence: &[ItemEvidence]) -> Judgement {
    let any = |judgement| evidence.iter().any(|each| each.judgement == judgement);
    [Judgement::Missed, Judgement::Inconclusive]
        .into_iter()
        .find(|&judgement| any(judgement))
        .unwrap_or(Judgement::Met)
}

#[cfg(test)]
mod tests;
