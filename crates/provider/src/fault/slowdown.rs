//! Everything takes a multiple of its time. Attempts in flight go on at their old speed. Its onset and its
//! tail change the multiple.

use super::{Behaviour, Effect, PlanModifier};

pub(super) const fn behaviour(ttft_milli: u32, itl_milli: u32) -> Behaviour {
    let effect = Effect::Modify(PlanModifier::Slower { ttft_milli, itl_milli });
    Behaviour { effect, grows_in_severity: true, ..Behaviour::NONE }
}
