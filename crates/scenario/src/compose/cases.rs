//! A file as the cases that it comes to.

use super::declarations::Declarations;
use super::include::Resolver;
use super::matrix::{Combination, combinations};
use super::{CaseVariable, Composer, KEYS, Surroundings, entries, get, placeholder, without};
use crate::diagnostic::{Problem, Problems};
use crate::node::{MapEntry, Node, NodeKind};
use crate::read::SCENARIO;
use crate::yaml;
use core::ops::Range;
use squall_config_file::source_texts::SourceTexts;
use std::collections::BTreeMap;

/// A file, composed.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) cases: Vec<ComposedCase>,
    /// The texts that it is made of.
    pub(crate) sources: SourceTexts,
    /// The variables that were given and that it does not know.
    pub(crate) unknown: Vec<String>,
    /// Where its cases come from: its `matrix`, if that is its own.
    pub(crate) place: Range<usize>,
}

/// A case of a file.
#[derive(Debug)]
pub(crate) struct ComposedCase {
    pub(crate) root: Node,
    /// A text that reads as this tree: the file itself where nothing in it is composed.
    pub(crate) text: String,
    /// The variables that it was composed with.
    pub(crate) variables: Vec<CaseVariable>,
    /// Its part of the matrix, as `NAME=VALUE`; none of a file without.
    pub(crate) choices: Vec<(String, String)>,
}

/// Composes a file; `path` is what diagnostics call it. What is wrong is among the problems, and then there may be
/// fewer cases.
pub(crate) fn compose(
    path: &str,
    text: &str,
    around: &Surroundings<'_>,
    problems: &Problems,
) -> Composed {
    let composer = Composer::new(path, text, around, problems);
    let Some(root) = yaml::parse(text, problems) else {
        return composer.composed(Vec::new(), 0..0);
    };
    if !is_composed(&root) {
        let case = ComposedCase {
            root,
            text: text.to_owned(),
            variables: Vec::new(),
            choices: Vec::new(),
        };
        return composer.composed(vec![case], 0..0);
    }
    let declared = Declarations::gather(&composer, &root);
    refuse_both(&declared, problems);
    let scope = declared.scope(&composer, &root);
    let combinations = combinations(&composer, &root, &declared.matrix, &scope);
    let mut cases = Vec::new();
    for combination in combinations {
        if let Some(case) = composer.case(&root, &declared, combination) {
            cases.push(case);
        }
    }
    refuse_namesakes(&cases, &declared, problems);
    let matrix = get(&root, "matrix").and_then(|node| node.key_span.clone());
    composer.composed(cases, matrix.unwrap_or_default())
}

/// Whether a text is that of a scenario with anything of composition: `include`, variables, a matrix. False for one that
/// is no YAML, and for other kinds of files.
#[must_use]
pub fn is_composed_text(text: &str) -> bool {
    let Some(root) = yaml::parse(text, &Problems::default()) else { return false };
    let has_any = |keys: &[&str]| keys.iter().any(|key| get(&root, key).is_some());
    has_any(&KEYS) || has_any(&["traffic", "phases", "expect"]) && needs_composing(&root)
}

/// Whether a file has anything that composition takes out of it or fills in.
fn is_composed(root: &Node) -> bool {
    let has_key =
        |node: &Node| entries(node).iter().any(|entry| KEYS.contains(&entry.key.as_str()));
    has_key(root) || needs_composing(root)
}

fn needs_composing(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Nothing => false,
        NodeKind::Scalar(text) => placeholder::has_variables(text),
        NodeKind::List(items) => items.iter().any(needs_composing),
        NodeKind::Map(entries) => entries.iter().any(|entry| {
            let includes = entry.key == "include" && super::include::paths(&entry.value).is_some();
            includes
                || super::data::is_data(entry)
                || placeholder::has_variables(&entry.key)
                || needs_composing(&entry.value)
        }),
    }
}

