//! Anthropic messages.

mod call;
mod call_answer;
mod call_error;
mod call_request;
mod call_stream;
mod limits;
mod serve;
mod serve_arguments;
mod serve_error;
mod serve_writer;

pub(crate) use call::Anthropic;
pub(crate) use serve::AnthropicServer;
