//! The store in a real Redis, and stores that are none.

mod differential;
mod failures;
mod redis_server;
