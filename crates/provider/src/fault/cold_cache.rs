//! The cache of prompts is empty: what a provider's users meet when traffic is moved to machines that have
//! not seen it. Attempts in flight go on.

use super::{Behaviour, ProviderEffect};

pub(super) const BEHAVIOUR: Behaviour =
    Behaviour { provider: ProviderEffect::EmptiesCache, ..Behaviour::NONE };
