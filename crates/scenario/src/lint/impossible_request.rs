//! `impossible-request`: a limit lets a usual request never through.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "impossible-request",
    about: "A limit lets a usual request never through.",
    why: "every such request is refused for good, however little traffic there is",
    help: "raise the limit or its burst above the tokens of one request",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let request = context.options().request;
    let tokens = u64::from(request.input_tokens) + u64::from(request.output_tokens);
    let places = context.places();
    let mut found = Vec::new();
    let mut refused = |place, whose: String| {
        let message = format!("{whose} can never take a request of {tokens} tokens");
        found.push(Problem::new(&place, message, "less than one request"));
    };
    for group in context.groups() {
        let name = &group.config.name;
        if !group.config.limits.admits(tokens) {
            refused(places.group(name, "limits"), format!("group `{name}`"));
        }
        for (nth, deployment) in group.config.deployments.iter().enumerate() {
            if !deployment.limits.admits(tokens) {
                let place = places.deployment(name, &deployment.name, nth, "limits");
                refused(place, format!("deployment `{}`", deployment.name));
            }
        }
    }
    for tenant in &context.router().tenants {
        if !tenant.limits.admits(tokens) {
            refused(places.tenant(&tenant.name, "limits"), format!("tenant `{}`", tenant.name));
        }
    }
    found
}
