//! Chat completions as they are served.

use super::completion::push_usage;
use super::error::ApiError;
use super::serve::chat;
use super::{Answer, ChunkWriter, FinishReason, json_string};
use crate::Usage;
use crate::serve::{AnswerHead, AnswerPen, Asked, Refused, Route, ToolCall, choice_of, id};
use bytes::Bytes;
use serde_json::Value;
use squall_failure::FailureClass;
use std::io::Write as _;

pub(super) fn read(route: &Route, body: Bytes) -> Result<Asked, Refused> {
    let request = match chat(body.clone()) {
        Err(refused) if refused.param.as_deref() == Some("model") && route.model.is_some() => {
            chat(with_model(&body, route).ok_or(refused)?)?
        }
        read => read?,
    };
    let tool = if request.needs.tools { choice_of(&body, forced) } else { None };
    let token = request.own_token();
    Ok(Asked {
        stream: request.stream,
        include_usage: request.include_usage,
        max_tokens: request.max_tokens,
        input_tokens: request.input_tokens,
        tool,
        token,
        ..Asked::new(route, route.model.clone().unwrap_or(request.model), body)
    })
}

/// The body with the model that its path tells: at a deployment of Azure's it need not name one.
fn with_model(body: &[u8], route: &Route) -> Option<Bytes> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let model = route.model.clone()?;
    body.as_object_mut()?.insert("model".to_owned(), Value::from(model));
    Some(body.to_string().into())
}

/// The call that `tool_choice` insists on: of the tool that it names, or of the first.
pub(super) fn forced(body: &Value) -> Option<ToolCall> {
    let choice = body.get("tool_choice")?;
    let named = choice.pointer("/function/name").or_else(|| choice.get("name"));
    if named.is_none() && choice != "required" {
        return None;
    }
    // In chat completions a tool stands under `function`, in responses it does not.
    let tools = body.get("tools")?.as_array()?;
    let mut tools = tools.iter().map(|tool| tool.get("function").unwrap_or(tool));
    let tool = match named {
        Some(name) => tools.find(|tool| tool.get("name") == Some(name))?,
        None => tools.next()?,
    };
    let schema = tool.get("parameters").unwrap_or(&Value::Null);
    Some(ToolCall::new(tool.get("name")?.as_str()?, schema))
}

pub(super) fn whole(asked: &Asked, head: &AnswerHead, usage: Usage, finish: FinishReason) -> Bytes {
    let id = id("chatcmpl-", head);
    let Some(tool) = &asked.tool else {
        let answer = Answer { id: &id, created: head.created, model: &asked.model };
        return answer.completion_body(usage, finish);
    };
    let mut out = Vec::with_capacity(512);
    let (model, name) = (json_string(&asked.model), json_string(&tool.name));
    let arguments = json_string(&tool.arguments);
    let (created, number) = (head.created, head.number);
    write!(
        out,
        concat!(
            r#"{{"id":"{id}","object":"chat.completion","created":{created},"model":{model},"choices":"#,
            r#"[{{"index":0,"message":{{"role":"assistant","content":null,"refusal":null,"tool_calls":"#,
            r#"[{{"id":"call_{number}","type":"function","function":{{"name":{name},"arguments":{arguments}}}}}]}},"#,
            r#""logprobs":null,"finish_reason":"tool_calls"}}],"usage":"#
        ),
        id = id,
        created = created,
        model = model,
        number = number,
        name = name,
        arguments = arguments,
    )
    .expect("a Vec takes all");
    push_usage(&mut out, usage);
    out.push(b'}');
    out.into()
}

/// Writes the chunks of a chat completion.
#[derive(Debug)]
pub(super) struct ChatPen {
    writer: ChunkWriter,
    model: String,
    include_usage: bool,
    tool: Option<ToolCall>,
    number: u64,
    tokens: u32,
}

impl ChatPen {
    pub(super) fn new(asked: &Asked, head: &AnswerHead) -> Self {
        let id = id("chatcmpl-", head);
        let answer = Answer { id: &id, created: head.created, model: &asked.model };
        Self {
            writer: ChunkWriter::new(&answer, asked.include_usage),
            model: asked.model.clone(),
            include_usage: asked.include_usage,
            tool: asked.tool.clone(),
            number: head.number,
            tokens: 0,
        }
    }
}

impl AnswerPen for ChatPen {
    fn begin(&mut self, out: &mut Vec<u8>) {
        match &self.tool {
            None => self.writer.role(out),
            Some(tool) => {
                let name = json_string(&tool.name);
                let call = format!(
                    r#"{{"index":0,"id":"call_{}","type":"function","function":{{"name":{name},"arguments":""}}}}"#,
                    self.number
                );
                self.writer.tool_call(out, true, &call);
            }
        }
    }

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        let Some(tool) = &self.tool else { return self.writer.token(out, n) };
        self.tokens = n + 1;
        push_arguments(&self.writer, out, tool.piece(n));
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        let finish = match &self.tool {
            None => finish,
            Some(tool) => {
                push_arguments(&self.writer, out, tool.rest(self.tokens));
                FinishReason::ToolCalls
            }
        };
        self.writer.finish(out, finish);
        if self.include_usage {
            self.writer.usage(out, usage);
        }
        self.writer.done(out);
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        ChunkWriter::error(out, &ApiError::of(class, &self.model));
    }
}

fn push_arguments(writer: &ChunkWriter, out: &mut Vec<u8>, piece: &str) {
    if !piece.is_empty() {
        let piece = json_string(piece);
        let call = format!(r#"{{"index":0,"function":{{"arguments":{piece}}}}}"#);
        writer.tool_call(out, false, &call);
    }
}
