//! `same-domain-fallback`: a group and all its fallbacks run in one failure domain.

use super::context::{FailureDomain, Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "same-domain-fallback",
    about: "A group and all its fallbacks run in one failure domain.",
    why: "what takes the group down takes its fallbacks down with it",
    help: "fall back to another provider, host or region",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let mut fallbacks = group.config.fallbacks.all().peekable();
        if fallbacks.peek().is_none() {
            continue;
        }
        let mut domains = context.domains(&group);
        domains.extend(fallbacks.flat_map(|to| context.domains(&context.group(to))));
        let Some(domain) = FailureDomain::shared(&domains) else { continue };
        let name = &group.config.name;
        let message = format!("`{name}` and everything it falls back to run at {domain}");
        let place = context.places().group(name, "fallback");
        found.push(Problem::new(&place, message, "the same failure domain"));
    }
    found
}
