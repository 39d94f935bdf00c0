//! `multiplied-retries`: retries, fallbacks and the client's own retries multiply to more calls than a provider that fails can take.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "multiplied-retries",
    about: "Retries, fallbacks and the client's own retries multiply to more calls than a provider that fails can take.",
    why: "while everything fails, each request of a client becomes this many calls, and keeps what is overloaded down",
    help: "lower `retries` or `max_moves`, or tell clients not to try again by themselves (`max_retries=0`)",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let options = context.options();
    let times = u64::from(options.client_retries) + 1;
    let mut found = Vec::new();
    for group in context.groups() {
        let worst = context.worst(group.id);
        let calls = worst.attempts.saturating_mul(times);
        if calls <= options.most_calls {
            continue;
        }
        let name = &group.config.name;
        let message = format!(
            "one request for `{name}` may become {calls} calls: {} here, times {times} by the client",
            worst.attempts
        );
        let place = context.places().group(name, "retries");
        found.push(Problem::new(&place, message, format!("more than {}", options.most_calls)));
    }
    found
}
