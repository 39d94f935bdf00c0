//! Limits are a part of what they were. What was let in counts on; in flight all goes on. Its onset and its
//! tail change the part.

use super::Effect;

/// It works on limits.
pub(super) const EFFECT: Effect = Effect::None;
