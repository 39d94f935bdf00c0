//! What the readers make of good files, and what they say about bad ones.

mod arrivals;
mod bad;
mod bad_routing;
mod client;
mod faults;
mod good;
mod large;
mod rates;
mod routing;
mod sources;
mod target;
mod trace;
pub(crate) mod whole;
