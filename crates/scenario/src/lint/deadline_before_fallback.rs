//! `deadline-before-fallback`: the deadline of a group ends before its first attempt's time-out.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "deadline-before-fallback",
    about: "The deadline of a group ends before its first attempt's time-out.",
    why: "a silent deployment uses up the whole deadline, and no fallback has its turn",
    help: "lower the time-outs below a half of the deadline, raise it, or leave `deadline_sharing` on",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let config = group.config;
        let falls_back = config.fallbacks.all().next().is_some();
        let timeouts = config.deployments.iter().filter(|each| each.weight > 0);
        let timeouts = timeouts.map(|each| each.timeouts.unwrap_or(config.timeouts).first_token);
        let first = timeouts.max().unwrap_or(config.timeouts.first_token);
        if !falls_back || config.deadline_sharing.is_some() || config.deadline > first {
            continue;
        }
        let message = format!(
            "`{}` has {:?} in all, and waits {first:?} for the first token of its first attempt alone",
            config.name, config.deadline
        );
        let place = context.places().group(&config.name, "deadline");
        found.push(Problem::new(&place, message, "its fallback never has its turn"));
    }
    found
}
