//! The APIs of clients beside OpenAI's chats, and a request in the words of one of them.

use super::operation::Operation;
use super::unsupported::Unsupported;
use bytes::Bytes;
use std::ops::Range;

/// An API of clients that is not OpenAI's chat completions.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FrontApi {
    /// Anthropic's messages.
    Messages,
    /// OpenAI's responses.
    Responses,
    /// Gemini's contents.
    Contents,
}

impl FrontApi {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Messages, Self::Responses, Self::Contents];

    /// What it asks for, in logs and metrics.
    #[must_use]
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Messages => "/messages",
            Self::Responses => Operation::Response.path(),
            Self::Contents => "/generateContent",
        }
    }
}

/// A request as its client wrote it.
#[derive(Clone, Debug)]
pub(crate) struct NativeRequest {
    /// The body.
    pub(crate) body: Bytes,
    /// Where the model stands in it, if it does.
    pub(crate) model: Option<Range<usize>>,
    /// What of it has no words in a chat, so that only a deployment of the same format can be asked.
    pub(crate) only: Option<Unsupported>,
    /// Whether its client asked to be shown thoughts.
    pub(crate) thoughts: bool,
}
