//! A chat that was asked for in the words of another API.

use super::native::{FrontApi, NativeRequest};
use super::request::{ChatRequest, RequestError, present, span};
use super::unsupported::Unsupported;
use crate::json::{json_string, parse_json};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Range;
use std::sync::Arc;

/// A body that asks for this model, whatever model it names itself. One that cannot be read stays as it is.
#[must_use]
pub fn with_model(body: Bytes, model: &str) -> Bytes {
    #[derive(Deserialize)]
    struct NamedModel<'a> {
        // A null is replaced, too: a second field of that name would be refused.
        #[serde(borrow, default, deserialize_with = "present")]
        model: Option<&'a RawValue>,
    }
    let Ok(named) = parse_json::<NamedModel<'_>>(&body) else { return body };
    let name = json_string(model);
    let brace = body.iter().position(|&byte| byte == b'{').map_or(0, |brace| brace + 1);
    let (place, text) = match named.model {
        Some(raw) => (span(&body, raw), name),
        None if body[brace..].trim_ascii_start().starts_with(b"}") => {
            (brace..brace, format!("\"model\":{name}"))
        }
        None => (brace..brace, format!("\"model\":{name},")),
    };
    [&body[..place.start], text.as_bytes(), &body[place.end..]].concat().into()
}

impl ChatRequest {
    /// The chat that was asked for through this API, beside the request as it came.
    ///
    /// # Errors
    /// When the chat is none, as that of a request without messages.
    pub(crate) fn of_front(
        api: FrontApi,
        chat: Bytes,
        native: NativeRequest,
    ) -> Result<Self, RequestError> {
        let mut asked = Self::parse(chat)?;
        (asked.front, asked.native) = (Some(api), Some(Arc::new(native)));
        Ok(asked)
    }

    /// The API of its client, where that is not OpenAI's chats.
    #[must_use]
    pub const fn front(&self) -> Option<FrontApi> {
        self.front
    }

    /// What it asks for, in the words of its client's API: for logs and metrics.
    #[must_use]
    pub const fn asks_for(&self) -> &'static str {
        match self.front {
            Some(api) => api.operation(),
            None => self.operation.path(),
        }
    }

    /// The API of its client, if it is there in the words of that client too.
    #[must_use]
    pub fn native_api(&self) -> Option<FrontApi> {
        self.front.filter(|_| self.native.is_some())
    }

    /// Why only such a deployment can be asked, if it is so.
    #[must_use]
    pub fn only_native(&self) -> Option<&Unsupported> {
        self.native.as_ref()?.only.as_ref()
    }

    /// The body as it came, with `model` in place of its own.
    #[must_use]
    pub fn native_body(&self, model: &str) -> Bytes {
        let Some(native) = &self.native else { return Bytes::new() };
        let Some(place) = native.model.clone() else { return native.body.clone() };
        let name = json_string(model);
        let mut out = Vec::with_capacity(native.body.len() + name.len());
        out.extend_from_slice(&native.body[..place.start]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&native.body[place.end..]);
        out.into()
    }

    /// Whether its stream is to tell its usage to whoever writes the client's: to the client, or to what writes its
    /// API.
    #[must_use]
    pub const fn reads_usage(&self) -> bool {
        self.include_usage || self.front.is_some()
    }

    /// Whether the client asked to be shown thoughts.
    pub(crate) fn shows_thoughts(&self) -> bool {
        self.native.as_ref().is_some_and(|native| native.thoughts)
    }

    /// Where the model stands in the body.
    pub(crate) fn model_place(&self) -> Range<usize> {
        self.model_span.clone()
    }

    /// Is as large, and needs as much, as the same request that was read in its own words.
    pub(crate) fn take_size_of(&mut self, known: &Self) {
        self.input_tokens = known.input_tokens;
        self.max_tokens = known.max_tokens;
        self.needs.tools = known.needs.tools;
        self.token = known.own_token();
    }

    /// A body as it can be read: halves of surrogate pairs are replaced.
    pub(crate) fn readable(body: &Bytes) -> Bytes {
        super::request::mended(body).unwrap_or_else(|| body.clone())
    }

    /// Where a value stands that was read from `body`.
    pub(crate) fn place_in(body: &Bytes, raw: &RawValue) -> Range<usize> {
        span(body, raw)
    }
}
