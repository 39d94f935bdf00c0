//! A checklist that has been read: what a rollout goes through, item by item.

use core::time::Duration;
use squall_determinism::Share;
use squall_provider::FaultConfig;

/// A rollout, from an old path to a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct Checklist {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Path of the scenario to rehearse, relative to the checklist.
    pub scenario: String,
    /// The group that serves the old path.
    pub from: String,
    /// The group that serves the new path.
    pub to: String,
    /// Requests per second, instead of the scenario's rate.
    pub rate: Option<f64>,
    /// The rise of errors that a step has to be able to detect.
    pub detect: Rise,
    /// What has to hold in every step: expectations that may speak of the kinds `old` and `new`.
    pub gate: Vec<String>,
    /// The items, in order.
    pub items: Vec<ChecklistItem>,
}

/// A rise of the share of requests that fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    /// The normal error rate.
    pub from: f64,
    /// The error rate that is too high.
    pub to: f64,
}

/// A point of a checklist.
#[derive(Clone, Debug, PartialEq)]
pub struct ChecklistItem {
    /// Its line in the file, from 1.
    pub line: u32,
    /// What there is to do.
    pub what: ItemKind,
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// A step that a person confirms.
    Manual {
        /// What.
        text: String,
    },
    /// The configuration is looked at, and nothing is run.
    Static {
        /// Checks that need not pass: which, and why not.
        waived: Vec<(StaticCheck, String)>,
    },
    /// All traffic takes the old path, and nothing goes wrong.
    Baseline(RolloutStage),
    /// A share of the traffic takes the new path.
    Step {
        /// How much of it.
        share: Share,
        /// For how long, and what goes wrong meanwhile.
        stage: RolloutStage,
    },
    /// A share takes the new path; in the middle all traffic goes back to the old one.
    Rollback {
        /// How much of it, until then.
        share: Share,
        /// For how long, and what goes wrong from the start on.
        stage: RolloutStage,
        /// How soon afterwards the last request on the new path has to have ended.
        within: Duration,
    },
}

/// A stretch of traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutStage {
    /// How long; `None` for as long as detection takes.
    pub dwell: Option<Duration>,
    /// What goes wrong.
    pub fault: Option<StageFault>,
    /// What has to hold; `None` for the gate of the checklist.
    pub gate: Option<Vec<String>>,
}

/// What goes wrong in a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageFault {
    /// The provider.
    pub provider: String,
    /// What, from the moment at which it is injected.
    pub fault: FaultConfig,
    /// The same as a scenario would write it, on one line and without its time: `for: 2m, error: 503`.
    pub text: String,
}

/// What can be seen of a configuration without a run.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum StaticCheck {
    /// When a provider is gone, another one serves the group, be it by a fallback.
    OtherProvider,
    /// Attempts end in time for another before the client hangs up.
    Deadline,
    /// Retries have a budget, so that they cannot multiply an outage.
    RetryBudget,
    /// A deployment that fails gets a rest.
    Cooldown,
    /// What is left without any one provider lets in the traffic.
    NMinusOne,
}

impl StaticCheck {
    /// Every check, in the order in which they are made.
    pub const ALL: [Self; 5] =
        [Self::OtherProvider, Self::Deadline, Self::RetryBudget, Self::Cooldown, Self::NMinusOne];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherProvider => "other_provider",
            Self::Deadline => "deadline",
            Self::RetryBudget => "retry_budget",
            Self::Cooldown => "cooldown",
            Self::NMinusOne => "n_minus_one",
        }
    }
}
