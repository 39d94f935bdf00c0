//! `sole-deployment-ejected`: the only deployment of a group without a fallback is ejected after failures.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;
use squall_router::{UnavailablePolicy, CooldownRule};

pub(super) const LINT: Lint = Lint {
    id: "sole-deployment-ejected",
    about: "The only deployment of a group without a fallback is ejected after failures.",
    why: "while it is ejected every request of the group fails or waits, those that it could have served as well",
    help: "add a deployment or a `fallback`, or set `when_unavailable: panic` or `cooldown: never`",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let config = group.config;
        let used: Vec<_> = config.deployments.iter().filter(|each| each.weight > 0).collect();
        let [only] = used[..] else { continue };
        let ejects = only.cooldown.unwrap_or(config.cooldown) != CooldownRule::Never;
        let falls_back = config.fallbacks.all().next().is_some();
        let kept = config.when_unavailable == UnavailablePolicy::Panic;
        if !ejects || falls_back || kept || context.ends_a_way(group.id) {
            continue;
        }
        let message = format!(
            "`{}` is the only deployment of `{}`, which has no fallback, and is ejected after failures",
            only.name, config.name
        );
        let place = context.places().group(&config.name, "cooldown");
        found.push(Problem::new(&place, message, "nobody is left then"));
    }
    found
}
