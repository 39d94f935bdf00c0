//! How answers about sound are written.

/// What speech comes as, and the type that says so.
pub(crate) const SOUND_FORMATS: [(&str, &str); 6] = [
    ("mp3", "audio/mpeg"),
    ("opus", "audio/ogg"),
    ("aac", "audio/aac"),
    ("flac", "audio/flac"),
    ("wav", "audio/wav"),
    ("pcm", "audio/pcm"),
];

/// How an answer about sound is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sound {
    /// Speech of this format, as bytes.
    Bytes(&'static str),
    /// Speech as events.
    Events,
    /// A transcript of this format.
    Transcript(&'static str),
}

impl Sound {
    /// The type of the answer; `None` for what is usual.
    pub(crate) fn content_type(self, streams: bool) -> Option<&'static str> {
        match self {
            Self::Bytes(format) => {
                SOUND_FORMATS.iter().find(|(name, _)| *name == format).map(|(_, kind)| *kind)
            }
            Self::Transcript("text" | "srt" | "vtt") if !streams => {
                Some("text/plain; charset=utf-8")
            }
            Self::Events | Self::Transcript(_) => None,
        }
    }
}
