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
    Capacity, Counted, HungUp, ProviderConfig, ProviderLimits, ProviderRateLimit, ProviderWindow,
    QueueOrder, RampLimit, Shed,
};
pub use fault::{
    ErrorAnswer, ErrorMix, FaultConfig, FaultKind, FaultTarget, ProbeHealth, Recovery,
};
pub use input::{AttemptArrival, ProviderInput, name_hash};
pub use latency::{BatchSlowdown, Prefill, PromptCache, SlowShare};
pub use output::{
    AttemptEnding, CheckAnswer, LimitState, LimitStatus, Listener, Plan, ProviderEvent,
    ProviderLimitKind, ProviderOutput, ProviderStatus, Rejection,
};
pub use provider::Provider;
pub use random::RandomFault;
pub use retry_after::RetryAfter;
pub use tag::AttemptTag;
pub use vendor::VendorErrors;

/// The example of the README compiles and holds.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
