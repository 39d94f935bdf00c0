//! OpenAI's words for an answer that came in a vendor's: in one piece, and chunk by chunk.

use crate::Usage;
use crate::call::{Stamp, Whole};
use crate::chat::{Completion, FinishReason};
use serde::Serialize;
use std::io::Write as _;

/// What all parts of one answer have in common.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReplyHead {
    id: String,
    object: &'static str,
    created: u64,
    model: String,
}

/// A call that the model wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RequestedCall {
    pub(crate) id: String,
    pub(crate) name: String,
    /// A JSON object, or its beginning.
    pub(crate) arguments: String,
    /// What a Gemini model wants back with the call.
    pub(crate) thought_signature: Option<String>,
}

/// One answer of those that were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) calls: Vec<RequestedCall>,
    pub(crate) images: Vec<Image>,
    pub(crate) finish: Option<FinishReason>,
}

/// A picture that a model made: as a `data:` URL, in the field that those who sell such models by OpenAI's
/// format have for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Image {
    pub(crate) url: String,
}

/// Tokens, as finely as vendors count them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct TokenCounts {
    /// All of the prompt, from a cache or not.
    pub(crate) input: u32,
    /// Those of the prompt that came from a cache.
    pub(crate) cached: u32,
    /// All of the answer, thoughts included.
    pub(crate) output: u32,
    /// Those of the answer that are thoughts.
    pub(crate) reasoning: u32,
}

impl ReplyHead {
    /// Id and model as the vendor tells them, or else as the stamp does.
    pub(crate) fn new(id: Option<&str>, model: Option<&str>, stamp: &Stamp) -> Self {
        let id = match id {
            Some(id) => format!("chatcmpl-{id}"),
            None => format!("chatcmpl-{:x}", stamp.number),
        };
        let model = model.unwrap_or(&stamp.model).to_owned();
        Self { id, object: "chat.completion", created: stamp.created, model }
    }

    /// The whole answer.
    pub(crate) fn whole(&self, replies: &[Reply], counts: Option<TokenCounts>) -> Whole {
        #[derive(Serialize)]
        struct CompletionBody<'a> {
            #[serde(flatten)]
            head: &'a ReplyHead,
            choices: Vec<ReplyChoice<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            usage: Option<UsageBody>,
        }
        let choices = replies.iter().zip(0..).map(|(reply, index)| ReplyChoice {
            index,
            message: Some(AssistantMessage::of(reply)),
            delta: None,
            logprobs: (),
            finish_reason: reply.finish.map(FinishReason::as_str),
        });
        let body = CompletionBody {
            head: self,
            choices: choices.collect(),
            usage: counts.map(UsageBody::from),
        };
        let body = serde_json::to_vec(&body).expect("strings and numbers are always JSON");
        let finish = replies.first().and_then(|reply| reply.finish);
        let completion = Completion { finish, usage: counts.map(Usage::from) };
        Whole { body: body.into(), completion }
    }
}

impl From<TokenCounts> for Usage {
    fn from(counts: TokenCounts) -> Self {
        Self { input_tokens: counts.input, output_tokens: counts.output }
    }
}

/// Writes the chunks of one answer.
#[derive(Clone, Debug)]
pub(crate) struct ReplyChunkWriter {
    /// Everything before the list of choices.
    head: Vec<u8>,
    include_usage: bool,
}

