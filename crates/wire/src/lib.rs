//! The LLM APIs as bytes: requests, responses, errors, limit headers, server-sent events. No I/O.
//!
//! What all vendors share stands below: [`chat`], what is asked and answered in no vendor's words, and [`error`].
//! [`call`] and [`serve`] say what a format is to those who call it and to those who serve it, and [`front`] what it is to
//! clients of a gateway. The vendors stand beside
//! each other above, a folder each, and [`Format`] names them.

mod filler;
mod go_duration;
mod json;
mod limits;
mod program;
mod retry_after;
mod server_settings;
mod sse;
mod tls_settings;
mod token;
mod vendor;

pub mod browser;
pub mod call;
pub mod chat;
pub mod client_error;
pub mod error;
pub mod front;
pub mod serve;

pub use chat::Usage;
pub(crate) use filler::BYTES_PER_TOKEN;
pub use filler::{estimate_tokens, push_text, word};
pub use limits::{HeaderGauge, LimitHeaders};
pub use program::{ProgramAnswer, ProgramRequest, ProgramUsage};
pub use retry_after::{read_retry_after, write_retry_after};
pub use server_settings::{ANSWER_MAX, ServerSettings, StreamUsage};
pub use sse::{SseDecoder, SseError, SseEvent, push_event};
pub use tls_settings::TlsSettings;
pub use token::{RequestToken, TOKEN_HEADER, TokenError, TokenPlaces};
pub use vendor::{Format, dialect, front_format, openai, server};
