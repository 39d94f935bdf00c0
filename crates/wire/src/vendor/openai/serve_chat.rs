//! Chat completions as they are served.

use super::serve_arguments::wants;
use crate::Usage;
use crate::chat::{ChatRequest, ChunkWriter, FinishReason, PriorAnswer, prior_answer};
use crate::error::ApiError;
use crate::json::json_string;
use crate::serve::{
    AnswerHead, AnswerWriter, ApiEndpoint, ParsedRequest, Refused, Route, Rules, TOKEN_BYTES, id,
    push_escaped,
};
use bytes::Bytes;
use serde_json::Value;
use squall_failure::FailureClass;
use std::io::Write as _;

pub(super) fn read(route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
    let request = match chat(body.clone()) {
        Err(refused) if refused.param.as_deref() == Some("model") && route.model.is_some() => {
            chat(with_model(&body, route).ok_or(refused)?)?
        }
        read => read?,
    };
    let wants = wants(ApiEndpoint::Chat, &body, rules)?;
    let token = request.own_token();
    let PriorAnswer { prefill, quoted } = prior_answer(&body);
    Ok(ParsedRequest {
        prefill,
        quoted,
        stream: request.stream,
        include_usage: request.include_usage,
        max_tokens: request.max_tokens,
        input_tokens: request.input_tokens,
        wants,
        token,
        ..ParsedRequest::new(route, route.model.clone().unwrap_or(request.model), body)
    })
}

/// A request, or the refusal of a body that is none.
fn chat(body: Bytes) -> Result<ChatRequest, Refused> {
    ChatRequest::parse(body).map_err(|error| {
        let error = error.to_api_error();
        let param = match error.param.as_deref() {
            Some("model") => Some("model"),
            Some("messages") => Some("messages"),
            _ => None,
        };
        let code = error.code.as_deref().and_then(|code| match code {
            "missing_required_parameter" => Some("missing_required_parameter"),
            _ => None,
        });
        Refused { code, ..Refused::new(error.message, param) }
    })
}

/// The body with the model that its path tells: at a deployment of Azure's it need not name one.
fn with_model(body: &[u8], route: &Route) -> Option<Bytes> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let model = route.model.clone()?;
    body.as_object_mut()?.insert("model".to_owned(), Value::from(model));
    Some(body.to_string().into())
}

/// Whether an answer includes the results of content filters, as Azure's does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Filters {
    Included,
    Omitted,
}

const SAFE: &str = concat!(
    r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"#,
    r#""sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#
);
const PROMPT_SAFE: &str = concat!(
    r#"{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"#,
    r#""self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"#,
    r#""violence":{"filtered":false,"severity":"safe"}}"#
);

/// Usage with its details, for as many answers as there are.
pub(super) fn push_usage(out: &mut Vec<u8>, head: &AnswerHead, usage: Usage, choices: u32) {
    let (input, cached) = (usage.input_tokens, head.cached_tokens);
    let output = u64::from(usage.output_tokens) * u64::from(choices);
    let reasoning = u64::from(head.reasoning_tokens.min(usage.output_tokens)) * u64::from(choices);
    let total = u64::from(input) + output;
    write!(
        out,
        concat!(
            r#"{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":"#,
            r#"{{"cached_tokens":{},"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":{},"#,
            r#""audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#
        ),
        input, output, total, cached, reasoning
    )
    .expect("a Vec takes all");
}

/// Why an answer ends: by a call, if it is one.
pub(super) fn finish_of(head: &AnswerHead, finish: FinishReason) -> FinishReason {
    let is_call = head.says.call().is_some() && finish == FinishReason::Stop;
    if is_call { FinishReason::ToolCalls } else { finish }
}

