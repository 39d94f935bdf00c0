//! A kind of fault: first tokens that come later.

use super::edit::{Addition, after, before, create};

const TABLE: &str = "crates/provider/src/fault.rs";
const READER: &str = "crates/scenario/src/read/fault/kind.rs";

pub(super) const ADDITION: Addition = Addition {
    what: "a kind of fault",
    goal: 5,
    own: None,
    word: "example_fault",
    documents: &["docs/SCENARIOS.md", "docs/schema/scenario.json", "docs/schema/mock.json"],
    edits: &[
        after(TABLE, "mod error;", "mod example;"),
        before(
            TABLE,
            "    /// Its cache of prompts is empty and stays so.",
            "    /// The first token comes later. In flight: go on.
    Example {
        /// By how much.
        by: Duration,
    },",
        ),
        before(
            TABLE,
            "Self::ColdCache => cold_cache::BEHAVIOUR,",
            "            Self::Example { by } => example::behaviour(by),",
        ),
        before(
            TABLE,
            "Self::ColdCache => f.write_str(\"cold cache\"),",
            "            Self::Example { by } => write!(f, \"example by {by:?}\"),",
        ),
        create("crates/provider/src/fault/example.rs", BEHAVIOUR),
        after(
            READER,
            "pub(super) const KINDS: &[FaultReader] = &[",
            "    kind(\"example_fault\", Schema::SPAN, \"An example.\", example, &[\"1s\"]),",
        ),
        before(
            READER,
            "fn cold_cache(",
            "fn example(node: &Node, problems: &Problems) -> Option<FaultKind> {
    let by = value::duration(node, crate::schema::Least::AboveZero, problems)?;
    Some(FaultKind::Example { by })
}
",
        ),
        after(
            "tests/faults/main.rs",
            "case(\"well\", ",
            "    case(\"example\", \"example_fault: 1ms\", \"succeeded\", \"succeeded\"),",
        ),
        after(
            "docs/PROVIDER.md",
            "| `faults` | every kind",
            "| answer later, as an example | `faults` | provider |",
        ),
    ],
};

const BEHAVIOUR: &str = "//! The first token comes later. Attempts in flight go on.

use super::{Behaviour, Effect, PlanModifier};
use core::time::Duration;

pub(super) const fn behaviour(by: Duration) -> Behaviour {
    let later = PlanModifier::Later { by, early_head: false };
    Behaviour { effect: Effect::Modify(later), ..Behaviour::NONE }
}
";
