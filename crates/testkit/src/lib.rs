//! What tests of several crates share: recordings made by hand, and the bundled scenarios. Nothing but tests uses it.

pub mod by_hand;
pub mod library;
