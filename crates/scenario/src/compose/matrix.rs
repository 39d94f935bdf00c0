//! `matrix`: a case for every combination of values.

use super::include::Resolver;
use super::{Composer, VariableOrigin, VariableScope, placeholder};
use crate::diagnostic::{Problem, suggestion};
use crate::node::{MapEntry, Node, NodeKind};

/// How many cases a file may have.
const CASES_MAX: usize = 1_000;

/// A variable of a matrix, and its values.
#[derive(Debug)]
struct Dimension {
    name: String,
    values: Vec<LabelledValue>,
}

/// A value of a matrix, with the word for it in the name of a case.
#[derive(Clone, Debug)]
struct LabelledValue {
    label: String,
    node: Node,
}

/// A combination of values.
#[derive(Debug)]
pub(super) struct Combination {
    pub(super) scope: VariableScope,
    /// The words for its values, in the order of the file.
    pub(super) labels: Vec<String>,
    /// The same as `NAME=VALUE`, for whoever wants this case alone.
    pub(super) choices: Vec<(String, String)>,
}

/// The combinations of a matrix, the last variable the fastest; one of a file without.
pub(super) fn combinations(
    composer: &Composer<'_>,
    root: &Node,
    matrix: &[MapEntry],
    scope: &VariableScope,
) -> Vec<Combination> {
    let mut dimensions = Vec::new();
    for entry in matrix {
        let Some(dimension) = dimension(composer, root, entry, scope) else { return Vec::new() };
        dimensions.push(dimension);
    }
    let count = dimensions
        .iter()
        .try_fold(1_usize, |count, dimension| count.checked_mul(dimension.values.len()));
    if let Some(first) = matrix.first()
        && count.is_none_or(|count| count > CASES_MAX)
    {
        let count = match count {
            Some(count) => format!("{count} cases"),
            None => "more cases than can be counted".to_owned(),
        };
        let message = format!("the matrix makes {count}");
        let problem = Problem::new(&first.key_span, message, format!("at most {CASES_MAX}"));
        let help = "take values away, split the file, or fix a variable by `--var NAME=VALUE`";
        composer.problems.push(problem.help(help));
        return Vec::new();
    }
    let start = Combination { scope: scope.clone(), labels: Vec::new(), choices: Vec::new() };
    dimensions.iter().fold(vec![start], |all, dimension| {
        all.iter()
            .flat_map(|one| dimension.values.iter().map(|value| one.with(dimension, value)))
            .collect()
    })
}

impl Combination {
    fn with(&self, dimension: &Dimension, value: &LabelledValue) -> Self {
        let mut scope = self.scope.clone();
        scope.bind(&dimension.name, value.node.clone(), VariableOrigin::Matrix);
        let (mut labels, mut choices) = (self.labels.clone(), self.choices.clone());
        labels.push(slug(&value.label));
        choices.push((dimension.name.clone(), value.label.clone()));
        Self { scope, labels, choices }
    }
}

/// A word as it can be a part of a name.
fn slug(label: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' };
    let word: String = label.chars().map(word).collect();
    word.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn dimension(
    composer: &Composer<'_>,
    root: &Node,
    entry: &MapEntry,
    scope: &VariableScope,
) -> Option<Dimension> {
    let tell = |problem: Problem| composer.problems.push(problem);
    if !placeholder::is_name(&entry.key) {
        let message = format!("`{}` cannot be the name of a variable", entry.key);
        let rule =
            "a name has letters, digits and `_`, and is none of `port`, `dir`, `env`, `provider`";
        tell(Problem::new(&entry.key_span, message, rule));
        return None;
    }
    let labelled: Vec<(String, &Node)> = match &entry.value.kind {
        NodeKind::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), &entry.value)).collect()
        }
        NodeKind::List(items) => items.iter().map(|item| (label_of(item), item)).collect(),
        NodeKind::Nothing | NodeKind::Scalar(_) => Vec::new(),
    };
    if labelled.is_empty() {
        let message = format!("`{}` has no values: it is {}", entry.key, entry.value.found());
        let label = "expected `[A, B]`, or `{ name: value }` for values that need a name";
        tell(Problem::new(&entry.key_span, message, label));
        return None;
    }
    if let Some((_, node)) = labelled.iter().find(|(label, _)| label.is_empty()) {
        let found = match node.kind {
            NodeKind::Nothing => "an empty value".to_owned(),
            NodeKind::Scalar(_) | NodeKind::List(_) | NodeKind::Map(_) => node.found(),
        };
        let message = format!("{found} has no name to call its case by");
        let problem = Problem::new(&node.span, message, "expected a text or a number");
        tell(problem.help("write `{ name: value }` for values that are mappings or lists"));
        return None;
    }
    let mut values = Vec::new();
    for (label, node) in labelled {
        let node = Resolver::new(composer, scope, root).resolve(node)?;
        // A value of a list may be a variable itself.
        let label = match (&entry.value.kind, &node.kind) {
            (NodeKind::List(_), NodeKind::Scalar(text)) => text.clone(),
            _ => label,
        };
        values.push(LabelledValue { label, node });
    }
    let twice = (1..values.len())
        .find(|&place| values[..place].iter().any(|other| other.label == values[place].label));
    if let Some(place) = twice {
        let message = format!("`{}` has the value `{}` twice", entry.key, values[place].label);
        let problem = Problem::new(&entry.key_span, message, "each would be the same case");
        tell(problem.help("remove one of the two"));
        return None;
    }
    let chosen = composer.surroundings.variables.iter().rfind(|given| given.name == entry.key);
    if let Some(chosen) = chosen {
        let labels: Vec<_> = values.iter().map(|value| value.label.clone()).collect();
        values.retain(|value| value.label == chosen.value);
        if values.is_empty() {
            let message = format!("`--var {chosen}`: the matrix has no such `{}`", entry.key);
            let problem = Problem::new(&entry.key_span, message, "none of these");
            tell(problem.maybe_help(suggestion(&chosen.value, labels.iter().map(String::as_str))));
            return None;
        }
    }
    Some(Dimension { name: entry.key.clone(), values })
}

/// The word for a value of a list; empty for what has none.
fn label_of(node: &Node) -> String {
    match &node.kind {
        NodeKind::Scalar(text) => text.clone(),
        NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => String::new(),
    }
}
