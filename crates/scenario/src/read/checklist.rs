//! Checklists: `squall rehearse FILE`.

use super::fault::{STAGE_FAULT, fault_now};
use super::file;
use crate::checklist::{
    Checklist, ChecklistItem, ItemKind, Rise, RolloutStage, StageFault, StaticCheck,
};
use crate::diagnostic::{Diagnostics, Problem, suggestion};
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Key, Schema, Section};
use crate::value;
use squall_determinism::{Share, Timestamp};

/// A checklist.
pub(crate) static CHECKLIST: Section = Section {
    id: "checklist",
    phrase: "a checklist",
    about: "A rollout, rehearsed item by item with `squall rehearse`. Requests on the old path \
         are of kind `old`, those on the new path of kind `new`.",
    keys: &[&[
        Key::required(
            "name",
            Schema::FolderName,
            "Its name, also of the folder with its sign-off.",
        ),
        Key::optional("description", Schema::Text, "none", "Its purpose, in a sentence or two."),
        Key::required(
            "scenario",
            Schema::Text,
            "Path of the scenario to rehearse, relative to the checklist.",
        ),
        Key::required("from", Schema::Reference("group"), "The group that serves the old path."),
        Key::required("to", Schema::Reference("group"), "The group that serves the new path."),
        Key::optional("rate", Schema::Number, "the scenario's", "Requests per second."),
        Key::optional(
            "detect",
            Schema::Section(&RISE),
            "from 1% to 2%",
            "The rise of the error rate that every step must be able to detect.",
        ),
        Key::optional(
            "gate",
            Schema::List(&Schema::Expectation),
            "success_rate(new) >= 99%",
            "Expectations for every step.",
        ),
        Key::required("items", Schema::List(&ITEM), "The items, in order."),
    ]],
};

static RISE: Section = Section {
    id: "rise",
    phrase: "a rise of errors",
    about: "A rise of the error rate. Every step tests for it with 99 % power at a false-alarm \
         rate of 1 in 1,000, and fails if errors have risen.",
    keys: &[&[
        Key::optional("from", Schema::Percent, "1%", "The normal error rate."),
        Key::optional("to", Schema::Percent, "2%", "The error rate that is too high."),
    ]],
};

static ITEM: Schema = Schema::Section(&Section {
    id: "checklist-item",
    phrase: "an item of a checklist",
    about: "An item of a checklist.",
    keys: &[&[
        Key::choice("manual", Schema::Text, "A step that a person confirms."),
        Key::choice("static", Schema::Section(&STATIC), "Static checks of the configuration."),
        Key::choice("baseline", Schema::Section(&BASELINE), "All traffic takes the old path."),
        Key::choice("step", Schema::Section(&STEP), "A share of the traffic takes the new path."),
        Key::choice(
            "rollback",
            Schema::Section(&ROLLBACK),
            "A share takes the new path and is rolled back in the middle.",
        ),
    ]],
});

static STATIC: Section = Section {
    id: "static-checks",
    phrase: "static checks",
    about: "Checks of the new path's configuration without a run: `other_provider`, another \
         provider serves the group when one is down; `deadline`, an attempt ends early enough \
         for a retry before the client disconnects; `retry_budget`, retries cannot amplify an \
         outage; `cooldown`, a failing deployment is ejected; `n_minus_one`, the limits admit \
         the traffic without any single provider.",
    keys: &[&[Key::optional(
        "waive",
        Schema::Named(&Schema::Text),
        "none",
        "Checks that need not pass, each with the reason, which the sign-off shows.",
    )]],
};

const STAGE: &[Key] = &[
    Key::optional(
        "dwell",
        Schema::SPAN,
        "as long as detection takes",
        "Duration. If it is too short to detect the rise, the item says so.",
    ),
    Key::optional(
        "gate",
        Schema::List(&Schema::Expectation),
        "the checklist's",
        "Expectations for this item.",
    ),
];

const FAULT: &[Key] = &[Key::optional(
    "fault",
    Schema::Section(&STAGE_FAULT),
    "none",
    "A fault in the middle of the item; in a rollback, from its first quarter on.",
)];

