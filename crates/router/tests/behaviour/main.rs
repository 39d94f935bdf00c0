//! What the router does, one sentence a test, driven by hand through the public contract.

mod cooldown;
mod fallback;
mod queue;
mod retry;
mod rig;
mod timeouts;
