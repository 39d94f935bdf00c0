//! `nowhere-to-continue`: streams are to go on elsewhere, and there is no other deployment and no fallback.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;
use squall_router::MidStream;

pub(super) const LINT: Lint = Lint {
    id: "nowhere-to-continue",
    about: "Streams that break off are to go on elsewhere, in a group with one deployment and no fallback.",
    why: "a stream never goes on where it broke off: each of them ends with an error, as with `mid_stream: error`",
    help: "add a deployment or a `fallback`, or leave `mid_stream: continue` out",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let config = group.config;
        let used = config.deployments.iter().filter(|each| each.weight > 0).count();
        let falls_back = config.fallbacks.all().next().is_some();
        let ends = context.ends_a_way(group.id);
        if config.mid_stream != MidStream::Continue || used > 1 || falls_back || ends {
            continue;
        }
        let name = &config.name;
        let message = format!("`{name}` has one deployment and no fallback, and `mid_stream: continue`");
        let place = context.places().group(name, "mid_stream");
        found.push(Problem::new(&place, message, "goes on nowhere"));
    }
    found
}
