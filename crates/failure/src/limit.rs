//! Which limit of a provider an attempt was over.

/// A limit of a provider. Its word is the limit's key in a scenario.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ProviderLimitKind {
    /// Requests per minute.
    Requests,
    /// Tokens per minute.
    Tokens,
    /// Prompt tokens per minute.
    InputTokens,
    /// Output tokens per minute.
    OutputTokens,
    /// Requests per day.
    Day,
    /// The growth of traffic.
    Growth,
    /// Attempts at once, with its queue.
    Capacity,
}

impl ProviderLimitKind {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Requests,
        Self::Tokens,
        Self::InputTokens,
        Self::OutputTokens,
        Self::Day,
        Self::Growth,
        Self::Capacity,
    ];

    /// Its word: the key that sets it in a scenario.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "rpm",
            Self::Tokens => "tpm",
            Self::InputTokens => "input_tpm",
            Self::OutputTokens => "output_tpm",
            Self::Day => "rpd",
            Self::Growth => "ramp",
            Self::Capacity => "capacity",
        }
    }

    /// The one with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.as_str() == word)
    }
}
