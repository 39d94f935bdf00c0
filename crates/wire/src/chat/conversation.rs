//! A chat completion request, read for a vendor that does not speak OpenAI's words.
//!
//! Everything that some vendor can be told is read; what none can be told is refused here, where it
//! changes what an answer is, and left unread where it is a hint. `docs/FORMATS.md` has the list.

mod content;
mod tools;

pub(crate) use content::{Attachment, ContentPart};
pub(crate) use tools::{PriorToolCall, ToolDefinition, ToolRequirement};

use super::{ChatRequest, Unsupported};
use content::parts;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tools::{ChoiceShape, ToolShape};

/// A request in no vendor's words.
#[derive(Debug)]
pub(crate) struct Chat<'a> {
    /// What system and developer messages say, in their order.
    pub(crate) system: Vec<String>,
    pub(crate) turns: Vec<Turn>,
    pub(crate) tools: Vec<ToolDefinition<'a>>,
    pub(crate) tool_choice: Option<ToolRequirement>,
    pub(crate) parallel_tool_calls: Option<bool>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) stop: Vec<String>,
    pub(crate) seed: Option<i64>,
    pub(crate) presence_penalty: Option<f64>,
    pub(crate) frequency_penalty: Option<f64>,
    /// How many answers; 1 unless it says more.
    pub(crate) answers: u32,
    pub(crate) shaped: Option<Shaped<'a>>,
    pub(crate) user: Option<String>,
    pub(crate) effort: Option<Effort>,
}

