//! What a plain client sees of a mock provider, over real sockets: each answer, and each fault.

mod admin;
mod answers;
mod bad_input;
mod calls;
mod client;
mod faults;
mod refusal;
mod setup;
mod statuses;
mod structured;
