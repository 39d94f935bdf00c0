//! Faults: what goes wrong on a schedule. One file per kind; each states what happens to arrivals while
//! it lasts, and to the attempts in flight at its onset.

mod black_hole;
mod cut;
mod error;
mod refuse;
mod slowdown;
mod throttle;

use crate::{Ending, FaultKind, Plan};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;

/// What a fault does to an arrival that it hits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Answers it with an error.
    Answer { status: u16, class: FailureClass, retry_after: Option<Duration> },
    /// Lets it be served, otherwise than planned.
    Bend(Bend),
    /// Nothing: it works on connections.
    None,
}

/// How a plan is bent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bend {
    /// All its times are this many thousandths.
    Slower { factor_milli: u32 },
    /// It ends otherwise.
    Ends(Ending),
}

/// What a fault does at its onset to an attempt in flight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InFlight {
    /// Goes on as planned.
    GoesOn,
    /// Ends so if the fault hits it. What was sent stays sent; those who wait for a place meet the fault
    /// when their service starts.
    HitEnds(Ending),
    /// Ends so, whatever the share, and so do those who wait for a place.
    AllEnd(Ending),
}

impl FaultKind {
    pub(crate) fn effect(&self) -> Effect {
        match *self {
            Self::Error { status, class, retry_after } => error::effect(status, class, retry_after),
            Self::Refuse => refuse::EFFECT,
            Self::BlackHole => black_hole::EFFECT,
            Self::Slowdown { factor_milli } => slowdown::effect(factor_milli),
            Self::Throttle { retry_after } => throttle::effect(retry_after),
            Self::Cut { after_tokens } => cut::effect(after_tokens),
        }
    }

    pub(crate) fn in_flight(&self, now: Timestamp) -> InFlight {
        match self {
            Self::Refuse => refuse::in_flight(now),
            Self::BlackHole => black_hole::IN_FLIGHT,
            Self::Error { .. }
            | Self::Slowdown { .. }
            | Self::Throttle { .. }
            | Self::Cut { .. } => InFlight::GoesOn,
        }
    }
}

impl Bend {
    /// The plan, bent. `now` is the start of service.
    pub(crate) fn apply(self, now: Timestamp, plan: Plan) -> Plan {
        match self {
            Self::Slower { factor_milli } => slowdown::bend(now, plan, factor_milli),
            Self::Ends(Ending::Never) => black_hole::bend(plan),
            Self::Ends(ending) => Plan { ending, ..plan },
        }
    }
}
