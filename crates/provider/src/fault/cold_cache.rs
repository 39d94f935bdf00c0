//! The cache of prompts is empty: what a provider's users meet when traffic is moved to machines that have
//! not seen it. Attempts in flight go on.

use super::Effect;

/// It works on the prefill.
pub(super) const EFFECT: Effect = Effect::None;
