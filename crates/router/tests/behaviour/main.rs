//! What the router does, one sentence a test, driven by hand through the public contract.

mod adaptive_concurrency;
mod admission;
mod conformance;
mod cooldown;
mod custom;
mod deadline;
mod eligibility;
mod evidence;
mod fallback;
mod group_unavailable;
mod header_limits;
mod hedging;
mod mid_stream;
mod panic_threshold;
mod queue;
mod quota_headroom;
mod reconfigure;
mod retry;
mod retry_hint;
mod rig;
mod shedding;
mod silence;
mod slow_start;
mod spend;
mod strategies;
mod timeouts;
