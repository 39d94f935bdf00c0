//! Connections are taken and nothing is answered. Attempts in flight that it hits send no more tokens and
//! do not end. Whoever it swallows holds no place.

use super::{Bend, Effect, InFlight};
use crate::{Ending, Plan};
use squall_determinism::Timestamp;

pub(super) const EFFECT: Effect = Effect::Bend(Bend::Ends(Ending::Never));

pub(super) const IN_FLIGHT: InFlight = InFlight::HitEnds(Ending::Never);

/// An arrival sees no token at all.
pub(super) const fn bend(plan: Plan) -> Plan {
    Plan { first_at: Timestamp::MAX, tokens: 0, ending: Ending::Never, ..plan }
}
