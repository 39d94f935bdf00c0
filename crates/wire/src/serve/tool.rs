//! The call that a request insists on: arguments that fit its schema.

use serde_json::{Map, Value};

/// A call of a tool.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments, as JSON.
    pub arguments: String,
}

impl ToolCall {
    /// A call of the tool of this name, with arguments that fit `schema`.
    pub(crate) fn new(name: &str, schema: &Value) -> Self {
        Self { name: name.to_owned(), arguments: example(schema, 0).to_string() }
    }

    /// The part of the arguments that comes with the `n`th token: some bytes of it, and nothing once all
    /// have come.
    pub(crate) fn piece(&self, n: u32) -> &str {
        let at = |place: usize| {
            let mut place = place.min(self.arguments.len());
            while !self.arguments.is_char_boundary(place) {
                place -= 1;
            }
            place
        };
        let from = (n as usize).saturating_mul(PIECE);
        &self.arguments[at(from)..at(from.saturating_add(PIECE))]
    }

    /// What is left of the arguments after so many tokens.
    pub(crate) fn rest(&self, tokens: u32) -> &str {
        let mut place = (tokens as usize).saturating_mul(PIECE).min(self.arguments.len());
        while !self.arguments.is_char_boundary(place) {
            place -= 1;
        }
        &self.arguments[place..]
    }
}

/// Bytes of arguments to a token.
const PIECE: usize = 4;

/// How deep a schema is followed.
const DEPTH: u32 = 8;

/// A value that fits a simple schema: the first of an enumeration, the required properties of an object.
fn example(schema: &Value, depth: u32) -> Value {
    if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|all| all.first()) {
        return first.clone();
    }
    if let Some(constant) = schema.get("const").or_else(|| schema.get("default")) {
        return constant.clone();
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.to_ascii_lowercase(),
        Some(Value::Array(kinds)) => {
            kinds.first().and_then(Value::as_str).unwrap_or("null").to_ascii_lowercase()
        }
        _ => "object".to_owned(),
    };
    match kind.as_str() {
        "string" => Value::from("sea"),
        "integer" => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(1)),
        "number" => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(1.5)),
        "boolean" => Value::from(true),
        "null" => Value::Null,
        "array" => {
            let items = schema.get("items").filter(|_| depth < DEPTH);
            Value::Array(items.map(|items| example(items, depth + 1)).into_iter().collect())
        }
        _ => object(schema, depth),
    }
}

fn object(schema: &Value, depth: u32) -> Value {
    let mut made = Map::new();
    let required = schema.get("required").and_then(Value::as_array).filter(|_| depth < DEPTH);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let property = schema.get("properties").and_then(|all| all.get(name));
        made.insert(name.to_owned(), example(property.unwrap_or(&Value::Null), depth + 1));
    }
    Value::Object(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_fit_their_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": { "type": "string" },
                "unit": { "enum": ["celsius", "kelvin"] },
                "days": { "type": "integer" },
                "tags": { "type": "array", "items": { "type": "string" } },
                "optional": { "type": "string" },
            },
            "required": ["city", "unit", "days", "tags"],
        });
        let call = ToolCall::new("weather", &schema);
        let arguments: Value = serde_json::from_str(&call.arguments).expect("JSON");
        let expected = json!({ "city": "sea", "unit": "celsius", "days": 1, "tags": ["sea"] });
        assert_eq!(arguments, expected);
    }

    #[test]
    fn pieces_and_the_rest_are_the_whole() {
        let call = ToolCall { name: "f".to_owned(), arguments: r#"{"é":"straße"}"#.to_owned() };
        for tokens in 0..8 {
            let mut text: String = (0..tokens).map(|n| call.piece(n)).collect();
            text += call.rest(tokens);
            assert_eq!(text, call.arguments, "{tokens}");
        }
        assert_eq!(call.piece(u32::MAX), "");
    }

    #[test]
    fn a_schema_without_end_is_followed_to_a_depth() {
        let mut schema = json!({ "type": "string" });
        for _ in 0..50 {
            schema = json!({ "type": "array", "items": schema });
        }
        assert!(ToolCall::new("f", &schema).arguments.len() < 30);
    }
}
