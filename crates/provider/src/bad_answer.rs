//! Invalid bodies with status 200.

use squall_failure::FailureClass;

/// An invalid body with status 200.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadAnswer {
    /// An empty body.
    Empty,
    /// The first half of an answer with a proper end: half of the JSON, or half of the events and half of one
    /// more.
    Truncated,
    /// An HTML page, such as the error page of a proxy.
    Html,
    /// The wrong type: a stream instead of one body, or one body instead of a stream.
    WrongType,
    /// A stream with all its tokens, without finish reason and end-of-stream marker. A non-streamed answer is
    /// complete.
    NoEnd,
}

impl BadAnswer {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Empty, Self::Truncated, Self::Html, Self::WrongType, Self::NoEnd];

    /// The word for it in files and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Html => "html",
            Self::WrongType => "wrong_type",
            Self::NoEnd => "no_end",
        }
    }

    /// The bad answer that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.as_str() == word)
    }

    /// The failure class for a reader: an invalid answer is different from a truncated one.
    #[must_use]
    pub const fn class(self) -> FailureClass {
        match self {
            Self::Empty | Self::Html | Self::WrongType => FailureClass::Malformed,
            Self::Truncated | Self::NoEnd => FailureClass::Cut,
        }
    }

    /// How many of the tokens of an answer a stream shows.
    #[must_use]
    pub const fn tokens(self, tokens: u32) -> u32 {
        match self {
            Self::Empty | Self::Html | Self::WrongType => 0,
            Self::Truncated => tokens / 2,
            Self::NoEnd => tokens,
        }
    }
}
