//! A run in virtual time: the same router, provider and workload as over sockets, driven by an event
//! queue. Thousands of times as fast as real time, and the same bytes for the same seed.
//!
//! What it leaves out: the time that sockets, kernels and the gateway itself take. A stream is its first
//! token, its end, and a fault between them if one is due, not an event per token.

mod caller_view;
mod event;
mod in_flight;
mod world;

pub use squall_record::RowRetention;

use squall_determinism::{Shard, Timestamp};
use squall_record::Recording;
use squall_router::ConfigError;
use squall_scenario::Scenario;
use world::World;

/// What to keep of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SimOptions {
    /// Rows, or cells alone: rows of an hour at 1,000 requests per second are a gigabyte.
    pub keep: RowRetention,
    /// Whether to keep the journal of the router, to be replayed.
    pub journal: bool,
}

impl Default for SimOptions {
    /// Everything.
    fn default() -> Self {
        Self { keep: RowRetention::Rows, journal: true }
    }
}

/// Runs a scenario in virtual time, from its first request until the last one has ended.
///
/// # Errors
/// When the router cannot run with the scenario's configuration.
pub fn simulate(scenario: &Scenario, options: SimOptions) -> Result<Recording, ConfigError> {
    simulate_watched(scenario, options, &mut |_| true)
}

/// The same, and tells every so often how far virtual time is. Where `watch` says no, the run ends there: the recording is
/// one of an interrupted run, of which the requests under way are unfinished.
///
/// # Errors
/// When the router cannot run with the scenario's configuration.
pub fn simulate_watched(
    scenario: &Scenario,
    options: SimOptions,
    watch: &mut dyn FnMut(Timestamp) -> bool,
) -> Result<Recording, ConfigError> {
    simulate_shard(scenario, options, None, watch)
}

/// The same of a shard of the traffic: a router and providers that see this part of it alone.
///
/// # Errors
/// When the router cannot run with the scenario's configuration.
pub fn simulate_shard(
    scenario: &Scenario,
    options: SimOptions,
    shard: Option<Shard>,
    watch: &mut dyn FnMut(Timestamp) -> bool,
) -> Result<Recording, ConfigError> {
    let mut world = World::new(scenario, options, shard)?;
    world.run(watch);
    Ok(world.into_recording())
}
