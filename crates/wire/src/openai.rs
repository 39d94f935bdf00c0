//! OpenAI chat completions, as OpenAI and those who copy it speak them.

mod call;
mod completion;
mod error;
mod made;
mod models;
mod new_chat;
mod operation;
mod reader;
mod request;
mod serve;
mod serve_arguments;
mod serve_chat;
mod serve_completions;
mod serve_embeddings;
mod serve_error;
mod serve_responses;
mod stream;
mod text;

pub use crate::call::{failure_from_error, failure_from_response};
pub(crate) use call::OpenAi;
pub use completion::{Answer, Completion, FinishReason, read_completion};
pub use error::ApiError;
pub use models::models_body;
pub use new_chat::{Delivery, NewChat};
pub use operation::Operation;
pub use request::{ChatRequest, Needs, RequestError};
pub(crate) use serve::OpenAiServer;
pub(crate) use serve_arguments::any_object;
pub use stream::{ChatStream, Chunk, ChunkWriter, StreamEvent};
pub(crate) use text::Text;

/// What Azure serves as OpenAI does.
pub(crate) mod serving {
    pub(crate) use super::serve::{endpoint, pen, read, whole};
    pub(crate) use super::serve_chat::Filters;
    pub(crate) use super::serve_error::api_error;
}

/// Where chat completions are asked for.
pub const COMPLETIONS_PATH: &str = "/v1/chat/completions";

/// Where the list of models is.
pub const MODELS_PATH: &str = "/v1/models";

/// The text as a JSON string, quotes included.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}
