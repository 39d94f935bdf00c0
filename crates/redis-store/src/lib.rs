//! The shared store of the replicas of a gateway, in Redis or Valkey: the script that keeps it, and a client that runs the
//! script.
//!
//! The script (`store.lua`) is [`Store`](squall_shared_state::Store) rule for rule; the suite `redis_store` holds one
//! against the other.

mod client;
pub mod codec;

pub use client::{RedisStore, SCRIPT, StoreFailure, UrlError};
