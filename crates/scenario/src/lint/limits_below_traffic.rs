//! `limits-below-traffic`: traffic asks for more than the limits of all providers can pass.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "limits-below-traffic",
    about: "Traffic asks for more than the limits of all providers that it can reach can pass.",
    why: "the rest waits until its time is up or gets 429s, whatever the router does",
    help: "raise limits, add a provider or a fallback, or lower the rate",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let excess = context.subject.excess_demand.as_ref();
    let place = context.places().traffic("rate");
    excess.map(|excess| Problem::new(&place, excess.to_string(), "too much")).into_iter().collect()
}
