//! A 200 that is no answer. Attempts in flight go on.

use super::{Bend, Effect};
use crate::{BadAnswer, Ending};

pub(super) const fn effect(answer: BadAnswer) -> Effect {
    Effect::Bend(Bend::Ends(Ending::Bad(answer)))
}
