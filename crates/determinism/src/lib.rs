//! What makes two runs of one seed alike: time, named random streams, laws and digests.
//!
//! Nothing here reads a clock or a generator that it was not given. Randomness comes from
//! [`Seed::stream`], keyed by purpose, entity and ordinal, so that a draw added in one place moves no
//! other, and two policies meet identical traffic. Laws are sampled by inverse distribution function
//! through `libm`, one uniform number per draw, so that a draw is the same number on every machine.

#![no_std]

mod digest;
mod gamma;
mod law;
mod normal;
mod quantiles;
mod share;
mod stream;
mod timestamp;

pub use digest::Digest;
pub use law::{Law, LawError};
pub use quantiles::Quantiles;
pub use share::Share;
pub use stream::{Draws, Purpose, Seed};
pub use timestamp::Timestamp;

#[cfg(test)]
extern crate std;
