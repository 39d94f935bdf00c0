//! The misbehaving provider: how long it takes, what it refuses, and how it breaks. Sans-IO: it says
//! what a server would do and when; a shell does it, over sockets or in virtual time. See [`Provider`].

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod config;
mod fault;
mod input;
mod limit;
mod output;
mod provider;
mod repeats;

pub use config::{Capacity, FaultConfig, FaultKind, Limits, ProviderConfig, RateLimit, Window};
pub use input::{Arrival, Input, Tag};
pub use output::{
    CheckAnswer, Ending, LimitGauge, LimitState, Listener, Note, Output, Plan, Rejection,
};
pub use provider::Provider;
