//! `slow-connect`: a connection may take as long as the first token.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "slow-connect",
    about: "A connection may take as long as the first token.",
    why: "a host that is gone costs as much time as one that is slow, though it is known after a second",
    help: "let `connect` be a fraction of `first_token`",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let timeouts = group.config.timeouts;
        // LiteLLM has one time-out for all of them.
        if timeouts.connect < timeouts.first_token || timeouts.connect == timeouts.total {
            continue;
        }
        let name = &group.config.name;
        let message = format!(
            "`{name}` allows {:?} to connect and {:?} to the first token",
            timeouts.connect, timeouts.first_token
        );
        let place = context.places().group(name, "timeouts");
        found.push(Problem::new(&place, message, "not shorter"));
    }
    found
}
