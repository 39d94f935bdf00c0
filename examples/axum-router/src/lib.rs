//! The router core inside an axum service.
//!
//! - `router_task.rs` drives the core: events come through a channel, timers are sleeps, outputs are executed.
//! - `service.rs` is the axum service in front of it.
//! - `upstream.rs` has upstreams to call, and the call itself.

pub mod router_task;
pub mod service;
pub mod upstream;

pub use router_task::RouterTask;
