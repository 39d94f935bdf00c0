//! Sections of a file as their tables say: what stands there, and the defaults of what does not.

use super::origin::{Lines, MASKED};
use super::{Origin, Shown, ShownValue};
use crate::node::{Entry, Kind, Node};
use crate::read::preset;
use crate::settings::{count, duration, factor, quoted, share};
use crate::shape::{Need, Section, Shape};
use crate::unit;

/// A section; `None` for one that is not there, which has its defaults. `router` shows what stands under
/// the key of that name.
pub(crate) fn section(section: &'static Section, node: Option<&Node>, lines: &Lines) -> Shown {
    let entries: &[Entry] = match node.map(|node| &node.kind) {
        Some(Kind::Map(entries)) => entries,
        _ => &[],
    };
    let mut shown = Vec::new();
    for key in section.keys() {
        let name = key.name.to_owned();
        if let Some(entry) = entries.iter().find(|entry| entry.key == key.name) {
            shown.push((name, value(&key.shape(), &entry.value, lines)));
            continue;
        }
        if let Some((text, family)) = preset(key.name, entries) {
            let origin = Origin::Preset(family);
            shown.push((name, Shown { value: ShownValue::Scalar(text), origin }));
            continue;
        }
        let default = match (key.need, key.shape()) {
            (Need::Declared(_) | Need::Default(_), Shape::Section(inner)) if is_below(key.need) => {
                self::section(inner, None, lines).value
            }
            (Need::Declared(text), _) => of_default(&key.shape(), &text()),
            (Need::Default(text), _) => of_default(&key.shape(), text),
            (Need::Required | Need::Choice, _) => continue,
        };
        shown.push((name, Shown { value: default, origin: Origin::Default }));
    }
    let origin = node.map_or(Origin::Default, |node| lines.origin(node));
    Shown { value: ShownValue::Map(shown), origin }
}

/// Whether the default of a section is that of its keys.
fn is_below(need: Need) -> bool {
    let below = ["as below", "its defaults"];
    match need {
        Need::Default(text) => below.contains(&text),
        Need::Declared(text) => below.contains(&text().as_str()),
        Need::Required | Need::Choice => false,
    }
}

/// A documented default: a value if it reads as one, else words for there being none.
fn of_default(shape: &Shape, text: &str) -> ShownValue {
    match normal(shape, text) {
        Some(text) => ShownValue::Scalar(text),
        None => ShownValue::Unset,
    }
}

/// A value of a shape.
pub(crate) fn value(shape: &Shape, node: &Node, lines: &Lines) -> Shown {
    let shape = fitting(shape, node);
    let value = match (&node.kind, shape) {
        (Kind::Map(_), Shape::Section(inner)) => return section(inner, Some(node), lines),
        (Kind::Map(entries), Shape::Named(of) | Shape::NamedOrPattern(of)) => {
            let entries = entries.iter();
            let shown = entries.map(|entry| (entry.key.clone(), value(of, &entry.value, lines)));
            ShownValue::Map(shown.collect())
        }
        (Kind::List(items), Shape::List(of)) => {
            ShownValue::List(items.iter().map(|item| value(of, item, lines)).collect())
        }
        (Kind::Scalar(text), Shape::Secret) if !text.starts_with('$') => {
            ShownValue::Scalar(quoted(MASKED))
        }
        (Kind::Scalar(text), shape) => {
            ShownValue::Scalar(normal(&shape, text).unwrap_or_else(|| quoted(text)))
        }
        (Kind::Nothing, _) => ShownValue::Unset,
        (Kind::Map(_) | Kind::List(_), _) => ShownValue::Scalar(node.flow()),
    };
    Shown { value, origin: lines.origin(node) }
}

/// Of several shapes the one that a value has.
fn fitting(shape: &Shape, node: &Node) -> Shape {
    let Shape::Either(shapes) = shape else { return *shape };
    let fits = |shape: &&Shape| match (&node.kind, shape) {
        (Kind::Map(_), Shape::Section(_) | Shape::Named(_) | Shape::NamedOrPattern(_))
        | (Kind::List(_), Shape::List(_)) => true,
        (Kind::Scalar(text), shape) => normal(shape, text).is_some(),
        _ => false,
    };
    shapes.iter().find(fits).copied().unwrap_or(Shape::Text)
}

/// A scalar as it would be written here; `None` for a text that is no such value.
fn normal(shape: &Shape, text: &str) -> Option<String> {
    match shape {
        Shape::Duration(_) => unit::duration(text).ok().map(duration),
        Shape::Count(least, most) => {
            unit::count(text).ok().filter(|number| (least..=most).contains(&number)).map(count)
        }
        Shape::Percent => unit::share(text).ok().map(share),
        Shape::Factor => unit::factor_milli(text).ok().map(factor),
        Shape::Number => unit::number(text).ok().map(|number| number.to_string()),
        Shape::Word(words) => words.contains(&text).then(|| text.to_owned()),
        Shape::Flag => ["true", "false"].contains(&text).then(|| text.to_owned()),
        Shape::Stretch => {
            unit::range(text).ok().map(|(from, to)| format!("{}..{}", duration(from), duration(to)))
        }
        Shape::Address => {
            text.parse::<core::net::SocketAddr>().ok().map(|address| quoted(&address.to_string()))
        }
        Shape::Bytes => unit::bytes(text).ok().map(crate::settings::bytes),
        Shape::Either(shapes) => shapes.iter().find_map(|shape| normal(shape, text)),
        Shape::Text
        | Shape::Name
        | Shape::FolderName
        | Shape::Reference(_)
        | Shape::Url
        | Shape::Secret
        | Shape::Expectation
        | Shape::Section(_)
        | Shape::List(_)
        | Shape::Named(_)
        | Shape::NamedOrPattern(_)
        | Shape::Pattern
        | Shape::Money => None,
    }
}
