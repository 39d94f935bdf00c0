//! `limit-never-reached`: a limit of a group is above what all its deployments let through.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;
use squall_router::{GroupConfig, RateLimit, RateLimits};

pub(super) const LINT: Lint = Lint {
    id: "limit-never-reached",
    about: "A limit of a group is above what all its deployments let through.",
    why: "the limit protects nothing: the deployments' own limits are always reached first",
    help: "lower the limit, or leave it out",
    find,
};

/// Requests per minute, or tokens per minute.
type LimitedRate = fn(&RateLimits) -> Option<RateLimit>;

const RATES: [(&str, LimitedRate); 2] = [
    ("requests per minute", |limits| limits.rpm),
    ("tokens per minute", |limits| limits.tpm),
];

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let name = &group.config.name;
        for (what, rate) in RATES {
            let Some(limit) = rate(&group.config.limits) else { continue };
            let Some(together) = together(group.config, rate) else { continue };
            if limit.per_minute <= together {
                continue;
            }
            let message = format!(
                "the limit of `{name}`, {} {what}, can never be reached: its deployments let {together} through",
                limit.per_minute
            );
            let place = context.places().group(name, "limits");
            found.push(Problem::new(&place, message, format!("more than {together}")));
        }
    }
    found
}

/// What all deployments of a group let through in a minute; `None` if one has no such limit.
fn together(group: &GroupConfig, rate: LimitedRate) -> Option<u64> {
    let used = group.deployments.iter().filter(|each| each.weight > 0);
    let rates = used.map(|each| rate(&each.limits).map(|limit| limit.per_minute));
    rates.sum()
}
