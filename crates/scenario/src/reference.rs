//! The reference of the files as Markdown, written from the tables that drive the readers.

use crate::expectation::{METRICS, MetricUnit, Scope};
use crate::read::{CHECKLIST, GATEWAY, MOCK, SCENARIO};
use crate::schema::{Key, Requirement, Schema, Section};
use core::fmt::Write as _;

/// A value of a key as a file would have it, by its section and its name; `None` where only the shape is known.
pub type KeyExample<'e> = &'e dyn Fn(&str, &str) -> Option<String>;

/// The tables of `docs/SCENARIOS.md`: every section of every file, key by key, each with an example, and the metrics.
#[must_use]
pub fn reference_markdown(example: KeyExample<'_>) -> String {
    let mut out = String::new();
    let mut seen = Vec::new();
    for (title, root) in [
        ("Scenario files", &SCENARIO),
        ("Gateway files", &GATEWAY),
        ("Mock files", &MOCK),
        ("Checklists", &CHECKLIST),
    ] {
        line(&mut out, format_args!("## {title}\n"));
        section(root, example, &mut seen, &mut out);
    }
    metrics(&mut out);
    out
}

/// A section and, after it, those it speaks of that have not come yet.
fn section(
    section: &'static Section,
    example: KeyExample<'_>,
    seen: &mut Vec<&'static str>,
    out: &mut String,
) {
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
    line(
        out,
        format_args!(
            "| key | value | example | default | meaning |\n| --- | --- | --- | --- | --- |"
        ),
    );
    for key in section.keys() {
        let example = example(section.id, key.name).or_else(|| sample(&key.shape()));
        row(key, example, out);
    }
    out.push('\n');
    for key in section.keys() {
        for inner in inner(&key.shape()) {
            self::section(inner, example, seen, out);
        }
    }
}

fn row(key: &Key, example: Option<String>, out: &mut String) {
    let default = match key.need {
        Requirement::Required => "**required**".to_owned(),
        Requirement::Choice => "one of these".to_owned(),
        Requirement::Default(default) => default.to_owned(),
        Requirement::Declared(default) => default(),
    };
    let (value, meaning) = (describe(&key.shape()), key.meaning);
    let example =
        example.map(|example| format!("`{}`", example.replace('|', "\\|"))).unwrap_or_default();
    line(out, format_args!("| `{}` | {value} | {example} | {default} | {meaning} |", key.name));
}

/// A value of a shape; none of one that has a table of its own, or that is a name or a text.
fn sample(shape: &Schema) -> Option<String> {
    let text = match *shape {
        Schema::Duration(_) => "20s",
        Schema::Moment => "2026-11-29T08:00Z",
        Schema::Stretch => "0s..20s",
        Schema::Count(least, most) => return Some(least.max(10).min(most).to_string()),
        Schema::Number => "0.5",
        Schema::Percent => "70%",
        Schema::Factor => "3x",
        Schema::Address => "127.0.0.1:8080",
        Schema::Url => "http://127.0.0.1:8080/v1",
        Schema::Secret => "$NAME",
        Schema::Expectation => "success_rate >= 99%",
        Schema::Flag => "true",
        Schema::Money => "$5",
        Schema::Bytes => "16MiB",
        Schema::Word(words) => words.first()?,
        Schema::Pattern => "gpt-*",
        Schema::List(of) => return sample(of).map(|item| format!("[ {item} ]")),
        Schema::Either(shapes) => return shapes.iter().find_map(sample),
        Schema::Text
        | Schema::Name
        | Schema::FolderName
        | Schema::Reference(_)
        | Schema::Any
        | Schema::Section(_)
        | Schema::Named(_)
        | Schema::NamedOrPattern(_) => return None,
    };
    Some(text.to_owned())
}

fn describe(shape: &Schema) -> String {
    match shape {
        Schema::Section(section) => format!("[{}](#{})", section.id, section.id),
        Schema::List(of) => format!("list: {}", describe(of)),
        Schema::Named(of) => format!("mapping from names: {}", describe(of)),
        Schema::NamedOrPattern(of) => format!("mapping from names or patterns: {}", describe(of)),
        Schema::Either(shapes) => {
            let each: Vec<_> = shapes.iter().map(describe).collect();
            each.join(", or ")
        }
        Schema::Word(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Schema::Count(least, most) => match *most {
            100 | 599 | 1000 => format!("{least} to {most}"),
            _ => format!("whole number from {least}"),
        },
        Schema::Text
        | Schema::Name
        | Schema::FolderName
        | Schema::Reference(_)
        | Schema::Duration(_)
        | Schema::Stretch
        | Schema::Moment
        | Schema::Number
        | Schema::Percent
        | Schema::Factor
        | Schema::Address
        | Schema::Url
        | Schema::Secret
        | Schema::Expectation
        | Schema::Pattern
        | Schema::Flag
        | Schema::Money
        | Schema::Bytes
        | Schema::Any => shape.wanted(),
    }
}

/// The sections that a shape speaks of.
fn inner(shape: &Schema) -> Vec<&'static Section> {
    match *shape {
        Schema::Section(section) => vec![section],
        Schema::List(of) | Schema::Named(of) | Schema::NamedOrPattern(of) => inner(of),
        Schema::Either(shapes) => shapes.iter().flat_map(inner).collect(),
        Schema::Text
        | Schema::Name
        | Schema::FolderName
        | Schema::Reference(_)
        | Schema::Word(_)
        | Schema::Duration(_)
        | Schema::Stretch
        | Schema::Moment
        | Schema::Count(..)
        | Schema::Number
        | Schema::Percent
        | Schema::Factor
        | Schema::Address
        | Schema::Url
        | Schema::Secret
        | Schema::Expectation
        | Schema::Pattern
        | Schema::Flag
        | Schema::Money
        | Schema::Bytes
        | Schema::Any => Vec::new(),
    }
}

fn metrics(out: &mut String) {
    line(out, format_args!("## Metrics\n"));
    line(out, format_args!("| metric | of | limit | meaning |\n| --- | --- | --- | --- |"));
    for spec in METRICS {
        let of = match spec.of {
            Scope::All => "everything",
            Scope::AllOrGroup => "everything, or a group or kind of request",
            Scope::WithinAllOrGroup => {
                "a latency, `(2s)`, or `(2s, name)` of a group or kind of request"
            }
            Scope::Group => "a group",
            Scope::Deployment => "a deployment",
            Scope::AllOrDeployment => "everything, or a deployment",
        };
        let unit = match spec.unit {
            MetricUnit::Percent => "a share, `99%`",
            MetricUnit::Duration => "a duration, `2s`",
            MetricUnit::Count => "a whole number, `20`",
            MetricUnit::Ratio => "a plain number, `1.2`",
            MetricUnit::Dollars => "an amount of dollars, `$0.15`",
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
