//! What the router does, one sentence a test, driven by hand through the public contract.

mod all_out;
mod changes;
mod conformance;
mod cooldown;
mod custom;
mod deadline;
mod evidence;
mod fallback;
mod gates;
mod hedging;
mod learned_limits;
mod mid_stream;
mod queue;
mod retry;
mod rig;
mod silence;
mod strategies;
mod timeouts;
