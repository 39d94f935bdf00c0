//! A value that fits a JSON schema: what structured outputs and the arguments of tools are made of. The same
//! schema and seed give the same value.
//!
//! Honoured: `type` (lists and Gemini's capitals too), `nullable`, `enum`, `const`, `anyOf`, `oneOf`, `allOf`,
//! `$ref` within the schema, properties and their bounds, items and their bounds, lengths, formats, patterns,
//! bounds of numbers and `multipleOf`. Not honoured: `not`, `if`, `contains`, `dependent…`, `unevaluated…`,
//! `patternProperties`, and references to elsewhere, none of which a vendor takes in a strict schema.

mod number;
mod text;

use serde_json::{Map, Value};

/// A value that fits `schema`, drawn by `seed`.
pub(crate) fn value(schema: &Value, seed: u64) -> Value {
    let mut maker = Maker {
        root: schema,
        draws: SplitMix64(seed),
        left: VALUES_MOST,
        bytes_left: BYTES_MOST,
        copies_left: COPIES_MOST,
    };
    maker.make(schema, 0)
}

/// An object with a text in it, where nothing says more.
pub(crate) fn any_object() -> Value {
    serde_json::json!({
        "type": "object",
        "properties": { "answer": { "type": "string" } },
        "required": ["answer"],
    })
}

/// The most values that are made for one schema: `minItems: 1000000000` is not obeyed.
const VALUES_MOST: u32 = 20_000;
/// The most bytes of text that are made for one schema, whichever of its values they are in; the last text may go
/// over it.
const BYTES_MOST: u64 = 1 << 20;
/// The most bytes of schemas that are copied for it: a large schema of many items takes time.
const COPIES_MOST: u64 = 64 << 20;
/// From this depth on what is optional is left out, and the simplest of several alternatives is taken.
const DEPTH_FREE: u32 = 3;
/// No schema is followed deeper: one that insists on itself has no value.
const DEPTH_MOST: u32 = 40;
/// The longest chain of references, and the most schemas that are merged into one.
const STEPS_MOST: u32 = 64;

/// A stream of draws: SplitMix64.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is at least 1.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

#[derive(Debug)]
struct Maker<'a> {
    root: &'a Value,
    draws: SplitMix64,
    left: u32,
    bytes_left: u64,
    copies_left: u64,
}

