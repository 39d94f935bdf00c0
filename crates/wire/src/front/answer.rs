//! Answers to chats, read whole: every text and call of them.

use crate::call::{Image, Reply, RequestedCall, Stamp, TokenCounts, Whole, failed_late};
use crate::chat::FinishReason;
use crate::json::{LooseCount, Perhaps, read_tolerantly};
use serde::Deserialize;
use squall_failure::{Failure, FailureClass};

/// An answer in one piece.
#[derive(Clone, Debug)]
pub(crate) struct NeutralAnswer {
    /// Its id, without what OpenAI's begin with.
    pub(crate) id: String,
    pub(crate) model: String,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) replies: Vec<Reply>,
    pub(crate) counts: Option<TokenCounts>,
}

/// A chunk of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct NeutralChunk {
    /// The id of the answer, without what OpenAI's begin with.
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    /// Unix seconds.
    pub(crate) created: Option<u64>,
    pub(crate) deltas: Vec<NeutralDelta>,
    pub(crate) counts: Option<TokenCounts>,
}

/// What a chunk adds to one of the answers that were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct NeutralDelta {
    /// Which of them.
    pub(crate) index: u32,
    pub(crate) text: String,
    pub(crate) reasoning: String,
    /// Parts of calls, each with its place among the calls of this answer. The first part has the name.
    pub(crate) calls: Vec<(u32, RequestedCall)>,
    pub(crate) images: Vec<Image>,
    pub(crate) finish: Option<FinishReason>,
}

impl NeutralAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is none to a chat.
    pub(crate) fn of(answer: &Whole, stamp: &Stamp) -> Result<Self, Failure> {
        Self::read(&answer.body, stamp).ok_or_else(|| failed_late(FailureClass::Malformed))
    }

    fn read(body: &[u8], stamp: &Stamp) -> Option<Self> {
        let read =
            read_tolerantly(body, |bytes| serde_json::from_slice(bytes).map(ToldAnswer::neutral));
        let NeutralChunk { id, model, created, deltas, counts } = read.ok()?;
        let reply = |delta: NeutralDelta| Reply {
            text: delta.text,
            reasoning: delta.reasoning,
            calls: delta.calls.into_iter().map(|(_, call)| call).collect(),
            images: delta.images,
            finish: delta.finish,
        };
        (!deltas.is_empty()).then(|| Self {
            id: id.unwrap_or_else(|| format!("{:x}", stamp.number)),
            model: model.unwrap_or_else(|| stamp.model.clone()),
            created: created.unwrap_or(stamp.created),
            replies: deltas.into_iter().map(reply).collect(),
            counts,
        })
    }
}

impl NeutralChunk {
    /// Reads the data of an event; `None` if it is no chunk.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        let read =
            read_tolerantly(data, |bytes| serde_json::from_slice(bytes).map(ToldAnswer::neutral));
        read.ok()
    }
}

/// A body or a chunk: they differ in the name of what a choice holds.
#[derive(Deserialize)]
struct ToldAnswer {
    #[serde(default)]
    id: Perhaps<String>,
    #[serde(default)]
    model: Perhaps<String>,
    #[serde(default)]
    created: Perhaps<u64>,
    #[serde(default)]
    choices: Vec<ToldChoice>,
    #[serde(default)]
    usage: Perhaps<ToldUsage>,
}

#[derive(Deserialize)]
struct ToldChoice {
    #[serde(default)]
    index: LooseCount,
    message: Option<ToldMessage>,
    delta: Option<ToldMessage>,
    #[serde(default)]
    finish_reason: Perhaps<String>,
}

#[derive(Default, Deserialize)]
struct ToldMessage {
    #[serde(default)]
    content: Perhaps<ToldText>,
    #[serde(default)]
    reasoning_content: Perhaps<String>,
    #[serde(default)]
    reasoning: Perhaps<String>,
    #[serde(default)]
    refusal: Perhaps<String>,
    #[serde(default)]
    tool_calls: Perhaps<Vec<ToldCall>>,
    #[serde(default)]
    images: Perhaps<Vec<ToldImage>>,
}

