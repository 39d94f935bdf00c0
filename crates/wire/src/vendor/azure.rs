//! Azure OpenAI: OpenAI's bodies at paths of its own, with errors of its own.

mod call;
mod serve;
mod serve_error;

pub(crate) use call::Azure;
pub(crate) use serve::AzureServer;
