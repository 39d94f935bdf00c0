//! An error at once, always the same or one of several. Attempts in flight go on.

use super::{Behaviour, Effect, ErrorAnswer, ErrorMix};

pub(super) fn behaviour(answer: ErrorAnswer) -> Behaviour {
    Behaviour { effect: Effect::Answer(answer), fails: answer.breaks(), ..Behaviour::NONE }
}

pub(super) fn mixed(mix: ErrorMix) -> Behaviour {
    Behaviour { effect: Effect::AnswerOneOf(mix), fails: mix.mostly_breaks(), ..Behaviour::NONE }
}
