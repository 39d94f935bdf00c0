//! What an event of a stream says.

use super::completion::{FinishReason, LooseFinish};
use super::made::{Made, Something};
use super::usage::{OpenAiUsage, Usage};
use crate::error::{failure_from_error, tells_error};
use crate::json::{LooseCount, Perhaps, parse_json, read_tolerantly};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use squall_failure::Failure;

/// What an event of a stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StreamEvent {
    /// A part of the answer.
    Chunk(Chunk),
    /// An error in the middle of the stream: nothing good follows.
    Error(Failure),
    /// The end mark.
    Done,
    /// Not an event of OpenAI's: no client gets it.
    Unreadable,
}

/// A part of an answer. One that has none of the below tells only the role.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Chunk {
    /// Whether it has anything that the model made: text, thoughts, sound, pictures, parts of calls. The
    /// first such chunk is the first token.
    pub content: bool,
    /// Why the answer ended, if it did.
    pub finish: Option<FinishReason>,
    /// What the answer used.
    pub usage: Option<Usage>,
}

impl StreamEvent {
    /// Reads the data of an event.
    #[must_use]
    pub fn read(data: &[u8]) -> Self {
        Self::read_choices(data, |_, _| {})
    }

    /// The same, telling of each choice its index and whether it ends here.
    pub(super) fn read_choices(data: &[u8], mut see: impl FnMut(u32, bool)) -> Self {
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            return Self::Done;
        }
        let Ok(shape) = read_tolerantly(data, |bytes| parse_json::<ChunkBody>(bytes)) else {
            return Self::Unreadable;
        };
        // What has no choices may be an error, too, of a shape that is not OpenAI's.
        let choices = shape.choices.as_deref().unwrap_or_default();
        let is_strange = shape.choices.is_none()
            || shape.error.is_some()
            || choices.iter().any(|choice| choice.error.is_some());
        if is_strange {
            let value = read_tolerantly(data, |bytes| serde_json::from_slice::<Value>(bytes));
            if value.is_ok_and(|value| tells_error(&value)) {
                return Self::Error(failure_from_error(data));
            }
        }
        let looks_like_a_chunk = shape.choices.is_some()
            || shape.usage.is_some()
            || (shape.object.is_some() && shape.id.is_some());
        if !looks_like_a_chunk {
            return Self::Unreadable;
        }
        for choice in choices {
            see(choice.index.0.unwrap_or(0), choice.finish().is_some());
        }
        Self::Chunk(Chunk {
            content: choices.iter().any(ChunkChoice::has_content),
            finish: choices.iter().find_map(ChunkChoice::finish),
            usage: shape.usage.and_then(OpenAiUsage::known),
        })
    }
}

#[derive(Deserialize)]
struct ChunkBody {
    choices: Option<Vec<ChunkChoice>>,
    usage: Option<Perhaps<OpenAiUsage>>,
    error: Option<IgnoredAny>,
    object: Option<IgnoredAny>,
    id: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ChunkChoice {
    #[serde(default)]
    index: LooseCount,
    #[serde(default)]
    delta: Made,
    /// The whole of it, as some send it in their only chunk.
    #[serde(default)]
    message: Made,
    /// What a completion of the older kind says.
    #[serde(default)]
    text: Something,
    #[serde(default)]
    finish_reason: LooseFinish,
    error: Option<IgnoredAny>,
}

impl ChunkChoice {
    fn has_content(&self) -> bool {
        self.text.0 || self.delta.0 || self.message.0
    }

    const fn finish(&self) -> Option<FinishReason> {
        self.finish_reason.0
    }
}