pub(super) fn whole(
    asked: &ParsedRequest,
    head: &AnswerHead,
    usage: Usage,
    finish: FinishReason,
    filters: Filters,
) -> Bytes {
    let mut out = Vec::with_capacity(768 + TOKEN_BYTES * usage.output_tokens as usize);
    let (id, created, model) = (id("chatcmpl-", head), head.created, json_string(&asked.model));
    write!(
        out,
        r#"{{"id":"{id}","object":"chat.completion","created":{created},"model":{model},"choices":["#
    )
    .expect("a Vec takes all");
    let choices = asked.wants.choices.max(1);
    for index in 0..choices {
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        write!(out, r#"{{"index":{index},"message":"#).expect("a Vec takes all");
        push_message(&mut out, head, usage.output_tokens, finish, index);
        push_logprobs(&mut out, asked, head, 0..spoken(head, usage.output_tokens));
        let finish = finish_of(head, finish).as_str();
        write!(out, r#","finish_reason":"{finish}""#).expect("a Vec takes all");
        if filters == Filters::Included {
            write!(out, r#","content_filter_results":{SAFE}"#).expect("a Vec takes all");
        }
        out.push(b'}');
    }
    out.extend_from_slice(br#"],"usage":"#);
    push_usage(&mut out, head, usage, choices);
    if filters == Filters::Included {
        write!(
            out,
            r#","prompt_filter_results":[{{"prompt_index":0,"content_filter_results":{PROMPT_SAFE}}}]"#
        )
        .expect("a Vec takes all");
    }
    out.extend_from_slice(br#","system_fingerprint":"fp_squall"}"#);
    out.into()
}

/// The tokens of an answer that are not thoughts.
pub(super) const fn spoken(head: &AnswerHead, tokens: u32) -> u32 {
    tokens.saturating_sub(head.reasoning_tokens)
}

fn push_message(
    out: &mut Vec<u8>,
    head: &AnswerHead,
    tokens: u32,
    finish: FinishReason,
    index: u32,
) {
    out.extend_from_slice(br#"{"role":"assistant","#);
    let thoughts = head.reasoning_tokens.min(tokens);
    if thoughts > 0 {
        out.extend_from_slice(br#""reasoning_content":""#);
        crate::push_text(out, thoughts);
        out.extend_from_slice(br#"","#);
    }
    if let Some(call) = head.says.call() {
        let (name, arguments) = (json_string(&call.name), json_string(&call.arguments));
        let id = call_id(head, index);
        write!(
            out,
            concat!(
                r#""content":null,"refusal":null,"tool_calls":[{{"id":"{}","type":"function","#,
                r#""function":{{"name":{},"arguments":{}}}}}]}}"#
            ),
            id, name, arguments
        )
        .expect("a Vec takes all");
        return;
    }
    out.extend_from_slice(br#""content":""#);
    head.says.push_text(out, spoken(head, tokens), finish != FinishReason::Length);
    out.extend_from_slice(br#"","refusal":null}"#);
}

fn call_id(head: &AnswerHead, index: u32) -> String {
    if index == 0 {
        format!("call_{}", head.number)
    } else {
        format!("call_{}_{index}", head.number)
    }
}

/// The probabilities of these tokens; null where nobody asked.
fn push_logprobs(
    out: &mut Vec<u8>,
    asked: &ParsedRequest,
    head: &AnswerHead,
    tokens: std::ops::Range<u32>,
) {
    out.extend_from_slice(br#","logprobs":"#);
    let Some(top) = asked.wants.logprobs.filter(|_| head.says.call().is_none()) else {
        return out.extend_from_slice(b"null");
    };
    out.extend_from_slice(br#"{"content":["#);
    for (place, n) in tokens.enumerate() {
        out.extend_from_slice(if place == 0 { b"" } else { b"," });
        push_token(out, head.says.piece(n), 0);
        out.truncate(out.len() - 1);
        out.extend_from_slice(br#","top_logprobs":["#);
        for rank in 0..u32::from(top) {
            out.extend_from_slice(if rank == 0 { b"" } else { b"," });
            let other = if rank == 0 { head.says.piece(n) } else { crate::word(n + rank) };
            push_token(out, other, rank);
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(br#"],"refusal":null}"#);
}

/// A token with its probability, which falls with its rank.
fn push_token(out: &mut Vec<u8>, token: &str, rank: u32) {
    let logprob = -0.125 - f64::from(rank) * 1.5;
    out.extend_from_slice(br#"{"token":""#);
    push_escaped(out, token);
    let bytes = token.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
    write!(out, r#"","logprob":{logprob},"bytes":[{bytes}]}}"#).expect("a Vec takes all");
}

/// The last event of a stream.
pub(super) const END_MARK: &[u8] = b"data: [DONE]\n\n";

/// Writes the chunks of a chat completion.
#[derive(Debug)]
pub(super) struct ChatWriter {
    asked: ParsedRequest,
    head: AnswerHead,
    filters: Filters,
    /// What stands before the list of choices, in every chunk.
    before: Vec<u8>,
    tokens: u32,
}

impl ChatWriter {
    pub(super) fn new(asked: &ParsedRequest, head: &AnswerHead, filters: Filters) -> Self {
        let (id, created, model) = (id("chatcmpl-", head), head.created, json_string(&asked.model));
        let before = format!(
            r#"data: {{"id":"{id}","object":"chat.completion.chunk","created":{created},"model":{model},"system_fingerprint":"fp_squall","choices":["#
        );
        // The text of the request is not needed any more.
        let asked = ParsedRequest { body: Bytes::new(), ..asked.clone() };
        Self { asked, head: head.clone(), filters, before: before.into_bytes(), tokens: 0 }
    }

    /// A chunk for each of the answers: its delta, its probabilities, and why it ends.
    fn chunks(
        &self,
        out: &mut Vec<u8>,
        delta: impl Fn(&mut Vec<u8>, u32),
        token: Option<u32>,
        finish: Option<FinishReason>,
    ) {
        for index in 0..self.asked.wants.choices.max(1) {
            out.extend_from_slice(&self.before);
            write!(out, r#"{{"index":{index},"delta":"#).expect("a Vec takes all");
            delta(out, index);
            match token {
                Some(n) => push_logprobs(out, &self.asked, &self.head, n..n + 1),
                None => out.extend_from_slice(br#","logprobs":null"#),
            }
            match finish {
                Some(finish) => write!(out, r#","finish_reason":"{}""#, finish.as_str()),
                None => write!(out, r#","finish_reason":null"#),
            }
            .expect("a Vec takes all");
            if self.filters == Filters::Included {
                let seen = if token.is_some() { SAFE } else { "{}" };
                write!(out, r#","content_filter_results":{seen}"#).expect("a Vec takes all");
            }
            let usage: &[u8] =
                if self.asked.include_usage { br#"}],"usage":null}"# } else { b"}]}" };
            out.extend_from_slice(usage);
            out.extend_from_slice(b"\n\n");
        }
    }

    fn arguments(&self, out: &mut Vec<u8>, piece: &str) {
        if !piece.is_empty() {
            let piece = json_string(piece);
            let delta = |out: &mut Vec<u8>, _| {
                write!(
                    out,
                    r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":{piece}}}}}]}}"#
                )
                .expect("a Vec takes all");
            };
            self.chunks(out, delta, None, None);
        }
    }

    fn content(&self, out: &mut Vec<u8>, field: &str, text: &[u8], token: Option<u32>) {
        let delta = |out: &mut Vec<u8>, _| {
            write!(out, r#"{{"{field}":""#).expect("a Vec takes all");
            out.extend_from_slice(text);
            out.extend_from_slice(br#""}"#);
        };
        self.chunks(out, delta, token, None);
    }
}

impl AnswerWriter for ChatWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.filters == Filters::Included {
            write!(
                out,
                concat!(
                    r#"data: {{"choices":[],"created":0,"id":"","model":"","object":"","#,
                    r#""prompt_filter_results":[{{"prompt_index":0,"content_filter_results":{}}}]}}"#,
                    "\n\n"
                ),
                PROMPT_SAFE
            )
            .expect("a Vec takes all");
        }
        match self.head.says.call() {
            None => {
                let role = br#"{"role":"assistant","content":"","refusal":null}"#;
                self.chunks(out, |out, _| out.extend_from_slice(role), None, None);
            }
            Some(call) => {
                let name = json_string(&call.name);
                let delta = |out: &mut Vec<u8>, index| {
                    let id = call_id(&self.head, index);
                    write!(
                        out,
                        concat!(
                            r#"{{"role":"assistant","content":null,"tool_calls":[{{"index":0,"id":"{}","#,
                            r#""type":"function","function":{{"name":{},"arguments":""}}}}]}}"#
                        ),
                        id, name
                    )
                    .expect("a Vec takes all");
                };
                self.chunks(out, delta, None, None);
            }
        }
    }

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        self.tokens = n + 1;
        let Some(n) = n.checked_sub(self.head.reasoning_tokens) else {
            return self.content(out, "reasoning_content", crate::word(n).as_bytes(), None);
        };
        if self.head.says.call().is_some() {
            return self.arguments(out, self.head.says.piece(n));
        }
        let mut text = Vec::with_capacity(2 * TOKEN_BYTES);
        self.head.says.push_piece(&mut text, n);
        if !text.is_empty() {
            self.content(out, "content", &text, Some(n));
        }
    }

    fn end_mark(&self) -> &'static [u8] {
        END_MARK
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        let rest = self.head.says.rest(spoken(&self.head, self.tokens));
        if finish != FinishReason::Length && !rest.is_empty() {
            if self.head.says.call().is_some() {
                self.arguments(out, rest);
            } else {
                let mut text = Vec::new();
                push_escaped(&mut text, rest);
                self.content(out, "content", &text, None);
            }
        }
        let finish = finish_of(&self.head, finish);
        self.chunks(out, |out, _| out.extend_from_slice(b"{}"), None, Some(finish));
        if self.asked.include_usage {
            out.extend_from_slice(&self.before);
            out.extend_from_slice(br#"],"usage":"#);
            push_usage(out, &self.head, usage, self.asked.wants.choices.max(1));
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(END_MARK);
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        ChunkWriter::error(out, &ApiError::of(class, &self.asked.model));
    }
}
