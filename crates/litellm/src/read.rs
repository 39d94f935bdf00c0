//! The reader of LiteLLM files: the settings that a router keeps, with what LiteLLM itself refuses.

mod entry;
mod settings;

pub(super) use entry::ModelEntry;
pub(super) use settings::{FallbackLists, Policy, Settings};

use super::{LitellmFile, report, setting};
use squall_config_file::diagnostic::{Problem, Problems, suggestion};
use squall_config_file::node::{Node, NodeKind};

/// The file; what is wrong with it is among the problems.
pub(super) fn file(path: &str, root: &Node, problems: &Problems) -> Option<LitellmFile> {
    if !matches!(root.kind, NodeKind::Map(_)) {
        let message = format!("expected a LiteLLM configuration, found {}", root.found());
        let problem = Problem::new(&root.span, message, "expected a mapping");
        problems.push(problem.help("its keys are `model_list`, `router_settings`, …"));
        return None;
    }
    let Some(list) = setting::get(Some(root), "model_list") else {
        let message = "there is no `model_list`";
        let problem = Problem::new(&root.span, message, "a router needs at least one deployment");
        problems.push(problem.help("write `model_list:` and its deployments below it"));
        return None;
    };
    let mut found = entry::PartialEntry::default();
    match &list.kind {
        NodeKind::List(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                entry::read(place, item, &mut found, problems);
            }
        }
        _ => {
            let message = format!("expected a list of deployments, found {}", list.found());
            problems.push(Problem::new(&list.span, message, "no deployment here"));
        }
    }
    let settings = settings::read(root, problems);
    check(root, &found.entries, &settings, problems);
    let entry::PartialEntry { entries, upstreams, tags, regions } = found;
    let path = path.to_owned();
    Some(LitellmFile {
        path,
        entries,
        settings,
        upstreams,
        tags,
        regions,
        settings_found: report::walk(root),
        overridden: settings::overridden(root),
    })
}

/// Names that settings refer to.
fn check(root: &Node, entries: &[ModelEntry], settings: &Settings, problems: &Problems) {
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
        for key in settings::FALLBACK_KEYS {
            for target in settings::targets(setting::get(section, key)) {
                let Some(name) = setting::text(Some(target)).filter(|name| !known(name)) else {
                    continue;
                };
                let message = format!("a fallback to the unknown group `{name}`");
                let problem = Problem::new(&target.span, message, "no such `model_name`");
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
        let problem = Problem::new(span, message, "no such `model_name`");
        problems.push(problem.maybe_help(suggestion(group, names())));
    }
}

/// Whether a pattern stands for a name.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    pattern.split_once('*').is_some_and(|(before, after)| {
        name.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
    })
}
