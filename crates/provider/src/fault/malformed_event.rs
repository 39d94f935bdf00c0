//! One event of a stream is no JSON, and the stream goes on. What it costs is up to who reads it: a gateway that
//! drops the event loses nothing. Attempts in flight go on.

use super::{Behaviour, Effect, PlanModifier};

pub(super) const fn behaviour(after_tokens: u32) -> Behaviour {
    Behaviour { effect: Effect::Modify(PlanModifier::Breaks { after_tokens }), ..Behaviour::NONE }
}
