//! Composition: what a scenario takes from other files (`include`), from variables (`${NAME}`), and the cases that a
//! `matrix` makes of it. A composed file is written out as plain scenarios before anything is read of them, so that a
//! recording holds what was run, and every problem still points to where it was written.

mod cases;
mod data;
mod declarations;
mod include;
mod matrix;
mod placeholder;
mod variable_type;

pub(crate) use declarations::TABLE;

use crate::diagnostic::{Problem, Problems};
use crate::node::{MapEntry, Node, NodeKind};
use crate::overrides::PathError;
use crate::yaml;
use core::cell::RefCell;
use core::fmt;
use core::str::FromStr;
use squall_config_file::source_texts::SourceTexts;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

pub use cases::is_composed_text;
pub(crate) use cases::{Composed, ComposedCase, compose};

/// The keys of a file that composition takes out of it.
pub(crate) const KEYS: [&str; 4] = ["include", "variables", "matrix", "fragments"];

/// A value given to a variable from outside the file, `NAME=VALUE`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VariableSetting {
    /// The name of the variable.
    pub name: String,
    /// Its value, as it would be written in the file.
    pub value: String,
}

impl FromStr for VariableSetting {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| PathError::NoVariable(text.to_owned()))?;
        let name = name.trim();
        if !placeholder::is_name(name) {
            return Err(PathError::NoVariable(text.to_owned()));
        }
        Ok(Self { name: name.to_owned(), value: value.trim().to_owned() })
    }
}

impl fmt::Display for VariableSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// What a file is composed with.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    /// Loads a file that another names, by its path from the folder of the scenario; a variable of a LiteLLM file by
    /// `os.environ/NAME`.
    pub load: &'s dyn Fn(&str) -> io::Result<String>,
    /// The values that were given to variables.
    pub variables: &'s [VariableSetting],
    /// Looks up a variable of the environment.
    pub environment: &'s dyn Fn(&str) -> Option<String>,
    /// The folder of the scenario, from which traces are read; without one they are not.
    pub folder: Option<&'s Path>,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl<'s> Surroundings<'s> {
    /// Files alone: no variable is given, and none is looked up.
    pub(crate) fn files(
        load: &'s dyn Fn(&str) -> io::Result<String>,
        folder: Option<&'s Path>,
    ) -> Self {
        Self { load, variables: &[], environment: &|_| None, folder }
    }
}

/// A variable of a case, with the value that it had.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaseVariable {
    /// Its name.
    pub name: String,
    /// Its value on one line.
    pub value: String,
    /// Where the value comes from.
    pub origin: VariableOrigin,
}

/// Where the value of a variable comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VariableOrigin {
    /// The command line.
    Given,
    /// The environment.
    Environment,
    /// The file's `variables`.
    Default,
    /// The file's `matrix`.
    Matrix,
}

impl fmt::Display for VariableOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given => "--var",
            Self::Environment => "environment",
            Self::Default => "default",
            Self::Matrix => "matrix",
        })
    }
}

/// The values of variables that a text is filled with.
#[derive(Clone, Debug, Default)]
pub(crate) struct VariableScope {
    values: BTreeMap<String, ScopeValue>,
}

/// A value in a scope.
#[derive(Clone, Debug)]
pub(crate) struct ScopeValue {
    node: Node,
    origin: VariableOrigin,
}

impl VariableScope {
    fn bind(&mut self, name: &str, node: Node, origin: VariableOrigin) {
        self.values.insert(name.to_owned(), ScopeValue { node, origin });
    }
}

/// Everything that composition reads, each file once.
struct Composer<'c> {
    surroundings: &'c Surroundings<'c>,
    sources: RefCell<SourceTexts>,
    /// The trees of the files by their paths; `None` for one that cannot be read, which was told.
    files: RefCell<BTreeMap<String, Option<Node>>>,
    /// The path of each source, by its number.
    paths: RefCell<Vec<String>>,
    /// The folder of the scenario as it was named, with its `/`.
    folder: String,
    problems: &'c Problems,
}

