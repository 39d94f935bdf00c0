//! The `variables` and the `matrix` of a file, with those of the files that it includes as a whole.

use super::include::{merge, paths, target};
use super::variable_type::VariableType;
use super::{Composer, ScopeValue, VariableOrigin, VariableScope, get, placeholder};
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::node::{MapEntry, Node, NodeKind};
use crate::schema::{Key, Schema, Section};

/// A variable with more than a value.
static VARIABLE: Section = Section {
    id: "variable",
    phrase: "a variable",
    about: "A variable, with what it may be.",
    keys: &[&[
        Key::optional("default", Schema::Any, "it must be given", "Its value, if none is given."),
        Key::optional(
            "type",
            Schema::Word(&VariableType::WORDS),
            "whatever its places take",
            "What a given value must be.",
        ),
        Key::optional("one_of", Schema::List(&Schema::Text), "any", "The values that it may have."),
        Key::optional("about", Schema::Text, "none", "What it is for."),
    ]],
};

/// What composition reads of a scenario.
pub(crate) static TABLE: [Key; 4] = [
    Key::optional(
        "include",
        FILES,
        "none",
        "Files whose keys hold where this one has none: `FILE`, or `FILE#part.of.it`. In any mapping; in a list, \
             `- include: FILE` stands for the items of another list.",
    ),
    Key::optional(
        "variables",
        Schema::Named(&Schema::Either(&[Schema::Section(&VARIABLE), Schema::Any])),
        "none",
        "Values by name, for `${NAME}` in any text of the file. `--var NAME=VALUE` and the environment come first.",
    ),
    Key::optional(
        "matrix",
        Schema::Named(&Schema::Either(&[Schema::List(&Schema::Any), Schema::Named(&Schema::Any)])),
        "one case",
        "Variables with several values: the file is a case for each combination.",
    ),
    Key::optional(
        "fragments",
        Schema::Named(&Schema::Any),
        "none",
        "Parts for `include: '#fragments.NAME'`; nothing is read of them where they stand.",
    ),
];

/// One file, or several.
const FILES: Schema = Schema::Either(&[Schema::Text, Schema::List(&Schema::Text)]);

/// How far declarations are followed through files.
const DEPTH_MAX: usize = 16;

/// What a file declares.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    pub(super) variables: Vec<MapEntry>,
    pub(super) matrix: Vec<MapEntry>,
}

impl Declarations {
    /// The declarations of a file over those of the files that its root includes, unless their names have variables.
    pub(super) fn gather(composer: &Composer<'_>, root: &Node) -> Self {
        Self::below(composer, root, root, 0)
    }

    fn below(composer: &Composer<'_>, root: &Node, node: &Node, depth: usize) -> Self {
        let mut all = Self::default();
        let names = get(node, "include").and_then(paths).unwrap_or_default();
        for name in names {
            let NodeKind::Scalar(text) = &name.kind else { continue };
            // A part of a file declares nothing.
            if depth == DEPTH_MAX || text.contains('#') || placeholder::has_variables(text) {
                continue;
            }
            let included = target(composer, root, text, name).map(|((path, _), _)| path);
            let Some(file) = included.and_then(|path| composer.file(&path, name)) else { continue };
            let found = Self::below(composer, root, &file, depth + 1);
            all.variables = merge(all.variables, found.variables);
            all.matrix = merge(all.matrix, found.matrix);
        }
        let own = |key: &str| match get(node, key) {
            None => Vec::new(),
            Some(Node { kind: NodeKind::Map(entries), .. }) => entries.clone(),
            Some(other) => {
                let message = format!("`{key}` is {}", other.found());
                let label = format!("expected a mapping such as `{key}: {{ peak: … }}`");
                composer.problems.push(Problem::new(&other.span, message, label));
                Vec::new()
            }
        };
        all.variables = merge(all.variables, own("variables"));
        all.matrix = merge(all.matrix, own("matrix"));
        all
    }

    /// The variables with their values: given, of the environment, or of the file.
    pub(super) fn scope(&self, composer: &Composer<'_>, root: &Node) -> VariableScope {
        let mut scope = VariableScope::default();
        for given in composer.surroundings.variables {
            let kind = NodeKind::Scalar(given.value.clone());
            // Its place is where it is used.
            let node = Node { span: 0..0, line: 1, key_span: None, kind };
            scope.bind(&given.name, node, VariableOrigin::Given);
        }
        for entry in &self.variables {
            if let Some((node, origin)) = declared(composer, root, entry, &scope) {
                scope.bind(&entry.key, node, origin);
            }
        }
        scope
    }
}

/// The value of a declared variable, if it has one.
fn declared(
    composer: &Composer<'_>,
    root: &Node,
    entry: &MapEntry,
    scope: &VariableScope,
) -> Option<(Node, VariableOrigin)> {
    let problems = composer.problems;
    if !placeholder::is_name(&entry.key) {
        let message = format!("`{}` cannot be the name of a variable", entry.key);
        let rule =
            "a name has letters, digits and `_`, and is none of `port`, `dir`, `env`, `provider`";
        problems.push(Problem::new(&entry.key_span, message, rule));
        return None;
    }
    let fields = match entry.value.kind {
        NodeKind::Map(_) => Some(Fields::open(&entry.value, &VARIABLE, problems)?),
        NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::List(_) => None,
    };
    let default = match &fields {
        Some(fields) => fields.get("default"),
        None => Some(&entry.value),
    };
    let given = scope.values.get(&entry.key).cloned();
    let given = given.or_else(|| from_environment(composer, entry));
    let value = match given {
        Some(value) => Some((value.node, value.origin)),
        None => default.and_then(|node| {
            let mut resolver = super::include::Resolver::new(composer, scope, root);
            Some((resolver.resolve(node)?, VariableOrigin::Default))
        }),
    };
    if let (Some(fields), Some((node, origin))) = (&fields, &value) {
        check(fields, entry, node, *origin);
    }
    value
}

/// A secret of the environment is no variable: see [`placeholder`].
fn from_environment(composer: &Composer<'_>, entry: &MapEntry) -> Option<ScopeValue> {
    if placeholder::is_secret(&entry.key) {
        return None;
    }
    let text = (composer.surroundings.environment)(&entry.key)?;
    let node = Node { kind: NodeKind::Scalar(text), ..entry.value.clone() };
    Some(ScopeValue { node, origin: VariableOrigin::Environment })
}

/// A value against what is declared of it.
fn check(fields: &Fields<'_>, entry: &MapEntry, node: &Node, origin: VariableOrigin) {
    let NodeKind::Scalar(text) = &node.kind else { return };
    let place = match origin {
        VariableOrigin::Default => &node.span,
        VariableOrigin::Given | VariableOrigin::Environment | VariableOrigin::Matrix => {
            &entry.key_span
        }
    };
    let said = format!("the variable `{}` is `{text}` ({origin})", entry.key);
    if let Some(kind) = fields.word("type").and_then(VariableType::from_word)
        && let Err(misfit) = kind.check(text)
    {
        let problem = Problem::new(place, format!("{said}: {}", misfit.message), misfit.label);
        fields.problems.push(problem.maybe_help(misfit.help));
    }
    let allowed: Vec<_> = fields.list("one_of").iter().collect();
    let words: Vec<_> = allowed
        .iter()
        .filter_map(|node| match &node.kind {
            NodeKind::Scalar(word) => Some(word.as_str()),
            NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => None,
        })
        .collect();
    if !words.is_empty() && !words.contains(&text.as_str()) {
        let label = format!("expected one of {}", words.join(", "));
        fields.problems.push(Problem::new(place, said, label));
    }
}
