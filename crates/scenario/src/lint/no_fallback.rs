//! `no-fallback`: a group without a fallback runs in one failure domain.

use super::context::{FailureDomain, Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "no-fallback",
    about: "A group without a fallback runs in one failure domain.",
    why: "when that one provider is down, every request of the group fails",
    help: "name a `fallback`, or add a deployment at another provider",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let falls_back = group.config.fallbacks.all().next().is_some();
        if falls_back || context.ends_a_way(group.id) {
            continue;
        }
        let Some(domain) = FailureDomain::shared(&context.domains(&group)) else { continue };
        let name = &group.config.name;
        let message = format!("`{name}` has no fallback, and all of it runs at {domain}");
        let place = context.places().group(name, "fallback");
        found.push(Problem::new(&place, message, "a single point of failure"));
    }
    found
}
