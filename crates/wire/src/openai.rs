//! OpenAI chat completions, as OpenAI and those who copy it speak them.

mod completion;
mod error;
mod failure;
mod models;
mod new_chat;
mod request;
mod stream;
mod text;

pub use completion::{Answer, Completion, FinishReason, read_completion};
pub use error::ApiError;
pub use failure::{failure_from_error, failure_from_response};
pub use models::models_body;
pub use new_chat::{Delivery, NewChat};
pub use request::{ChatRequest, Needs, RequestError};
pub use stream::{Chunk, ChunkWriter, StreamEvent};

/// Where chat completions are asked for.
pub const COMPLETIONS_PATH: &str = "/v1/chat/completions";

/// Where the list of models is.
pub const MODELS_PATH: &str = "/v1/models";

/// The text as a JSON string, quotes included.
fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}
