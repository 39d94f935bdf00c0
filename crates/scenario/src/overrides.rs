//! One value of a file instead of what stands there: `traffic.peak=400`. The text is edited and read again, so
//! that everything a file may say can be varied, and a recording carries what was run.

use crate::diagnostic::{Problems, nearest};
use crate::node::{MapEntry, Node, NodeKind};
use crate::yaml;
use core::fmt;
use core::ops::Range;
use core::str::FromStr;

/// A path into a file, and the value to put there.
///
/// A path is keys with dots between them; an item of a list goes by its `name` or its number from 0. What is
/// in between may be left out where one value alone fits: `traffic.peak` is `traffic.rate.1.spike.peak`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Override {
    /// Where.
    pub path: String,
    /// What, as it would be written in the file.
    pub value: String,
}

/// A value that a path leads to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PathTarget {
    /// The whole path, with nothing left out.
    pub path: String,
    /// The value as it is written.
    pub text: String,
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// No value fits.
    #[error("no value is at `{path}`{}", hint(near.as_deref()))]
    Nothing {
        /// The path.
        path: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// Several fit.
    #[error("`{path}` may be {}: write more of it", list(candidates))]
    Ambiguous {
        /// The path.
        path: String,
        /// The whole paths that fit.
        candidates: Vec<String>,
    },
    /// The file is not YAML: reading it says more.
    #[error("the file cannot be read")]
    Unreadable,
    /// No `PATH=VALUE`.
    #[error("`{0}` has no `=`: write `PATH=VALUE`, such as `traffic.peak=400`")]
    NoValue(String),
    /// No `NAME=VALUE`.
    #[error("`{0}` sets no variable: write `NAME=VALUE`, with letters, digits and `_` in the name")]
    NoVariable(String),
}

impl FromStr for Override {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let (path, value) =
            text.split_once('=').ok_or_else(|| PathError::NoValue(text.to_owned()))?;
        Ok(Self { path: path.trim().to_owned(), value: value.trim().to_owned() })
    }
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.path, self.value)
    }
}

impl Override {
    /// `text` with the value in its place. A whole path may lead to a mapping or a list, which the value then
    /// takes the place of; a key that is not there yet is put into its mapping, if that is there.
    ///
    /// # Errors
    /// When the path leads nowhere, or to several places.
    pub fn apply(&self, text: &str) -> Result<String, PathError> {
        let root = tree(text)?;
        let (node, rest) = descend(&root, &self.path);
        let (span, new) = match unique(&root, &self.path) {
            _ if rest.is_empty() => (node.span.clone(), self.value.clone()),
            Ok(place) => (place.span, self.value.clone()),
            Err(error @ PathError::Nothing { .. }) => {
                new_key(node, text, rest, &self.value).ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        let mut out = text.to_owned();
        out.replace_range(span, &new);
        Ok(out)
    }
}

/// The value that a path leads to.
///
/// # Errors
/// When it leads nowhere, or to several values.
pub fn value_at(text: &str, path: &str) -> Result<PathTarget, PathError> {
    let place = unique(&tree(text)?, path)?;
    let value = text.get(place.span).unwrap_or_default().to_owned();
    Ok(PathTarget { path: place.path, text: value })
}

/// A value and its place.
struct ValuePlace {
    path: String,
    span: Range<usize>,
    /// How many levels the path left out.
    skipped: u32,
}

fn tree(text: &str) -> Result<Node, PathError> {
    yaml::parse(text, &Problems::default()).ok_or(PathError::Unreadable)
}

/// The one value that fits best: with the fewest levels left out.
fn unique(root: &Node, path: &str) -> Result<ValuePlace, PathError> {
    let mut found = Vec::new();
    search(root, path, &mut ValuePlace { path: String::new(), span: 0..0, skipped: 0 }, &mut found);
    let least = found.iter().map(|place| place.skipped).min();
    found.retain(|place| Some(place.skipped) == least);
    found.dedup_by(|a, b| a.path == b.path);
    if found.len() > 1 {
        let candidates = found.into_iter().map(|place| place.path).collect();
        return Err(PathError::Ambiguous { path: path.to_owned(), candidates });
    }
    found.pop().ok_or_else(|| PathError::Nothing { path: path.to_owned(), near: near(root, path) })
}

/// Every scalar that what is left of a path may mean.
fn search(node: &Node, rest: &str, at: &mut ValuePlace, found: &mut Vec<ValuePlace>) {
    if rest.is_empty() {
        if matches!(node.kind, NodeKind::Scalar(_)) {
            let (path, skipped) = (at.path.clone(), at.skipped);
            found.push(ValuePlace { path, span: node.span.clone(), skipped });
        }
        return;
    }
    for (name, child) in children(node) {
        let length = at.path.len();
        if length > 0 {
            at.path.push('.');
        }
        at.path.push_str(&name);
        if let Some(rest) = after(rest, &name) {
            search(child, rest, at, found);
        }
        at.skipped += 1;
        search(child, rest, at, found);
        at.skipped -= 1;
        at.path.truncate(length);
    }
}

/// What of a path is behind its first part, if that is `name`. Names may have dots of their own.
fn after<'r>(rest: &'r str, name: &str) -> Option<&'r str> {
    let behind = rest.strip_prefix(name)?;
    if behind.is_empty() { Some("") } else { behind.strip_prefix('.') }
}

