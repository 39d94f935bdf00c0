//! Single values: a node and what it should be, to the value or a problem.

use crate::diagnostic::{Problem, Problems, suggestion};
use crate::node::{Kind, Node};
use crate::shape::{Least, Shape, is_folder_name, is_name};
use crate::unit::{self, Misfit};
use core::ops::Range;
use core::time::Duration;

/// The text of a scalar.
pub(crate) fn scalar<'n>(node: &'n Node, shape: &Shape, problems: &Problems) -> Option<&'n str> {
    if let Kind::Scalar(text) = &node.kind {
        return Some(text);
    }
    wrong_type(node, shape, problems);
    None
}

/// A scalar, read by `parse`.
pub(crate) fn parsed<T>(
    node: &Node,
    shape: &Shape,
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
    parsed(node, &Shape::Duration(least), problems, |text| {
        let duration = unit::duration(text)?;
        if least == Least::AboveZero && duration.is_zero() {
            return Err(Misfit::new("the duration must be above zero", "out of range"));
        }
        Ok(duration)
    })
}

/// A whole number from `least` to `most`.
pub(crate) fn count(node: &Node, least: u64, most: u64, problems: &Problems) -> Option<u64> {
    parsed(node, &Shape::Count(least, most), problems, |text| {
        let count = unit::count(text)?;
        if (least..=most).contains(&count) {
            return Ok(count);
        }
        let bound = if count < least { "at least" } else { "at most" };
        let limit = if count < least { least } else { most };
        Err(Misfit::new(format!("`{text}` is out of range"), format!("expected {bound} {limit}")))
    })
}

/// A name that can be referred to.
pub(crate) fn check_name(name: &str, span: &Range<usize>, shape: &Shape, problems: &Problems) {
    let (fits, allowed) = match shape {
        Shape::FolderName => (is_folder_name(name), "letters, digits, `.`, `_` and `-`"),
        _ => (is_name(name), "letters, digits, `.`, `_`, `-`, `/` and `:`"),
    };
    if !fits {
        let message = format!("`{name}` cannot be a name");
        let label = format!("a name begins with a letter or digit, and has {allowed} only");
        problems.push(Problem::new(span, message, label));
    }
}

/// One of `words`, as it stands in that list.
pub(crate) fn word(
    node: &Node,
    words: &'static [&'static str],
    problems: &Problems,
) -> Option<&'static str> {
    parsed(node, &Shape::Word(words), problems, |text| {
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
pub(crate) fn wrong_type(node: &Node, shape: &Shape, problems: &Problems) {
    let message = format!("expected {}, found {}", shape.wanted(), node.found());
    problems.push(Problem::new(&node.span, message, format!("this is {}", node.found())));
}

pub(crate) fn push_misfit(span: &Range<usize>, misfit: Misfit, problems: &Problems) {
    problems.push(Problem::new(span, misfit.message, misfit.label).maybe_help(misfit.help));
}
