//! Single values: a node and what it should be, to the value or a problem.

use crate::diagnostic::{Problem, Problems, suggestion};
use crate::node::{Node, NodeKind};
use crate::schema::{Least, Schema, Section};
use crate::unit::{self, Misfit};
use core::ops::Range;
use core::time::Duration;
use squall_config_file::name::{is_folder_name, is_name, is_pattern};

/// The text of a scalar.
pub(crate) fn scalar<'n>(node: &'n Node, shape: &Schema, problems: &Problems) -> Option<&'n str> {
    if let NodeKind::Scalar(text) = &node.kind {
        return Some(text);
    }
    wrong_type(node, shape, problems);
    None
}

/// A scalar, read by `parse`.
pub(crate) fn parsed<T>(
    node: &Node,
    shape: &Schema,
    problems: &Problems,
    parse: impl FnOnce(&str) -> Result<T, Misfit>,
) -> Option<T> {
    match parse(scalar(node, shape, problems)?) {
        Ok(value) => Some(value),
        Err(misfit) => {
            push_misfit(&node.span, misfit, problems);
            None
        }
    }
}

/// A duration of at least `least`.
pub(crate) fn duration(node: &Node, least: Least, problems: &Problems) -> Option<Duration> {
    parsed(node, &Schema::Duration(least), problems, |text| {
        let duration = unit::duration(text)?;
        if least == Least::AboveZero && duration.is_zero() {
            return Err(Misfit::new("the duration must be above zero", "out of range"));
        }
        Ok(duration)
    })
}

/// A whole number from `least` to `most`.
pub(crate) fn count(node: &Node, least: u64, most: u64, problems: &Problems) -> Option<u64> {
    parsed(node, &Schema::Count(least, most), problems, |text| {
        let count = unit::count(text)?;
        if (least..=most).contains(&count) {
            return Ok(count);
        }
        let expected = match count < least {
            _ if most <= u64::from(u16::MAX) => format!("expected {least} to {most}"),
            true => format!("expected at least {least}"),
            false => format!("expected at most {most}"),
        };
        Err(Misfit::new(format!("`{text}` is out of range"), expected))
    })
}

/// A name that can be referred to.
pub(crate) fn check_name(name: &str, span: &Range<usize>, shape: &Schema, problems: &Problems) {
    let (fits, rule) = if matches!(shape, Schema::FolderName) {
        let rule =
            "a name begins with a letter or digit, and has letters, digits, `.`, `_` and `-` only";
        (is_folder_name(name), rule)
    } else if matches!(shape, Schema::Pattern) {
        (
            is_pattern(name),
            "a model's name is one line without space around it, with one `*` at most",
        )
    } else {
        let rule = "a name begins with a letter or digit, and has letters, digits, `.`, `_`, `-`, `/` and `:` only";
        (is_name(name), rule)
    };
    if !fits {
        let message = format!("`{name}` cannot be a name");
        problems.push(Problem::new(span, message, rule));
    }
}

/// One of `words`, as it stands in that list.
pub(crate) fn word(
    node: &Node,
    words: &'static [&'static str],
    problems: &Problems,
) -> Option<&'static str> {
    parsed(node, &Schema::Word(words), problems, |text| {
        words.iter().copied().find(|word| *word == text).ok_or_else(|| {
            let misfit = Misfit::new(format!("unknown word `{text}`"), "not a word known here");
            match suggestion(text, words.iter().copied()) {
                Some(help) => misfit.help(help),
                None => misfit,
            }
        })
    })
}

/// Says that a node is something else than it should be.
pub(crate) fn wrong_type(node: &Node, shape: &Schema, problems: &Problems) {
    let message = format!("expected {}, found {}", shape.wanted(), node.found());
    let help = match (shape, &node.kind) {
        (Schema::List(_), NodeKind::Scalar(text)) => Some(format!("write `[{text}]`")),
        (Schema::List(_), NodeKind::Map(_)) => Some("write `[ … ]` around it".to_owned()),
        (Schema::Section(section), _) => Some(keys_of(section)),
        _ => None,
    };
    let label = format!("this is {}", node.found());
    problems.push(Problem::new(place(node), message, label).maybe_help(help));
}

/// Where to point for a value: at its key when there is nothing to see of itself.
fn place(node: &Node) -> &Range<usize> {
    match (&node.kind, &node.key_span) {
        (NodeKind::Nothing, Some(key)) => key,
        _ => &node.span,
    }
}

/// The keys of a section, for a person.
pub(crate) fn keys_of(section: &Section) -> String {
    let names: Vec<_> = section.keys().map(|key| format!("`{}`", key.name)).collect();
    match names.as_slice() {
        [only] => format!("its key is {only}"),
        _ => format!("its keys are {}", names.join(", ")),
    }
}

pub(crate) fn push_misfit(span: &Range<usize>, misfit: Misfit, problems: &Problems) {
    problems.push(Problem::new(span, misfit.message, misfit.label).maybe_help(misfit.help));
}
