//! Faults: what goes wrong on a schedule. Each kind has a file, which says what it does while it lasts to
//! arrivals, to attempts in flight at its onset and to the provider; this one is the table of them. A new kind
//! is a variant, a line in each of the two tables below, and its file.

mod bad_answer;
mod behaviour;
mod black_hole;
mod capacity_cut;
mod capacity_recovery;
mod cold_cache;
mod config;
mod cut;
mod delay;
mod error;
mod error_answer;
mod first_attempts;
mod limit_cut;
mod malformed_event;
mod no_end_mark;
mod plan_modifier;
mod refuse;
mod reset;
mod slowdown;
mod stall;
mod stream_error;
mod throttle;

pub use capacity_recovery::Recovery;
pub use config::{FaultConfig, FaultTarget, ProbeHealth};
pub use error_answer::{ErrorAnswer, ErrorMix};
pub use first_attempts::{CountScope, FirstAttempts};

pub(crate) use behaviour::{Behaviour, Effect, InFlight, ProviderEffect};
pub(crate) use config::left;
pub(crate) use first_attempts::HitCounts;
pub(crate) use plan_modifier::PlanModifier;

use crate::BadAnswer;
use core::fmt;
use core::time::Duration;
use squall_determinism::Share;
use squall_failure::FailureClass;

/// What goes wrong. Each kind states what happens to the attempts that are in flight at its onset.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Answers with an error at once. In flight: go on.
    Error(ErrorAnswer),
    /// Answers with one of several errors at once, drawn for each. In flight: go on.
    Errors(ErrorMix),
    /// Answers 429, whatever the limits say. In flight: go on.
    Throttle {
        /// What Retry-After says, if anything.
        retry_after: Option<Duration>,
    },
    /// Refuses connections. In flight: reset, as by a process that was killed.
    Refuse,
    /// Resets the connection of an answer after so many tokens; one that is not streamed, before its
    /// first byte. In flight: go on.
    Reset {
        /// Tokens sent before the reset; 0 for as soon as the request is there.
        after_tokens: u32,
    },
    /// Takes connections and never answers. In flight: those it hits send no more tokens
    /// and do not end.
    BlackHole,
    /// Takes these multiples of its time. In flight: go on at their old speed.
    Slowdown {
        /// Of the time to the first token and of errors, in thousandths: 3000 for three times as long.
        ttft_milli: u32,
        /// Of the time between tokens.
        itl_milli: u32,
    },
    /// Answers, but first stands still for so long. In flight: go on.
    Delay {
        /// What is added to the time to the first token.
        by: Duration,
        /// Whether the head of a stream leaves at once, and only its first token is late.
        early_head: bool,
    },
    /// Ends a stream after so many tokens, without its end mark; an answer that is not streamed, before
    /// its first byte of body. In flight: go on.
    Cut {
        /// Tokens sent before the cut.
        after_tokens: u32,
    },
    /// Falls silent after so many tokens, and keeps the connection open; an answer that is not streamed
    /// never comes. In flight: go on. Who is stalled holds its place until its caller leaves.
    Stall {
        /// Tokens sent before the silence.
        after_tokens: u32,
        /// How long the silence lasts, after which the connection closes without an end. `None`: for ever.
        closes: Option<Duration>,
    },
    /// Ends a stream after so many tokens with an error event; an answer that is not streamed is that
    /// error. In flight: go on.
    StreamError {
        /// Tokens sent before the event.
        after_tokens: u32,
        /// What class of failure it tells.
        class: FailureClass,
    },
    /// Sends one event that is no JSON before a token of a stream, which then goes on. Nothing to an answer
    /// that is not streamed, or is shorter. In flight: go on.
    MalformedEvent {
        /// Tokens sent before the event.
        after_tokens: u32,
    },
    /// Leaves the end mark out of a stream that is whole otherwise. Nothing to an answer that is not
    /// streamed, and to formats without such a mark. In flight: go on.
    NoEndMark,
    /// Answers 200 with something that is no answer. In flight: go on.
    BadAnswer(BadAnswer),
    /// Its limits are this part of what they were. What was let in counts on.
    LimitCut {
        /// What is left of each limit.
        to: Share,
    },
    /// It works on this part of what it could at once. In flight: go on, over the number if need be.
    CapacityCut {
        /// What is left of its places, at least one.
        to: Share,
        /// How they come back while the fault lasts. `None`: they do not.
        recovery: Option<Recovery>,
    },
    /// Its cache of prompts is empty and stays so.
    ColdCache,
}

