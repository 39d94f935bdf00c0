//! The types that a variable may be declared with.

use crate::unit::{self, Misfit};

/// What a variable must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum VariableType {
    Text,
    Number,
    Count,
    Duration,
    Percent,
    Money,
}

impl VariableType {
    /// Every type, by its word.
    pub(super) const WORDS: [&'static str; 6] =
        ["text", "number", "count", "duration", "percent", "money"];

    /// The type of a word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "text" => Self::Text,
            "number" => Self::Number,
            "count" => Self::Count,
            "duration" => Self::Duration,
            "percent" => Self::Percent,
            "money" => Self::Money,
            _ => return None,
        })
    }

    /// Whether a value is of this type.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(self, text: &str) -> Result<(), Misfit> {
        match self {
            Self::Text => Ok(()),
            Self::Number => unit::number(text).map(drop),
            Self::Count => unit::count(text).map(drop),
            Self::Duration => unit::duration(text).map(drop),
            Self::Percent => unit::share(text).map(drop),
            Self::Money => unit::money(text).map(drop),
        }
    }
}
