//! Gemini `generateContent`.

mod call;
mod call_answer;
mod call_error;
mod call_request;
mod front;
mod front_answer;
mod front_contents;
mod serve;
mod serve_arguments;
mod serve_error;

pub(crate) use call::Gemini;
pub(crate) use front::GeminiFront;
pub(crate) use serve::GeminiServer;