impl FaultKind {
    /// What it does: all that the provider knows of a kind.
    pub(crate) fn behaviour(&self) -> Behaviour {
        match *self {
            Self::Error(answer) => error::behaviour(answer),
            Self::Errors(mix) => error::mixed(mix),
            Self::Throttle { retry_after } => throttle::behaviour(retry_after),
            Self::Refuse => refuse::BEHAVIOUR,
            Self::Reset { after_tokens } => reset::behaviour(after_tokens),
            Self::BlackHole => black_hole::BEHAVIOUR,
            Self::Slowdown { ttft_milli, itl_milli } => slowdown::behaviour(ttft_milli, itl_milli),
            Self::Delay { by, early_head } => delay::behaviour(by, early_head),
            Self::Cut { after_tokens } => cut::behaviour(after_tokens),
            Self::Stall { after_tokens, closes } => stall::behaviour(after_tokens, closes),
            Self::StreamError { after_tokens, class } => {
                stream_error::behaviour(after_tokens, class)
            }
            Self::MalformedEvent { after_tokens } => malformed_event::behaviour(after_tokens),
            Self::NoEndMark => no_end_mark::BEHAVIOUR,
            Self::BadAnswer(answer) => bad_answer::behaviour(answer),
            Self::LimitCut { to } => limit_cut::behaviour(to),
            Self::CapacityCut { to, recovery } => capacity_cut::behaviour(to, recovery),
            Self::ColdCache => cold_cache::BEHAVIOUR,
        }
    }

    /// Whether it does something to attempts, each by itself. Others work on connections, limits, capacity or
    /// the cache, and can neither be counted by attempts nor hit only some.
    #[must_use]
    pub fn hits_attempts(&self) -> bool {
        self.behaviour().effect != Effect::None
    }

    /// Gives a status to each error that has none.
    pub(crate) fn fill_in(&mut self, status: impl Fn(FailureClass) -> u16) {
        if let Self::Error(answer) = self {
            answer.status.get_or_insert_with(|| status(answer.class));
        } else if let Self::Errors(mix) = self {
            mix.fill_in(status);
        }
    }

    /// Everything takes this many thousandths of its time.
    #[must_use]
    pub const fn slowdown(factor_milli: u32) -> Self {
        Self::Slowdown { ttft_milli: factor_milli, itl_milli: factor_milli }
    }
}

impl fmt::Display for FaultKind {
    /// In a few words, the same in summaries, on charts and on pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Error(answer) => answer.fmt(f),
            Self::Errors(mix) => {
                let total: u32 = mix.errors().map(|(_, weight)| weight).sum();
                for (place, (answer, weight)) in mix.errors().enumerate() {
                    let percent = f64::from(weight) * 100.0 / f64::from(total.max(1));
                    let comma = if place == 0 { "" } else { ", " };
                    let status = answer.status.unwrap_or_else(|| answer.class.status());
                    write!(f, "{comma}{percent:.0}% {status}")?;
                }
                Ok(())
            }
            Self::Throttle { .. } => f.write_str("429 storm"),
            Self::Refuse => f.write_str("refused"),
            Self::Reset { after_tokens: 0 } => f.write_str("reset"),
            Self::Reset { after_tokens } => write!(f, "reset after {after_tokens} tokens"),
            Self::BlackHole => f.write_str("black hole"),
            Self::Slowdown { ttft_milli, itl_milli } if ttft_milli == itl_milli => {
                write!(f, "{}x slower", f64::from(ttft_milli) / 1e3)
            }
            Self::Slowdown { ttft_milli, itl_milli } => {
                let (ttft, itl) = (f64::from(ttft_milli) / 1e3, f64::from(itl_milli) / 1e3);
                write!(f, "first token {ttft}x, tokens {itl}x slower")
            }
            Self::Delay { by, .. } => write!(f, "{by:?} late"),
            Self::Cut { after_tokens } => write!(f, "cut after {after_tokens} tokens"),
            Self::Stall { after_tokens, .. } => write!(f, "stall after {after_tokens} tokens"),
            Self::MalformedEvent { after_tokens } => {
                write!(f, "malformed event after {after_tokens} tokens")
            }
            Self::NoEndMark => f.write_str("no end mark"),
            Self::StreamError { after_tokens, class } => {
                write!(f, "{} in the stream after {after_tokens} tokens", class.as_str())
            }
            Self::BadAnswer(answer) => write!(f, "200 {}", answer.as_str()),
            Self::LimitCut { to } => write!(f, "limits at {to}"),
            Self::CapacityCut { to, recovery: None } => write!(f, "capacity at {to}"),
            Self::CapacityCut { to, recovery: Some(recovery) } => {
                write!(f, "capacity from {to}, +{} a minute", recovery.per_minute)
            }
            Self::ColdCache => f.write_str("cold cache"),
        }
    }
}
