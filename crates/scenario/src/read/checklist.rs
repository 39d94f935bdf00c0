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
    about: "A rollout, rehearsed item by item with `squall rehearse`. Requests that go the old way are of \
            the kind `old`, the others of the kind `new`.",
    keys: &[&[
        Key::required("name", Schema::FolderName, "Its name: also of the folder of its sign-off."),
        Key::optional("description", Schema::Text, "none", "What it is for, in a sentence or two."),
        Key::required(
            "scenario",
            Schema::Text,
            "The scenario in whose world it is rehearsed, from where the checklist stands.",
        ),
        Key::required("from", Schema::Reference("group"), "The group that serves the old way."),
        Key::required("to", Schema::Reference("group"), "The group that serves the new way."),
        Key::optional("rate", Schema::Number, "the scenario's", "Requests per second."),
        Key::optional(
            "detect",
            Schema::Section(&RISE),
            "from 1% to 2%",
            "The rise of errors that every step has to be able to detect.",
        ),
        Key::optional(
            "gate",
            Schema::List(&Schema::Expectation),
            "success_rate(new) >= 99%",
            "What has to hold in every step.",
        ),
        Key::required("items", Schema::List(&ITEM), "What is gone through, in this order."),
    ]],
};

static RISE: Section = Section {
    id: "rise",
    phrase: "a rise of errors",
    about: "A rise of the share of requests that fail. A step detects it if it would be noticed 99 times in \
            100, with one false alarm in 1,000.",
    keys: &[&[
        Key::optional("from", Schema::Percent, "1%", "What is usual."),
        Key::optional("to", Schema::Percent, "2%", "What would be too many."),
    ]],
};

static ITEM: Schema = Schema::Section(&Section {
    id: "checklist-item",
    phrase: "an item of a checklist",
    about: "A point of a checklist: exactly one of these.",
    keys: &[&[
        Key::choice("manual", Schema::Text, "Something that a person says is done."),
        Key::choice("static", Schema::Section(&STATIC), "The configuration is looked at."),
        Key::choice("baseline", Schema::Section(&BASELINE), "All traffic goes the old way."),
        Key::choice("step", Schema::Section(&STEP), "A share of the traffic goes the new way."),
        Key::choice(
            "rollback",
            Schema::Section(&ROLLBACK),
            "A share goes the new way, and in the middle all of it goes back.",
        ),
    ]],
});

static STATIC: Section = Section {
    id: "static-checks",
    phrase: "static checks",
    about: "What can be seen of the new way's configuration without a run: `other_provider`, another provider \
            serves the group when one is gone; `deadline`, an attempt ends in time for another before the \
            client hangs up; `retry_budget`, retries cannot multiply an outage; `cooldown`, a deployment that \
            fails gets a rest; `n_minus_one`, what is left without any one provider lets in the traffic.",
    keys: &[&[Key::optional(
        "waive",
        Schema::Named(&Schema::Text),
        "none",
        "Checks that need not pass, each with the reason: it stands in the sign-off.",
    )]],
};

const STAGE: &[Key] = &[
    Key::optional(
        "dwell",
        Schema::SPAN,
        "as long as it takes to detect",
        "For how long. What is too short to detect the rise is told so.",
    ),
    Key::optional(
        "gate",
        Schema::List(&Schema::Expectation),
        "the checklist's",
        "What has to hold.",
    ),
];

const FAULT: &[Key] = &[Key::optional(
    "fault",
    Schema::Section(&STAGE_FAULT),
    "none",
    "What goes wrong in the middle; of a rollback, what goes wrong from its first quarter on.",
)];

static BASELINE: Section = Section {
    id: "baseline",
    phrase: "a baseline",
    about: "All traffic goes the old way, and nothing goes wrong: what the steps are compared with.",
    keys: &[STAGE],
};

static STEP: Section = Section {
    id: "step",
    phrase: "a step",
    about: "A share of the traffic goes the new way, and in the middle something goes wrong.",
    keys: &[&[Key::required("share", Schema::Percent, "How much goes the new way.")], STAGE, FAULT],
};

static ROLLBACK: Section = Section {
    id: "rollback",
    phrase: "a rollback",
    about: "A drill of the way back: in the middle all traffic goes the old way again, while the fault lasts. \
            The phases `before` and `back` can be asked about.",
    keys: &[
        &[
            Key::required("share", Schema::Percent, "How much goes the new way until then."),
            Key::optional(
                "within",
                Schema::SPAN,
                "30s",
                "How soon after it the last request of the new way has to have ended.",
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
            "the new way is the old way",
            "expected another group than that of `from`",
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
            "what would be too many is no more than what is usual",
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
            Problem::new(fields.span_of("share"), "nothing goes the new way", "above `0%`");
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
