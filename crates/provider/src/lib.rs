//! The misbehaving provider: how long it takes, what it refuses, and how it breaks. Sans-IO: it says
//! what a server would do and when; a driver does it, over sockets or in virtual time. See [`Provider`].

#![no_std]
// A wildcard arm over an enum of ours hides what is forgotten when one more variant is added.
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod attempt_plan;
mod attempt_tag;
mod bad_answer;
mod config;
mod fault;
mod input;
mod latency;
mod limit;
mod output;
mod provider;
mod random_faults;
mod repeated_requests;
mod retry_after;
mod vendor_errors;

pub use attempt_plan::{AttemptEnding, AttemptPlan, DeliveryMode, PlanEnd, PlanStep};
pub use attempt_tag::AttemptTag;
pub use bad_answer::BadAnswer;
pub use config::{
    AssistantPrefill, Capacity, OnDisconnect, OverloadResponse, ProviderConfig, ProviderLimits,
    ProviderRateLimit, ProviderWindow, QueueOrder, RampLimit, TokenAccounting,
};
pub use fault::{
    CountScope, ErrorAnswer, ErrorMix, FaultConfig, FaultKind, FaultTarget, FirstAttempts,
    ProbeHealth, Recovery,
};
pub use input::{AttemptArrival, ProviderInput, name_hash};
pub use latency::{BatchSlowdown, Prefill, PromptCache, SlowShare};
pub use output::{
    CheckAnswer, LimitState, LimitStatus, Listener, ProviderEvent, ProviderOutput, ProviderStatus,
    Rejection,
};
pub use provider::Provider;
pub use random_faults::RandomFault;
pub use retry_after::RetryAfter;
pub use vendor_errors::VendorErrors;

/// The example of the README compiles and holds.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
