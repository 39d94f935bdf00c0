//! What a request asks for, whatever its vendor.

use super::{Sound, Wants};
use crate::RequestToken;
use crate::chat::MeteredText;
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use std::borrow::Cow;

/// What is asked for at a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// What.
    pub endpoint: ApiEndpoint,
    /// The model, where the path tells it.
    pub model: Option<String>,
    /// Whether a stream, where the path tells it.
    pub stream: Option<bool>,
    /// Whether a stream comes as server-sent events; else it is one JSON list.
    pub events: bool,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ApiEndpoint {
    /// OpenAI chat completions.
    Chat,
    /// OpenAI completions.
    Completions,
    /// OpenAI responses.
    Responses,
    /// OpenAI embeddings.
    Embeddings,
    /// OpenAI pictures.
    Images,
    /// OpenAI pictures that are changed.
    ImageEdits,
    /// OpenAI pictures like another.
    ImageVariations,
    /// OpenAI speech.
    Speech,
    /// OpenAI transcripts.
    Transcriptions,
    /// OpenAI transcripts in English.
    Translations,
    /// Anthropic messages.
    Messages,
    /// Gemini contents.
    Generate,
}

impl Route {
    /// An endpoint at a path that tells nothing more.
    pub(crate) const fn to(endpoint: ApiEndpoint) -> Self {
        Self { endpoint, model: None, stream: None, events: true }
    }
}

/// A request that was read.
#[derive(Clone, Debug)]
pub struct ParsedRequest {
    /// What it asks for.
    pub endpoint: ApiEndpoint,
    /// Of which model.
    pub model: String,
    /// Whether as it comes.
    pub stream: bool,
    /// Whether a stream comes as server-sent events.
    pub events: bool,
    /// Whether a stream is to end with a usage chunk.
    pub include_usage: bool,
    /// The most tokens wanted.
    pub max_tokens: Option<u32>,
    /// The tokens of the prompt, estimated.
    pub input_tokens: u32,
    /// Where its last message has the role of the assistant, how many tokens of filler it says: the beginning
    /// of the answer, or 0 for another text. `None` where it does not end so.
    pub prefill: Option<u32>,
    /// Where its last message quotes an answer that was cut off and asks to go on from its end, how many tokens of
    /// filler that is; `None` where it does not.
    pub quoted: Option<u32>,
    /// What it wants of its answer.
    pub wants: Wants,
    /// Of embeddings: how many texts, how many numbers for each, and whether they come as base64.
    pub vectors: Option<Vectors>,
    /// How an answer about sound is written.
    pub(crate) sound: Option<Sound>,
    /// The body as it came.
    pub body: Bytes,
    /// The token that rides in its text.
    pub(crate) token: Option<RequestToken>,
}

/// The vectors that are wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Vectors {
    /// How many.
    pub count: u32,
    /// How many numbers each has.
    pub dimensions: u32,
    /// Whether they come as base64, little-endian floats.
    pub base64: bool,
}

impl ParsedRequest {
    /// A request of this size that asks for nothing in particular.
    pub(crate) fn new(route: &Route, model: String, body: Bytes) -> Self {
        Self {
            endpoint: route.endpoint,
            model,
            stream: route.stream.unwrap_or(false),
            events: route.events,
            include_usage: false,
            max_tokens: None,
            input_tokens: 0,
            prefill: None,
            quoted: None,
            wants: Wants::default(),
            vectors: None,
            sound: None,
            body,
            token: None,
        }
    }

    /// A request of which no more is known than its model: what an error about it tells.
    #[must_use]
    pub fn of_model(model: &str) -> Self {
        Self::new(&Route::to(ApiEndpoint::Chat), model.to_owned(), Bytes::new())
    }

    /// The type of its answer, where that is neither JSON nor events.
    #[must_use]
    pub fn answer_type(&self) -> Option<&'static str> {
        self.sound.and_then(|sound| sound.content_type(self.stream))
    }

    /// The token that rides in the request: in its headers, or else in its text.
    #[must_use]
    pub fn token(&self, headers: &HeaderMap) -> Option<RequestToken> {
        RequestToken::from_headers(headers).or(self.token)
    }
}

/// Why a body is no request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// For a person.
    pub message: String,
    /// The field that is wrong.
    pub param: Option<Cow<'static, str>>,
    /// What its vendor calls such a mistake, where it has a word for it.
    pub code: Option<&'static str>,
}

impl Refused {
    pub(crate) fn new(message: impl Into<String>, param: Option<&'static str>) -> Self {
        Self { message: message.into(), param: param.map(Cow::Borrowed), code: None }
    }

    /// A mistake of no field in particular.
    #[must_use]
    pub fn plain(message: impl Into<String>) -> Self {
        Self::new(message, None)
    }

    /// A field that its vendor demands is not there.
    pub(crate) fn missing(param: &'static str) -> Self {
        let code = Some("missing_required_parameter");
        Self { code, ..Self::new(format!("Missing required parameter: '{param}'."), Some(param)) }
    }
}

/// A body of this shape.
pub(crate) fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| {
        let message = if error.is_data() {
            format!("Invalid request: {error}")
        } else {
            format!("We could not parse the JSON body of your request: {error}")
        };
        Refused::new(message, None)
    })
}

/// Bytes and token of several texts.
pub(crate) fn count_text(
    texts: impl IntoIterator<Item = MeteredText>,
) -> (usize, Option<RequestToken>) {
    texts
        .into_iter()
        .fold((0, None), |(bytes, token), text| (bytes + text.bytes, text.token.or(token)))
}