static BASELINE: Section = Section {
    id: "baseline",
    phrase: "a baseline",
    about: "All traffic takes the old path without faults: the baseline for the steps.",
    keys: &[STAGE],
};

static STEP: Section = Section {
    id: "step",
    phrase: "a step",
    about: "A share of the traffic takes the new path, with a fault in the middle.",
    keys: &[&[Key::required("share", Schema::Percent, "Share on the new path.")], STAGE, FAULT],
};

static ROLLBACK: Section = Section {
    id: "rollback",
    phrase: "a rollback",
    about: "A rollback drill: in the middle, all traffic returns to the old path while the fault \
         lasts. Expectations may name the phases `before` and `back`.",
    keys: &[
        &[
            Key::required("share", Schema::Percent, "Share on the new path before the rollback."),
            Key::optional(
                "within",
                Schema::SPAN,
                "30s",
                "Time after the rollback by which the last request on the new path must have ended.",
            ),
        ],
        STAGE,
        FAULT,
    ],
};

impl Checklist {
    /// Reads a checklist from `text`; `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All the problems of the file, each with its place.
    pub fn read(path: &str, text: &str) -> Result<Self, Diagnostics> {
        file(path, text, &CHECKLIST, |fields| checklist(&fields))
    }
}

fn checklist(fields: &Fields<'_>) -> Option<Checklist> {
    let (from, to) = (fields.text("from"), fields.text("to"));
    if from.is_some() && from == to {
        let problem = Problem::new(
            fields.span_of("to"),
            "`from` and `to` are the same group",
            "expected a group other than `from`",
        );
        fields.problems.push(problem);
    }
    let gate = gate(fields);
    let items: Vec<_> = items(fields);
    if items.is_empty()
        && fields.get("items").is_some_and(|node| matches!(node.kind, NodeKind::List(_)))
    {
        let problem = Problem::new(fields.span_of("items"), "a checklist needs an item", "empty");
        fields.problems.push(problem);
    }
    Some(Checklist {
        name: fields.name("name")?.to_owned(),
        description: fields.text("description").map(str::to_owned),
        scenario: fields.text("scenario")?.to_owned(),
        from: from?.to_owned(),
        to: to?.to_owned(),
        rate: fields.number("rate"),
        detect: rise(fields),
        gate: gate.unwrap_or_else(|| vec!["success_rate(new) >= 99%".to_owned()]),
        items,
    })
}

fn rise(fields: &Fields<'_>) -> Rise {
    let section = fields.section("detect");
    let share = |name: &str, default: Share| {
        let share = section.and_then(|section| section.share(name));
        share.unwrap_or(default).as_f64()
    };
    let rise = Rise { from: share("from", Share::percent(1)), to: share("to", Share::percent(2)) };
    if rise.to <= rise.from {
        let problem = Problem::new(
            fields.span_of("detect"),
            "`to` is not above `from`",
            "expected `to` above `from`",
        );
        fields.problems.push(problem);
    }
    rise
}

/// The expectations of a gate; what they mean is checked where the scenario is known.
fn gate(fields: &Fields<'_>) -> Option<Vec<String>> {
    fields.get("gate")?;
    let texts = fields.list("gate").iter();
    let texts = texts.filter_map(|node| value::scalar(node, &Schema::Expectation, fields.problems));
    Some(texts.map(str::to_owned).collect())
}

fn items(fields: &Fields<'_>) -> Vec<ChecklistItem> {
    let nodes = fields.list("items").iter().zip(fields.sections("items"));
    nodes
        .filter_map(|(node, item)| Some(ChecklistItem { line: node.line, what: kind(&item)? }))
        .collect()
}

fn kind(item: &Fields<'_>) -> Option<ItemKind> {
    Some(match item.choice()?.0 {
        "manual" => ItemKind::Manual { text: item.text("manual")?.to_owned() },
        "static" => ItemKind::Static { waived: waived(&item.section("static")?) },
        "baseline" => ItemKind::Baseline(stage(&item.section("baseline")?)?),
        "step" => {
            let step = item.section("step")?;
            ItemKind::Step { share: some(&step)?, stage: stage(&step)? }
        }
        _ => {
            let rollback = item.section("rollback")?;
            let within = rollback.get("within").map(|_| rollback.duration("within"));
            ItemKind::Rollback {
                share: some(&rollback)?,
                stage: stage(&rollback)?,
                within: within.unwrap_or(Some(core::time::Duration::from_secs(30)))?,
            }
        }
    })
}

