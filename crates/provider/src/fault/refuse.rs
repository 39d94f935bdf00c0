//! Connections are refused. Attempts in flight are reset, as by a process that was killed.

use super::{Effect, InFlight};
use crate::AttemptEnding;
use squall_determinism::Timestamp;

/// Nobody arrives while connections are refused: the listener is closed.
pub(super) const EFFECT: Effect = Effect::None;

pub(super) const fn in_flight(now: Timestamp) -> InFlight {
    InFlight::AllEnd(AttemptEnding::Reset { at: now })
}
