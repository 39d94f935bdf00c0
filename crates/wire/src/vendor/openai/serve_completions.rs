//! Completions as they are served: the older API of a prompt and its continuation.

use super::serve_arguments::wants;
use super::serve_chat::{END_MARK, push_usage, spoken};
use crate::chat::{ChunkWriter, FinishReason, MeteredText};
use crate::error::ApiError;
use crate::json::json_string;
use crate::serve::{
    AnswerHead, AnswerWriter, ApiEndpoint, ParsedRequest, Refused, Route, Rules, id, read_json,
};
use crate::{Usage, estimate_tokens};
use bytes::Bytes;
use serde::Deserialize;
use squall_failure::FailureClass;
use std::io::Write as _;

pub(super) fn read(route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused> {
    #[derive(Deserialize)]
    struct CompletionsBody {
        model: Option<String>,
        prompt: Option<Prompt>,
        stream: Option<bool>,
        stream_options: Option<StreamOptions>,
        max_tokens: Option<u32>,
        user: Option<String>,
    }
    #[derive(Deserialize)]
    struct StreamOptions {
        include_usage: Option<bool>,
    }
    let shape: CompletionsBody = read_json(&body)?;
    let wants = wants(ApiEndpoint::Completions, &body, rules)?;
    let model = route.model.clone().or(shape.model).ok_or_else(|| Refused::missing("model"))?;
    let prompt = shape.prompt.ok_or_else(|| Refused::missing("prompt"))?;
    let in_user = shape.user.and_then(|user| user.parse().ok());
    let usage = shape.stream_options.and_then(|options| options.include_usage);
    Ok(ParsedRequest {
        stream: shape.stream.unwrap_or(false),
        include_usage: usage.unwrap_or(false),
        // As OpenAI's own default.
        max_tokens: Some(shape.max_tokens.unwrap_or(16)),
        input_tokens: estimate_tokens(prompt.bytes()),
        wants,
        token: in_user.or_else(|| prompt.token()),
        ..ParsedRequest::new(route, model, body)
    })
}

/// A text, or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Prompt {
    Several(Vec<String>),
    Tokens(Vec<u64>),
    SeveralOfTokens(Vec<Vec<u64>>),
    One(MeteredText),
}

impl Prompt {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::One(text) => text.bytes,
            Self::Several(texts) => texts.iter().map(String::len).sum(),
            Self::Tokens(tokens) => 4 * tokens.len(),
            Self::SeveralOfTokens(texts) => 4 * texts.iter().map(Vec::len).sum::<usize>(),
        }
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::One(_) | Self::Tokens(_) => 1,
            Self::Several(texts) => texts.len(),
            Self::SeveralOfTokens(texts) => texts.len(),
        }
    }

    pub(super) fn token(&self) -> Option<crate::RequestToken> {
        match self {
            Self::One(text) => text.token,
            Self::Several(texts) => crate::RequestToken::from_prompt(texts.first()?),
            Self::Tokens(_) | Self::SeveralOfTokens(_) => None,
        }
    }
}

pub(super) fn whole(
    asked: &ParsedRequest,
    head: &AnswerHead,
    usage: Usage,
    finish: FinishReason,
) -> Bytes {
    let mut out = Vec::with_capacity(384 + 4 * usage.output_tokens as usize);
    push_head(&mut out, asked, head);
    let (choices, finish_word) = (asked.wants.choices.max(1), finish.as_str());
    for index in 0..choices {
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        out.extend_from_slice(br#"{"text":""#);
        let is_whole = finish != FinishReason::Length;
        head.says.push_text(&mut out, spoken(head, usage.output_tokens), is_whole);
        write!(out, r#"","index":{index},"logprobs":null,"finish_reason":"{finish_word}"}}"#)
            .expect("a Vec takes all");
    }
    out.extend_from_slice(br#"],"usage":"#);
    push_usage(&mut out, head, usage, choices);
    out.push(b'}');
    out.into()
}

fn push_head(out: &mut Vec<u8>, asked: &ParsedRequest, head: &AnswerHead) {
    let (id, model, created) = (id("cmpl-", head), json_string(&asked.model), head.created);
    write!(
        out,
        r#"{{"id":"{id}","object":"text_completion","created":{created},"model":{model},"choices":["#
    )
    .expect("a Vec takes all");
}

/// Writes the chunks of a completion.
#[derive(Debug)]
pub(super) struct CompletionWriter {
    /// Everything before the list of choices.
    head: Vec<u8>,
    model: String,
    include_usage: bool,
    choices: u32,
    answer: AnswerHead,
}

impl CompletionWriter {
    pub(super) fn new(asked: &ParsedRequest, head: &AnswerHead) -> Self {
        let mut before = b"data: ".to_vec();
        push_head(&mut before, asked, head);
        Self {
            head: before,
            model: asked.model.clone(),
            include_usage: asked.include_usage,
            choices: asked.wants.choices.max(1),
            answer: head.clone(),
        }
    }

    fn push(&self, out: &mut Vec<u8>, text: &str, finish: &str) {
        for index in 0..self.choices {
            out.extend_from_slice(&self.head);
            write!(
                out,
                "{{\"text\":\"{text}\",\"index\":{index},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
            )
            .expect("a Vec takes all");
        }
    }
}

impl AnswerWriter for CompletionWriter {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        // The older models do not think: what they would have thought is not told.
        if let Some(n) = n.checked_sub(self.answer.reasoning_tokens) {
            self.push(out, self.answer.says.piece(n), "null");
        }
    }

    fn end_mark(&self) -> &'static [u8] {
        END_MARK
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        self.push(out, "", &format!("\"{}\"", finish.as_str()));
        if self.include_usage {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(br#"],"usage":"#);
            push_usage(out, &self.answer, usage, self.choices);
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(END_MARK);
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        ChunkWriter::error(out, &ApiError::of(class, &self.model));
    }
}
