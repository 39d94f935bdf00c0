//! OpenAI's responses of a client in front, as a chat. A gateway keeps nothing between requests: what a response is to
//! go on from must come with it, unless its deployment speaks the API itself and has kept it.

use super::front_answer::{response_body, response_writer};
use super::front_items::{InputItem, push_items};
use crate::call::{ClientFormat, Stamp, StreamReader, Whole};
use crate::chat::{ChatRequest, FrontApi, NativeRequest, Operation, RequestError};
use crate::front::{
    FrontChat, FrontFormat, FrontPath, FrontResponseFormat, FrontStream, FrontToolBody,
    FrontToolChoice, FrontTurn, NeutralAnswer, UnsupportedFields,
};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use squall_failure::Failure;
use std::borrow::Cow;

/// OpenAI's responses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponsesFront;

impl FrontFormat for ResponsesFront {
    fn read(&self, _path: &FrontPath, body: Bytes) -> Result<ChatRequest, RequestError> {
        read(body)
    }

    fn whole(&self, answer: &Whole, _chat: &ChatRequest, stamp: &Stamp) -> Result<Whole, Failure> {
        let body = response_body(&NeutralAnswer::of(answer, stamp)?);
        Ok(Whole { body, completion: answer.completion })
    }

    fn stream(&self, chat: &ChatRequest) -> FrontStream {
        FrontStream::new(response_writer(chat), self.skips_comments())
    }

    fn other_operation(&self) -> Option<Operation> {
        Some(Operation::Response)
    }

    fn native_answer(
        &self,
        _format: &dyn ClientFormat,
        body: Bytes,
        _stamp: &Stamp,
    ) -> Result<Whole, Failure> {
        let completion = Operation::Response.read_answer(&body)?;
        Ok(Whole { body, completion })
    }

    fn native_stream(&self, _format: &dyn ClientFormat, _stamp: Stamp) -> Box<dyn StreamReader> {
        Operation::Response.reader(false)
    }
}

/// What is of another form than is known here is for a deployment that speaks the API.
fn read(body: Bytes) -> Result<ChatRequest, RequestError> {
    // Passed on as it is, it need be understood no further.
    let known = ChatRequest::parse_other(Operation::Response, body.clone())?;
    let read = ChatRequest::readable(&body);
    let mut unsupported = UnsupportedFields::default();
    let chat = match RequestError::read::<ResponsesBody<'_>>(&read) {
        Ok(asked) => asked.chat(&known, &mut unsupported),
        Err(error) => {
            unsupported.add("body", error.to_string());
            FrontChat::default()
        }
    };
    let messages = match chat.messages.is_empty() {
        true => vec![FrontTurn::System { content: String::new() }],
        false => chat.messages,
    };
    let chat = FrontChat { model: known.model.clone(), stream: known.stream, messages, ..chat };
    let native = NativeRequest {
        model: Some(known.model_place()),
        only: unsupported.first,
        thoughts: chat.reasoning_effort.is_some(),
        body,
    };
    let mut asked = ChatRequest::of_front(FrontApi::Responses, chat.to_bytes(), native)?;
    asked.take_size_of(&known);
    Ok(asked)
}

#[derive(Deserialize)]
struct ResponsesBody<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    instructions: Option<String>,
    max_output_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    #[serde(borrow)]
    tools: Option<Vec<FunctionTool<'a>>>,
    tool_choice: Option<Box<RawValue>>,
    parallel_tool_calls: Option<bool>,
    #[serde(borrow)]
    text: Option<TextConfig<'a>>,
    reasoning: Option<Reasoning>,
    user: Option<String>,
    safety_identifier: Option<String>,
    previous_response_id: Option<IgnoredAny>,
    conversation: Option<IgnoredAny>,
    prompt: Option<IgnoredAny>,
    background: Option<bool>,
    store: Option<bool>,
    top_logprobs: Option<u32>,
}