/// Turns that alternate, as the vendors demand that have two sides alone: neighbours of one side are one turn, and a
/// turn of nothing is left out.
pub(crate) fn alternating<T, P>(
    turns: Vec<Turn>,
    mut write: impl FnMut(Turn) -> Result<(&'static str, Vec<P>), Unsupported>,
    turn: impl Fn(&'static str, Vec<P>) -> T,
) -> Result<Vec<T>, Unsupported> {
    let mut sides: Vec<(&'static str, Vec<P>)> = Vec::with_capacity(turns.len());
    for turn in turns {
        let (role, mut parts) = write(turn)?;
        match sides.last_mut() {
            Some((last, whole)) if *last == role => whole.append(&mut parts),
            _ => sides.push((role, parts)),
        }
    }
    sides.retain(|(_, parts)| !parts.is_empty());
    Ok(sides.into_iter().map(|(role, parts)| turn(role, parts)).collect())
}

/// What one side says.
#[derive(Debug)]
pub(crate) enum Turn {
    User(Vec<ContentPart>),
    Assistant {
        parts: Vec<ContentPart>,
        calls: Vec<PriorToolCall>,
    },
    /// What a tool gave back.
    Tool {
        id: String,
        /// The function that was called, as the call with this id says.
        name: String,
        parts: Vec<ContentPart>,
    },
}

/// The form that an answer must have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shaped<'a> {
    /// A JSON object.
    Object,
    /// JSON of this schema.
    Schema(&'a RawValue),
}

/// How hard to think.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    /// Above high.
    XHigh,
}

impl<'a> Chat<'a> {
    /// Reads it again, this time all of it.
    ///
    /// # Errors
    /// When it is not as OpenAI demands, or asks for what only OpenAI gives.
    pub(crate) fn read(request: &'a ChatRequest) -> Result<Self, Unsupported> {
        let shape: ChatBody<'a> = serde_json::from_slice(request.readable_body())
            .map_err(|error| Unsupported::anywhere("body", error.to_string()))?;
        shape.check()?;
        let mut chat = Self {
            system: Vec::new(),
            turns: Vec::with_capacity(shape.messages.len()),
            tools: shape
                .tools
                .unwrap_or_default()
                .into_iter()
                .map(tools::tool)
                .collect::<Result<_, _>>()?,
            tool_choice: shape.tool_choice.map(tools::choice).transpose()?,
            parallel_tool_calls: shape.parallel_tool_calls,
            max_tokens: request.max_tokens,
            temperature: shape.temperature,
            top_p: shape.top_p,
            stop: shape.stop.map(stop).transpose()?.unwrap_or_default(),
            seed: shape.seed,
            presence_penalty: shape.presence_penalty,
            frequency_penalty: shape.frequency_penalty,
            answers: shape.n.unwrap_or(1),
            shaped: shape.response_format.map(shaped).transpose()?.flatten(),
            user: shape.user,
            effort: shape.reasoning_effort,
        };
        chat.take_messages(shape.messages)?;
        Ok(chat)
    }

    /// A prompt of system messages alone is a user's to vendors that demand one.
    fn take_messages(&mut self, messages: Vec<ChatMessage<'a>>) -> Result<(), Unsupported> {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (place, message) in messages.into_iter().enumerate() {
            let field = format!("messages[{place}]");
            if message.function_call.is_some() {
                let why = "the older function calls are not translated: use `tool_calls`";
                return Err(Unsupported::here(format!("{field}.function_call"), why));
            }
            let mut content = parts(message.content, &field)?;
            match message.role {
                ChatRole::System | ChatRole::Developer => {
                    for part in content {
                        self.system.push(part.into_text(&field)?);
                    }
                }
                ChatRole::User => self.turns.push(Turn::User(content)),
                ChatRole::Assistant => {
                    content.extend(message.refusal.map(ContentPart::Text));
                    let calls = message.tool_calls.unwrap_or_default();
                    let calls: Vec<_> = calls
                        .into_iter()
                        .map(|call| tools::call(call, &field))
                        .collect::<Result<_, _>>()?;
                    for call in &calls {
                        names.insert(call.id.clone(), call.name.clone());
                    }
                    self.turns.push(Turn::Assistant { parts: content, calls });
                }
                ChatRole::Tool => {
                    let id = message.tool_call_id.ok_or_else(|| {
                        Unsupported::anywhere(
                            format!("{field}.tool_call_id"),
                            "a tool message needs it",
                        )
                    })?;
                    let name = names.get(&id).cloned().unwrap_or_default();
                    self.turns.push(Turn::Tool { id, name, parts: content });
                }
                ChatRole::Function => {
                    let why = "the older function calls are not translated: use role `tool`";
                    return Err(Unsupported::here(format!("{field}.role"), why));
                }
            }
        }
        if self.turns.is_empty() {
            let said = std::mem::take(&mut self.system);
            self.turns.push(Turn::User(said.into_iter().map(ContentPart::Text).collect()));
        }
        Ok(())
    }
}

/// One word that ends the answer, or several.
fn stop(raw: &RawValue) -> Result<Vec<String>, Unsupported> {
    let read = if raw.get().starts_with('[') {
        serde_json::from_str(raw.get())
    } else {
        serde_json::from_str(raw.get()).map(|word: Option<String>| word.into_iter().collect())
    };
    read.map_err(|_| Unsupported::anywhere("stop", "must be a string or a list of strings"))
}

fn shaped(format: FormatShape<'_>) -> Result<Option<Shaped<'_>>, Unsupported> {
    match (format.kind.as_str(), format.json_schema) {
        ("text", _) => Ok(None),
        ("json_object", _) => Ok(Some(Shaped::Object)),
        ("json_schema", Some(SchemaShape { schema: Some(schema) })) => {
            Ok(Some(Shaped::Schema(schema)))
        }
        ("json_schema", _) => {
            Err(Unsupported::anywhere("response_format", "`json_schema` needs a `schema`"))
        }
        (kind, _) => {
            Err(Unsupported::here("response_format", format!("no format `{kind}` is known")))
        }
    }
}

#[derive(Deserialize)]
struct ChatBody<'a> {
    #[serde(borrow)]
    messages: Vec<ChatMessage<'a>>,
    #[serde(borrow)]
    tools: Option<Vec<ToolShape<'a>>>,
    #[serde(borrow)]
    tool_choice: Option<ChoiceShape<'a>>,
    parallel_tool_calls: Option<bool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    #[serde(borrow)]
    stop: Option<&'a RawValue>,
    seed: Option<i64>,
    presence_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    n: Option<u32>,
    #[serde(borrow)]
    response_format: Option<FormatShape<'a>>,
    user: Option<String>,
    reasoning_effort: Option<Effort>,
    logprobs: Option<bool>,
    logit_bias: Option<BTreeMap<String, IgnoredAny>>,
    modalities: Option<Vec<String>>,
    audio: Option<IgnoredAny>,
    functions: Option<IgnoredAny>,
    function_call: Option<IgnoredAny>,
    web_search_options: Option<IgnoredAny>,
}

impl ChatBody<'_> {
    /// What changes the answer, and has no words elsewhere.
    fn check(&self) -> Result<(), Unsupported> {
        let modalities = self.modalities.as_deref().unwrap_or_default();
        let only = [
            ("logprobs", self.logprobs == Some(true)),
            ("logit_bias", self.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty())),
            ("modalities", modalities.iter().any(|word| word != "text")),
            ("audio", self.audio.is_some()),
            ("functions", self.functions.is_some()),
            ("function_call", self.function_call.is_some()),
            ("web_search_options", self.web_search_options.is_some()),
        ];
        match only.iter().find(|(_, asked)| *asked) {
            Some((field, _)) => Err(Unsupported::here(*field, "only OpenAI's own format has it")),
            None if self.n == Some(0) => Err(Unsupported::anywhere("n", "must be at least 1")),
            None => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct ChatMessage<'a> {
    role: ChatRole,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    refusal: Option<String>,
    tool_calls: Option<Vec<tools::CallShape>>,
    tool_call_id: Option<String>,
    function_call: Option<IgnoredAny>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChatRole {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    Function,
}

#[derive(Deserialize)]
struct FormatShape<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    json_schema: Option<SchemaShape<'a>>,
}

#[derive(Deserialize)]
struct SchemaShape<'a> {
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
}
