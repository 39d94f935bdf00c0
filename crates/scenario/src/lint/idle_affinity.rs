//! `idle-affinity`: sessions keep to a deployment in a group that has only one.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "idle-affinity",
    about: "Sessions keep to a deployment in a group that has only one.",
    why: "there is nothing to keep to: the setting does nothing, and hides that the group has no second deployment",
    help: "add a deployment, or leave `session_affinity` out",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let used = group.config.deployments.iter().filter(|each| each.weight > 0).count();
        if group.config.session_affinity.is_none() || used > 1 {
            continue;
        }
        let name = &group.config.name;
        let message = format!("`{name}` has session affinity and one deployment");
        let place = context.places().group(name, "session_affinity");
        found.push(Problem::new(&place, message, "has no effect"));
    }
    found
}