impl<'a> ResponsesBody<'a> {
    fn chat(self, known: &ChatRequest, unsupported: &mut UnsupportedFields) -> FrontChat<'a> {
        self.check(unsupported);
        let mut messages = Vec::new();
        messages.extend(self.instructions.map(|content| FrontTurn::System { content }));
        match InputItem::all(self.input) {
            Ok(items) => push_items(&mut messages, items, unsupported),
            Err(error) => unsupported.add("input", error.to_string()),
        }
        let tools = self.tools.unwrap_or_default().into_iter();
        let tools: Vec<_> = tools.filter_map(|tool| tool.told(unsupported)).collect();
        let choice = self.tool_choice.filter(|_| !tools.is_empty());
        FrontChat {
            messages,
            max_completion_tokens: self.max_output_tokens,
            temperature: self.temperature,
            top_p: self.top_p,
            tool_choice: choice.and_then(|raw| choice_of(&raw, unsupported)),
            parallel_tool_calls: self.parallel_tool_calls.filter(|_| !tools.is_empty()),
            tools,
            response_format: self.text.and_then(|text| text.format).and_then(TextFormat::told),
            reasoning_effort: self.reasoning.and_then(|reasoning| reasoning.effort()),
            user: self.user.or(self.safety_identifier),
            model: known.model.clone(),
            ..FrontChat::default()
        }
    }

    /// What needs a server that remembers, or that works on by itself.
    fn check(&self, unsupported: &mut UnsupportedFields) {
        let stateless =
            "no other than OpenAI's own API keeps responses: send the conversation as `input`";
        for (field, asked) in [
            ("previous_response_id", self.previous_response_id.is_some()),
            ("conversation", self.conversation.is_some()),
            ("store", self.store == Some(true)),
        ] {
            if asked {
                unsupported.add(field, stateless);
            }
        }
        for (field, asked) in [
            ("prompt", self.prompt.is_some()),
            ("background", self.background == Some(true)),
            ("top_logprobs", self.top_logprobs.is_some_and(|most| most > 0)),
        ] {
            if asked {
                unsupported.add(field, "only OpenAI's own format has it");
            }
        }
    }
}

#[derive(Deserialize)]
struct FunctionTool<'a> {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    description: Option<String>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    strict: Option<bool>,
}

impl<'a> FunctionTool<'a> {
    fn told(self, unsupported: &mut UnsupportedFields) -> Option<FrontToolBody<'a>> {
        if self.kind != "function" {
            unsupported.add("tools", format!("only OpenAI has a tool of type `{}`", self.kind));
            return None;
        }
        let schema = self.parameters.map(Cow::Borrowed);
        Some(FrontToolBody::new(
            self.name.unwrap_or_default(),
            self.description,
            schema,
            self.strict,
        ))
    }
}

fn choice_of(raw: &RawValue, unsupported: &mut UnsupportedFields) -> Option<FrontToolChoice> {
    #[derive(Deserialize)]
    struct NamedTool {
        #[serde(rename = "type")]
        kind: String,
        name: Option<String>,
    }
    match raw.get() {
        "\"auto\"" => return Some(FrontToolChoice::Word("auto")),
        "\"none\"" => return Some(FrontToolChoice::Word("none")),
        "\"required\"" => return Some(FrontToolChoice::Word("required")),
        _ => {}
    }
    match serde_json::from_str(raw.get()) {
        Ok(NamedTool { kind, name: Some(name) }) if kind == "function" => {
            Some(FrontToolChoice::named(name))
        }
        _ => {
            unsupported.add("tool_choice", "only OpenAI has a choice of this type");
            None
        }
    }
}

#[derive(Deserialize)]
struct TextConfig<'a> {
    #[serde(borrow)]
    format: Option<TextFormat<'a>>,
}

#[derive(Deserialize)]
struct TextFormat<'a> {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

impl<'a> TextFormat<'a> {
    fn told(self) -> Option<FrontResponseFormat<'a>> {
        match (self.kind.as_str(), self.schema) {
            ("json_object", _) => Some(FrontResponseFormat::JsonObject),
            ("json_schema", Some(schema)) => {
                Some(FrontResponseFormat::schema(self.name, Cow::Borrowed(schema), self.strict))
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Reasoning {
    effort: Option<String>,
}

impl Reasoning {
    fn effort(self) -> Option<&'static str> {
        const WORDS: [&str; 6] = ["none", "minimal", "low", "medium", "high", "xhigh"];
        let effort = self.effort?;
        WORDS.into_iter().find(|word| *word == effort)
    }
}
