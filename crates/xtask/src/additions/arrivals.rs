//! An arrival process: users in pairs.

use super::edit::{Addition, after, before, create};

const TABLE: &str = "crates/workload/src/arrivals.rs";

pub(super) const ADDITION: Addition = Addition {
    what: "an arrival process",
    goal: 4,
    own: None,
    word: "example_arrivals",
    documents: &["docs/SCENARIOS.md", "docs/schema/scenario.json"],
    edits: &[
        after(TABLE, "mod even;", "mod example;"),
        after(TABLE, "use even::EvenGaps;", "use example::ExampleGaps;"),
        before(
            TABLE,
            "    /// Open loop: one user at each of these times",
            "    /// Open loop: users come in pairs.
    Example {
        /// How many a second.
        rate: Rate,
    },",
        ),
        before(
            TABLE,
            "Self::At { .. } | Self::Closed { .. } => None,",
            "            Self::Example { rate } => Some(rate),",
        ),
        before(
            TABLE,
            "Self::Even { .. } | Self::At { .. } | Self::Closed { .. } => 0.0,",
            "            Self::Example { .. } => 0.0,",
        ),
        before(
            TABLE,
            "Self::At { times } => Some(times.len()),",
            "            Self::Example { .. } => None,",
        ),
        after(TABLE, "    Even(TimeChanged<EvenGaps>),", "    Example(TimeChanged<ExampleGaps>),"),
        before(
            TABLE,
            "Arrivals::At { times } => Self::Listed(",
            "            Arrivals::Example { rate } => {
                Self::Example(TimeChanged::new(ExampleGaps::default(), rate, until, draws))
            }",
        ),
        after(
            TABLE,
            "Self::Even(process) => process.next,",
            "            Self::Example(process) => process.next,",
        ),
        after(
            TABLE,
            "Self::Even(process) => process.pop(),",
            "            Self::Example(process) => process.pop(),",
        ),
        create("crates/workload/src/arrivals/example.rs", PROCESS),
        before(
            "crates/scenario/src/read/arrivals.rs",
            "    OpenProcess { word: \"even\"",
            "    OpenProcess {
        word: \"example_arrivals\",
        settings: None,
        read: |_, rate| Some(Arrivals::Example { rate }),
    },",
        ),
    ],
};

const PROCESS: &str = "//! Users who come in pairs: two whenever two more are to be expected.

use super::time_changed::Gaps;
use squall_determinism::RandomStream;

#[derive(Clone, Debug, Default)]
pub(crate) struct ExampleGaps {
    second: bool,
}

impl Gaps for ExampleGaps {
    fn next_gap(&mut self, _: &mut RandomStream) -> f64 {
        self.second = !self.second;
        if self.second { 2.0 } else { 0.0 }
    }
}
";
