//! Decisions of the router and the ground truth of the faults: what annotates a chart.

use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::CallFailureCause;
use squall_router::RouterEvent;

/// One note.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoteRow {
    /// When.
    pub at: Timestamp,
    /// The request it is about, by its place in the run.
    pub request: Option<u64>,
    /// What.
    pub note: RecordedEvent,
}

/// What a note says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordedEvent {
    /// The router decided something.
    Router(RouterEvent),
    /// A fault began.
    FaultStarted {
        /// Of which provider, by its place in the header.
        provider: u16,
        /// Which, by its place among the provider's faults.
        fault: u16,
    },
    /// A fault ended.
    FaultEnded {
        /// Of which provider, by its place in the header.
        provider: u16,
        /// Which, by its place among the provider's faults.
        fault: u16,
    },
    /// A client's call failed, and it will call again: as its library does, whatever a router did for the call.
    ClientRetried {
        /// Which of its calls, from 0.
        nth: u16,
        /// Why the call failed.
        cause: CallFailureCause,
        /// How long until the next.
        wait: Duration,
    },
}

impl RecordedEvent {
    /// Whether it is of a provider, a deployment or the configuration, and not of a request or one of its attempts: a
    /// run has few of these, however many requests it has.
    #[must_use]
    pub const fn is_of_state(&self) -> bool {
        match self {
            Self::FaultStarted { .. } | Self::FaultEnded { .. } => true,
            Self::ClientRetried { .. } => false,
            Self::Router(event) => matches!(
                event,
                RouterEvent::CooldownStarted { .. }
                    | RouterEvent::CooldownEnded { .. }
                    | RouterEvent::Recovered { .. }
                    | RouterEvent::HealthChanged { .. }
                    | RouterEvent::SpendBudgetExceeded { .. }
                    | RouterEvent::Reconfigured { .. }
                    | RouterEvent::Shared(_)
            ),
        }
    }
}
