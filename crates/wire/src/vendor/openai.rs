//! OpenAI, and those who copy it: chat completions, completions, responses, embeddings, pictures, sound.

mod call;
mod front;
mod front_answer;
mod front_items;
mod models;
mod reader;
mod serve;
mod serve_arguments;
mod serve_audio;
mod serve_chat;
mod serve_completions;
mod serve_embeddings;
mod serve_error;
mod serve_images;
mod serve_responses;

pub(crate) use call::OpenAi;
pub(crate) use front::ResponsesFront;
pub use models::models_body;
pub(crate) use serve::OpenAiServer;

/// What Azure serves as OpenAI does.
pub(crate) mod serving {
    pub(crate) use super::serve::{answer_writer, endpoint, read, whole};
    pub(crate) use super::serve_chat::Filters;
    pub(crate) use super::serve_error::api_error;
}

/// Where chat completions are asked for.
pub const COMPLETIONS_PATH: &str = "/v1/chat/completions";

/// Where the list of models is.
pub const MODELS_PATH: &str = "/v1/models";
