//! `checks-overlap`: a health check may take longer than the time between two.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "checks-overlap",
    about: "A health check may take longer than the time between two.",
    why: "checks of a slow deployment pile up, and an unhealthy one is found later than the interval says",
    help: "let `timeout` be below `every`",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let Some(checks) = context.router().health_checks else { return Vec::new() };
    if checks.timeout < checks.every {
        return Vec::new();
    }
    let message =
        format!("a check may take {:?}, and one begins every {:?}", checks.timeout, checks.every);
    let place = context.places().router("health_checks");
    vec![Problem::new(&place, message, "longer than the interval")]
}
