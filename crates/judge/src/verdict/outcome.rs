//! What an expectation is told as: how it came out, or as a warning if it is soft and was not met.

use super::Judgement;
use std::fmt;

/// What an expectation is told as.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum RowOutcome {
    /// Missed.
    Missed,
    /// Neither met nor missed can be said.
    Inconclusive,
    /// A soft expectation that is missed or inconclusive: no verdict counts it.
    Warned,
    /// Met.
    Met,
}

impl RowOutcome {
    /// What an expectation that came out so is told as.
    #[must_use]
    pub const fn of(judgement: Judgement, soft: bool) -> Self {
        match (judgement, soft) {
            (Judgement::Met, _) => Self::Met,
            (Judgement::Missed | Judgement::Inconclusive, true) => Self::Warned,
            (Judgement::Missed, false) => Self::Missed,
            (Judgement::Inconclusive, false) => Self::Inconclusive,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => Judgement::Met.as_str(),
            Self::Missed => Judgement::Missed.as_str(),
            Self::Inconclusive => Judgement::Inconclusive.as_str(),
            Self::Warned => "warned",
        }
    }

    /// The word in Markdown, where a miss stands out.
    pub(crate) fn markdown(self) -> String {
        match self {
            Self::Missed => format!("**{self}**"),
            Self::Inconclusive | Self::Warned | Self::Met => self.to_string(),
        }
    }
}

impl fmt::Display for RowOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
