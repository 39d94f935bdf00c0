//! Gemini contents to their clients.

use super::serve_error::{error_body, status_of};
use crate::openai::{FinishReason, Text, json_string};
use crate::serve::{
    AnswerHead, AnswerPen, Asked, Endpoint, HeadersTold, Limits, Refused, Route, Server, Told,
    ToolCall, choice_of, count_text, id, read_json,
};
use crate::{Usage, estimate_tokens, push_text, word};
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use squall_failure::FailureClass;
use std::io::Write as _;

/// Gemini.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GeminiServer;

impl Server for GeminiServer {
    fn route(&self, path: &str, query: Option<&str>) -> Option<Route> {
        let (model, method) = below_version(path)?.strip_prefix("/models/")?.rsplit_once(':')?;
        let stream = match method {
            "generateContent" => false,
            "streamGenerateContent" => true,
            _ => return None,
        };
        let events = query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
        Some(Route {
            endpoint: Endpoint::Generate,
            model: Some(model.to_owned()),
            stream: Some(stream),
            events,
        })
    }

    fn lists_models(&self, path: &str) -> bool {
        below_version(path) == Some("/models")
    }

    fn models(&self, models: &mut dyn Iterator<Item = &str>, _created: u64) -> Bytes {
        let mut out = br#"{"models":["#.to_vec();
        for (n, model) in models.enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let (name, display) = (json_string(&format!("models/{model}")), json_string(model));
            write!(
                out,
                concat!(
                    r#"{}{{"name":{},"version":"001","displayName":{},"inputTokenLimit":1048576,"#,
                    r#""outputTokenLimit":65536,"supportedGenerationMethods":["generateContent"]}}"#
                ),
                comma, name, display
            )
            .expect("a Vec takes all");
        }
        out.extend_from_slice(b"]}");
        out.into()
    }

    fn read(&self, route: &Route, body: Bytes) -> Result<Asked, Refused> {
        read(route, body)
    }

    fn whole(&self, asked: &Asked, head: &AnswerHead, usage: Usage, finish: FinishReason) -> Bytes {
        let mut out = Vec::with_capacity(512 + 4 * usage.output_tokens as usize);
        let content = match &asked.tool {
            Some(tool) => Content::Call(tool),
            None => Content::Text(usage.output_tokens),
        };
        Said::new(asked, head).push_chunk(&mut out, content, Some(finish), usage);
        out.into()
    }

    fn pen(&self, asked: &Asked, head: &AnswerHead) -> Box<dyn AnswerPen> {
        let said = Said::new(asked, head);
        let tool = asked.tool.clone();
        Box::new(ContentPen { said, tool, events: asked.events, begun: false })
    }

    fn status(&self, class: FailureClass) -> u16 {
        status_of(class)
    }

    fn error(&self, told: &Told<'_>) -> Bytes {
        error_body(told).into()
    }

    fn headers(&self, _headers: &mut HeaderMap, _told: &HeadersTold<'_>) {}

    fn has_retry_after(&self) -> bool {
        false
    }
}

/// A path below the version; its own client asks the stable one.
fn below_version(path: &str) -> Option<&str> {
    path.strip_prefix("/v1beta").or_else(|| path.strip_prefix("/v1"))
}

