//! `include`: a mapping with the keys of another file, or of a part of it, below its own; in a list, the items of
//! another list.

use super::data;
use super::placeholder::{self, Filled, Unfilled};
use super::{Composer, KEYS, VariableScope, entries, get, without};
use crate::diagnostic::{Problem, suggestion};
use crate::node::{MapEntry, Node, NodeKind};
use std::collections::BTreeMap;

/// How many values a case may have once everything is included: as many as a file of its own.
const NODES_MAX: usize = 100_000;
/// How many times a case may include something.
const INCLUDES_MAX: usize = 1_000;

/// What is being included, from the scenario inwards: the file and the part of it.
type Includes = Vec<(String, String)>;

/// One case of a file, being resolved.
pub(super) struct Resolver<'r, 'c> {
    pub(super) composer: &'r Composer<'c>,
    pub(super) scope: &'r VariableScope,
    /// The root of the scenario as it was read.
    pub(super) root: &'r Node,
    stack: Includes,
    nodes: usize,
    includes: usize,
    /// Whether a limit was met, which was told.
    is_over: bool,
}

impl<'r, 'c> Resolver<'r, 'c> {
    pub(super) fn new(
        composer: &'r Composer<'c>,
        scope: &'r VariableScope,
        root: &'r Node,
    ) -> Self {
        let stack = vec![(String::new(), String::new())];
        Self { composer, scope, root, stack, nodes: 0, includes: 0, is_over: false }
    }

    fn tell(&self, place: &Node, message: String, label: &str) {
        self.composer.problems.push(Problem::new(&place.span, message, label));
    }

    /// A tree with everything included and filled in; `None` where that fails, which is told.
    pub(super) fn resolve(&mut self, node: &Node) -> Option<Node> {
        self.nodes += 1;
        if self.nodes > NODES_MAX && !self.is_over {
            self.is_over = true;
            let message = format!("more than {NODES_MAX} values once everything is included");
            self.tell(node, message, "limit exceeded here");
        }
        if self.is_over {
            return None;
        }
        let kind = match &node.kind {
            NodeKind::Nothing => NodeKind::Nothing,
            NodeKind::Scalar(text) => match self.fill(text, node)? {
                Filled::Same => NodeKind::Scalar(text.clone()),
                Filled::Text(text) => NodeKind::Scalar(text),
                Filled::Whole(value) => return Some(value),
            },
            NodeKind::List(items) => NodeKind::List(self.items(items)?),
            NodeKind::Map(entries) => NodeKind::Map(self.mapping(entries)?),
        };
        Some(node.with_kind(kind))
    }

    fn fill(&self, text: &str, place: &Node) -> Option<Filled> {
        let environment = self.composer.surroundings.environment;
        let filled = placeholder::fill(text, place, self.scope, environment);
        filled
            .map_err(|Unfilled { message, label, help }| {
                let problem = Problem::new(&place.span, message, label);
                self.composer.problems.push(problem.help(help));
            })
            .ok()
    }

    /// The items of a list, those of included lists among them.
    fn items(&mut self, items: &[Node]) -> Option<Vec<Node>> {
        let mut all = Some(Vec::new());
        for item in items {
            let is_alone = entries(item).len() == 1;
            let names = get(item, "include").filter(|_| is_alone).and_then(paths);
            let Some(names) = names else {
                all = all.zip(self.resolve(item)).map(|(all, item)| with(all, [item]));
                continue;
            };
            for name in names {
                let included = self.included(name).map(|mut included| match &mut included.kind {
                    NodeKind::List(items) => core::mem::take(items),
                    NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::Map(_) => vec![included],
                });
                all = all.zip(included).map(|(all, items)| with(all, items));
            }
        }
        all
    }

    /// The entries of a mapping over those that it includes.
    fn mapping(&mut self, own: &[MapEntry]) -> Option<Vec<MapEntry>> {
        let mut merged = Some(Vec::new());
        let include = own.iter().find(|entry| entry.key == "include");
        if let Some(MapEntry { key_span, value: Node { kind: NodeKind::Nothing, .. }, .. }) =
            include
        {
            let problem = Problem::new(key_span, "`include` names nothing", "expected a file");
            let help = "a `#` begins a comment: write `include: '#part.of.this.file'`";
            self.composer.problems.push(problem.help(help));
            return None;
        }
        let names = include.and_then(|entry| paths(&entry.value));
        for name in names.iter().flatten() {
            let Some(included) = self.included(name) else {
                merged = None;
                continue;
            };
            let NodeKind::Map(entries) = included.kind else {
                let message = format!("this includes {} into a mapping", included.found());
                self.tell(name, message, "expected a file, or a part of one, that is a mapping");
                merged = None;
                continue;
            };
            merged = merged.map(|below| merge(below, entries));
        }
        let mut resolved = Some(Vec::new());
        for entry in own.iter().filter(|entry| names.is_none() || entry.key != "include") {
            let entry = self.entry(entry);
            resolved = resolved.zip(entry).map(|(all, entry)| with(all, [entry]));
        }
        merged.zip(resolved).map(|(below, own)| merge(below, own))
    }

