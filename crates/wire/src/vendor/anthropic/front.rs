//! Anthropic messages of a client in front, as a chat.

use super::front_answer::{message_body, message_writer};
use super::front_content::{FrontContent, push_message};
use crate::call::{Stamp, Whole};
use crate::chat::{ChatRequest, FrontApi, NativeRequest, RequestError, Unsupported};
use crate::front::{
    FrontChat, FrontFormat, FrontPath, FrontResponseFormat, FrontStream, FrontToolBody,
    FrontToolChoice, FrontTurn, NeutralAnswer, UnsupportedFields,
};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use squall_failure::Failure;
use std::borrow::Cow;

/// Anthropic's messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnthropicFront;

impl FrontFormat for AnthropicFront {
    fn read(&self, _path: &FrontPath, body: Bytes) -> Result<ChatRequest, RequestError> {
        read(body, None)
    }

    /// It does not say how many tokens the answer may have.
    fn read_count(&self, _path: &FrontPath, body: Bytes) -> Result<ChatRequest, RequestError> {
        read(body, Some(1))
    }

    fn whole(&self, answer: &Whole, chat: &ChatRequest, stamp: &Stamp) -> Result<Whole, Failure> {
        let body = message_body(&NeutralAnswer::of(answer, stamp)?, chat);
        Ok(Whole { body, completion: answer.completion })
    }

    fn stream(&self, chat: &ChatRequest) -> FrontStream {
        FrontStream::new(message_writer(chat), self.skips_comments())
    }
}

/// The body without thoughts of other vendors' models, which this gateway tells with an empty signature: Anthropic
/// refuses those that it has not signed.
fn without_unsigned_thoughts(body: Bytes) -> Bytes {
    let may_hold = memchr::memmem::find(&body, b"\"signature\"").is_some();
    let read = may_hold.then(|| serde_json::from_slice::<Value>(&body).ok()).flatten();
    let Some(mut read) = read else { return body };
    let mut is_changed = false;
    let messages = read.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        let Some(blocks) = message.get_mut("content").and_then(Value::as_array_mut) else {
            continue;
        };
        let before = blocks.len();
        blocks.retain(|block| block["type"] != "thinking" || block["signature"] != "");
        is_changed |= blocks.len() < before;
    }
    if is_changed { read.to_string().into() } else { body }
}

fn read(body: Bytes, usual_max_tokens: Option<u32>) -> Result<ChatRequest, RequestError> {
    let body = without_unsigned_thoughts(body);
    let read = ChatRequest::readable(&body);
    let asked: MessagesBody<'_> = RequestError::read(&read)?;
    let (model, place) = RequestError::model_of(asked.model)?;
    let max_tokens = asked.max_tokens.or(usual_max_tokens);
    let max_tokens = max_tokens.ok_or(RequestError::NoSubject("max_tokens"))?;
    let messages = asked.messages.filter(|messages| !messages.is_empty());
    let mut unsupported = UnsupportedFields::default();
    for (field, asked) in [
        ("mcp_servers", asked.mcp_servers.is_some_and(|all| !all.is_empty())),
        ("container", asked.container.is_some()),
    ] {
        if asked {
            unsupported.add(field, "only Anthropic has it");
        }
    }
    let mut chat = FrontChat {
        model,
        stream: asked.stream.unwrap_or(false),
        max_completion_tokens: Some(max_tokens),
        temperature: asked.temperature,
        top_p: asked.top_p,
        stop: asked.stop_sequences.unwrap_or_default(),
        user: asked.metadata.and_then(|metadata| metadata.user_id),
        reasoning_effort: asked.thinking.as_ref().and_then(|thinking| {
            let effort = asked.output_config.as_ref().and_then(|config| config.effort.as_deref());
            thinking.effort(effort)
        }),
        ..FrontChat::default()
    };
    if let Some(system) = asked.system {
        let content = system.into_text("system", &mut unsupported);
        chat.messages.push(FrontTurn::System { content });
    }
    for (place, message) in messages.ok_or(RequestError::NoMessages)?.into_iter().enumerate() {
        push_message(&mut chat.messages, message.role, message.content, place, &mut unsupported);
    }
    for tool in asked.tools.unwrap_or_default() {
        chat.tools.extend(tool.told(&mut unsupported));
    }
    if let Some(choice) = asked.tool_choice.filter(|_| !chat.tools.is_empty()) {
        chat.parallel_tool_calls = choice.disable_parallel_tool_use.then_some(false);
        chat.tool_choice = Some(choice.told()?);
    }
    let format = asked.output_config.and_then(|config| config.format).or(asked.output_format);
    chat.response_format = format.and_then(AskedFormat::told);
    let native = NativeRequest {
        model: Some(ChatRequest::place_in(&read, place)),
        body,
        only: unsupported.first,
        thoughts: chat.reasoning_effort.is_some(),
    };
    ChatRequest::of_front(FrontApi::Messages, chat.to_bytes(), native)
}

