//! LiteLLM in an outage: the simulation held against what was measured of the real one, by both versions.

mod figures;
mod measured;
mod outage;
