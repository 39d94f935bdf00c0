//! `sign-off.html`: something that one prints and signs.

use crate::ReportError;
use crate::page::{Fonts, mark, render};
use serde::Serialize;
use squall_judge::{ItemEvidence, ItemOutcome, RowOutcome, SignOff, SignOffItem};

#[derive(Serialize)]
struct SignoffPage<'s> {
    #[serde(flatten)]
    fonts: Fonts,
    tone: &'static str,
    checklist: &'s str,
    conclusion: String,
    description: Option<&'s str>,
    facts: [(&'static str, &'s str); 5],
    items: Vec<ItemPart<'s>>,
    roles: [&'static str; 4],
}

#[derive(Serialize)]
struct ItemPart<'s> {
    title: &'s str,
    tone: &'static str,
    mark: &'static str,
    outcome: String,
    notes: &'s [String],
    evidence: Vec<EvidencePart<'s>>,
    command: Option<&'s str>,
}

#[derive(Serialize)]
struct EvidencePart<'s> {
    judgement: &'static str,
    mark: &'static str,
    text: &'s str,
    reason: &'s str,
}

pub(super) fn page(sign_off: &SignOff) -> Result<String, ReportError> {
    render(
        "sign-off.html",
        SignoffPage {
            fonts: Fonts::default(),
            tone: tone(sign_off.outcome()),
            checklist: &sign_off.checklist,
            conclusion: sign_off.conclusion(),
            description: sign_off.description.as_deref(),
            facts: [
                ("rollout", &sign_off.rollout),
                ("rehearsed", &sign_off.made),
                ("how", &sign_off.how),
                ("checklist", &sign_off.path),
                ("configuration", &sign_off.configuration),
            ],
            items: sign_off.items.iter().map(ItemPart::of).collect(),
            roles: ["owner of the feature", "on call", "security and data", "budget"],
        },
    )
}

const fn tone(outcome: ItemOutcome) -> &'static str {
    match outcome {
        ItemOutcome::Passed => "met",
        ItemOutcome::Failed => "missed",
        _ => "inconclusive",
    }
}

impl<'s> ItemPart<'s> {
    fn of(item: &'s SignOffItem) -> Self {
        Self {
            title: &item.title,
            tone: tone(item.outcome),
            mark: match item.outcome {
                ItemOutcome::Passed => "✓",
                ItemOutcome::Failed => "✗",
                ItemOutcome::NotReached => "–",
                ItemOutcome::Skipped | ItemOutcome::CannotDetect | ItemOutcome::Inconclusive => "≈",
            },
            outcome: item.outcome.as_str().to_lowercase(),
            notes: &item.notes,
            evidence: item.evidence.iter().map(EvidencePart::of).collect(),
            command: item.command.as_deref(),
        }
    }
}

impl<'s> EvidencePart<'s> {
    fn of(evidence: &'s ItemEvidence) -> Self {
        Self {
            judgement: evidence.judgement.as_str(),
            mark: mark(RowOutcome::of(evidence.judgement, false)),
            text: &evidence.text,
            reason: &evidence.reason,
        }
    }
}
