//! What a 200 holds that is no answer.

use squall_failure::FailureClass;

/// What comes instead of an answer, with status 200.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadAnswer {
    /// A body without a byte.
    Empty,
    /// The first half of an answer, cleanly ended: half of the JSON, or half of the events and half of
    /// one more.
    Truncated,
    /// A page in HTML, such as an edge shows in place of its origin.
    Html,
    /// The other kind of answer: a stream where none was asked for, one piece where a stream was.
    WrongType,
    /// A stream with all its tokens that ends without saying why or that it ends. An answer in one piece
    /// is whole.
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

    /// The class of failure that it is to whoever reads it: what is no answer at all is not half of one.
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
