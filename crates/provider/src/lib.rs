//! The misbehaving provider: how long it takes, what it refuses, and how it breaks. Sans-IO: it says
//! what a server would do and when; a shell does it, over sockets or in virtual time. See [`Provider`].

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bad_answer;
mod config;
mod fault;
mod input;
mod latency;
mod limit;
mod output;
mod provider;
mod random;
mod repeats;
mod retry_after;
mod tag;
mod vendor;

pub use bad_answer::BadAnswer;
pub use config::{
    Capacity, Counted, HungUp, Limits, ProviderConfig, QueueOrder, RampLimit, RateLimit, Shed,
    Window,
};
pub use fault::{ErrorAnswer, ErrorMix, FaultConfig, FaultKind, Health, Recovery, Target};
pub use input::{Arrival, Input, name_hash};
pub use latency::{BatchSlowdown, Prefill, PromptCache, SlowShare};
pub use output::{
    CheckAnswer, Ending, LimitGauge, LimitKind, LimitState, Listener, Note, Output, Plan,
    ProviderStatus, Rejection,
};
pub use provider::Provider;
pub use random::RandomFault;
pub use retry_after::RetryAfter;
pub use tag::Tag;
pub use vendor::VendorErrors;
