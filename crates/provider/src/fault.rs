//! Faults: what goes wrong on a schedule. One file per kind; each states what happens to arrivals while
//! it lasts, and to the attempts in flight at its onset.

mod bad_answer;
mod black_hole;
mod capacity_cut;
mod cold_cache;
mod config;
mod cut;
mod delay;
mod error;
mod first;
mod label;
mod limit_cut;
mod refuse;
mod reset;
mod slowdown;
mod stall;
mod stream_error;
mod throttle;

pub use capacity_cut::Recovery;
pub use config::{FaultConfig, FaultKind, FaultTarget, ProbeHealth};
pub use error::{ErrorAnswer, ErrorMix};
pub use first::{CountScope, FirstAttempts};

pub(crate) use config::left;
pub(crate) use first::HitCounts;

use crate::{AttemptEnding, Plan};
use core::time::Duration;
use squall_determinism::{RandomStream, Timestamp};

/// What a fault does to an arrival that it hits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Answers it with an error.
    Answer(ErrorAnswer),
    /// Lets it be served, otherwise than planned.
    Bend(PlanModifier),
    /// Nothing: it works on connections, limits or capacity.
    None,
}

/// How a plan is bent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PlanModifier {
    /// Its times are these many thousandths.
    Slower { ttft_milli: u32, itl_milli: u32 },
    /// Its first token comes so much later.
    Later(Duration),
    /// It ends otherwise.
    Ends(AttemptEnding),
    /// It is reset after so many tokens.
    Resets { after_tokens: u32 },
}

/// What a fault does at its onset to an attempt in flight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InFlight {
    /// Goes on as planned.
    GoesOn,
    /// Ends so if the fault hits it. What was sent stays sent; those who wait for a place meet the fault
    /// when their service starts.
    HitEnds(AttemptEnding),
    /// Ends so, whatever the share, and so do those who wait for a place.
    AllEnd(AttemptEnding),
}

impl FaultConfig {
    /// What it does at `now` to an arrival that it hits. Takes a draw only where there is a choice.
    pub(crate) fn effect(&self, now: Timestamp, draws: impl FnOnce() -> RandomStream) -> Effect {
        match self.kind {
            FaultKind::Error(answer) => Effect::Answer(answer),
            FaultKind::Errors(mix) => Effect::Answer(mix.draw(&mut draws())),
            FaultKind::Throttle { retry_after } => throttle::effect(retry_after),
            FaultKind::Refuse => refuse::EFFECT,
            FaultKind::Reset { after_tokens } => reset::effect(after_tokens),
            FaultKind::BlackHole => black_hole::EFFECT,
            FaultKind::Slowdown { ttft_milli, itl_milli } => {
                let grown = self.progress(now);
                slowdown::effect(
                    slowdown::grown(ttft_milli, grown),
                    slowdown::grown(itl_milli, grown),
                )
            }
            FaultKind::Delay { by } => delay::effect(by),
            FaultKind::Cut { after_tokens } => cut::effect(after_tokens),
            FaultKind::Stall { after_tokens } => stall::effect(after_tokens),
            FaultKind::StreamError { after_tokens, class } => {
                stream_error::effect(after_tokens, class)
            }
            FaultKind::BadAnswer(answer) => bad_answer::effect(answer),
            FaultKind::LimitCut { .. } => limit_cut::EFFECT,
            FaultKind::CapacityCut { .. } => capacity_cut::EFFECT,
            FaultKind::ColdCache => cold_cache::EFFECT,
        }
    }
}

impl FaultKind {
    pub(crate) const fn in_flight(&self, now: Timestamp) -> InFlight {
        match self {
            Self::Refuse => refuse::in_flight(now),
            Self::BlackHole => black_hole::IN_FLIGHT,
            Self::Error(_)
            | Self::Errors(_)
            | Self::Throttle { .. }
            | Self::Reset { .. }
            | Self::Slowdown { .. }
            | Self::Delay { .. }
            | Self::Cut { .. }
            | Self::Stall { .. }
            | Self::StreamError { .. }
            | Self::BadAnswer(_)
            | Self::LimitCut { .. }
            | Self::CapacityCut { .. }
            | Self::ColdCache => InFlight::GoesOn,
        }
    }

    /// Whether its onset and its tail change how hard it hits, and not how many.
    pub(crate) const fn grows_in_severity(&self) -> bool {
        matches!(self, Self::Slowdown { .. } | Self::LimitCut { .. } | Self::CapacityCut { .. })
    }
}

impl PlanModifier {
    /// Whether it says how the answer ends.
    pub(crate) const fn is_ending(self) -> bool {
        matches!(self, Self::Ends(_) | Self::Resets { .. })
    }

    /// The plan, bent. `now` is the start of service.
    pub(crate) fn apply(self, now: Timestamp, plan: Plan) -> Plan {
        match self {
            Self::Slower { ttft_milli, itl_milli } => {
                slowdown::modifier(now, plan, ttft_milli, itl_milli)
            }
            Self::Later(by) => delay::modifier(plan, by),
            Self::Ends(AttemptEnding::Never) => black_hole::modifier(plan),
            Self::Ends(ending) => Plan { ending, ..plan },
            Self::Resets { after_tokens } => reset::modifier(now, plan, after_tokens),
        }
    }
}