/// What is in a mapping or a list, by the names it goes by.
fn children(node: &Node) -> Vec<(String, &Node)> {
    match &node.kind {
        NodeKind::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), &entry.value)).collect()
        }
        NodeKind::List(items) => {
            let named = items.iter().enumerate();
            named.map(|(place, item)| (name_of(item, place), item)).collect()
        }
        NodeKind::Nothing | NodeKind::Scalar(_) => Vec::new(),
    }
}

fn name_of(item: &Node, place: usize) -> String {
    let NodeKind::Map(entries) = &item.kind else { return place.to_string() };
    let name = entries.iter().find(|entry| entry.key == "name").map(|entry| &entry.value.kind);
    match name {
        Some(NodeKind::Scalar(name)) => name.clone(),
        _ => place.to_string(),
    }
}

/// As far as a path leads with nothing left out, and what is left of it there.
pub(crate) fn descend<'n, 'p>(root: &'n Node, path: &'p str) -> (&'n Node, &'p str) {
    let (mut node, mut rest) = (root, path);
    while !rest.is_empty()
        && let Some((child, behind)) = children(node)
            .into_iter()
            .find_map(|(name, child)| after(rest, &name).map(|behind| (child, behind)))
    {
        (node, rest) = (child, behind);
    }
    (node, rest)
}

/// Where a key goes that a mapping lacks, and what to write there.
fn new_key(node: &Node, text: &str, key: &str, value: &str) -> Option<(Range<usize>, String)> {
    let NodeKind::Map(entries) = &node.kind else { return None };
    let first: &MapEntry = entries.first().filter(|_| !key.contains('.'))?;
    let at = first.key_span.start;
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let flow = text.get(node.span.start..).is_some_and(|text| text.starts_with('{'));
    let behind = if flow { ", ".to_owned() } else { format!("\n{}", " ".repeat(at - line)) };
    Some((at..at, format!("{key}: {value}{behind}")))
}

/// The whole path of the value that was probably meant: the last part decides.
fn near(root: &Node, path: &str) -> Option<String> {
    let mut all = Vec::new();
    scalars(root, String::new(), &mut all);
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let wanted = last(path);
    let names: Vec<_> = all.iter().map(|path| last(path)).collect();
    let name = nearest(&wanted, names.iter().map(String::as_str))?;
    let place = names.iter().position(|candidate| candidate == name)?;
    all.get(place).cloned()
}

fn scalars(node: &Node, path: String, all: &mut Vec<String>) {
    if matches!(node.kind, NodeKind::Scalar(_)) {
        all.push(path);
        return;
    }
    for (name, child) in children(node) {
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        scalars(child, path, all);
    }
}

fn hint(near: Option<&str>) -> String {
    near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default()
}

fn list(candidates: &[String]) -> String {
    let named: Vec<_> = candidates.iter().map(|path| format!("`{path}`")).collect();
    named.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
traffic:
  rate:
    - { at: 0s, rps: 20 }
    - { at: 20s, spike: { peak: 200, rise: 4s } }
providers:
  gpt-4.1: { limits: { rpm: 3000 } }  # dots in a name
  small: { limits: { rpm: 600 } }
router:
  groups:
    chat:
      deployments:
        - { name: eu, weight: 6 }
";

    fn found(path: &str) -> String {
        value_at(TEXT, path).map_or_else(|error| error.to_string(), |found| found.path)
    }

    #[test]
    fn a_path_may_leave_out_what_is_in_between() {
        assert_eq!(found("traffic.rate.1.spike.peak"), "traffic.rate.1.spike.peak");
        assert_eq!(found("traffic.peak"), "traffic.rate.1.spike.peak");
        assert_eq!(found("gpt-4.1.rpm"), "providers.gpt-4.1.limits.rpm");
        assert_eq!(found("eu.weight"), "router.groups.chat.deployments.eu.weight");
    }

    #[test]
    fn a_path_that_means_nothing_or_too_much_is_told_so() {
        assert_eq!(
            found("traffic.peek"),
            "no value is at `traffic.peek`: did you mean `traffic.rate.1.spike.peak`?"
        );
        assert_eq!(
            found("providers.rpm"),
            "`providers.rpm` may be `providers.gpt-4.1.limits.rpm` or `providers.small.limits.rpm`: write \
             more of it"
        );
        assert_eq!(found("traffic.rate"), "no value is at `traffic.rate`");
    }

    #[test]
    fn a_value_is_replaced_and_nothing_else() {
        let edited = |text: &str| text.parse::<Override>().unwrap().apply(TEXT).unwrap();
        assert_eq!(edited("traffic.peak=400"), TEXT.replace("200", "400"));
        assert_eq!(edited("small.rpm = 60"), TEXT.replace("600", "60"));
        assert_eq!(
            edited("providers.small.limits=none"),
            TEXT.replace("{ rpm: 600 }", "none"),
            "a mapping gives way as a whole"
        );
    }

    #[test]
    fn a_key_that_is_not_there_yet_is_put_into_its_mapping() {
        let edited = |text: &str| text.parse::<Override>().unwrap().apply(TEXT).unwrap();
        assert_eq!(
            edited("router.retries=0"),
            TEXT.replace("  groups:", "  retries: 0\n  groups:")
        );
        assert_eq!(
            edited("providers.small.itl=5ms"),
            TEXT.replace("small: { limits", "small: { itl: 5ms, limits")
        );
        assert_eq!(edited("seed=3"), format!("seed: 3\n{TEXT}"));
    }
}
