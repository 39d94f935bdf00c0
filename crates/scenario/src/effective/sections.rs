//! Sections of a file as their tables say: what stands there, and the defaults of what does not.

use super::origin::Lines;
use super::{SettingOrigin, Shown, ShownValue};
use crate::node::{MapEntry, Node, NodeKind};
use crate::read::preset;
use crate::schema::{Requirement, Schema, Section};
use crate::settings::{count, duration, factor, quoted, share};
use crate::unit;

/// A section; `None` if it is absent. `router` shows what stands under
/// the key of that name.
pub(crate) fn section(section: &'static Section, node: Option<&Node>, lines: &Lines) -> Shown {
    let entries: &[MapEntry] = match node.map(|node| &node.kind) {
        Some(NodeKind::Map(entries)) => entries,
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
            let origin = SettingOrigin::Preset(family);
            shown.push((name, Shown { value: ShownValue::Scalar(text), origin }));
            continue;
        }
        let default = match (key.need, key.shape()) {
            (Requirement::Declared(_) | Requirement::Default(_), Schema::Section(inner))
                if is_below(key.need) =>
            {
                self::section(inner, None, lines).value
            }
            (Requirement::Declared(text), _) => of_default(&key.shape(), &text()),
            (Requirement::Default(text), _) => of_default(&key.shape(), text),
            (Requirement::Required | Requirement::Choice, _) => continue,
        };
        shown.push((name, Shown { value: default, origin: SettingOrigin::Default }));
    }
    let origin = node.map_or(SettingOrigin::Default, |node| lines.origin(node));
    Shown { value: ShownValue::Map(shown), origin }
}

/// Whether the default of a section is that of its keys.
fn is_below(need: Requirement) -> bool {
    let below = ["as below"];
    match need {
        Requirement::Default(text) => below.contains(&text),
        Requirement::Declared(text) => below.contains(&text().as_str()),
        Requirement::Required | Requirement::Choice => false,
    }
}

/// A documented default: a value if it reads as one, else words for there being none.
fn of_default(shape: &Schema, text: &str) -> ShownValue {
    match normal(shape, text) {
        Some(text) => ShownValue::Scalar(text),
        None => ShownValue::Unset,
    }
}

/// A value of a shape.
pub(crate) fn value(shape: &Schema, node: &Node, lines: &Lines) -> Shown {
    let shape = fitting(shape, node);
    let value = match (&node.kind, shape) {
        (NodeKind::Map(_), Schema::Section(inner)) => return section(inner, Some(node), lines),
        (NodeKind::Map(entries), Schema::Named(of) | Schema::NamedOrPattern(of)) => {
            let entries = entries.iter();
            let shown = entries.map(|entry| (entry.key.clone(), value(of, &entry.value, lines)));
            ShownValue::Map(shown.collect())
        }
        (NodeKind::List(items), Schema::List(of)) => {
            ShownValue::List(items.iter().map(|item| value(of, item, lines)).collect())
        }
        (NodeKind::Scalar(text), Schema::Secret) if !text.starts_with('$') => {
            ShownValue::Secret(text.clone())
        }
        (NodeKind::Scalar(text), shape) => {
            ShownValue::Scalar(normal(&shape, text).unwrap_or_else(|| quoted(text)))
        }
        (NodeKind::Nothing, _) => ShownValue::Unset,
        (NodeKind::Map(_) | NodeKind::List(_), _) => ShownValue::Scalar(node.flow()),
    };
    Shown { value, origin: lines.origin(node) }
}

/// Of several shapes the one that a value has.
fn fitting(shape: &Schema, node: &Node) -> Schema {
    let Schema::Either(shapes) = shape else { return *shape };
    let fits = |shape: &&Schema| match (&node.kind, shape) {
        (NodeKind::Map(_), Schema::Section(_) | Schema::Named(_) | Schema::NamedOrPattern(_))
        | (NodeKind::List(_), Schema::List(_)) => true,
        (NodeKind::Scalar(text), shape) => normal(shape, text).is_some(),
        _ => false,
    };
    shapes.iter().find(fits).copied().unwrap_or(Schema::Text)
}

/// A scalar as it would be written here; `None` for a text that is no such value.
fn normal(shape: &Schema, text: &str) -> Option<String> {
    match shape {
        Schema::Duration(_) => unit::duration(text).ok().map(duration),
        Schema::Count(least, most) => {
            unit::count(text).ok().filter(|number| (least..=most).contains(&number)).map(count)
        }
        Schema::Percent => unit::share(text).ok().map(share),
        Schema::Factor => unit::factor_milli(text).ok().map(factor),
        Schema::Number => unit::number(text).ok().map(|number| number.to_string()),
        Schema::Word(words) => words.contains(&text).then(|| text.to_owned()),
        Schema::Flag => ["true", "false"].contains(&text).then(|| text.to_owned()),
        Schema::Stretch => {
            unit::range(text).ok().map(|(from, to)| format!("{}..{}", duration(from), duration(to)))
        }
        Schema::Address => {
            text.parse::<core::net::SocketAddr>().ok().map(|address| quoted(&address.to_string()))
        }
        Schema::Bytes => unit::bytes(text).ok().map(crate::settings::bytes),
        Schema::Either(shapes) => shapes.iter().find_map(|shape| normal(shape, text)),
        // As it is written: another offset would be another meaning to a reader.
        Schema::Moment => (text.contains('T') && text.contains(':')).then(|| quoted(text)),
        Schema::Text
        | Schema::Name
        | Schema::FolderName
        | Schema::Reference(_)
        | Schema::Url
        | Schema::Secret
        | Schema::Expectation
        | Schema::Section(_)
        | Schema::List(_)
        | Schema::Named(_)
        | Schema::NamedOrPattern(_)
        | Schema::Pattern
        | Schema::Money
        | Schema::Any => None,
    }
}