/// A variable of the matrix with a value of its own would never have it.
fn refuse_both(declared: &Declarations, problems: &Problems) {
    for entry in &declared.matrix {
        if let Some(other) = declared.variables.iter().find(|other| other.key == entry.key) {
            let message = format!("`{}` is a variable and one of the matrix", entry.key);
            let problem = Problem::new(&entry.key_span, message, "its values are here");
            let problem = problem.related(&other.key_span, "declared here as well");
            problems.push(problem.help("remove one of the two"));
        }
    }
}

/// Two cases of one name would write into one folder.
fn refuse_namesakes(cases: &[ComposedCase], declared: &Declarations, problems: &Problems) {
    let mut names = BTreeMap::new();
    for case in cases {
        let Some(Node { kind: NodeKind::Scalar(name), span, .. }) = get(&case.root, "name") else {
            continue;
        };
        if names.insert(name.clone(), ()).is_some() {
            let message = format!("two cases are called `{name}`");
            let names: Vec<_> =
                declared.matrix.iter().map(|entry| format!("${{{}}}", entry.key)).collect();
            let problem = Problem::new(span, message, "expected a name of its own for each case");
            let help =
                format!("write every variable of the matrix in it ({}), or none", names.join(", "));
            problems.push(problem.help(help));
            return;
        }
    }
}

impl Composer<'_> {
    fn composed(self, cases: Vec<ComposedCase>, place: Range<usize>) -> Composed {
        let unknown = self.unknown();
        Composed { cases, sources: self.sources.into_inner(), unknown, place }
    }

    fn case(
        &self,
        root: &Node,
        declared: &Declarations,
        combination: Combination,
    ) -> Option<ComposedCase> {
        let scope = &combination.scope;
        let whole = without(root.clone(), &KEYS[1..]);
        let mut resolved = Resolver::new(self, scope, root).resolve(&whole)?;
        let written = get(&whole, "name");
        let is_varied = written.is_some_and(|name| match &name.kind {
            NodeKind::Scalar(text) => {
                declared.matrix.iter().any(|entry| text.contains(&format!("${{{}", entry.key)))
            }
            NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => false,
        });
        if !is_varied && !combination.labels.is_empty() {
            extend_name(&mut resolved, &combination.labels);
        }
        self.place_litellm(&mut resolved);
        in_usual_order(&mut resolved);
        let variables = scope.values.iter().map(|(name, value)| CaseVariable {
            name: name.clone(),
            value: value.node.flow(),
            origin: value.origin,
        });
        let (text, variables) = (resolved.block(), variables.collect());
        Some(ComposedCase { root: resolved, text, variables, choices: combination.choices })
    }

    /// A LiteLLM file that an included file names is looked for from where that stands.
    fn place_litellm(&self, root: &mut Node) {
        let router = find(root, "router").and_then(|router| find(router, "litellm"));
        let Some(node) = router else { return };
        let folder = self.folder_of(node);
        if let NodeKind::Scalar(path) = &mut node.kind
            && !path.starts_with('/')
        {
            *path = format!("{folder}{path}");
        }
    }
}

/// The keys of a scenario as its table has them, whichever file they come from: its name comes first.
fn in_usual_order(root: &mut Node) {
    let NodeKind::Map(entries) = &mut root.kind else { return };
    entries.sort_by_key(|entry| SCENARIO.keys().position(|key| key.name == entry.key));
}

/// The labels of a case behind its name.
fn extend_name(root: &mut Node, labels: &[String]) {
    if let Some(Node { kind: NodeKind::Scalar(name), .. }) = find(root, "name") {
        *name = format!("{name}-{}", labels.join("-"));
    }
}

fn find<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let NodeKind::Map(entries) = &mut node.kind else { return None };
    let entry: Option<&mut MapEntry> = entries.iter_mut().find(|entry| entry.key == key);
    entry.map(|entry| &mut entry.value)
}
