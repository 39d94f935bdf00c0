//! The reader of LiteLLM files: the settings that a router keeps, with what LiteLLM itself refuses.

mod entry;
mod foreign;
mod references;
mod settings;

pub(super) use entry::ModelEntry;
pub(super) use settings::{FallbackLists, Policy, Settings};

use super::{LitellmFile, report, setting};
use crate::surroundings::{self, LoadReference};
use squall_config_file::diagnostic::{Problem, Problems};
use squall_config_file::node::{Node, NodeKind};
use squall_router::LitellmStrategy;

/// A template, of which nothing can be read.
pub(super) fn template(text: &str) -> Option<Problem> {
    foreign::template(text)
}

/// The file; what is wrong with it is among the problems.
pub(super) fn file(
    path: &str,
    root: Node,
    load: LoadReference<'_>,
    problems: &Problems,
) -> Option<LitellmFile> {
    if !matches!(root.kind, NodeKind::Map(_)) {
        let message = format!("expected a LiteLLM configuration, found {}", root.found());
        let problem = Problem::new(&root.span, message, "expected a mapping");
        problems.push(problem.help("its keys are `model_list`, `router_settings`, …"));
        return None;
    }
    let written = surroundings::with_includes(path, root, load, problems);
    let root = surroundings::with_variables(&written, load);
    let Some(list) = setting::get(Some(&root), "model_list") else {
        problems.push(foreign::other_file(&root).unwrap_or_else(|| {
            let message = "there is no `model_list`";
            let label = "a router needs at least one deployment";
            let problem = Problem::new(&root.span, message, label);
            problem.help("write `model_list:` and its deployments below it")
        }));
        return None;
    };
    let settings = settings::read(&root, problems);
    let found = entries(&root, list, &settings, load, problems);
    references::check(&root, &found.entries, &settings, problems);
    let entry::PartialEntry { entries, upstreams, tags, regions, dropped } = found;
    Some(LitellmFile {
        path: path.to_owned(),
        entries,
        settings,
        upstreams,
        tags,
        regions,
        dropped,
        settings_found: report::walk(&written, load),
        overridden: settings::overridden(&root),
        resolved: root,
        stands_alone: true,
        warnings: None,
    })
}

fn entries(
    root: &Node,
    list: &Node,
    settings: &Settings,
    load: LoadReference<'_>,
    problems: &Problems,
) -> entry::PartialEntry {
    let mut found = entry::PartialEntry::default();
    let NodeKind::List(items) = &list.kind else {
        let message = format!("expected a list of deployments, found {}", list.found());
        problems.push(Problem::new(&list.span, message, "no deployment here"));
        return found;
    };
    let by_usage = [LitellmStrategy::UsageBased, LitellmStrategy::UsageBasedV2];
    let context = entry::EntryContext {
        credentials: setting::items(setting::get(Some(root), "credential_list")),
        info_limits: by_usage.contains(&settings.strategy),
        load,
        problems,
    };
    for (place, item) in items.iter().enumerate() {
        entry::read(place, item, &mut found, context);
    }
    if found.entries.is_empty() && !problems.has_errors() {
        let message = match items.is_empty() {
            true => "the list of deployments is empty",
            false => "LiteLLM drops every deployment of this list",
        };
        problems.push(Problem::new(&list.span, message, "a router needs at least one deployment"));
    }
    found
}

/// Whether a pattern stands for a name.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    pattern.split_once('*').is_some_and(|(before, after)| {
        name.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
    })
}
