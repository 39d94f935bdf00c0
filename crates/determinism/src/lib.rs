//! What makes two runs of one seed alike: time, named random streams, distributions and digests.
//!
//! Nothing here reads a clock or a generator that it was not given. Randomness comes from
//! [`Seed::stream`], keyed by purpose, entity and ordinal, so that a draw added in one place moves no
//! other, and two policies meet identical traffic. Distributions are sampled by inverse distribution function
//! through `libm`, one uniform number per draw, so that a draw is the same number on every machine.

#![no_std]

mod digest;
mod distribution;
mod gamma;
mod normal;
mod quantiles;
mod random_stream;
mod shard;
mod share;
mod timestamp;

pub use digest::Digest;
pub use distribution::{Distribution, DistributionError};
pub use quantiles::Quantiles;
pub use random_stream::{RandomStream, Seed, StreamPurpose};
pub use shard::{Shard, ShardError};
pub use share::Share;
pub use timestamp::Timestamp;

#[cfg(test)]
extern crate std;

/// The example of the README compiles and holds.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
