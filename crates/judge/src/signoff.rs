//! The sign-off of a rollout's rehearsal: what was done, what came of it, and the evidence, item by item.

mod output;

pub use output::{sign_off_lines, sign_off_markdown, write_sign_off_junit};

use crate::verdict::Judgement;

/// A rehearsal, to be signed.
#[derive(Clone, Debug, PartialEq)]
pub struct SignOff {
    /// The checklist's name.
    pub checklist: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its file, as it was named.
    pub path: String,
    /// What was rehearsed: `from direct to chat, at 50 requests per second`.
    pub rollout: String,
    /// How: `simulated, 59 seeds` or `live, over real sockets`.
    pub how: String,
    /// When.
    pub made: String,
    /// A digest of checklist and scenario: another one needs another rehearsal.
    pub configuration: String,
    /// The items, in the order of the checklist.
    pub items: Vec<SignOffItem>,
}

/// What came of an item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ItemOutcome {
    /// It is so, or was done.
    Passed,
    /// Nobody was there to say that it was done.
    Skipped,
    /// The gate held, and the dwell was too short for that to mean what it should.
    CannotDetect,
    /// Neither can be said.
    Inconclusive,
    /// It is not.
    Failed,
    /// An item before it failed, or the rehearsal was interrupted.
    NotReached,
}

/// An item, with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct SignOffItem {
    /// Its line in the checklist, from 1.
    pub line: u32,
    /// What it is: `step to 5%`.
    pub title: String,
    /// What came of it.
    pub outcome: ItemOutcome,
    /// What was done, and what a reader should know, a sentence each.
    pub notes: Vec<String>,
    /// What was looked at.
    pub evidence: Vec<ItemEvidence>,
    /// What makes the run again, if there was one.
    pub command: Option<String>,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemEvidence {
    /// What had to hold.
    pub text: String,
    /// Whether it did.
    pub judgement: Judgement,
    /// Why.
    pub reason: String,
}

impl ItemOutcome {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::CannotDetect => "cannot detect",
            Self::Inconclusive => "inconclusive",
            Self::Failed => "FAILED",
            Self::NotReached => "not reached",
        }
    }
}

impl From<Judgement> for ItemOutcome {
    fn from(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Met => Self::Passed,
            Judgement::Missed => Self::Failed,
            Judgement::Inconclusive => Self::Inconclusive,
        }
    }
}

impl SignOff {
    /// The whole: failed if an item failed; else what cannot be said, or was not reached; else passed.
    #[must_use]
    pub fn outcome(&self) -> ItemOutcome {
        let any = |outcome| self.items.iter().any(|item| item.outcome == outcome);
        let worst = [
            ItemOutcome::Failed,
            ItemOutcome::Inconclusive,
            ItemOutcome::CannotDetect,
            // Nothing failed: it was interrupted.
            ItemOutcome::NotReached,
        ];
        worst.into_iter().find(|&outcome| any(outcome)).unwrap_or(ItemOutcome::Passed)
    }

    /// How many items came out so.
    #[must_use]
    pub fn count(&self, outcome: ItemOutcome) -> usize {
        self.items.iter().filter(|item| item.outcome == outcome).count()
    }

    /// The whole in a sentence.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let failed = self.items.iter().find(|item| item.outcome == ItemOutcome::Failed);
        let of = self.items.len();
        let passed = self.count(ItemOutcome::Passed);
        let mut conclusion = match (self.outcome(), failed) {
            (_, Some(item)) => format!("Not ready: the rollout stops at “{}”", item.title),
            (ItemOutcome::Passed, _) if self.count(ItemOutcome::Skipped) > 0 => {
                "Ready for the rollout once the skipped items are done".to_owned()
            }
            (ItemOutcome::Passed, _) => "Ready for the rollout".to_owned(),
            _ => "Not shown to be ready".to_owned(),
        };
        conclusion += &format!(". {passed} of {of} items passed");
        for outcome in [
            ItemOutcome::Skipped,
            ItemOutcome::CannotDetect,
            ItemOutcome::Inconclusive,
            ItemOutcome::Failed,
            ItemOutcome::NotReached,
        ] {
            if let count @ 1.. = self.count(outcome) {
                conclusion += &format!(", {count} {}", outcome.as_str().to_lowercase());
            }
        }
        conclusion + "."
    }
}
