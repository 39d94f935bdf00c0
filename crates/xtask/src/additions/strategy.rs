//! A routing strategy: the first deployment that is available.

use super::edit::{Addition, after, before, create};

const TABLE: &str = "crates/router/src/strategy.rs";

pub(super) const ADDITION: Addition = Addition {
    what: "a routing strategy",
    goal: 4,
    own: None,
    word: "example_strategy",
    documents: &["docs/SCENARIOS.md", "docs/schema/scenario.json", "docs/schema/gateway.json"],
    edits: &[
        after(TABLE, "mod custom;", "mod example;"),
        after(TABLE, "use alloc::vec::Vec;", "use example::ExampleStrategy;"),
        before(
            TABLE,
            "    TwoChoices {",
            "    ExampleStrategy {
        word: \"example_strategy\",
        about: \"The first that is available.\",
        shares: ShareBasis::Measured,
        in_litellm: LitellmStrategy::SimpleShuffle,
        balancer: |_deployments| ExampleStrategy,
    }",
        ),
        create("crates/router/src/strategy/example.rs", BALANCER),
        after(
            "docs/ROUTER.md",
            "| lowest cost |",
            "| the first available | `strategy: example_strategy` | off | an example | strategies |",
        ),
    ],
};

const BALANCER: &str = "//! The first deployment that is available.

use crate::{Balancer, Candidates, PickContext};

#[derive(Clone, Debug)]
pub(crate) struct ExampleStrategy;

impl Balancer for ExampleStrategy {
    fn pick(&mut self, _: &PickContext, candidates: &Candidates<'_>) -> Option<usize> {
        candidates.iter().next()
    }
}
";
