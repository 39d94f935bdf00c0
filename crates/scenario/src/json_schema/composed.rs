//! What composition allows in the schema of scenarios: `include` in any mapping and any list, and a variable in place of
//! any value.

use serde_json::{Value, json};

/// Allows composition in the sections of a schema.
pub(super) fn allow(schema: &mut Value) {
    let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) else { return };
    for (name, section) in definitions.iter_mut() {
        // What composition itself reads is plain.
        if name != "variable" {
            in_section(section);
        }
    }
    definitions.insert(
        "composed-value".to_owned(),
        json!({
            "description": "A variable, `${NAME}` or `${NAME:-default}`, alone or in a text.",
            "type": "string",
            "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_.]*(:-[^}]*)?\}",
        }),
    );
    definitions.insert(
        "composed-include".to_owned(),
        json!({
            "description": "Files, or parts of files (`FILE#part.of.it`), whose keys hold where this mapping has none.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        }),
    );
    definitions.insert(
        "composed-items".to_owned(),
        json!({
            "description": "The items of another list.",
            "type": "object",
            "properties": { "include": { "$ref": "#/$defs/composed-include" } },
            "required": ["include"],
            "additionalProperties": false,
        }),
    );
}

/// A mapping with known keys: what it needs may come from what it includes.
fn in_section(section: &mut Value) {
    let Some(keys) = section.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, value) in keys.iter_mut() {
        if !crate::compose::KEYS.contains(&name.as_str()) {
            in_value(value);
        }
    }
    keys.entry("include").or_insert_with(|| json!({ "$ref": "#/$defs/composed-include" }));
    let Some(section) = section.as_object_mut() else { return };
    let mut needs = json!({});
    for key in ["required", "oneOf"] {
        if let Some(need) = section.remove(key) {
            needs[key] = need;
        }
    }
    section.insert("anyOf".to_owned(), json!([{ "required": ["include"] }, needs]));
}

/// A value: itself, or a variable.
fn in_value(value: &mut Value) {
    inside(value);
    let description = value.as_object_mut().and_then(|value| value.remove("description"));
    let mut either = json!({ "anyOf": [value.take(), { "$ref": "#/$defs/composed-value" }] });
    if let Some(description) = description {
        either["description"] = description;
    }
    *value = either;
}

/// The values within a list, a mapping from names, or one of several shapes.
fn inside(value: &mut Value) {
    if let Some(shapes) = value.get_mut("anyOf").and_then(Value::as_array_mut) {
        shapes.iter_mut().for_each(inside);
    }
    if let Some(items) = value.get_mut("items") {
        in_value(items);
        *items = json!({ "anyOf": [items.take(), { "$ref": "#/$defs/composed-items" }] });
    }
    if value.get("additionalProperties").is_some_and(Value::is_object) {
        in_value(&mut value["additionalProperties"]);
        value["properties"] = json!({ "include": { "$ref": "#/$defs/composed-include" } });
    }
}
