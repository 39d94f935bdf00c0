//! Azure OpenAI: OpenAI's bodies at paths of its own, with errors of its own.

mod call;
mod serve;

pub(crate) use call::Azure;
pub(crate) use serve::AzureServer;
