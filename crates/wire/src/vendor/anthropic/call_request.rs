//! A chat in Anthropic's words.

use crate::chat::{Attachment, Chat, Choice, Effort, Part, Shaped, Tool, Turn, Untold};
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
pub(super) fn write_request(chat: Chat<'_>, model: &str, stream: bool) -> Result<Bytes, Untold> {
    if chat.answers > 1 {
        return Err(Untold::here("n", "Anthropic gives one answer only"));
    }
    let thinking = thinking(&chat);
    let budget = thinking.as_ref().map_or(0, |thinking| thinking.budget_tokens);
    let max_tokens = chat.max_tokens.unwrap_or_else(|| MAX_TOKENS.saturating_add(budget));
    let mut system = chat.system;
    if matches!(chat.shaped, Some(Shaped::Object)) {
        system.push(JSON_OBJECT.to_owned());
    }
    let system = system.into_iter().filter(|text| !text.is_empty());
    let request = Request {
        model,
        max_tokens,
        system: system.map(|text| Block::Text { text }).collect(),
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
        tools: chat.tools.iter().map(ToolBody::of).collect(),
        thinking,
        metadata: chat.user.map(|user_id| Metadata { user_id }),
        output_config: match chat.shaped {
            Some(Shaped::Schema(schema)) => {
                Some(OutputConfig { format: OutputFormat { kind: "json_schema", schema } })
            }
            _ => None,
        },
    };
    let body = serde_json::to_vec(&request)
        .map_err(|error| Untold::here("body", format!("cannot be written: {error}")))?;
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
    let forced = matches!(chat.tool_choice, Some(Choice::Required | Choice::Function(_)));
    let after_calls = matches!(chat.turns.last(), Some(Turn::Tool { .. }));
    let most = chat.max_tokens.map_or(wanted, |max_tokens| max_tokens / 2);
    let budget_tokens = wanted.min(most);
    (!forced && !after_calls && budget_tokens >= THINKING_MIN)
        .then_some(Thinking { kind: "enabled", budget_tokens })
}

/// Turns that alternate: neighbours of one side are one turn, and what tools gave back is the user's.
fn messages(turns: Vec<Turn>) -> Result<Vec<Message>, Untold> {
    let mut messages: Vec<Message> = Vec::with_capacity(turns.len());
    for turn in turns {
        let (role, blocks) = match turn {
            Turn::User(parts) => ("user", blocks(parts)?),
            Turn::Assistant { parts, calls } => {
                let mut blocks = blocks(parts)?;
                blocks.extend(calls.into_iter().map(|call| Block::ToolUse {
                    id: call.id,
                    name: call.name,
                    input: call.arguments,
                }));
                ("assistant", blocks)
            }
            Turn::Tool { id, parts, .. } => {
                ("user", vec![Block::ToolResult { tool_use_id: id, content: blocks(parts)? }])
            }
        };
        match messages.last_mut() {
            Some(last) if last.role == role => last.content.extend(blocks),
            _ => messages.push(Message { role, content: blocks }),
        }
    }
    // Anthropic refuses a turn of nothing.
    messages.retain(|message| !message.content.is_empty());
    Ok(messages)
}

/// Empty texts are left out: Anthropic refuses them.
fn blocks(parts: Vec<Part>) -> Result<Vec<Block>, Untold> {
    let filled =
        parts.into_iter().filter(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    filled.map(block).collect()
}

fn block(part: Part) -> Result<Block, Untold> {
    Ok(match part {
        Part::Text(text) => Block::Text { text },
        Part::Image(image) => Block::Image { source: image.into() },
        Part::File { name, content } => Block::Document { source: content.into(), title: name },
        Part::Audio { .. } => {
            return Err(Untold::here("messages", "Anthropic takes no `input_audio`"));
        }
    })
}

impl From<Attachment> for Source {
    fn from(attachment: Attachment) -> Self {
        match attachment {
            Attachment::Inline { media_type, data } => Self::Base64 { media_type, data },
            Attachment::Url(url) => Self::Url { url },
        }
    }
}

/// To forbid calls side by side, a choice must be there to carry it; without tools there is no choice.
fn tool_choice(choice: Option<Choice>, parallel: Option<bool>, tools: bool) -> Option<ToolChoice> {
    let choice = match (choice, parallel) {
        _ if !tools => return None,
        (None, Some(false)) => Choice::Auto,
        (None, _) => return None,
        (Some(choice), _) => choice,
    };
    let alone = (parallel == Some(false)).then_some(true);
    Some(match choice {
        Choice::None => ToolChoice { kind: "none", name: None, disable_parallel_tool_use: None },
        Choice::Auto => ToolChoice { kind: "auto", name: None, disable_parallel_tool_use: alone },
        Choice::Required => {
            ToolChoice { kind: "any", name: None, disable_parallel_tool_use: alone }
        }
        Choice::Function(name) => {
            ToolChoice { kind: "tool", name: Some(name), disable_parallel_tool_use: alone }
        }
    })
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block>,
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "is_false")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: Vec<Block>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum Block {
    Text {
        text: String,
    },
    Image {
        source: Source,
    },
    Document {
        source: Source,
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
enum Source {
    Base64 { media_type: String, data: String },
    Url { url: String },
}

#[derive(Serialize)]
struct ToolBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> ToolBody<'a> {
    fn of(tool: &'a Tool<'a>) -> Self {
        Self {
            name: &tool.name,
            description: tool.description.as_deref(),
            input_schema: tool.parameters.map_or(Schema::Empty, Schema::Given),
            strict: tool.strict.filter(|strict| *strict),
        }
    }
}

/// A schema of arguments; Anthropic demands one of a function that has none.
enum Schema<'a> {
    Given(&'a RawValue),
    Empty,
}

impl Serialize for Schema<'_> {
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
struct Metadata {
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