/// A text, or parts of which some are texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum ToldText {
    Text(String),
    Parts(Vec<ToldPart>),
}

#[derive(Deserialize)]
struct ToldPart {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct ToldCall {
    #[serde(default)]
    index: LooseCount,
    #[serde(default)]
    id: Perhaps<String>,
    #[serde(default)]
    function: Perhaps<ToldFunction>,
    #[serde(default)]
    extra_content: Perhaps<ToldExtra>,
}

#[derive(Default, Deserialize)]
struct ToldFunction {
    #[serde(default)]
    name: Perhaps<String>,
    #[serde(default)]
    arguments: Perhaps<String>,
}

#[derive(Deserialize)]
struct ToldExtra {
    google: Option<ToldGoogle>,
}

#[derive(Deserialize)]
struct ToldGoogle {
    thought_signature: Option<String>,
}

#[derive(Deserialize)]
struct ToldImage {
    image_url: ToldUrl,
}

#[derive(Deserialize)]
struct ToldUrl {
    url: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldUsage {
    prompt_tokens: LooseCount,
    completion_tokens: LooseCount,
    prompt_tokens_details: Perhaps<ToldPromptDetails>,
    completion_tokens_details: Perhaps<ToldAnswerDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldPromptDetails {
    cached_tokens: LooseCount,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldAnswerDetails {
    reasoning_tokens: LooseCount,
}

impl ToldAnswer {
    fn neutral(self) -> NeutralChunk {
        let bare = |id: String| match id.strip_prefix("chatcmpl-") {
            Some(bare) => bare.to_owned(),
            None => id,
        };
        NeutralChunk {
            id: self.id.0.filter(|id| !id.is_empty()).map(bare),
            model: self.model.0.filter(|model| !model.is_empty()),
            created: self.created.0,
            deltas: self.choices.into_iter().map(ToldChoice::neutral).collect(),
            counts: self.usage.0.and_then(ToldUsage::counts),
        }
    }
}

impl ToldChoice {
    fn neutral(self) -> NeutralDelta {
        let message = self.message.or(self.delta).unwrap_or_default();
        let mut text = match message.content.0 {
            Some(ToldText::Text(text)) => text,
            Some(ToldText::Parts(parts)) => parts.into_iter().map(|part| part.text).collect(),
            None => String::new(),
        };
        text.push_str(&message.refusal.0.unwrap_or_default());
        let reasoning = message.reasoning_content.0.or(message.reasoning.0);
        let calls = message.tool_calls.0.unwrap_or_default();
        let images = message.images.0.unwrap_or_default();
        let word = self.finish_reason.0.filter(|word| !word.is_empty());
        NeutralDelta {
            index: self.index.0.unwrap_or(0),
            text,
            reasoning: reasoning.unwrap_or_default(),
            calls: calls.into_iter().zip(0..).map(|(call, place)| call.neutral(place)).collect(),
            images: images.into_iter().map(|image| Image { url: image.image_url.url }).collect(),
            finish: word.map(|word| FinishReason::of_word(&word)),
        }
    }
}

impl ToldCall {
    /// `place` among those of the same message, for a call that does not say it itself.
    fn neutral(self, place: u32) -> (u32, RequestedCall) {
        let function = self.function.0.unwrap_or_default();
        let google = self.extra_content.0.and_then(|extra| extra.google);
        let call = RequestedCall {
            id: self.id.0.unwrap_or_default(),
            name: function.name.0.unwrap_or_default(),
            arguments: function.arguments.0.unwrap_or_default(),
            thought_signature: google.and_then(|google| google.thought_signature),
        };
        (self.index.0.unwrap_or(place), call)
    }
}

impl ToldUsage {
    fn counts(self) -> Option<TokenCounts> {
        let cached = self.prompt_tokens_details.0.and_then(|details| details.cached_tokens.0);
        let reasoning =
            self.completion_tokens_details.0.and_then(|details| details.reasoning_tokens.0);
        Some(TokenCounts {
            input: self.prompt_tokens.0?,
            cached: cached.unwrap_or(0),
            output: self.completion_tokens.0?,
            reasoning: reasoning.unwrap_or(0),
        })
    }
}
