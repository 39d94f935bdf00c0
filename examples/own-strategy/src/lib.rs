//! A custom routing strategy: rendezvous hashing of sessions with bounded load.
//!
//! - `strategy.rs` is the strategy: a [`Balancer`](squall_router::Balancer), and nothing else.
//! - `simulated.rs` runs it in virtual time against providers that fail, and judges the run.
//! - `live.rs` runs it in the service of the example `axum-router`, over sockets.

pub mod live;
pub mod simulated;
mod strategy;

pub use strategy::{Rendezvous, rendezvous};
