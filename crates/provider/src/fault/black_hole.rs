//! Connections are taken and nothing is answered. Attempts in flight that it hits send no more tokens and
//! do not end. Whoever it swallows holds no place.

use super::{Effect, InFlight, PlanModifier};
use crate::{AttemptEnding, Plan};
use squall_determinism::Timestamp;

pub(super) const EFFECT: Effect = Effect::Bend(PlanModifier::Ends(AttemptEnding::Never));

pub(super) const IN_FLIGHT: InFlight = InFlight::HitEnds(AttemptEnding::Never);

/// An arrival sees no token at all.
pub(super) const fn modifier(plan: Plan) -> Plan {
    Plan { first_at: Timestamp::MAX, tokens: 0, ending: AttemptEnding::Never, ..plan }
}
