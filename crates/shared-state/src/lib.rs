//! What the replicas of a router share through a store: quota, cooldowns and probes. Sans-IO and integer arithmetic
//! only, so that the store's half fits a script in Redis or Valkey. See [`Store`] for the guarantee and its rules.

#![no_std]
// A wildcard arm over an enum of ours hides what is forgotten when one more variant is added.
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod key;
mod lease;
mod protocol;
mod replica;
mod store;
mod usage_window;

pub use key::{DeploymentKey, ResourceKey};
pub use lease::{DrawTerms, Lease};
pub use protocol::{
    Draw, Grant, Notice, NoticeState, PROTOCOL_VERSION, Resource, SyncError, SyncReply,
    SyncRequest, UsedUnits,
};
pub use replica::{Accepted, Replica, ReplicaConfig, SharedInput, StoreChange, SyncReplyHead};
pub use store::{Store, StoreConfig};
pub use usage_window::{BUCKETS, UsageWindow};

/// The example of the README compiles and holds.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
