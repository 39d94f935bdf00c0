//! A 200 that is no answer. Attempts in flight go on.

use super::Behaviour;
use crate::{AttemptEnding, BadAnswer};

pub(super) const fn behaviour(answer: BadAnswer) -> Behaviour {
    Behaviour::ending(AttemptEnding::Bad(answer))
}
