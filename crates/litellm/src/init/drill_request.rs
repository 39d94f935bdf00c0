//! What the clients of a group ask for.

use crate::read::ModelEntry;

/// How requests of a group look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DrillRequest {
    Chat,
    /// Prompts alone: embeddings, moderation, ranking.
    Embedding,
    /// One slow answer in one piece: pictures, speech.
    Media,
}

impl DrillRequest {
    /// By `model_info.mode`, and else by the model's name.
    pub(super) fn of(entry: &ModelEntry) -> Self {
        let model = entry.model.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| model.contains(word));
        match entry.mode.as_str() {
            "embedding" | "rerank" | "moderation" => Self::Embedding,
            "image_generation"
            | "image_edit"
            | "audio_speech"
            | "audio_transcription"
            | "video_generation" => Self::Media,
            "chat" | "completion" | "responses" => Self::Chat,
            _ if has(&["embed", "rerank", "moderation"]) => Self::Embedding,
            _ if has(&["dall-e", "gpt-image", "whisper", "tts", "imagen", "flux"]) => Self::Media,
            _ => Self::Chat,
        }
    }

    /// The mean tokens of a request, prompt and answer, of the sizes that the text has.
    pub(super) const fn tokens(self) -> f64 {
        match self {
            Self::Chat => 720.0,
            Self::Embedding => 500.0,
            Self::Media => 60.0,
        }
    }
}
