//! `queue-beyond-deadline`: requests may wait in a queue for as long as their deadline.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "queue-beyond-deadline",
    about: "Requests may wait in a queue for as long as their deadline.",
    why: "whoever waits to the end has no time left for an attempt: the queue only delays the error",
    help: "let `max_queue_wait` be well below the deadline",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let config = group.config;
        if config.max_queue_wait.is_zero() || config.max_queue_wait < config.deadline {
            continue;
        }
        let message = format!(
            "requests of `{}` may wait {:?} in its queue, and their deadline is {:?}",
            config.name, config.max_queue_wait, config.deadline
        );
        let place = context.places().group(&config.name, "max_queue_wait");
        found.push(Problem::new(&place, message, "not below the deadline"));
    }
    found
}
