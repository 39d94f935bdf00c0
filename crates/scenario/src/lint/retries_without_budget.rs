//! `retries-without-budget`: the retry budget allows as many retries as there are requests.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;
use squall_determinism::Share;
use squall_router::{GroupConfig, RetryRule};

pub(super) const LINT: Lint = Lint {
    id: "retries-without-budget",
    about: "The retry budget allows as many retries as there are requests.",
    why: "in an outage every request is tried again, which doubles the load on what is left and keeps it down",
    help: "keep `retry_budget` at a fifth of the requests (the default), and never above a half",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    /// A floor of so many retries a second is no budget.
    const NO_BUDGET: u32 = 1_000_000;
    let budget = context.router().retry_budget;
    // LiteLLM has no such budget: nothing in its file could change that.
    let has_budget = |group: &GroupConfig| !matches!(group.retry_rule, RetryRule::Litellm(_));
    let groups = context.router().groups.iter();
    let retries = groups.filter(|group| has_budget(group)).any(|group| group.most_retries() > 0);
    let boundless = budget.ratio >= Share::percent(100) || budget.min_per_second >= NO_BUDGET;
    if !retries || !boundless {
        return Vec::new();
    }
    let message = "the retry budget bounds nothing: every request may be tried again";
    let place = context.places().router("retry_budget");
    vec![Problem::new(&place, message, "as many retries as requests")]
}