impl<'c> Composer<'c> {
    fn new(path: &str, text: &str, around: &'c Surroundings<'c>, problems: &'c Problems) -> Self {
        let folder = path.rfind('/').map_or("", |slash| &path[..=slash]).to_owned();
        Self {
            surroundings: around,
            sources: RefCell::new(SourceTexts::new(path, text)),
            files: RefCell::default(),
            paths: RefCell::new(vec![String::new()]),
            folder,
            problems,
        }
    }

    /// The tree of the file at a path from the scenario's folder, which `place` names.
    fn file(&self, path: &str, place: &Node) -> Option<Node> {
        if let Some(known) = self.files.borrow().get(path) {
            return known.clone();
        }
        let loaded = self.load(path, place);
        self.files.borrow_mut().insert(path.to_owned(), loaded.clone());
        loaded
    }

    fn load(&self, path: &str, place: &Node) -> Option<Node> {
        // What loads files for LiteLLM's loads variables too.
        let loaded = match path.strip_prefix("os.environ/") {
            Some(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")),
            None => (self.surroundings.load)(path),
        };
        let text = loaded.map_err(|error| {
            let message = format!("`{path}` cannot be included: {error}");
            let label = "expected a file, named from the file that this stands in";
            self.problems.push(Problem::new(&place.span, message, label));
        });
        let text = text.ok()?;
        let start = self.sources.borrow_mut().add(&format!("{}{path}", self.folder), &text);
        self.paths.borrow_mut().push(path.to_owned());
        let problems = Problems::default();
        let root = yaml::parse(&text, &problems);
        for mut problem in problems.into_vec() {
            problem.span = problem.span.start + start..problem.span.end + start;
            if let Some(related) = &mut problem.related {
                related.span = related.span.start + start..related.span.end + start;
            }
            self.problems.push(problem);
        }
        Some(root?.moved(start))
    }

    /// The path of the file that a place is in, from the scenario's folder; empty for the scenario itself.
    fn path_at(&self, node: &Node) -> String {
        let number = self.sources.borrow().number_at(node.span.start);
        self.paths.borrow().get(number).cloned().unwrap_or_default()
    }

    /// The folder of that file, from the scenario's, with its `/`.
    fn folder_of(&self, node: &Node) -> String {
        let path = self.path_at(node);
        path.rfind('/').map_or("", |slash| &path[..=slash]).to_owned()
    }

    /// The path of a file that is named at a place, from the folder of the scenario.
    fn beside(&self, file: &str, place: &Node) -> String {
        match file.starts_with('/') {
            true => file.to_owned(),
            false => normal(&format!("{}{file}", self.folder_of(place))),
        }
    }

    /// A trace with the path of its file from the folder of the scenario; any other entry as it is.
    fn trace_beside(&self, mut entry: MapEntry) -> MapEntry {
        if entry.key == "trace"
            && let NodeKind::Map(entries) = &mut entry.value.kind
            && let Some(file) = entries.iter_mut().find(|entry| entry.key == "file")
            && let NodeKind::Scalar(name) = &file.value.kind
        {
            file.value.kind = NodeKind::Scalar(self.beside(name, &file.value));
        }
        entry
    }

    /// The variables that were given and that no file knows.
    fn unknown(&self) -> Vec<String> {
        let sources = self.sources.borrow();
        let given = self.surroundings.variables.iter().map(|given| given.name.clone());
        given.filter(|name| !placeholder::is_used(sources.text(), name)).collect()
    }
}

/// A path without `.` and, where a folder stands before it, without `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The value under a key of a mapping.
fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    entries(node).iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

/// The entries of a mapping; none of anything else.
fn entries(node: &Node) -> &[MapEntry] {
    match &node.kind {
        NodeKind::Map(entries) => entries,
        NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::List(_) => &[],
    }
}

/// The same without some keys.
fn without(mut node: Node, keys: &[&str]) -> Node {
    if let NodeKind::Map(entries) = &mut node.kind {
        entries.retain(|entry| !keys.contains(&entry.key.as_str()));
    }
    node
}

#[cfg(test)]
mod tests;
