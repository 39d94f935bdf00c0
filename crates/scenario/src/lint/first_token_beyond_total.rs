//! `first-token-beyond-total`: a time-out for the first token is longer than one for the whole attempt.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "first-token-beyond-total",
    about: "A time-out for the first token is longer than one for the whole attempt.",
    why: "the attempt is over before its first token is late: that time-out never holds",
    help: "let `first_token` be below `total` and `stream_total`",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let name = &group.config.name;
        let own = group.config.deployments.iter().enumerate().filter_map(|(nth, each)| {
            let place = context.places().deployment(name, &each.name, nth, "timeouts");
            Some((each.name.as_str(), each.timeouts?, place))
        });
        let of_group = (name.as_str(), group.config.timeouts, context.places().group(name, "timeouts"));
        for (whose, timeouts, place) in core::iter::once(of_group).chain(own) {
            let stream = timeouts.stream_total.filter(|&total| timeouts.first_token > total);
            let whole = Some(timeouts.total).filter(|&total| timeouts.first_token > total);
            let (Some(total), key) = (match (stream, whole) {
                (Some(total), _) => (Some(total), "stream_total"),
                (None, whole) => (whole, "total"),
            }) else {
                continue;
            };
            let message = format!(
                "`{whose}` allows {:?} for the first token and {total:?} for the whole attempt (`{key}`)",
                timeouts.first_token
            );
            found.push(Problem::new(&place, message, "longer than the whole"));
        }
    }
    found
}
