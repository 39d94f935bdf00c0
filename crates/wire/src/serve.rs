//! What a format is to those who serve it: paths, requests as they come, and answers, streams, errors and
//! headers as its vendor writes them.
//!
//! Whoever serves decides what happens; a format only has the words for it. A format is a file in its
//! vendor's folder and one line in [`server`].

mod asked;
mod pen;
mod tool;

pub use asked::{Asked, Endpoint, Refused, Route, Vectors};
pub(crate) use asked::{choice_of, count_text, read_json};
pub(crate) use pen::id;
pub use pen::{AnswerHead, AnswerPen};
pub use tool::ToolCall;

use crate::openai::FinishReason;
use crate::{Format, LimitHeaders, Usage, anthropic, azure, gemini, openai};
use bytes::Bytes;
use http::HeaderMap;
use squall_failure::FailureClass;
use std::fmt::Debug;
use std::time::Duration;

/// The format, as a server needs it.
#[must_use]
pub const fn server(format: Format) -> &'static dyn Server {
    match format {
        Format::OpenAi => &openai::OpenAiServer,
        Format::Azure => &azure::AzureServer,
        Format::Anthropic => &anthropic::AnthropicServer,
        Format::Gemini => &gemini::GeminiServer,
    }
}

/// What a format is to a server.
pub trait Server: Debug + Send + Sync {
    /// What is asked for at this path with POST; `None` for nothing that there is.
    fn route(&self, path: &str, query: Option<&str>) -> Option<Route>;

    /// Whether the list of models is at this path.
    fn lists_models(&self, path: &str) -> bool;

    /// The list of models, made at `created`, in Unix seconds.
    fn models(&self, models: &mut dyn Iterator<Item = &str>, created: u64) -> Bytes;

    /// Reads what is asked for.
    ///
    /// # Errors
    /// When the body is not JSON, or lacks what its vendor demands.
    fn read(&self, route: &Route, body: Bytes) -> Result<Asked, Refused>;

    /// An answer in one piece.
    fn whole(&self, asked: &Asked, head: &AnswerHead, usage: Usage, finish: FinishReason) -> Bytes;

    /// What writes the pieces of a streamed answer.
    fn pen(&self, asked: &Asked, head: &AnswerHead) -> Box<dyn AnswerPen>;

    /// The status and the body of an error.
    fn error(&self, error: &Told<'_>) -> (u16, Bytes);

    /// The headers of an answer: its number, and the limits as they stand.
    fn headers(&self, headers: &mut HeaderMap, told: &HeadersTold<'_>);

    /// Whether a wait stands in a Retry-After, or elsewhere.
    fn has_retry_after(&self) -> bool {
        true
    }
}

/// An error that is to be told.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What went wrong.
    pub class: FailureClass,
    /// The status, if it is not what the class implies at this vendor.
    pub status: Option<u16>,
    /// The model that was asked.
    pub model: &'a str,
    /// The number of the answer, as in its headers.
    pub request_id: &'a str,
    /// The limit that was reached.
    pub exceeded: Option<Exceeded>,
    /// When it may pass.
    pub wait: Option<Duration>,
    /// The limits as they stand.
    pub limits: &'a Limits,
    /// Something more exact than the class says.
    pub message: Option<&'a str>,
    /// The field of the request that is wrong.
    pub param: Option<&'a str>,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exceeded {
    /// Requests per minute.
    Requests,
    /// Tokens per minute.
    Tokens,
    /// Tokens of prompts per minute.
    InputTokens,
    /// Tokens of answers per minute.
    OutputTokens,
    /// Requests per day.
    Day,
    /// The growth of traffic.
    Growth,
}

/// Limits as headers tell them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Requests and tokens per minute.
    pub both: LimitHeaders,
    /// Tokens of prompts, where they are counted apart.
    pub input: crate::LimitGauge,
    /// Tokens of answers, likewise.
    pub output: crate::LimitGauge,
}

/// What the headers of an answer tell.
#[derive(Clone, Copy, Debug)]
pub struct HeadersTold<'a> {
    /// The number of the answer.
    pub request_id: &'a str,
    /// The limits as they stand.
    pub limits: &'a Limits,
    /// Wall time, since 1970.
    pub unix: Duration,
    /// How long the answer took to begin.
    pub took: Duration,
}

impl Exceeded {
    /// Its unit, in words of an error message.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::Requests => "requests per min (RPM)",
            Self::Tokens => "tokens per min (TPM)",
            Self::InputTokens => "input tokens per min",
            Self::OutputTokens => "output tokens per min",
            Self::Day => "requests per day (RPD)",
            Self::Growth => "the growth of traffic",
        }
    }
}

impl Told<'_> {
    /// The gauge of the limit that was reached, if it has one.
    pub(crate) fn gauge(&self) -> Option<crate::LimitGauge> {
        match self.exceeded? {
            Exceeded::Requests => Some(self.limits.both.requests),
            Exceeded::Tokens => Some(self.limits.both.tokens),
            Exceeded::InputTokens => Some(self.limits.input),
            Exceeded::OutputTokens => Some(self.limits.output),
            Exceeded::Day | Exceeded::Growth => None,
        }
    }
}

#[cfg(test)]
mod tests;