impl Maker<'_> {
    fn make(&mut self, schema: &Value, depth: u32) -> Value {
        self.left = self.left.saturating_sub(1);
        if depth > DEPTH_MOST || self.is_spent() {
            return Value::Null;
        }
        let made = self.one(schema, depth);
        // What is inside was counted when it was made.
        if !made.is_array() && !made.is_object() {
            self.bytes_left = self.bytes_left.saturating_sub(bytes_of(&made));
        }
        made
    }

    /// Whether no more is made for the schema.
    const fn is_spent(&self) -> bool {
        self.left == 0 || self.bytes_left == 0 || self.copies_left == 0
    }

    fn one(&mut self, schema: &Value, depth: u32) -> Value {
        let Value::Object(keywords) = schema else { return Value::from(WORD) };
        self.copies_left = self.copies_left.saturating_sub(bytes_of(schema));
        let mut steps = STEPS_MOST;
        let schema = self.flat(keywords.clone(), depth, &mut steps);
        if let Some(constant) = schema.get("const") {
            return self.copy(constant);
        }
        if let Some(Value::Array(all)) = schema.get("enum")
            && !all.is_empty()
        {
            return self.one_of(&schema, all);
        }
        match self.kind(&schema, depth) {
            "null" => Value::Null,
            "boolean" => Value::from(self.draws.below(2) == 1),
            "integer" => number::integer(&schema, &mut self.draws),
            "number" => number::number(&schema, &mut self.draws),
            "array" => self.array(&schema, depth),
            "object" => self.object(&schema, depth),
            _ => Value::from(text::text(&schema, &mut self.draws)),
        }
    }

    /// One of an enumeration, of those of the types that the schema allows.
    fn one_of(&mut self, schema: &Map<String, Value>, all: &[Value]) -> Value {
        let kinds = kinds(schema);
        let fits = |value: &&Value| kinds.is_empty() || kinds.iter().any(|kind| is_a(value, kind));
        let fitting: Vec<&Value> = all.iter().filter(fits).collect();
        let fitting = if fitting.is_empty() { all.iter().collect() } else { fitting };
        let one = fitting[self.draws.below(fitting.len() as u64) as usize];
        self.copy(one)
    }

    /// What stands in the schema itself. Scalars are counted by whoever asked for the value.
    fn copy(&mut self, value: &Value) -> Value {
        if value.is_array() || value.is_object() {
            self.bytes_left = self.bytes_left.saturating_sub(bytes_of(value));
        }
        value.clone()
    }

    /// The schema without references and alternatives: each is merged into what stands beside it.
    fn flat(
        &mut self,
        mut schema: Map<String, Value>,
        depth: u32,
        steps: &mut u32,
    ) -> Map<String, Value> {
        while let Some(step) = steps.checked_sub(1) {
            *steps = step;
            if let Some(Value::String(path)) = schema.remove("$ref") {
                if let Some(Value::Object(there)) = self.resolve(&path) {
                    merge(&mut schema, there);
                }
            } else if let Some(Value::Array(parts)) = schema.remove("allOf") {
                for part in parts {
                    if let Value::Object(part) = part {
                        let part = self.flat(part, depth, steps);
                        merge(&mut schema, part);
                    }
                }
            } else if let Some(Value::Array(all)) =
                schema.remove("anyOf").or_else(|| schema.remove("oneOf"))
            {
                if let Some(Value::Object(one)) = self.alternative(&all, depth) {
                    merge(&mut schema, one);
                }
            } else {
                break;
            }
        }
        schema
    }

    fn resolve(&self, path: &str) -> Option<Value> {
        let pointer = path.strip_prefix('#')?;
        let pointer = percent_decoded(pointer);
        self.root.pointer(&pointer).cloned()
    }

    /// One of several schemas: any, or deep down the simplest.
    fn alternative(&mut self, all: &[Value], depth: u32) -> Option<Value> {
        if depth < DEPTH_FREE {
            let all: Vec<&Value> = all.iter().filter(|one| **one != Value::Bool(false)).collect();
            return all.get(self.draws.below(all.len() as u64) as usize).map(|one| (*one).clone());
        }
        all.iter().min_by_key(|one| effort(one)).cloned()
    }

    /// The type to make: of several any, deep down the simplest; without one what the keywords are about.
    fn kind(&mut self, schema: &Map<String, Value>, depth: u32) -> &'static str {
        let kinds = kinds(schema);
        if depth >= DEPTH_FREE && (kinds.contains(&"null") || is_true(schema.get("nullable"))) {
            return "null";
        }
        match kinds.len() {
            0 => implied(schema),
            len => kinds[self.draws.below(len as u64) as usize],
        }
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: u32) -> Value {
        let bound = |name: &str| schema.get(name).and_then(count);
        let prefix = schema.get("prefixItems").and_then(Value::as_array);
        let least = bound("minItems").unwrap_or(0);
        let most = bound("maxItems").unwrap_or(u64::MAX);
        let rest = schema.get("items");
        let most = match (prefix, rest) {
            (Some(prefix), Some(Value::Bool(false))) => most.min(prefix.len() as u64),
            _ => most,
        };
        let free = if depth < DEPTH_FREE { 1 + self.draws.below(3) } else { 0 };
        let wanted = least.max(prefix.map_or(free, |prefix| prefix.len() as u64)).min(most);
        let unique = is_true(schema.get("uniqueItems"));
        let mut items = Vec::new();
        for place in 0..wanted {
            if self.left <= 1 || self.is_spent() {
                break;
            }
            let item = prefix.and_then(|prefix| prefix.get(place as usize)).or(rest);
            let item = item.unwrap_or(&Value::Bool(true));
            let mut made = self.make(item, depth + 1);
            for nth in 0..TRIES {
                if !(unique && items.contains(&made)) {
                    break;
                }
                made = self.another(item, depth, nth);
            }
            if unique && items.contains(&made) {
                break;
            }
            items.push(made);
        }
        Value::Array(items)
    }

    /// Another value of the same schema; of one that allows any text or number, one that nobody had.
    fn another(&mut self, schema: &Value, depth: u32, nth: u64) -> Value {
        match schema {
            Value::Bool(_) => Value::from(format!("{WORD}{nth}")),
            _ => self.make(schema, depth + 1),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, depth: u32) -> Value {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let most = schema.get("maxProperties").and_then(count).unwrap_or(u64::MAX);
        let least = schema.get("minProperties").and_then(count).unwrap_or(0);
        let more = schema.get("additionalProperties").unwrap_or(&Value::Bool(true));
        let mut made = Map::new();
        for name in &required {
            if self.left > 1 {
                let property = properties.get(*name).unwrap_or(more).clone();
                made.insert((*name).to_owned(), self.make(&property, depth + 1));
            }
        }
        for (name, property) in properties {
            let room = (made.len() as u64) < most;
            let needed = (made.len() as u64) < least;
            let wanted = needed || (depth < DEPTH_FREE && self.draws.below(2) == 1);
            if room && wanted && *property != Value::Bool(false) && !made.contains_key(name) {
                made.insert(name.clone(), self.make(property, depth + 1));
            }
        }
        let mut nth = 0_u64;
        while (made.len() as u64) < least && *more != Value::Bool(false) && self.left > 1 {
            made.entry(format!("{WORD}{nth}")).or_insert(self.make(more, depth + 1));
            nth += 1;
        }
        Value::Object(made)
    }
}

