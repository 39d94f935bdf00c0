//! A chat in Anthropic's words.

use crate::chat::{
    Attachment, Chat, ContentPart, Effort, Shaped, ToolDefinition, ToolRequirement, Turn,
    Unsupported, alternating,
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

/// The most tokens of an answer, for a request that does not say: Anthropic demands a number.
const MAX_TOKENS: u32 = 4096;

/// The highest temperature; OpenAI's goes to 2.
const TEMPERATURE_MAX: f64 = 1.0;

/// The fewest tokens that may be set aside for thoughts.
const THINKING_MIN: u32 = 1024;

/// What stands for a mode that OpenAI has and Anthropic has not: any JSON object.
const JSON_OBJECT: &str = "Answer with one JSON object and nothing else.";

/// Writes the body.
pub(super) fn write_request(
    chat: Chat<'_>,
    model: &str,
    stream: bool,
) -> Result<Bytes, Unsupported> {
    if chat.answers > 1 {
        return Err(Unsupported::here("n", "Anthropic gives one answer only"));
    }
    let thinking = thinking(&chat);
    let budget = thinking.as_ref().map_or(0, |thinking| thinking.budget_tokens);
    let max_tokens = chat.max_tokens.unwrap_or_else(|| MAX_TOKENS.saturating_add(budget));
    let mut system = chat.system;
    if matches!(chat.shaped, Some(Shaped::Object)) {
        system.push(JSON_OBJECT.to_owned());
    }
    let system = system.into_iter().filter(|text| !text.is_empty());
    let request = AnthropicRequest {
        model,
        max_tokens,
        system: system.map(|text| RequestBlock::Text { text }).collect(),
        messages: messages(chat.turns)?,
        stream,
        // With thoughts, neither may be set.
        temperature: chat
            .temperature
            .filter(|_| thinking.is_none())
            .map(|t| t.min(TEMPERATURE_MAX)),
        // Newer models refuse the two together.
        top_p: chat.top_p.filter(|_| thinking.is_none() && chat.temperature.is_none()),
        stop_sequences: chat.stop.into_iter().filter(|word| !word.trim().is_empty()).collect(),
        tool_choice: tool_choice(
            chat.tool_choice,
            chat.parallel_tool_calls,
            !chat.tools.is_empty(),
        ),
        tools: chat.tools.iter().map(ToolDeclaration::of).collect(),
        thinking,
        metadata: chat.user.map(|user_id| RequestMetadata { user_id }),
        output_config: match chat.shaped {
            Some(Shaped::Schema(schema)) => {
                Some(OutputConfig { format: OutputFormat { kind: "json_schema", schema } })
            }
            _ => None,
        },
    };
    let body = serde_json::to_vec(&request)
        .map_err(|error| Unsupported::here("body", format!("cannot be written: {error}")))?;
    Ok(body.into())
}

/// Room for thoughts, and no more of it than for the answer. There is none where a tool is forced, where
/// the answer is to be shorter than the least of it, and after calls whose thoughts the client did not
/// keep: Anthropic refuses all three.
fn thinking(chat: &Chat<'_>) -> Option<Thinking> {
    let wanted = match chat.effort? {
        Effort::None => return None,
        Effort::Minimal | Effort::Low => THINKING_MIN,
        Effort::Medium => 2 * THINKING_MIN,
        Effort::High => 4 * THINKING_MIN,
        Effort::XHigh => 8 * THINKING_MIN,
    };
    let forced =
        matches!(chat.tool_choice, Some(ToolRequirement::Required | ToolRequirement::Function(_)));
    let after_calls = matches!(chat.turns.last(), Some(Turn::Tool { .. }));
    let most = chat.max_tokens.map_or(wanted, |max_tokens| max_tokens / 2);
    let budget_tokens = wanted.min(most);
    (!forced && !after_calls && budget_tokens >= THINKING_MIN)
        .then_some(Thinking { kind: "enabled", budget_tokens })
}

/// What tools gave back is the user's.
fn messages(turns: Vec<Turn>) -> Result<Vec<RequestMessage>, Unsupported> {
    let write = |turn| {
        Ok(match turn {
            Turn::User(parts) => ("user", blocks(parts)?),
            Turn::Assistant { parts, calls } => {
                let mut blocks = blocks(parts)?;
                blocks.extend(calls.into_iter().map(|call| RequestBlock::ToolUse {
                    id: call.id,
                    name: call.name,
                    input: call.arguments,
                }));
                ("assistant", blocks)
            }
            Turn::Tool { id, parts, .. } => (
                "user",
                vec![RequestBlock::ToolResult { tool_use_id: id, content: blocks(parts)? }],
            ),
        })
    };
    alternating(turns, write, |role, content| RequestMessage { role, content })
}

/// Empty texts are left out: Anthropic refuses them.
fn blocks(parts: Vec<ContentPart>) -> Result<Vec<RequestBlock>, Unsupported> {
    let filled = parts
        .into_iter()
        .filter(|part| !matches!(part, ContentPart::Text(text) if text.is_empty()));
    filled.map(block).collect()
}

fn block(part: ContentPart) -> Result<RequestBlock, Unsupported> {
    Ok(match part {
        ContentPart::Text(text) => RequestBlock::Text { text },
        ContentPart::Image(image) => RequestBlock::Image { source: image.into() },
        ContentPart::File { name, content } => {
            RequestBlock::Document { source: content.into(), title: name }
        }
        ContentPart::Audio { .. } => {
            return Err(Unsupported::here("messages", "Anthropic takes no `input_audio`"));
        }
    })
}

impl From<Attachment> for ImageSource {
    fn from(attachment: Attachment) -> Self {
        match attachment {
            Attachment::Inline { media_type, data } => Self::Base64 { media_type, data },
            Attachment::Url(url) => Self::Url { url },
        }
    }
}

/// To forbid calls side by side, a choice must be there to carry it; without tools there is no choice.
fn tool_choice(
    choice: Option<ToolRequirement>,
    parallel: Option<bool>,
    tools: bool,
) -> Option<ToolChoice> {
    let choice = match (choice, parallel) {
        _ if !tools => return None,
        (None, Some(false)) => ToolRequirement::Auto,
        (None, _) => return None,
        (Some(choice), _) => choice,
    };
    let alone = (parallel == Some(false)).then_some(true);
    Some(match choice {
        ToolRequirement::None => {
            ToolChoice { kind: "none", name: None, disable_parallel_tool_use: None }
        }
        ToolRequirement::Auto => {
            ToolChoice { kind: "auto", name: None, disable_parallel_tool_use: alone }
        }
        ToolRequirement::Required => {
            ToolChoice { kind: "any", name: None, disable_parallel_tool_use: alone }
        }
        ToolRequirement::Function(name) => {
            ToolChoice { kind: "tool", name: Some(name), disable_parallel_tool_use: alone }
        }
    })
}

#[derive(Serialize)]
struct AnthropicRequest<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<RequestBlock>,
    messages: Vec<RequestMessage>,
    #[serde(skip_serializing_if = "is_false")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolDeclaration<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<RequestMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
}

