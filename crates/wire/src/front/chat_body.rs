//! A chat as it is written for a request of another API. Schemas and arguments stay byte for byte as they came.

use serde::Serialize;
use serde_json::value::RawValue;

/// The body of a chat.
#[derive(Debug, Default, Serialize)]
pub(crate) struct FrontChat<'a> {
    pub(crate) model: String,
    pub(crate) messages: Vec<FrontTurn>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) stop: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tools: Vec<FrontToolBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_choice: Option<FrontToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_format: Option<FrontResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
}

/// A message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase", tag = "role")]
pub(crate) enum FrontTurn {
    System {
        content: String,
    },
    User {
        content: TurnContent,
    },
    Assistant {
        /// Null where there are calls and no text.
        content: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<TurnCall>,
    },
    Tool {
        tool_call_id: String,
        content: String,
    },
}

/// What a user says: one text, or parts.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum TurnContent {
    Text(String),
    Parts(Vec<TurnPart>),
}

impl TurnContent {
    /// One text as a text, which every server takes.
    pub(crate) fn of(mut parts: Vec<TurnPart>) -> Self {
        match parts.as_mut_slice() {
            [TurnPart::Text { text }] => Self::Text(std::mem::take(text)),
            _ => Self::Parts(parts),
        }
    }
}

/// A part of what a user says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub(crate) enum TurnPart {
    Text { text: String },
    ImageUrl { image_url: TurnUrl },
    InputAudio { input_audio: TurnAudio },
    File { file: TurnFile },
}

/// An address, or a `data:` URL.
#[derive(Debug, Serialize)]
pub(crate) struct TurnUrl {
    pub(crate) url: String,
}

/// Sound in base64.
#[derive(Debug, Serialize)]
pub(crate) struct TurnAudio {
    pub(crate) data: String,
    pub(crate) format: String,
}

/// A document as a `data:` URL.
#[derive(Debug, Serialize)]
pub(crate) struct TurnFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filename: Option<String>,
    pub(crate) file_data: String,
}

impl TurnPart {
    pub(crate) const fn text(text: String) -> Self {
        Self::Text { text }
    }

    pub(crate) const fn image(url: String) -> Self {
        Self::ImageUrl { image_url: TurnUrl { url } }
    }

    pub(crate) const fn audio(data: String, format: String) -> Self {
        Self::InputAudio { input_audio: TurnAudio { data, format } }
    }

    pub(crate) const fn file(filename: Option<String>, file_data: String) -> Self {
        Self::File { file: TurnFile { filename, file_data } }
    }
}

/// A call that the assistant made.
#[derive(Debug, Serialize)]
pub(crate) struct TurnCall {
    pub(crate) id: String,
    #[serde(rename = "type")]
    kind: Function,
    pub(crate) function: TurnFunction,
}

impl TurnCall {
    pub(crate) const fn new(id: String, name: String, arguments: String) -> Self {
        Self { id, kind: Function::Function, function: TurnFunction { name, arguments } }
    }
}

/// What it called.
#[derive(Debug, Serialize)]
pub(crate) struct TurnFunction {
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// The only type of tools that all formats have.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Function {
    Function,
}

/// A function that may be called.
#[derive(Debug, Serialize)]
pub(crate) struct FrontToolBody<'a> {
    #[serde(rename = "type")]
    kind: Function,
    function: FrontFunction<'a>,
}

#[derive(Debug, Serialize)]
struct FrontFunction<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<std::borrow::Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> FrontToolBody<'a> {
    pub(crate) fn name(&self) -> &str {
        &self.function.name
    }

    pub(crate) const fn new(
        name: String,
        description: Option<String>,
        parameters: Option<std::borrow::Cow<'a, RawValue>>,
        strict: Option<bool>,
    ) -> Self {
        let function = FrontFunction { name, description, parameters, strict };
        Self { kind: Function::Function, function }
    }
}

/// Which function must be called.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum FrontToolChoice {
    Word(&'static str),
    Named {
        #[serde(rename = "type")]
        kind: &'static str,
        function: FrontFunctionName,
    },
}

/// The name of a function.
#[derive(Debug, Serialize)]
pub(crate) struct FrontFunctionName {
    name: String,
}

impl FrontToolChoice {
    pub(crate) const fn named(name: String) -> Self {
        Self::Named { kind: "function", function: FrontFunctionName { name } }
    }
}

/// The form that an answer must have.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub(crate) enum FrontResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: FrontSchema<'a> },
}

/// A schema with a name, which OpenAI demands.
#[derive(Debug, Serialize)]
pub(crate) struct FrontSchema<'a> {
    name: String,
    schema: std::borrow::Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> FrontResponseFormat<'a> {
    /// JSON that fits a schema; it is called `answer` where its client gives it no name.
    pub(crate) fn schema(
        name: Option<String>,
        schema: std::borrow::Cow<'a, RawValue>,
        strict: Option<bool>,
    ) -> Self {
        let name = name.unwrap_or_else(|| "answer".to_owned());
        Self::JsonSchema { json_schema: FrontSchema { name, schema, strict } }
    }
}

impl FrontChat<'_> {
    /// It as JSON.
    pub(crate) fn to_bytes(&self) -> bytes::Bytes {
        serde_json::to_vec(self).expect("texts, numbers and JSON are always JSON").into()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(value: &bool) -> bool {
    !*value
}
