//! `${NAME}` and `${NAME:-default}` in the texts of a file.

use super::{VariableOrigin, VariableScope};
use crate::diagnostic::suggestion;
use crate::node::{Node, NodeKind};

/// Words that stand for what is known when a run begins, and are filled in then: see [`Template`](crate::Template).
const LATER: [&str; 4] = ["port", "dir", "env", "provider"];

/// Parts of names that stand for what nobody wants in a recording.
const SECRETS: [&str; 4] = ["KEY", "TOKEN", "SECRET", "PASSWORD"];

/// What a text comes to.
#[derive(Clone, Debug)]
pub(super) enum Filled {
    /// It has no variable.
    Same,
    /// Texts in its place.
    Text(String),
    /// The text is one variable and nothing else, which may stand for a mapping or a list.
    Whole(Node),
}

/// Why a text cannot be filled in: the variable, and what is wrong.
#[derive(Clone, Debug)]
pub(super) struct Unfilled {
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: String,
}

/// Whether a variable can be called so.
pub(super) fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(word)
        && !LATER.contains(&name)
}

/// A part of a text.
enum Piece<'t> {
    Literal(&'t str),
    Variable { path: &'t str, default: Option<&'t str> },
}

/// Whether a text has variables.
pub(super) fn has_variables(text: &str) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Variable { .. }))
}

/// The parts of a text. `$${` is a literal, as is what is filled in later.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut literal, mut at) = (0, 0);
    while let Some(found) = text[at..].find("${") {
        let start = at + found;
        let inside = start + 2;
        let Some(end) = text[inside..].find('}').map(|length| inside + length) else { break };
        at = inside;
        if text[..start].ends_with('$') {
            continue;
        }
        let (path, default) = match text[inside..end].split_once(":-") {
            Some((path, default)) => (path, Some(default)),
            None => (&text[inside..end], None),
        };
        if !is_name(path.split('.').next().unwrap_or_default()) {
            continue;
        }
        if literal < start {
            pieces.push(Piece::Literal(&text[literal..start]));
        }
        pieces.push(Piece::Variable { path, default });
        (literal, at) = (end + 1, end + 1);
    }
    if literal < text.len() {
        pieces.push(Piece::Literal(&text[literal..]));
    }
    pieces
}

/// Whether any text of a file uses a variable.
pub(super) fn is_used(text: &str, name: &str) -> bool {
    let uses = |piece: &Piece<'_>| matches!(piece, Piece::Variable { path, .. } if path.split('.').next() == Some(name));
    pieces(text).iter().any(uses)
}

/// A text with its variables filled in. A value from the environment stands at `place`.
pub(super) fn fill(
    text: &str,
    place: &Node,
    scope: &VariableScope,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Filled, Unfilled> {
    let pieces = pieces(text);
    if !pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. })) {
        return Ok(Filled::Same);
    }
    if let [Piece::Variable { path, default }] = pieces[..] {
        return value(path, default, place, scope, environment).map(Filled::Whole);
    }
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => filled.push_str(text),
            Piece::Variable { path, default } => {
                let node = value(path, default, place, scope, environment)?;
                match &node.kind {
                    NodeKind::Scalar(text) => filled.push_str(text),
                    NodeKind::Nothing => {}
                    NodeKind::List(_) | NodeKind::Map(_) => return Err(within_a_text(path, &node)),
                }
            }
        }
    }
    Ok(Filled::Text(filled))
}

fn within_a_text(path: &str, node: &Node) -> Unfilled {
    Unfilled {
        message: format!("`${{{path}}}` is {}, and cannot be a part of a text", node.found()),
        label: "expected a variable that is a text or a number".to_owned(),
        help: format!("write `${{{path}}}` alone as the value of a key"),
    }
}

/// The value of a variable, or of what its path leads to: its own, else its default, else the environment's.
fn value(
    path: &str,
    default: Option<&str>,
    place: &Node,
    scope: &VariableScope,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Node, Unfilled> {
    if default.is_some_and(|default| default.contains("${")) {
        return Err(Unfilled {
            message: format!("the default of `{path}` has a variable of its own"),
            label: "expected a value behind `:-`".to_owned(),
            help: "declare one of the two under `variables`".to_owned(),
        });
    }
    let here = |text: String| place.with_kind(NodeKind::Scalar(text));
    let (name, rest) = path.split_once('.').map_or((path, ""), |(name, rest)| (name, rest));
    if let Some(value) = scope.values.get(name) {
        let (node, left) = crate::overrides::descend(&value.node, rest);
        if left.is_empty() {
            let mut node = node.clone();
            node.key_span.clone_from(&place.key_span);
            // What comes from outside stands nowhere in the file but where it is used.
            if matches!(value.origin, VariableOrigin::Given | VariableOrigin::Environment) {
                node.span.clone_from(&place.span);
            }
            return Ok(node);
        }
        let parts = super::entries(node).iter().map(|entry| entry.key.as_str());
        return Err(Unfilled {
            message: format!("`{name}` has no `{rest}`"),
            label: "no such part of the variable".to_owned(),
            help: suggestion(left, parts).unwrap_or_else(|| format!("it is {}", node.found())),
        });
    }
    if is_secret(name) && environment(name).is_some() {
        return Err(secret(name));
    }
    let found = environment(name).filter(|text| !text.is_empty() || default.is_none());
    match found.or_else(|| default.map(str::to_owned)) {
        Some(text) => Ok(here(text)),
        None => Err(unset(name, scope)),
    }
}

fn unset(name: &str, scope: &VariableScope) -> Unfilled {
    let near = crate::diagnostic::nearest(name, scope.values.keys().map(String::as_str));
    let help = match near {
        Some(near) => format!("did you mean `${{{near}}}`?"),
        None => format!(
            "give it by `--var {name}=VALUE`, by the environment, by `variables: {{ {name}: VALUE }}`, or write \
             `${{{name}:-VALUE}}`; a literal `${{` is written `$${{`"
        ),
    };
    Unfilled {
        message: format!("the variable `{name}` is not set"),
        label: "no value for this".to_owned(),
        help,
    }
}

/// Whether a name says that its value is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    name.to_ascii_uppercase().split('_').any(|part| SECRETS.contains(&part))
}

fn secret(name: &str) -> Unfilled {
    Unfilled {
        message: format!(
            "`{name}` of the environment looks like a secret, which a recording would hold"
        ),
        label: "not filled in".to_owned(),
        help: format!(
            "where a key is expected, write `${name}`, which is read when it is used; if it is no secret, give it by \
             `--var {name}=VALUE`"
        ),
    }
}
