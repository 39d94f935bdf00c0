//! What tests of several crates share: recordings made by hand. Nothing but tests uses it.

pub mod by_hand;
