//! The reference of the files as Markdown, written from the tables that drive the readers.

use crate::expectation::{METRICS, Of, Unit};
use crate::read::{CHECKLIST, GATEWAY, MOCK, SCENARIO};
use crate::shape::{Key, Need, Section, Shape};
use core::fmt::Write as _;

/// The tables of `docs/SCENARIOS.md`: every section of every file, key by key, and the metrics.
#[must_use]
pub fn reference_markdown() -> String {
    let mut out = String::new();
    let mut seen = Vec::new();
    for (title, root) in [
        ("Scenario files", &SCENARIO),
        ("Gateway files", &GATEWAY),
        ("Mock files", &MOCK),
        ("Checklists", &CHECKLIST),
    ] {
        line(&mut out, format_args!("## {title}\n"));
        section(root, &mut seen, &mut out);
    }
    metrics(&mut out);
    out
}

/// A section and, after it, those it speaks of that have not come yet.
fn section(section: &'static Section, seen: &mut Vec<&'static str>, out: &mut String) {
    if seen.contains(&section.id) {
        return;
    }
    seen.push(section.id);
    line(out, format_args!("### {}\n", section.id));
    line(out, format_args!("{}\n", section.about));
    if section.choices().next().is_some() {
        let names: Vec<_> = section.choices().map(|key| format!("`{}`", key.name)).collect();
        line(out, format_args!("Exactly one of {} must be there.\n", names.join(", ")));
    }
    line(out, format_args!("| key | value | default | meaning |\n| --- | --- | --- | --- |"));
    for key in section.keys() {
        row(key, out);
    }
    out.push('\n');
    for key in section.keys() {
        for inner in inner(&key.shape()) {
            self::section(inner, seen, out);
        }
    }
}

fn row(key: &Key, out: &mut String) {
    let default = match key.need {
        Need::Required => "**required**".to_owned(),
        Need::Choice => "one of these".to_owned(),
        Need::Default(default) => default.to_owned(),
        Need::Declared(default) => default(),
    };
    let (value, meaning) = (describe(&key.shape()), key.meaning);
    line(out, format_args!("| `{}` | {value} | {default} | {meaning} |", key.name));
}

fn describe(shape: &Shape) -> String {
    match shape {
        Shape::Section(section) => format!("[{}](#{})", section.id, section.id),
        Shape::List(of) => format!("list: {}", describe(of)),
        Shape::Named(of) => format!("mapping from names: {}", describe(of)),
        Shape::NamedOrPattern(of) => format!("mapping from names or patterns: {}", describe(of)),
        Shape::Either(shapes) => {
            let each: Vec<_> = shapes.iter().map(describe).collect();
            each.join(", or ")
        }
        Shape::Word(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Shape::Count(least, most) => match *most {
            100 | 599 | 1000 => format!("{least} to {most}"),
            _ => format!("whole number from {least}"),
        },
        other => other.wanted(),
    }
}

/// The sections that a shape speaks of.
fn inner(shape: &Shape) -> Vec<&'static Section> {
    match *shape {
        Shape::Section(section) => vec![section],
        Shape::List(of) | Shape::Named(of) | Shape::NamedOrPattern(of) => inner(of),
        Shape::Either(shapes) => shapes.iter().flat_map(inner).collect(),
        _ => Vec::new(),
    }
}

fn metrics(out: &mut String) {
    line(out, format_args!("## Metrics\n"));
    line(out, format_args!("| metric | of | limit | meaning |\n| --- | --- | --- | --- |"));
    for spec in METRICS {
        let of = match spec.of {
            Of::AllOrGroup => "everything, or a group or kind of request",
            Of::Group => "a group",
            Of::Deployment => "a deployment",
            Of::AllOrDeployment => "everything, or a deployment",
        };
        let unit = match spec.unit {
            Unit::Percent => "a share, `99%`",
            Unit::Duration => "a duration, `2s`",
            Unit::Count => "a whole number, `20`",
            Unit::Ratio => "a plain number, `1.2`",
        };
        line(out, format_args!("| `{}` | {of} | {unit} | {} |", spec.name, spec.meaning));
    }
}

fn line(out: &mut String, text: core::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _infallible = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests;
