//! The call of a tool.

use super::schema_values;
use serde_json::Value;

/// A call of a tool.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct GeneratedToolCall {
    /// The tool.
    pub(crate) name: String,
    /// Its arguments, as JSON.
    pub(crate) arguments: String,
}

impl GeneratedToolCall {
    /// A call of the tool of this name, with arguments that fit `schema`: an object, since arguments have names.
    pub(crate) fn new(name: &str, schema: &Value, seed: u64) -> Self {
        let mut made = schema_values::value(schema, seed);
        if !made.is_object() {
            made = Value::Object(serde_json::Map::new());
        }
        Self { name: name.to_owned(), arguments: made.to_string() }
    }
}
