//! The binary as a server and as a live run: what it serves, how it is controlled, how it is interrupted and ends.

mod admin;
mod admin_client;
mod blueprint;
#[cfg(unix)]
mod client_tls;
mod decision_log;
mod durable;
mod findings;
mod interrupt;
#[cfg(unix)]
mod live_checks;
mod load;
mod log;
#[cfg(unix)]
mod rolling_restart;
mod serve;
mod server;
#[cfg(unix)]
mod shards;
mod signals;
#[cfg(unix)]
mod simulated_runs;
#[path = "../command_line/squall.rs"]
mod squall;
mod telemetry;
