//! What a LiteLLM file takes from around it: the files that it includes, and variables of the environment.

use crate::setting;
use squall_config_file::diagnostic::{Problem, Problems};
use squall_config_file::node::{MapEntry, Node, NodeKind};
use squall_config_file::yaml;
use std::collections::{BTreeSet, VecDeque};
use std::io;

/// Loads what a LiteLLM file refers to: a file by its path from the folder of the LiteLLM file, and the value
/// of a variable by `os.environ/NAME`.
pub type LoadReference<'l> = &'l dyn Fn(&str) -> io::Result<String>;

/// How many files may be included in all.
const INCLUDES_MAX: usize = 100;

/// The file at `path` with those that it includes: lists go on, and every other section of an included file
/// replaces the file's own. What comes from an included file stands at the place of its name.
pub(super) fn with_includes(
    path: &str,
    root: Node,
    load: LoadReference<'_>,
    problems: &Problems,
) -> Node {
    let mut waiting = VecDeque::new();
    let own = path.rsplit(['/', '\\']).next().unwrap_or(path);
    push_includes(&root, own, None, &mut waiting, problems);
    let mut root = without_include(root);
    let mut loaded = BTreeSet::from([own.to_owned()]);
    while let Some(include) = waiting.pop_front() {
        if !loaded.insert(include.path.clone()) {
            continue;
        }
        if loaded.len() > INCLUDES_MAX {
            let message = format!("more than {INCLUDES_MAX} files are included");
            problems.push(Problem::new(&include.place.span, message, "limit exceeded here"));
            break;
        }
        let Some(node) = included(&include, load, problems) else { continue };
        push_includes(&node, &include.path, Some(&include.place), &mut waiting, problems);
        merge(&mut root, without_include(node));
    }
    root
}

/// A file that is to be included, and where its name stands in the first file.
struct Include {
    path: String,
    place: Node,
}

fn push_includes(
    node: &Node,
    from: &str,
    at: Option<&Node>,
    waiting: &mut VecDeque<Include>,
    problems: &Problems,
) {
    let Some(list) = setting::get(Some(node), "include") else { return };
    let names = setting::items(Some(list));
    let refused = || {
        let message = format!("`include` is {}", list.found());
        let span = &at.unwrap_or(list).span;
        problems.push(Problem::new(span, message, "expected a list of file paths"));
    };
    if !matches!(list.kind, NodeKind::List(_)) {
        return refused();
    }
    for name in names {
        let Some(text) = setting::text(Some(name)) else { return refused() };
        let folder = from.rsplit_once('/').map(|(folder, _)| folder);
        let path = match folder {
            Some(folder) if !text.starts_with('/') => format!("{folder}/{text}"),
            _ => text.to_owned(),
        };
        waiting.push_back(Include { path, place: at.unwrap_or(name).clone() });
    }
}

fn included(include: &Include, load: LoadReference<'_>, problems: &Problems) -> Option<Node> {
    let span = &include.place.span;
    let path = &include.path;
    let text = load(path).map_err(|error| {
        let message = format!("the included file `{path}` cannot be read: {error}");
        problems.push(Problem::new(span, message, "relative to the file that includes it"));
    });
    let text = text.ok()?;
    let found = Problems::default();
    let node = yaml::parse_as_python(&text, &found);
    let found = squall_config_file::Diagnostics::new(path, &text, found.into_vec());
    for problem in found.problems() {
        let (line, column) = found.position(problem);
        let message = format!("`{path}`, line {line}, column {column}: {}", problem.message);
        let mut said = Problem::new(span, message, "included here");
        said.severity = problem.severity;
        problems.push(said);
    }
    let mut node = node?;
    if !matches!(node.kind, NodeKind::Map(_)) {
        let message = format!("`{path}` is {}", node.found());
        problems.push(Problem::new(span, message, "an included file is a mapping"));
        return None;
    }
    place_at(&mut node, &include.place);
    Some(node)
}

/// Puts every part of an included file where its name stands: diagnostics show the first file.
fn place_at(node: &mut Node, place: &Node) {
    node.span = place.span.clone();
    node.line = place.line;
    node.key_span = node.key_span.is_some().then(|| place.span.clone());
    match &mut node.kind {
        NodeKind::Map(entries) => {
            for entry in entries {
                entry.key_span = place.span.clone();
                place_at(&mut entry.value, place);
            }
        }
        NodeKind::List(items) => items.iter_mut().for_each(|item| place_at(item, place)),
        NodeKind::Nothing | NodeKind::Scalar(_) => {}
    }
}

fn without_include(mut node: Node) -> Node {
    if let NodeKind::Map(entries) = &mut node.kind {
        entries.retain(|entry| entry.key != "include");
    }
    node
}

fn merge(root: &mut Node, included: Node) {
    let (NodeKind::Map(own), NodeKind::Map(more)) = (&mut root.kind, included.kind) else { return };
    for entry in more {
        let Some(known) = own.iter_mut().find(|known| known.key == entry.key) else {
            own.push(entry);
            continue;
        };
        match (&mut known.value.kind, entry.value.kind) {
            (NodeKind::List(items), NodeKind::List(more)) => items.extend(more),
            (kind, other) => *kind = other,
        }
    }
}

/// The file with the values of the variables that it refers to. A key and an address stay references, as
/// does what stands in a list by itself, which LiteLLM does not look up. A variable that is not set leaves
/// nothing behind.
pub(super) fn with_variables(node: &Node, load: LoadReference<'_>) -> Node {
    let mut node = node.clone();
    look_up(&mut node, load);
    node
}

fn look_up(node: &mut Node, load: LoadReference<'_>) {
    match &mut node.kind {
        NodeKind::Map(entries) => entries.iter_mut().for_each(|entry| look_up_entry(entry, load)),
        NodeKind::List(items) => items
            .iter_mut()
            .filter(|item| matches!(item.kind, NodeKind::Map(_)))
            .for_each(|item| look_up(item, load)),
        NodeKind::Nothing | NodeKind::Scalar(_) => {}
    }
}

fn look_up_entry(entry: &mut MapEntry, load: LoadReference<'_>) {
    let stays = crate::secrets::is_secret(&entry.key) || ADDRESSES.contains(&entry.key.as_str());
    let kind = match &entry.value.kind {
        NodeKind::Scalar(text) if setting::environment(text).is_some() && !stays => {
            load(text).map_or(NodeKind::Nothing, NodeKind::Scalar)
        }
        _ => return look_up(&mut entry.value, load),
    };
    entry.value.kind = kind;
}

/// The keys whose values are addresses: a gateway file refers to variables in them itself.
pub(super) const ADDRESSES: [&str; 2] = ["api_base", "base_url"];
