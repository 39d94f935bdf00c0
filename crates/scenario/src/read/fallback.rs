//! Where requests go that a group cannot serve.

use super::KnownNames;
use super::names::RouterSection;
use crate::diagnostic::{Problem, suggestion};
use crate::fields::Fields;
use crate::node::{MapEntry, Node};
use crate::schema::{Schema, Section};
use crate::value;
use squall_router::{FallbackRule, Fallbacks, GroupId};

/// The lists of a group.
pub(crate) fn fallbacks(fields: &Fields<'_>, entry: &MapEntry, groups: &KnownNames) -> Fallbacks {
    let list = |key: &str| -> Vec<GroupId> {
        let nodes = fields.list(key).iter();
        nodes.filter_map(|node| to(fields, node, &entry.key, groups)).collect()
    };
    let special = |key: &str| fields.get(key).map(|_| list(key));
    Fallbacks {
        general: list("fallback"),
        context_window: special("context_window_fallback"),
        content_policy: special("content_policy_fallback"),
    }
}

fn to(fields: &Fields<'_>, node: &Node, from: &str, groups: &KnownNames) -> Option<GroupId> {
    let name = value::scalar(node, &Schema::Reference("group"), fields.problems)?;
    if name == from {
        let message = format!("group `{name}` falls back to itself");
        let help = suggestion(name, groups.iter().filter(|group| *group != name));
        let problem = Problem::new(&node.span, message, "expected another group");
        fields.problems.push(problem.maybe_help(help));
        return None;
    }
    group(fields, node, groups)
}

/// The group that stands at `node`.
pub(crate) fn group(fields: &Fields<'_>, node: &Node, groups: &KnownNames) -> Option<GroupId> {
    let name = value::scalar(node, &Schema::Reference("group"), fields.problems)?;
    let place = groups.find(name, &node.span, fields.problems)?;
    u16::try_from(place).ok().map(GroupId)
}

/// Gives `default_fallback` to the groups that have no `fallback`, those of the list itself excepted.
pub(crate) fn by_default(fields: &Fields<'_>, of: &'static Section, router: &mut RouterSection) {
    let nodes = fields.list("default_fallback").iter();
    let default: Vec<_> = nodes.filter_map(|node| group(fields, node, &router.groups)).collect();
    for (place, entry) in fields.named("groups").iter().enumerate() {
        let Some(opened) = Fields::reopen(&entry.value, of, fields.problems) else { continue };
        let is_default = default.iter().any(|to| to.index() == place);
        if opened.get("fallback").is_none() && !is_default {
            router.config.groups[place].fallbacks.general.clone_from(&default);
        }
    }
}

/// Lists that lead back to where they began are refused, but where a depth bounds them.
pub(crate) fn check_loops(fields: &Fields<'_>, of: &'static Section, router: &RouterSection) {
    if matches!(router.config.fallback_rule, FallbackRule::LitellmNested { .. })
        || router.profile.is_some_and(|profile| profile.litellm().is_some())
        || !fields.problems.is_empty()
    {
        return;
    }
    let Some(path) = router.config.fallback_loop() else { return };
    let names: Vec<_> = path
        .iter()
        .chain(path.first())
        .filter_map(|group| router.groups.iter().nth(group.index()))
        .collect();
    let entries = fields.named("groups");
    let last = path.last().and_then(|last| entries.get(last.index()));
    let span = last
        .and_then(|entry| Fields::reopen(&entry.value, of, fields.problems))
        .map_or_else(|| fields.key_span("groups"), |group| group.key_span("fallback"));
    let message = format!("fallbacks form a loop: {}", names.join(" → "));
    let label = format!("leads back to `{}`", names.first().copied().unwrap_or_default());
    let help =
        "remove one of them, or bound the depth as LiteLLM does: `fallback_rule: { max_depth: 5 }`";
    fields.problems.push(Problem::new(span, message, label).help(help));
}