    fn entry(&mut self, entry: &MapEntry) -> Option<MapEntry> {
        let resolved = self.plain_entry(entry)?;
        if data::is_data(&resolved) {
            data::quantiles(self.composer, &resolved)
        } else {
            Some(self.composer.trace_beside(resolved))
        }
    }

    fn plain_entry(&mut self, entry: &MapEntry) -> Option<MapEntry> {
        let place =
            Node { span: entry.key_span.clone(), ..entry.value.with_kind(NodeKind::Nothing) };
        let key = match self.fill(&entry.key, &place)? {
            Filled::Same => entry.key.clone(),
            Filled::Text(text) | Filled::Whole(Node { kind: NodeKind::Scalar(text), .. }) => text,
            Filled::Whole(node) => {
                let message = format!("a key must be a plain scalar, found {}", node.found());
                self.tell(&place, message, "not a word");
                return None;
            }
        };
        let mut value = self.resolve(&entry.value)?;
        value.key_span = Some(entry.key_span.clone());
        Some(MapEntry { key, key_span: entry.key_span.clone(), value })
    }

    /// What a name stands for, resolved.
    fn included(&mut self, name: &Node) -> Option<Node> {
        self.includes += 1;
        if self.includes > INCLUDES_MAX && !self.is_over {
            self.is_over = true;
            self.tell(name, format!("more than {INCLUDES_MAX} inclusions"), "limit exceeded here");
        }
        if self.is_over {
            return None;
        }
        let NodeKind::Scalar(text) = &name.kind else { return None };
        let filled = self.fill(text, name)?;
        let text = match &filled {
            Filled::Same => text,
            Filled::Text(text) | Filled::Whole(Node { kind: NodeKind::Scalar(text), .. }) => text,
            // A variable that holds what is to be included.
            Filled::Whole(node) => return Some(node.clone()),
        };
        let (key, node) = target(self.composer, self.root, text, name)?;
        if self.stack.contains(&key) {
            let way = self.stack.iter().skip_while(|each| **each != key).chain([&key]);
            let way: Vec<_> = way.map(|(path, part)| self.written(path, part)).collect();
            let message = format!("`{}` includes itself", way[0]);
            self.tell(name, message, &way.join(" → "));
            return None;
        }
        let is_elsewhere = !key.0.is_empty();
        self.stack.push(key);
        let resolved = self.resolve(&node);
        self.stack.pop();
        if is_elsewhere { resolved.map(|node| node.on_line(name.line)) } else { resolved }
    }

    fn written(&self, path: &str, part: &str) -> String {
        let sources = self.composer.sources.borrow();
        let file = if path.is_empty() { sources.path() } else { path };
        if part.is_empty() { file.to_owned() } else { format!("{file}#{part}") }
    }
}

fn with<T>(mut all: Vec<T>, more: impl IntoIterator<Item = T>) -> Vec<T> {
    all.extend(more);
    all
}

/// The names under `include`; `None` where it is no name and no list of names, which then is a key like any other.
pub(super) fn paths(node: &Node) -> Option<Vec<&Node>> {
    let is_name = |node: &Node| matches!(node.kind, NodeKind::Scalar(_));
    match &node.kind {
        NodeKind::Scalar(_) => Some(vec![node]),
        NodeKind::List(items) if items.iter().all(is_name) => Some(items.iter().collect()),
        NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => None,
    }
}

/// What `FILE`, `FILE#part` or `#part` names, as it was read, and the words for it.
pub(super) fn target(
    composer: &Composer<'_>,
    root: &Node,
    text: &str,
    place: &Node,
) -> Option<((String, String), Node)> {
    let (file, part) = text.split_once('#').unwrap_or((text, ""));
    let path = match file.trim() {
        "" => composer.path_at(place),
        file => composer.beside(file, place),
    };
    let loaded;
    let whole = if path.is_empty() {
        root
    } else {
        loaded = composer.file(&path, place)?;
        &loaded
    };
    if part.is_empty() {
        return Some(((path, String::new()), without(whole.clone(), &KEYS[1..])));
    }
    let (node, left) = crate::overrides::descend(whole, part);
    if !left.is_empty() {
        let message = format!("`{text}` leads nowhere: there is no `{left}`");
        let parts = entries(node).iter().map(|entry| entry.key.as_str());
        let problem = Problem::new(&place.span, message, "expected a path of keys with dots");
        composer.problems.push(problem.maybe_help(suggestion(left, parts)));
        return None;
    }
    Some(((path, part.to_owned()), node.clone()))
}

/// Entries over others: mappings are merged key by key, everything else gives way.
pub(super) fn merge(below: Vec<MapEntry>, over: Vec<MapEntry>) -> Vec<MapEntry> {
    let mut all = below;
    let mut places: BTreeMap<String, usize> =
        all.iter().enumerate().map(|(place, entry)| (entry.key.clone(), place)).collect();
    for mut entry in over {
        let Some(&place) = places.get(&entry.key) else {
            places.insert(entry.key.clone(), all.len());
            all.push(entry);
            continue;
        };
        if let (NodeKind::Map(below), NodeKind::Map(over)) =
            (&mut all[place].value.kind, &mut entry.value.kind)
        {
            let merged = merge(core::mem::take(below), core::mem::take(over));
            entry.value.kind = NodeKind::Map(merged);
        }
        all[place] = entry;
    }
    all
}
