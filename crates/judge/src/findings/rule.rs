//! What a rule about clients is.

use super::calls::ClientCall;
use super::settings::FindingSettings;

/// How bad it is to break a rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FindingSeverity {
    /// It makes an outage longer, or users get half an answer: the exit code tells.
    Error,
    /// It costs success or time, and may be on purpose.
    Warning,
}

impl FindingSeverity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A rule about clients.
#[derive(Clone, Copy, Debug)]
pub struct FindingRule {
    /// The word for the finding, in files and options.
    pub id: &'static str,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// Whether the finding infers what happened in the client.
    pub suspects: bool,
    /// What to do about it, in a line.
    pub advice: &'static str,
    /// Judges a call.
    pub(super) judge: fn(&ClientCall<'_>, &FindingSettings) -> RuleOutcome,
}

impl PartialEq for FindingRule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// What came of a rule for a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum RuleOutcome {
    /// Nothing happened that the rule is about.
    NotTested,
    Kept,
    /// Another attempt may still come.
    Waiting,
    /// The log cannot tell, and why.
    Unclear(&'static str),
    Broken {
        /// What was seen, in a sentence with figures.
        seen: String,
        /// At which attempts, by their places in the call.
        at: Vec<usize>,
    },
}
