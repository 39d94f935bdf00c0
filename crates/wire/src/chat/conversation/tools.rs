//! Tools: what may be called, what must be, and what was.

use crate::chat::Unsupported;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A function that may be called.
#[derive(Clone, Debug)]
pub(crate) struct ToolDefinition<'a> {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// The schema of its arguments, as it came.
    pub(crate) parameters: Option<&'a RawValue>,
    /// Whether arguments are held to the schema.
    pub(crate) strict: Option<bool>,
}

/// Which tools must be called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ToolRequirement {
    /// Those that the model wants.
    Auto,
    /// None.
    None,
    /// One at least.
    Required,
    /// This one.
    Function(String),
}

/// A call that the assistant made.
#[derive(Clone, Debug)]
pub(crate) struct PriorToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    /// A JSON object.
    pub(crate) arguments: Box<RawValue>,
    /// What a Gemini model wants back with the call, as it gave it.
    pub(crate) thought_signature: Option<String>,
}

pub(super) fn tool(shape: ToolShape<'_>) -> Result<ToolDefinition<'_>, Unsupported> {
    match (shape.kind.as_str(), shape.function) {
        ("function", Some(function)) => Ok(ToolDefinition {
            name: function.name,
            description: function.description,
            parameters: function.parameters.filter(|schema| schema.get() != "null"),
            strict: function.strict,
        }),
        (kind, _) => Err(Unsupported::here("tools", format!("no tool of type `{kind}` is known"))),
    }
}

pub(super) fn choice(raw: &RawValue) -> Result<ToolRequirement, Unsupported> {
    #[derive(Deserialize)]
    struct NamedFunction {
        function: Function,
    }
    #[derive(Deserialize)]
    struct Function {
        name: String,
    }
    match raw.get() {
        "\"auto\"" => return Ok(ToolRequirement::Auto),
        "\"none\"" => return Ok(ToolRequirement::None),
        "\"required\"" => return Ok(ToolRequirement::Required),
        _ => {}
    }
    serde_json::from_str(raw.get())
        .map(|NamedFunction { function }| ToolRequirement::Function(function.name))
        .map_err(|_| Unsupported::here("tool_choice", "must be a known word or name a function"))
}

/// Arguments are a string that holds JSON; an empty one means that there are none.
pub(super) fn call(shape: CallShape, field: &str) -> Result<PriorToolCall, Unsupported> {
    let field = format!("{field}.tool_calls");
    let Some(function) = shape.function else {
        return Err(Unsupported::here(field, "no call but of a function is known"));
    };
    let text = match function.arguments.trim() {
        "" => "{}".to_owned(),
        text => text.to_owned(),
    };
    let arguments = RawValue::from_string(text)
        .ok()
        .filter(|arguments| arguments.get().starts_with('{'))
        .ok_or_else(|| Unsupported::here(field, "`arguments` must be a JSON object"))?;
    let google = shape.extra_content.and_then(|extra| extra.google);
    Ok(PriorToolCall {
        id: shape.id,
        name: function.name,
        arguments,
        thought_signature: google.and_then(|google| google.thought_signature),
    })
}

pub(super) type ChoiceShape<'a> = &'a RawValue;

#[derive(Deserialize)]
pub(super) struct ToolShape<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    function: Option<FunctionShape<'a>>,
}

#[derive(Deserialize)]
struct FunctionShape<'a> {
    name: String,
    description: Option<String>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct CallShape {
    #[serde(default)]
    id: String,
    function: Option<CalledShape>,
    extra_content: Option<ExtraShape>,
}

#[derive(Deserialize)]
struct CalledShape {
    name: String,
    #[serde(default)]
    arguments: String,
}

/// Where Google's own OpenAI endpoint puts what a Gemini model wants back.
#[derive(Deserialize)]
struct ExtraShape {
    google: Option<GoogleShape>,
}

#[derive(Deserialize)]
struct GoogleShape {
    thought_signature: Option<String>,
}
