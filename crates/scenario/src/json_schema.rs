//! The JSON Schema of scenario files, for editors, written from the tables that drive the readers.

use crate::read::{CHECKLIST, GATEWAY, MOCK, SCENARIO};
use crate::schema::{Key, Least, Schema, Section};
use serde_json::{Map, Value, json};

mod composed;

/// A kind of file that people write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileKind {
    /// A scenario.
    Scenario,
    /// Configuration of `squall gateway`.
    Gateway,
    /// Configuration of `squall mock`.
    Mock,
    /// A rollout's checklist.
    Checklist,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Scenario, Self::Gateway, Self::Mock, Self::Checklist];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Gateway => "gateway",
            Self::Mock => "mock",
            Self::Checklist => "checklist",
        }
    }

    const fn section(self) -> &'static Section {
        match self {
            Self::Scenario => &SCENARIO,
            Self::Gateway => &GATEWAY,
            Self::Mock => &MOCK,
            Self::Checklist => &CHECKLIST,
        }
    }
}

/// The JSON Schema (draft 2020-12) of a kind of file.
///
/// An editor that knows it completes keys, shows what they mean, and marks unknown ones. It checks less
/// than [`Scenario::read`](crate::Scenario::read): no name is resolved, and no time compared.
#[must_use]
pub fn json_schema(kind: FileKind) -> Value {
    let mut schema = of_file(kind.section());
    if kind == FileKind::Scenario {
        composed::allow(&mut schema);
    }
    schema
}

/// The schema of files that hold `root`.
pub(crate) fn of_file(root: &'static Section) -> Value {
    let mut definitions = Map::new();
    define(root, &mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Squall {}", root.id),
        "$ref": reference(root),
        "$defs": definitions,
    })
}

fn reference(section: &Section) -> String {
    format!("#/$defs/{}", section.id)
}

/// Adds a section and those it speaks of.
fn define(section: &'static Section, definitions: &mut Map<String, Value>) {
    if definitions.contains_key(section.id) {
        return;
    }
    definitions.insert(section.id.to_owned(), Value::Null);
    let mut properties = Map::new();
    for key in section.keys() {
        properties.insert(key.name.to_owned(), property(key, definitions));
    }
    let required: Vec<_> =
        section.keys().filter(|key| key.is_required()).map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": section.about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let choices: Vec<_> = section.choices().map(|key| json!({ "required": [key.name] })).collect();
    if !choices.is_empty() {
        schema["oneOf"] = Value::Array(choices);
    }
    definitions.insert(section.id.to_owned(), schema);
}

fn property(key: &Key, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = shape(&key.shape(), definitions);
    let description = match key.default_text() {
        Some(default) => format!("{} Default: {default}.", key.meaning),
        None => key.meaning.to_owned(),
    };
    schema["description"] = Value::String(description);
    schema
}

fn shape(shape: &Schema, definitions: &mut Map<String, Value>) -> Value {
    match *shape {
        Schema::Text | Schema::Reference(_) | Schema::Secret => json!({ "type": "string" }),
        Schema::Name => pattern(NAME),
        Schema::FolderName => pattern("^[A-Za-z0-9][A-Za-z0-9._-]*$"),
        Schema::Word(words) => json!({ "enum": words_and_numbers(words) }),
        Schema::Duration(Least::Zero) => pattern(DURATION),
        Schema::Duration(Least::AboveZero) => {
            json!({ "type": "string", "pattern": DURATION, "not": { "pattern": "^0[a-z]+$" } })
        }
        Schema::Stretch => pattern(r"^[0-9][0-9_.a-z]*\s*\.\.\s*[0-9][0-9_.a-z]*$"),
        Schema::Moment => pattern(
            r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
        ),
        Schema::Count(least, most) => json!({ "anyOf": [
            { "type": "integer", "minimum": least, "maximum": most },
            pattern(r"^[0-9][0-9_]*(\.[0-9]+)?[kM]?$"),
        ] }),
        Schema::Number => json!({ "type": "number", "minimum": 0 }),
        Schema::Percent => pattern(r"^[0-9]+(\.[0-9]{1,4})?%$"),
        Schema::Factor => pattern(r"^[0-9]+(\.[0-9]{1,3})?x$"),
        Schema::Address => pattern(r"^.+:[0-9]+$"),
        Schema::Url => pattern("^https?://"),
        Schema::Expectation => pattern(
            r"^\s*(p[0-9.]+\s+of\s+)?[a-z0-9_]+\s*(\([^()]+\))?\s*(over\s+seeds\s*)?(<=|>=|<|>|==)\s*\S+(\s+during\s+\S+)?\s*$",
        ),
        Schema::Section(section) => {
            define(section, definitions);
            json!({ "$ref": reference(section) })
        }
        Schema::List(of) => json!({ "type": "array", "items": self::shape(of, definitions) }),
        Schema::NamedOrPattern(of) => json!({
            "type": "object",
            "propertyNames": { "pattern": PATTERN },
            "additionalProperties": self::shape(of, definitions),
        }),
        Schema::Pattern => pattern(PATTERN),
        Schema::Flag => json!({ "type": "boolean" }),
        Schema::Bytes => pattern(r"^[0-9][0-9_.]*(kB|MB|GB|KiB|MiB|GiB)$"),
        Schema::Money => json!({ "anyOf": [
            { "type": "number", "minimum": 0 },
            pattern(r"^\$?[0-9][0-9_]*(\.[0-9]+)?$"),
        ] }),
        Schema::Any => json!({}),
        Schema::Named(of) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": self::shape(of, definitions),
        }),
        Schema::Either(shapes) => {
            let shapes: Vec<_> = shapes.iter().map(|each| self::shape(each, definitions)).collect();
            json!({ "anyOf": shapes })
        }
    }
}

/// Words, of which one such as `529` is a number to whoever writes it without quotes.
fn words_and_numbers(words: &[&str]) -> Vec<Value> {
    let numbers = words.iter().filter_map(|word| word.parse::<u64>().ok()).map(Value::from);
    words.iter().map(|&word| Value::from(word)).chain(numbers).collect()
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._/:-]*$";
const PATTERN: &str = r"^\S(.*\S)?$";
const DURATION: &str = r"^([0-9][0-9_]*(\.[0-9]+)?(ns|us|ms|s|m|h|d))+$";

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
