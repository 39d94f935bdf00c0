//! The LLM APIs as bytes: requests, responses, errors, limit headers, server-sent events. No I/O.
//!
//! What all vendors share stands in modules of its own; each vendor's dialect is one module more. Clients
//! speak [`openai`]; [`call`] is how any dialect is spoken to its vendor.

mod anthropic;
mod azure;
mod filler;
mod format;
mod gemini;
mod go_duration;
mod limits;
mod retry_after;
mod server_settings;
mod sse;
mod token;

pub mod browser;
pub mod call;
pub mod openai;
pub mod serve;

pub(crate) use filler::BYTES_PER_TOKEN;
pub use filler::{estimate_tokens, push_text, word};
pub use format::Format;
pub use limits::{LimitGauge, LimitHeaders};
pub use retry_after::{read_retry_after, write_retry_after};
pub use server_settings::{ANSWER_MAX, ServerSettings, StreamUsage};
pub use sse::{SseDecoder, SseError, SseEvent, push_event};
pub use token::{RequestToken, TOKEN_HEADER, TokenError};

/// Tokens that an answer used, as the provider counts them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}
