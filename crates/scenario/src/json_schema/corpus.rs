//! The schemas against the readers, both ways: what a reader accepts fits its schema, whatever file of this repository it
//! is, and what is no key or no value to a reader is none to the schema.

use super::*;
use crate::diagnostic::Problems;
use crate::node::{Node, NodeKind};
use crate::{Checklist, GatewayFile, MockFile, Scenario, yaml};
use jsonschema::Validator;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file of the repository that may be one of ours, and every example of its pages, with where it stands.
fn texts() -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| fs::read_to_string(&path).ok().map(|text| (path, text));
    let files = files().into_iter().filter_map(read);
    let pages = fs::read_dir(root().join("docs")).expect("a folder").flatten();
    let pages = pages.map(|entry| entry.path()).chain([root().join("README.md")]);
    let examples = pages.filter_map(read).flat_map(|(path, page)| {
        let blocks = page.split("```yaml\n").skip(1);
        let blocks = blocks.filter_map(|block| block.split("```").next().map(str::to_owned));
        blocks.map(move |block| (path.clone(), block)).collect::<Vec<_>>()
    });
    files.chain(examples).collect()
}

fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["scenarios", "tests", "crates", "fuzz/corpus", "examples", "docs"] {
        collect(&root().join(folder), &mut found);
    }
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
        let is_corpus = path.components().any(|part| part.as_os_str() == "corpus");
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") || is_corpus {
            found.push(path);
        }
    }
}

/// Whether the reader of a kind of file accepts a text, with no word of it out of date.
fn reads(kind: FileKind, path: &Path, text: &str) -> bool {
    let folder = path.parent().unwrap_or(path);
    let load = |other: &str| fs::read_to_string(folder.join(other));
    let is_current = crate::warnings("file", text).is_none();
    is_current
        && match kind {
            FileKind::Scenario => Scenario::read_with("file", text, &load).is_ok(),
            FileKind::Gateway => GatewayFile::read("file", text).is_ok(),
            FileKind::Mock => MockFile::read("file", text).is_ok(),
            FileKind::Checklist => Checklist::read("file", text).is_ok(),
        }
}

/// A text as an editor takes it: plain scalars by YAML's core schema.
pub(super) fn value(text: &str) -> Option<Value> {
    let node = yaml::parse(text, &Problems::default())?;
    Some(json(text, &node))
}

fn json(text: &str, node: &Node) -> Value {
    match &node.kind {
        NodeKind::Nothing => Value::Null,
        NodeKind::List(items) => items.iter().map(|item| json(text, item)).collect(),
        NodeKind::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), json(text, &entry.value)))
            .collect::<Map<_, _>>()
            .into(),
        NodeKind::Scalar(scalar) => {
            let written = text.get(node.span.start..).unwrap_or_default();
            let is_plain = !written.starts_with(['"', '\'', '|', '>']);
            match scalar.as_str() {
                _ if !is_plain => Value::String(scalar.clone()),
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" | "~" => Value::Null,
                plain => number(plain).unwrap_or_else(|| Value::String(plain.to_owned())),
            }
        }
    }
}

/// `1_000` and `.5` are texts to YAML's core schema; `1e3` is a number.
fn number(plain: &str) -> Option<Value> {
    let looks = plain.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    let whole = plain.parse::<i64>().map(Value::from);
    let any = plain.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from);
    whole.ok().or(any).filter(|_| looks)
}

fn validators() -> Vec<(FileKind, Validator)> {
    let of = |kind| jsonschema::draft202012::new(&json_schema(kind)).expect("it is a schema");
    FileKind::ALL.into_iter().map(|kind| (kind, of(kind))).collect()
}

#[test]
fn every_file_that_a_reader_accepts_fits_its_schema() {
    let validators = validators();
    let (mut refused, mut counts) = (Vec::new(), [0; FileKind::ALL.len()]);
    for (path, text) in texts() {
        for ((kind, validator), count) in validators.iter().zip(&mut counts) {
            if !reads(*kind, &path, &text) {
                continue;
            }
            *count += 1;
            let value = value(&text).expect("what is read is YAML");
            let errors = validator.iter_errors(&value).take(3);
            refused
                .extend(errors.map(|error| {
                    format!("{}: {}: {error}", path.display(), error.instance_path())
                }));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let [scenarios, gateways, mocks, checklists] = counts;
    assert!(scenarios > 80 && gateways > 0 && mocks > 0 && checklists > 2, "{counts:?}");
}

/// Every place of a text at which a key or a value stands, with whether it is a key.
fn places(node: &Node, found: &mut Vec<(std::ops::Range<usize>, bool)>) {
    match &node.kind {
        NodeKind::Nothing => {}
        NodeKind::Scalar(_) => found.push((node.span.clone(), false)),
        NodeKind::List(items) => items.iter().for_each(|item| places(item, found)),
        NodeKind::Map(entries) => {
            for entry in entries {
                found.push((entry.key_span.clone(), true));
                places(&entry.value, found);
            }
        }
    }
}

/// Each key of a shipped file, spelt wrong, and each value, with a map in its place: where the reader takes the file for
/// one of its kind no more because of it, neither does the schema; and what the reader still accepts, fits.
#[test]
fn what_is_spoiled_is_refused_by_reader_and_schema_alike() {
    let validators = validators();
    let mut wrong = Vec::new();
    for (kind, name) in [
        (FileKind::Scenario, "scenarios/viral-spike.yaml"),
        (FileKind::Scenario, "scenarios/incidents/anthropic-2025-12-14.yaml"),
        (FileKind::Scenario, "scenarios/router/limits.yaml"),
        (FileKind::Checklist, "scenarios/checklists/rollout.yaml"),
        (FileKind::Gateway, "crates/scenario/tests/lints/gateway.yaml"),
    ] {
        let path = root().join(name);
        let text = fs::read_to_string(&path).expect("it is there");
        let node = yaml::parse(&text, &Problems::default()).expect("it is YAML");
        let validator = &validators.iter().find(|(each, _)| *each == kind).expect("all are").1;
        let mut found = Vec::new();
        places(&node, &mut found);
        assert!(found.len() > 20, "{name}");
        // A scalar of several lines begins before its text.
        for (span, is_key) in
            found.into_iter().filter(|(span, _)| !text[span.clone()].contains('\n'))
        {
            let insteads: &[&str] = match is_key {
                true => &["no such key"],
                false => &["{ no: such, value: here }", "[ [ 1 ] ]", "null"],
            };
            for instead in insteads {
                let spoiled = format!("{}{instead}{}", &text[..span.start], &text[span.end..]);
                let Some(value) = value(&spoiled) else { continue };
                let (read, fits) = (reads(kind, &path, &spoiled), validator.is_valid(&value));
                // The name of something, such as a provider, may be anything: the schema cannot know who speaks of it.
                let names_something = is_key && fits;
                let what = &text[span.clone()];
                wrong.extend((read != fits && !names_something).then(|| {
                    format!("{name}: `{what}` as `{instead}`: reader {read}, schema {fits}")
                }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
