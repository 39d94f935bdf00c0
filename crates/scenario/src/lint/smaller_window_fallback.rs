//! `smaller-window-fallback`: a fallback for prompts that are too long takes no longer prompts.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;
use squall_router::GroupConfig;

pub(super) const LINT: Lint = Lint {
    id: "smaller-window-fallback",
    about: "A fallback for prompts that are too long takes no longer prompts.",
    why: "the prompt that did not fit the group does not fit there either: the move costs time and ends in the same error",
    help: "name a group whose `max_input_tokens` is larger",
    find,
};

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for group in context.groups() {
        let name = &group.config.name;
        let Some(own) = window(group.config) else { continue };
        for to in group.config.fallbacks.context_window.iter().flatten() {
            let to = context.group(*to).config;
            let Some(theirs) = window(to).filter(|&theirs| theirs <= own) else { continue };
            let message = format!(
                "prompts above the {own} tokens of `{name}` fall back to `{}`, which takes {theirs}",
                to.name
            );
            let place = context.places().group(name, "context_window_fallback");
            found.push(Problem::new(&place, message, "no larger window"));
        }
    }
    found
}

/// The longest prompt that a group takes; `None` if one of its deployments takes any.
fn window(group: &GroupConfig) -> Option<u32> {
    let used = group.deployments.iter().filter(|each| each.weight > 0);
    let windows: Option<Vec<u32>> = used.map(|each| each.max_input_tokens).collect();
    windows?.into_iter().max()
}
