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
        after(TABLE, "use even::Even;", "use example::ExampleArrivals;"),
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
            "Self::At { times } => times.len(),",
            "            Self::Example { .. } => usize::MAX,",
        ),
        after(TABLE, "    Even(Even),", "    Example(ExampleArrivals),"),
        before(
            TABLE,
            "Arrivals::At { times } => Self::Listed(",
            "            Arrivals::Example { rate } => Self::Example(ExampleArrivals::new(rate, until)),",
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
        after(
            "crates/scenario/src/read/traffic.rs",
            "OpenLoop { word: \"even\"",
            "    OpenLoop { word: \"example_arrivals\", of: |rate| Arrivals::Example { rate } },",
        ),
    ],
};

const PROCESS: &str = "//! Users who come in pairs: two whenever two more are to be expected.

use super::NextArrival;
use crate::Rate;
use crate::rate::RateWalk;
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct ExampleArrivals {
    walk: RateWalk,
    second: bool,
    pub(super) next: Option<NextArrival>,
}

impl ExampleArrivals {
    pub(super) fn new(rate: Rate, until: Timestamp) -> Self {
        let mut walk = RateWalk::new(rate, until);
        let next = walk.advance(1.0).map(|at| NextArrival { at, client: 0 });
        Self { walk, second: false, next }
    }

    pub(super) fn pop(&mut self) -> Option<NextArrival> {
        let next = self.next;
        self.second = !self.second;
        if !self.second {
            self.next = self.walk.advance(2.0).map(|at| NextArrival { at, client: 0 });
        }
        next
    }
}
";
