//! How a call of a client failed, as the library that made it sees it.

use core::fmt;

/// Why a call failed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CallFailureCause {
    /// No connection could be made.
    Refused,
    /// The connection was lost before the answer began.
    Lost,
    /// The answer had not begun in time.
    TimedOut,
    /// The answer was an error, with this HTTP status.
    Status(u16),
    /// An answer in one piece broke off.
    Cut,
    /// What no library tries again after: a stream that broke off, an answer that cannot be read.
    Final,
}

const WORDS: [(CallFailureCause, &str); 5] = [
    (CallFailureCause::Refused, "refused"),
    (CallFailureCause::Lost, "lost"),
    (CallFailureCause::TimedOut, "timed_out"),
    (CallFailureCause::Cut, "cut"),
    (CallFailureCause::Final, "final"),
];

impl CallFailureCause {
    /// The cause of its word, or of the number of a status.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let known = WORDS.iter().find(|(_, known)| *known == word).map(|(cause, _)| *cause);
        known.or_else(|| word.parse().ok().map(Self::Status))
    }
}

/// Its word, or the number of the status.
impl fmt::Display for CallFailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Status(status) = self {
            return write!(f, "{status}");
        }
        let word = WORDS.iter().find(|(cause, _)| cause == self);
        f.write_str(word.map_or("", |(_, word)| word))
    }
}
