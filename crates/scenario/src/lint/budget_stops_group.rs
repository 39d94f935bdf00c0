//! `budget-stops-group`: every deployment of a group without a fallback spends from a budget in money.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "budget-stops-group",
    about: "Every deployment of a group without a fallback spends from a budget in money.",
    why: "when the money is spent, every request of the group fails until the period ends",
    help: "name a `fallback` that costs nothing or has a budget of its own, or alert long before it is spent",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let config = group.config;
        let mut used = config.deployments.iter().filter(|each| each.weight > 0);
        let spends = used.all(|each| !each.spends_from.is_empty());
        let falls_back = config.fallbacks.all().next().is_some();
        if !spends || falls_back || context.ends_a_way(group.id) {
            continue;
        }
        let name = &config.name;
        let message = format!("every deployment of `{name}` has a budget, and it has no fallback");
        let place = context.places().group(name, "fallback");
        found.push(Problem::new(&place, message, "stops when the money is spent"));
    }
    found
}
