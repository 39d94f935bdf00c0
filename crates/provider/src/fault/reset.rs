//! The connection of an answer is reset in the place of a token: as by a proxy on the way that dies. A reset
//! may overtake what was sent at the same moment, so it comes when the next token would have. Attempts in
//! flight go on.

use super::{Effect, PlanModifier};
use crate::{AttemptEnding, Plan};
use core::time::Duration;
use squall_determinism::Timestamp;

pub(super) const fn effect(after_tokens: u32) -> Effect {
    Effect::Bend(PlanModifier::Resets { after_tokens })
}

/// `now` is the start of service: without a token before it, nothing is waited for.
pub(super) fn modifier(now: Timestamp, plan: Plan, after_tokens: u32) -> Plan {
    let tokens = after_tokens.min(plan.tokens);
    if tokens == 0 {
        return Plan { ending: AttemptEnding::Reset { at: now }, tokens, ..plan };
    }
    let nanos = (plan.gap.as_nanos() as u64).saturating_mul(tokens.into());
    let at = plan.first_at + Duration::from_nanos(nanos);
    Plan { ending: AttemptEnding::Reset { at }, tokens, ..plan }
}
