//! Connections are refused. Attempts in flight are reset, as by a process that was killed.

use super::{Behaviour, InFlight, ProviderEffect};

pub(super) const BEHAVIOUR: Behaviour = Behaviour {
    provider: ProviderEffect::Refuses,
    in_flight: InFlight::AllReset,
    fails: true,
    ..Behaviour::NONE
};
