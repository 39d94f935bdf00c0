//! `weight-zero`: a deployment has weight 0.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "weight-zero",
    about: "A deployment has weight 0.",
    why: "it takes no request, not even when all others of its group are down: it is no standby",
    help: "give it a weight, or an `order` above the others' for a standby, or remove it",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let name = &group.config.name;
        for (nth, deployment) in group.config.deployments.iter().enumerate() {
            if deployment.weight > 0 {
                continue;
            }
            let message = format!("`{}` of `{name}` has weight 0", deployment.name);
            let place = context.places().deployment(name, &deployment.name, nth, "weight");
            found.push(Problem::new(&place, message, "never used"));
        }
    }
    found
}
