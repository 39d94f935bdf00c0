//! What a kind of fault does, as data: the core carries it out and knows no kinds.

use super::{ErrorAnswer, ErrorMix, PlanModifier, Recovery};
use crate::AttemptEnding;
use squall_determinism::Share;

/// What a kind of fault does while it lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Behaviour {
    /// To an arrival that it hits.
    pub(crate) effect: Effect,
    /// To an attempt in flight, at its onset.
    pub(crate) in_flight: InFlight,
    /// To the provider as a whole.
    pub(crate) provider: ProviderEffect,
    /// Whether its onset and its tail change how hard it hits, and not how many.
    pub(crate) grows_in_severity: bool,
    /// Whether it fails those that it hits, so that traffic should leave.
    pub(crate) fails: bool,
}

impl Behaviour {
    /// Nothing, in flight all goes on, and its share grows: a kind says what differs.
    pub(crate) const NONE: Self = Self {
        effect: Effect::None,
        in_flight: InFlight::GoesOn,
        provider: ProviderEffect::None,
        grows_in_severity: false,
        fails: false,
    };

    /// Answers that end otherwise than planned, which is a failure.
    pub(crate) const fn ending(ending: AttemptEnding) -> Self {
        let effect = Effect::Modify(PlanModifier::Ends(ending));
        Self { effect, fails: true, ..Self::NONE }
    }
}

/// What a fault does to an arrival that it hits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Answers it with an error.
    Answer(ErrorAnswer),
    /// Answers it with one of several errors, drawn for each.
    AnswerOneOf(ErrorMix),
    /// Lets it be served, otherwise than planned.
    Modify(PlanModifier),
    /// Nothing: it works on the provider.
    None,
}

/// What a fault does at its onset to an attempt in flight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InFlight {
    /// Goes on as planned.
    GoesOn,
    /// Ends so if the fault hits it. What was sent stays sent; those who wait for a place meet the fault
    /// when their service starts.
    HitEnds(AttemptEnding),
    /// Is reset, whatever the share, and so is who waits for a place.
    AllReset,
}

/// What a fault does to its provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ProviderEffect {
    /// Nothing.
    None,
    /// Its listener is closed: nobody arrives, and checks are refused.
    Refuses,
    /// Its limits are this part of what they were.
    CutsLimits(Share),
    /// Its places are this part of what they were, and come back so.
    CutsCapacity(Share, Option<Recovery>),
    /// Its cache of prompts is empty.
    EmptiesCache,
}
