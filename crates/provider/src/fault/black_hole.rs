//! Connections are taken and nothing is answered. Attempts in flight that it hits send no more tokens and
//! do not end. Whoever it swallows holds no place.

use super::{Behaviour, InFlight};
use crate::AttemptEnding;

pub(super) const BEHAVIOUR: Behaviour = Behaviour {
    in_flight: InFlight::HitEnds(AttemptEnding::Never),
    ..Behaviour::ending(AttemptEnding::Never)
};