impl ReplyChunkWriter {
    pub(crate) fn new(head: &ReplyHead, include_usage: bool) -> Self {
        let head = ReplyHead { object: "chat.completion.chunk", ..head.clone() };
        let mut bytes = b"data: ".to_vec();
        serde_json::to_writer(&mut bytes, &head).expect("strings and numbers are always JSON");
        bytes.pop();
        bytes.extend_from_slice(br#","choices":["#);
        Self { head: bytes, include_usage }
    }

    /// The first chunk of a choice: the role, and no content.
    pub(crate) fn role(&self, out: &mut Vec<u8>, index: u32) {
        let delta =
            ChunkDelta { role: Some("assistant"), content: Some(""), ..ChunkDelta::default() };
        self.choice(out, index, delta, None);
    }

    pub(crate) fn text(&self, out: &mut Vec<u8>, index: u32, text: &str) {
        self.choice(out, index, ChunkDelta { content: Some(text), ..ChunkDelta::default() }, None);
    }

    pub(crate) fn reasoning(&self, out: &mut Vec<u8>, index: u32, text: &str) {
        self.choice(
            out,
            index,
            ChunkDelta { reasoning_content: Some(text), ..ChunkDelta::default() },
            None,
        );
    }

    /// Text of the first choice, unless it is empty; whether it is not.
    pub(crate) fn filled_text(&self, out: &mut Vec<u8>, text: &str) -> bool {
        if !text.is_empty() {
            self.text(out, 0, text);
        }
        !text.is_empty()
    }

    /// Thoughts of the first choice, unless they are hidden.
    pub(crate) fn filled_reasoning(&self, out: &mut Vec<u8>, text: &str) {
        if !text.is_empty() {
            self.reasoning(out, 0, text);
        }
    }

    /// A picture, whole.
    pub(crate) fn image(&self, out: &mut Vec<u8>, index: u32, image: &Image) {
        let images = [ImageBody::of(image, Some(0))];
        self.choice(
            out,
            index,
            ChunkDelta { images: Some(&images), ..ChunkDelta::default() },
            None,
        );
    }

    /// A call begins, the `place`th of this choice.
    pub(crate) fn call(&self, out: &mut Vec<u8>, index: u32, place: u32, call: &RequestedCall) {
        let call = [CallBody::of(call, Some(place))];
        self.choice(
            out,
            index,
            ChunkDelta { tool_calls: Some(&call), ..ChunkDelta::default() },
            None,
        );
    }

    /// More of the arguments of the `place`th call.
    pub(crate) fn arguments(&self, out: &mut Vec<u8>, index: u32, place: u32, arguments: &str) {
        let function = FunctionBody { name: None, arguments };
        let call =
            [CallBody { index: Some(place), id: None, kind: None, function, extra_content: None }];
        self.choice(
            out,
            index,
            ChunkDelta { tool_calls: Some(&call), ..ChunkDelta::default() },
            None,
        );
    }

    pub(crate) fn finish(&self, out: &mut Vec<u8>, index: u32, finish: FinishReason) {
        self.choice(out, index, ChunkDelta::default(), Some(finish));
    }

    /// The usage chunk, if the client wants one.
    pub(crate) fn usage(&self, out: &mut Vec<u8>, counts: TokenCounts) {
        if self.include_usage {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(br#"],"usage":"#);
            serde_json::to_writer(&mut *out, &UsageBody::from(counts)).expect("numbers are JSON");
            out.extend_from_slice(b"}\n\n");
        }
    }

    /// The end mark.
    pub(crate) fn done(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn choice(
        &self,
        out: &mut Vec<u8>,
        index: u32,
        delta: ChunkDelta<'_>,
        end: Option<FinishReason>,
    ) {
        let choice = ReplyChoice {
            index,
            message: None,
            delta: Some(delta),
            logprobs: (),
            finish_reason: end.map(FinishReason::as_str),
        };
        out.extend_from_slice(&self.head);
        serde_json::to_writer(&mut *out, &choice).expect("strings and numbers are always JSON");
        let tail = if self.include_usage { r#"],"usage":null}"# } else { "]}" };
        write!(out, "{tail}\n\n").expect("a Vec takes all");
    }
}

#[derive(Serialize)]
struct ReplyChoice<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<AssistantMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<ChunkDelta<'a>>,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

#[derive(Serialize)]
struct AssistantMessage<'a> {
    role: &'static str,
    /// Null where there are calls and no text.
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning_content: &'a str,
    refusal: (),
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<ImageBody<'a>>,
}

impl<'a> AssistantMessage<'a> {
    fn of(reply: &'a Reply) -> Self {
        let only_calls = reply.text.is_empty() && !reply.calls.is_empty();
        Self {
            role: "assistant",
            content: (!only_calls).then_some(&reply.text),
            reasoning_content: &reply.reasoning,
            refusal: (),
            tool_calls: reply.calls.iter().map(|call| CallBody::of(call, None)).collect(),
            images: reply.images.iter().map(|image| ImageBody::of(image, None)).collect(),
        }
    }
}

#[derive(Default, Serialize)]
struct ChunkDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<&'a [CallBody<'a>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<&'a [ImageBody<'a>]>,
}

#[derive(Serialize)]
struct ImageBody<'a> {
    /// Its place; chunks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(rename = "type")]
    kind: &'static str,
    image_url: UrlBody<'a>,
}

#[derive(Serialize)]
struct UrlBody<'a> {
    url: &'a str,
}

impl<'a> ImageBody<'a> {
    fn of(image: &'a Image, index: Option<u32>) -> Self {
        Self { index, kind: "image_url", image_url: UrlBody { url: &image.url } }
    }
}

#[derive(Serialize)]
struct CallBody<'a> {
    /// Its place; chunks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: FunctionBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraBody<'a>>,
}

impl<'a> CallBody<'a> {
    fn of(call: &'a RequestedCall, index: Option<u32>) -> Self {
        let google = |thought_signature| ExtraBody { google: GoogleBody { thought_signature } };
        Self {
            index,
            id: Some(&call.id),
            kind: Some("function"),
            function: FunctionBody { name: Some(&call.name), arguments: &call.arguments },
            extra_content: call.thought_signature.as_deref().map(google),
        }
    }
}

#[derive(Serialize)]
struct FunctionBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[derive(Serialize)]
struct ExtraBody<'a> {
    google: GoogleBody<'a>,
}

#[derive(Serialize)]
struct GoogleBody<'a> {
    thought_signature: &'a str,
}

#[derive(Serialize)]
struct UsageBody {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: AnswerDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u32,
}

#[derive(Serialize)]
struct AnswerDetails {
    reasoning_tokens: u32,
}

impl From<TokenCounts> for UsageBody {
    fn from(counts: TokenCounts) -> Self {
        Self {
            prompt_tokens: counts.input,
            completion_tokens: counts.output,
            total_tokens: u64::from(counts.input) + u64::from(counts.output),
            prompt_tokens_details: PromptDetails { cached_tokens: counts.cached },
            completion_tokens_details: AnswerDetails { reasoning_tokens: counts.reasoning },
        }
    }
}