#[derive(Serialize)]
struct RequestMessage {
    role: &'static str,
    content: Vec<RequestBlock>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum RequestBlock {
    Text {
        text: String,
    },
    Image {
        source: ImageSource,
    },
    Document {
        source: ImageSource,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    ToolUse {
        id: String,
        name: String,
        input: Box<RawValue>,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Self>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum ImageSource {
    Base64 { media_type: String, data: String },
    Url { url: String },
}

#[derive(Serialize)]
struct ToolDeclaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: InputSchema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> ToolDeclaration<'a> {
    fn of(tool: &'a ToolDefinition<'a>) -> Self {
        Self {
            name: &tool.name,
            description: tool.description.as_deref(),
            input_schema: tool.parameters.map_or(InputSchema::Empty, InputSchema::Given),
            strict: tool.strict.filter(|strict| *strict),
        }
    }
}

/// A schema of arguments; Anthropic demands one of a function that has none.
enum InputSchema<'a> {
    Given(&'a RawValue),
    Empty,
}

impl Serialize for InputSchema<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Empty {
            #[serde(rename = "type")]
            kind: &'static str,
            properties: Properties,
        }
        #[derive(Serialize)]
        struct Properties {}
        match self {
            Self::Given(schema) => schema.serialize(serializer),
            Self::Empty => {
                Empty { kind: "object", properties: Properties {} }.serialize(serializer)
            }
        }
    }
}

#[derive(Serialize)]
struct ToolChoice {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct Thinking {
    #[serde(rename = "type")]
    kind: &'static str,
    budget_tokens: u32,
}

#[derive(Serialize)]
struct RequestMetadata {
    user_id: String,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    format: OutputFormat<'a>,
}

#[derive(Serialize)]
struct OutputFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a RawValue,
}

/// What serde asks of a field to leave out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields by reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests;
