//! Names that settings refer to. LiteLLM looks for none of them before a request needs it.

use super::entry::ModelEntry;
use super::settings::{FALLBACK_KEYS, Settings, targets};
use super::{fits, setting};
use squall_config_file::diagnostic::{Problem, Problems, suggestion};
use squall_config_file::node::Node;

/// Warns of fallbacks and aliases that name no group.
pub(super) fn check(root: &Node, entries: &[ModelEntry], settings: &Settings, problems: &Problems) {
    if entries.is_empty() {
        return;
    }
    let known = |name: &str| {
        let bare = |group: &str| group.rsplit_once('/').is_some_and(|(_, bare)| bare == name);
        entries.iter().any(|entry| {
            entry.group == name
                || entry.name == name
                || bare(&entry.group)
                || fits(&entry.group, name)
        }) || settings.aliases.iter().any(|(alias, _)| alias == name)
    };
    let names = || entries.iter().map(|entry| entry.group.as_str());
    for section in ["router_settings", "litellm_settings"] {
        let section = setting::get(Some(root), section);
        for key in FALLBACK_KEYS {
            for target in targets(setting::get(section, key)) {
                let Some(name) = setting::text(Some(target)).filter(|name| !known(name)) else {
                    continue;
                };
                let message = format!("a fallback to the unknown group `{name}`");
                let label = "no such `model_name`: LiteLLM fails when it comes to it";
                let problem = Problem::new(&target.span, message, label).warning();
                problems.push(problem.maybe_help(suggestion(name, names())));
            }
        }
    }
    for (alias, group) in &settings.aliases {
        if known(group) {
            continue;
        }
        let span = setting::get(Some(root), "router_settings")
            .and_then(|node| setting::get(Some(node), "model_group_alias"))
            .and_then(|node| setting::get(Some(node), alias));
        let Some(span) = span.map(|node| &node.span) else { continue };
        let message = format!("`{alias}` is an alias of the unknown group `{group}`");
        let problem = Problem::new(span, message, "no such `model_name`").warning();
        problems.push(problem.maybe_help(suggestion(group, names())));
    }
}
