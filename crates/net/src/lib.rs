//! Sockets of the live drivers: listeners with a backlog that a spike does not overflow, the limit on open
//! files, and a count of what failed because this process or its machine ran short.
//!
//! Limits on open files and ports are those of the process and the machine, so the counts are the process's
//! too: gateway, mock providers and driver of one run share them.

mod listener;
mod shortage;
#[cfg(feature = "tls")]
mod trust;

pub use listener::{BACKLOG, backlog, bind, listen};
pub use shortage::{Shortage, Shortages, raise_file_limit, shortages};
#[cfg(feature = "tls")]
pub use trust::{machine_roots, machine_tls_client, tls_client};
