//! The gateway between raw sockets: what clients get, what providers see, and what is written down.

mod answers;
mod failures;
mod rig;