#[derive(Deserialize)]
struct MessagesBody<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    max_tokens: Option<u32>,
    messages: Option<Vec<FrontMessage>>,
    system: Option<FrontContent>,
    stream: Option<bool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop_sequences: Option<Vec<String>>,
    #[serde(borrow)]
    tools: Option<Vec<FrontTool<'a>>>,
    tool_choice: Option<FrontChoice>,
    metadata: Option<FrontMetadata>,
    thinking: Option<FrontThinking>,
    #[serde(borrow)]
    output_config: Option<AskedOutput<'a>>,
    /// The older name of its format.
    #[serde(borrow)]
    output_format: Option<AskedFormat<'a>>,
    mcp_servers: Option<Vec<IgnoredAny>>,
    container: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct FrontMessage {
    role: super::front_content::Speaker,
    content: FrontContent,
}

#[derive(Deserialize)]
struct FrontMetadata {
    user_id: Option<String>,
}

#[derive(Deserialize)]
struct FrontThinking {
    #[serde(rename = "type")]
    kind: String,
    budget_tokens: Option<u32>,
}

impl FrontThinking {
    /// How hard to think, in OpenAI's words: the budgets are those that the words stand for on their way to Anthropic.
    fn effort(&self, told: Option<&str>) -> Option<&'static str> {
        let told = match told {
            Some("low") => Some("low"),
            Some("medium") => Some("medium"),
            Some("high") => Some("high"),
            Some("xhigh" | "max") => Some("xhigh"),
            _ => None,
        };
        match (self.kind.as_str(), self.budget_tokens) {
            ("enabled", Some(0..2048)) => Some("low"),
            ("enabled", Some(2048..4096)) => Some("medium"),
            ("enabled", Some(4096..8192)) => Some("high"),
            ("enabled", Some(_)) => Some("high"),
            ("adaptive", _) => told.or(Some("medium")),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct AskedOutput<'a> {
    #[serde(borrow)]
    format: Option<AskedFormat<'a>>,
    effort: Option<String>,
}

#[derive(Deserialize)]
struct AskedFormat<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
}

impl<'a> AskedFormat<'a> {
    fn told(self) -> Option<FrontResponseFormat<'a>> {
        let schema = self.schema.filter(|_| self.kind == "json_schema")?;
        Some(FrontResponseFormat::schema(None, Cow::Borrowed(schema), Some(true)))
    }
}

#[derive(Deserialize)]
struct FrontTool<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    description: Option<String>,
    #[serde(borrow)]
    input_schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

impl<'a> FrontTool<'a> {
    /// It as a function; nothing for a tool that Anthropic runs, or knows by its type.
    fn told(self, unsupported: &mut UnsupportedFields) -> Option<FrontToolBody<'a>> {
        let own = self.kind.filter(|kind| kind != "custom");
        if let Some(kind) = &own {
            unsupported.add("tools", format!("only Anthropic has a tool of type `{kind}`"));
            return None;
        }
        let name = self.name.unwrap_or_default();
        let schema = self.input_schema.map(Cow::Borrowed);
        Some(FrontToolBody::new(
            name,
            self.description,
            schema,
            self.strict.filter(|strict| *strict),
        ))
    }
}

#[derive(Deserialize)]
struct FrontChoice {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    #[serde(default)]
    disable_parallel_tool_use: bool,
}

impl FrontChoice {
    fn told(self) -> Result<FrontToolChoice, RequestError> {
        Ok(match (self.kind.as_str(), self.name) {
            ("auto", _) => FrontToolChoice::Word("auto"),
            ("none", _) => FrontToolChoice::Word("none"),
            ("any", _) => FrontToolChoice::Word("required"),
            ("tool", Some(name)) => FrontToolChoice::named(name),
            _ => {
                let why = "expected a `type` of `auto`, `any`, `none`, or `tool` with a `name`";
                return Err(RequestError::Wrong(Unsupported::anywhere("tool_choice", why)));
            }
        })
    }
}
