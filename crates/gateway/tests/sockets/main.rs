//! The gateway between raw sockets: what clients get, what providers see, and what is written down.

mod admin;
mod answers;
mod clients;
mod continuations;
mod cors;
mod decisions;
mod drain;
mod evidence;
mod failures;
mod formats;
mod headers;
mod health;
mod keys;
mod media;
mod metrics;
mod operations;
mod reconfigure;
mod refusals;
mod request_options;
mod rig;
mod second_attempts;
#[cfg(feature = "tls")]
mod tls;
mod whole;
