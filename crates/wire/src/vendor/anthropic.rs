//! Anthropic messages.

mod call;
mod call_answer;
mod call_error;
mod call_request;
mod call_stream;
mod front;
mod front_answer;
mod front_content;
mod limits;
mod serve;
mod serve_arguments;
mod serve_error;
mod serve_writer;

pub(crate) use call::Anthropic;
pub(crate) use front::AnthropicFront;
pub(crate) use serve::AnthropicServer;
