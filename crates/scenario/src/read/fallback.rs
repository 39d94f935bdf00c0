//! Where requests go that a group cannot serve.

use super::KnownNames;
use super::names::RouterSection;
use crate::diagnostic::{Problem, suggestion};
use crate::fields::Fields;
use crate::node::{MapEntry, Node};
use crate::schema::{Schema, Section};
use crate::value;
use squall_router::{Fallbacks, GroupId};

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
