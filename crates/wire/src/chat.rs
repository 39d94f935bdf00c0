//! A chat in no vendor's words: what is asked, what is answered, in one piece or as a stream, and what it used.
//!
//! Its form on the wire is that of OpenAI's chat completions, which clients in front and most vendors speak. What a
//! vendor calls all this stands in its own folder.

mod chunk_pattern;
mod completion;
mod continuation;
mod conversation;
mod filler_check;
mod form_request;
mod front;
mod litellm_keys;
mod made;
mod multipart;
mod native;
mod new_chat;
mod operation;
mod request;
mod stream;
mod stream_event;
mod text;
mod unsupported;
mod usage;

pub use completion::{AnswerMeta, Completion, FinishReason, read_completion};
pub use continuation::{AnswerSoFar, ContinuationForm, NoContinuation, StreamSplicer};
pub(crate) use conversation::{
    Attachment, Chat, ContentPart, Effort, Shaped, ToolDefinition, ToolRequirement, Turn,
    alternating,
};
pub use filler_check::FillerCheck;
pub(crate) use filler_check::{PriorAnswer, prior_answer};
pub use front::with_model;
pub use litellm_keys::LitellmKeys;
pub(crate) use multipart::Form;
pub use native::FrontApi;
pub(crate) use native::NativeRequest;
pub use new_chat::{NewChat, ResponseMode};
pub use operation::Operation;
pub(crate) use operation::ResponseShape;
pub use request::{ChatRequest, RequestError, RequiredCapabilities};
pub use stream::{ChatStream, ChunkWriter};
pub use stream_event::{Chunk, StreamEvent};
pub(crate) use text::MeteredText;
pub use unsupported::Unsupported;
pub(crate) use usage::OpenAiUsage;
pub use usage::Usage;