/// About how much memory a value takes.
fn bytes_of(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => 8 + text.len() as u64,
        Value::Array(items) => 8 + items.iter().map(bytes_of).sum::<u64>(),
        Value::Object(fields) => {
            8 + fields.iter().map(|(name, value)| name.len() as u64 + bytes_of(value)).sum::<u64>()
        }
    }
}

/// The text of what may be anything.
const WORD: &str = "sea";
/// How often another item is drawn where all must differ.
const TRIES: u64 = 64;

const KINDS: [&str; 7] = ["string", "integer", "number", "boolean", "null", "array", "object"];

/// The types that a schema allows, in JSON schema's words; Gemini writes them in capitals.
fn kinds(schema: &Map<String, Value>) -> Vec<&'static str> {
    let known = |word: &str| KINDS.into_iter().find(|kind| kind.eq_ignore_ascii_case(word));
    match schema.get("type") {
        Some(Value::String(word)) => known(word).into_iter().collect(),
        Some(Value::Array(words)) => {
            words.iter().filter_map(Value::as_str).filter_map(known).collect()
        }
        _ => Vec::new(),
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(number) => {
            kind == "number"
                || (kind == "integer" && number.as_f64().is_some_and(|n| n.fract() == 0.0))
        }
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    }
}

/// What a schema without a type is about.
fn implied(schema: &Map<String, Value>) -> &'static str {
    let has = |names: &[&str]| names.iter().any(|name| schema.contains_key(*name));
    if has(&["properties", "required", "additionalProperties", "minProperties", "maxProperties"]) {
        "object"
    } else if has(&["items", "prefixItems", "minItems", "maxItems", "uniqueItems"]) {
        "array"
    } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        "number"
    } else {
        "string"
    }
}

/// How much there is to make, at the least.
fn effort(schema: &Value) -> u32 {
    let Value::Object(keywords) = schema else { return if *schema == false { 9 } else { 1 } };
    let kinds = kinds(keywords);
    if kinds.contains(&"null") {
        0
    } else if keywords.contains_key("const") || keywords.contains_key("enum") {
        1
    } else if keywords.contains_key("$ref") {
        6
    } else if kinds.contains(&"object") || keywords.contains_key("properties") {
        5
    } else if kinds.contains(&"array") {
        4
    } else {
        2
    }
}

/// Merges what another schema demands. Bounds get tighter, lists of names longer, properties more; of anything
/// else that stands in both, the first holds.
fn merge(schema: &mut Map<String, Value>, other: impl IntoIterator<Item = (String, Value)>) {
    for (keyword, theirs) in other {
        let Some(ours) = schema.get_mut(&keyword) else {
            schema.insert(keyword, theirs);
            continue;
        };
        match (keyword.as_str(), ours, theirs) {
            (
                "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties",
                ours,
                theirs,
            ) if theirs.as_f64() > ours.as_f64() => *ours = theirs,
            (
                "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties",
                ours,
                theirs,
            ) if theirs.as_f64() < ours.as_f64() => *ours = theirs,
            ("required", Value::Array(ours), Value::Array(theirs)) => {
                for name in theirs {
                    if !ours.contains(&name) {
                        ours.push(name);
                    }
                }
            }
            ("properties", Value::Object(ours), Value::Object(theirs)) => {
                for (name, theirs) in theirs {
                    match (ours.get_mut(&name), theirs) {
                        (Some(Value::Object(ours)), Value::Object(theirs)) => merge(ours, theirs),
                        (Some(_), _) => {}
                        (None, theirs) => {
                            ours.insert(name, theirs);
                        }
                    }
                }
            }
            ("enum", Value::Array(ours), Value::Array(theirs)) => {
                ours.retain(|one| theirs.contains(one))
            }
            ("type", ours, theirs) => narrow(ours, &theirs),
            ("additionalProperties", ours, Value::Bool(false)) => *ours = Value::Bool(false),
            ("allOf", Value::Array(ours), Value::Array(theirs)) => ours.extend(theirs),
            _ => {}
        }
    }
}

/// The types that both allow; an integer is a number.
fn narrow(ours: &mut Value, theirs: &Value) {
    let words = |value: &Value| -> Vec<String> {
        match value {
            Value::String(word) => vec![word.clone()],
            Value::Array(words) => {
                words.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    };
    let theirs = words(theirs);
    let number = |all: &[String]| all.iter().any(|word| word == "number");
    let mut both: Vec<String> = words(ours)
        .into_iter()
        .filter(|word| theirs.contains(word) || (word == "integer" && number(&theirs)))
        .collect();
    if number(&words(ours)) && theirs.iter().any(|word| word == "integer") {
        both.push("integer".to_owned());
    }
    if !both.is_empty() {
        *ours = Value::from(both);
    }
}

fn is_true(value: Option<&Value>) -> bool {
    value == Some(&Value::Bool(true))
}

/// A count, however it is written: 3, 3.0, or "3" as Google's JSON has 64 bits.
fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64))
        }
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// `%7E` and the like, of a reference that is a URL.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |place: usize| after.get(place).and_then(|digit| (*digit as char).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