/// A share above nothing.
fn some(fields: &Fields<'_>) -> Option<Share> {
    let share = fields.share("share")?;
    if share == Share::NONE {
        let problem =
            Problem::new(fields.span_of("share"), "no traffic takes the new path", "above `0%`");
        fields.problems.push(problem);
    }
    Some(share)
}

fn waived(fields: &Fields<'_>) -> Vec<(StaticCheck, String)> {
    let mut waived = Vec::new();
    for entry in fields.named("waive") {
        let reason = value::scalar(&entry.value, &Schema::Text, fields.problems);
        let check = StaticCheck::ALL.into_iter().find(|check| check.as_str() == entry.key);
        if check.is_none() {
            let message = format!("no static check is called `{}`", entry.key);
            let help = suggestion(&entry.key, StaticCheck::ALL.iter().map(|check| check.as_str()));
            let problem = Problem::new(&entry.key_span, message, "unknown").maybe_help(help);
            fields.problems.push(problem);
        }
        waived.extend(check.zip(reason.map(str::to_owned)));
    }
    waived
}

fn stage(fields: &Fields<'_>) -> Option<RolloutStage> {
    let dwell = fields.get("dwell").map(|_| fields.duration("dwell"));
    let fault = fields.has_key("fault").then(|| fields.section("fault")).flatten();
    let fault = match fault {
        Some(section) => Some(stage_fault(fields.get("fault")?, &section)?),
        None => None,
    };
    Some(RolloutStage {
        dwell: match dwell {
            Some(dwell) => Some(dwell?),
            None => None,
        },
        fault,
        gate: gate(fields),
    })
}

fn stage_fault(node: &Node, fields: &Fields<'_>) -> Option<StageFault> {
    let provider = fields.text("provider");
    let fault = fault_now(fields, Timestamp::ZERO);
    let NodeKind::Map(entries) = &node.kind else { return None };
    let parts = entries.iter().filter(|entry| entry.key != "provider");
    let parts: Vec<_> =
        parts.map(|entry| format!("{}: {}", entry.key, entry.value.flow())).collect();
    Some(StageFault { provider: provider?.to_owned(), fault: fault?, text: parts.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
name: rollout
scenario: ../world.yaml
from: direct
to: chat
detect: { from: 1%, to: 5% }
items:
  - manual: Somebody is on call.
  - static: { waive: { n_minus_one: contract signed in March } }
  - baseline: { dwell: 10m }
  - step:
      share: 5%
      fault:
        provider: eu
        for: 2m
        slowdown: { ttft: 3x, itl: 2x }
      gate: [ success_rate(new) >= 98% ]
  - rollback: { share: 50%, dwell: 4m, within: 20s }
";

    #[test]
    fn a_checklist_is_read_item_by_item() {
        let checklist = Checklist::read("rollout.yaml", TEXT).unwrap();
        assert_eq!(checklist.gate, ["success_rate(new) >= 99%"]);
        assert_eq!((checklist.items.len(), checklist.items[0].line), (5, 7));
        let ItemKind::Step { share, stage } = &checklist.items[3].what else { panic!("no step") };
        assert_eq!((*share, stage.dwell), (Share::percent(5), None));
        let fault = stage.fault.as_ref().unwrap();
        assert_eq!(fault.provider, "eu");
        assert_eq!(fault.text, "for: 2m, slowdown: { ttft: 3x, itl: 2x }");
    }

    #[test]
    fn what_is_wrong_with_a_checklist_is_all_told() {
        let text = TEXT
            .replace("to: chat", "to: direct")
            .replace("n_minus_one", "n_minus_two")
            .replace("share: 50%", "share: 0%")
            .replace("slowdown:", "slowdon:")
            .replace("from: 1%, to: 5%", "from: 5%, to: 1%");
        let problems = Checklist::read("rollout.yaml", &text).unwrap_err();
        insta::assert_snapshot!(problems);
    }
}