/// What is asked for.
fn read(route: &Route, body: Bytes) -> Result<Asked, Refused> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shape {
        contents: Option<Vec<Contents>>,
        #[serde(alias = "system_instruction")]
        system_instruction: Option<Contents>,
        #[serde(alias = "generation_config")]
        generation_config: Option<Generation>,
        tools: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Contents {
        #[serde(default)]
        parts: Text,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Generation {
        #[serde(alias = "max_output_tokens")]
        max_output_tokens: Option<u32>,
    }
    let shape: Shape = read_json(&body)?;
    let contents = shape.contents.filter(|contents| !contents.is_empty());
    let contents = contents.ok_or_else(|| {
        let message = "* GenerateContentRequest.contents: contents is not specified";
        Refused::new(message, Some("contents"))
    })?;
    let (bytes, token) = count_text(contents.into_iter().map(|content| content.parts));
    let system = shape.system_instruction.map_or(0, |system| system.parts.bytes);
    Ok(Asked {
        max_tokens: shape.generation_config.and_then(|config| config.max_output_tokens),
        input_tokens: estimate_tokens(bytes + system),
        tool: if shape.tools.is_some() { choice_of(&body, forced) } else { None },
        token,
        ..Asked::new(route, route.model.clone().unwrap_or_default(), body)
    })
}

/// The call that `toolConfig` insists on.
fn forced(body: &Value) -> Option<ToolCall> {
    let field = |value: &Value, camel: &str, snake: &str| -> Option<Value> {
        value.get(camel).or_else(|| value.get(snake)).cloned()
    };
    let config = field(body, "toolConfig", "tool_config")?;
    let config = field(&config, "functionCallingConfig", "function_calling_config")?;
    if config.get("mode")?.as_str()? != "ANY" {
        return None;
    }
    let allowed = field(&config, "allowedFunctionNames", "allowed_function_names");
    let allowed = allowed.as_ref().and_then(Value::as_array);
    let declared = body.get("tools")?.as_array()?.iter().filter_map(|tool| {
        field(tool, "functionDeclarations", "function_declarations")?.as_array().cloned()
    });
    let mut declared = declared.flatten();
    let tool = declared.find(|tool| {
        let name = tool.get("name");
        allowed.is_none_or(|allowed| name.is_some_and(|name| allowed.contains(name)))
    })?;
    let schema = field(&tool, "parameters", "parametersJsonSchema")
        .or_else(|| tool.get("parameters_json_schema").cloned());
    Some(ToolCall::new(tool.get("name")?.as_str()?, &schema.unwrap_or(Value::Null)))
}

/// What a chunk holds.
#[derive(Clone, Copy, Debug)]
enum Content<'a> {
    /// So many tokens from the first on.
    Text(u32),
    /// One token.
    Token(u32),
    Call(&'a ToolCall),
}

/// What every chunk says.
#[derive(Debug)]
struct Said {
    id: String,
    /// As JSON.
    model: String,
    input_tokens: u32,
}

impl Said {
    fn new(asked: &Asked, head: &AnswerHead) -> Self {
        let model = json_string(&asked.model);
        Self { id: id("r", head), model, input_tokens: head.input_tokens }
    }

    fn push_chunk(
        &self,
        out: &mut Vec<u8>,
        content: Content<'_>,
        finish: Option<FinishReason>,
        usage: Usage,
    ) {
        out.extend_from_slice(br#"{"candidates":[{"content":{"parts":["#);
        match content {
            Content::Call(ToolCall { name, arguments }) => {
                let name = json_string(name);
                write!(out, r#"{{"functionCall":{{"name":{name},"args":{arguments}}}}}"#)
                    .expect("a Vec takes all");
            }
            Content::Text(tokens) => {
                out.extend_from_slice(br#"{"text":""#);
                push_text(out, tokens);
                out.extend_from_slice(br#""}"#);
            }
            Content::Token(n) => {
                out.extend_from_slice(br#"{"text":""#);
                out.extend_from_slice(word(n).as_bytes());
                out.extend_from_slice(br#""}"#);
            }
        }
        out.extend_from_slice(br#"],"role":"model"},"#);
        if let Some(finish) = finish {
            let reason = match finish {
                FinishReason::Length => "MAX_TOKENS",
                FinishReason::ContentFilter => "SAFETY",
                _ => "STOP",
            };
            write!(out, r#""finishReason":"{reason}","#).expect("a Vec takes all");
        }
        let Self { id, model, input_tokens } = self;
        let output = usage.output_tokens;
        let total = u64::from(*input_tokens) + u64::from(output);
        write!(
            out,
            concat!(
                r#""index":0}}],"usageMetadata":{{"promptTokenCount":{},"candidatesTokenCount":{},"#,
                r#""totalTokenCount":{}}},"modelVersion":{},"responseId":"{}"}}"#
            ),
            input_tokens, output, total, model, id
        )
        .expect("a Vec takes all");
    }
}

/// Writes the chunks of contents: as events, or as one JSON list.
#[derive(Debug)]
struct ContentPen {
    said: Said,
    tool: Option<ToolCall>,
    events: bool,
    begun: bool,
}

impl ContentPen {
    fn before(&mut self, out: &mut Vec<u8>) {
        let begun = std::mem::replace(&mut self.begun, true);
        out.extend_from_slice(match (self.events, begun) {
            (true, _) => b"data: ".as_slice(),
            (false, false) => b"[",
            (false, true) => b",\r\n",
        });
    }

    fn after(&self, out: &mut Vec<u8>) {
        if self.events {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }
}

impl AnswerPen for ContentPen {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        // A call comes whole, in the last chunk.
        if self.tool.is_none() {
            self.before(out);
            let usage = Usage { input_tokens: self.said.input_tokens, output_tokens: n + 1 };
            self.said.push_chunk(out, Content::Token(n), None, usage);
            self.after(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        self.before(out);
        let tool = self.tool.take();
        let content = tool.as_ref().map_or(Content::Text(0), Content::Call);
        self.said.push_chunk(out, content, Some(finish), usage);
        self.after(out);
        if !self.events {
            out.push(b']');
        }
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        self.before(out);
        // A stream that has begun is not answered after all.
        let status = match status_of(class) {
            200 => 400,
            status => status,
        };
        let limits = Limits::default();
        out.extend_from_slice(&error_body(&Told::new(class, status, &limits)));
        self.after(out);
        if !self.events {
            out.push(b']');
        }
    }
}
