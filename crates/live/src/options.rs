//! What a run is told beside its scenario.

use crate::StopHandle;
use squall_determinism::Shard;
use squall_record::{FeedSender, RowRetention};
use squall_scenario::TargetConfig;
use std::path::PathBuf;
use std::time::SystemTime;

/// How a scenario is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Rows and the journal, or cells alone. Of a run that is killed there are rows all the same.
    pub keep: RowRetention,
    /// Ends the run early.
    pub stop: StopHandle,
    /// A folder to write rows into as they come, so that a run that is killed leaves what it has measured. It
    /// holds no recording yet; [`Recording::write`](squall_record::Recording::write) completes it. Without it everything is in memory until
    /// the end.
    pub folder: Option<PathBuf>,
    /// Where rows go besides, for whoever watches the run.
    pub feed: Option<FeedSender>,
    /// The gateway to test in place of the built-in one, and of the scenario's own target.
    pub target: Option<TargetOptions>,
    /// What is behind the gateway.
    pub backends: Backends,
    /// Which part of the traffic is sent, of a run that several processes carry out together.
    pub shard: Option<Shard>,
    /// The time of day at which the traffic begins; as soon as everything is ready without it.
    pub start: Option<SystemTime>,
}

/// What is behind the gateway of a run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Backends {
    /// The mock providers of the scenario.
    #[default]
    MockProviders,
    /// Providers of its own, of which nothing is known: only traffic is sent, to a target that runs already. On
    /// another machine it may be if its host is among these.
    Own {
        /// Hosts beside this machine.
        allowed_hosts: Vec<String>,
    },
}

/// A gateway to test in place of the built-in one.
#[derive(Clone, Debug)]
pub struct TargetOptions {
    /// What it is called.
    pub name: String,
    /// Its version, where that is known.
    pub version: Option<String>,
    /// What it is.
    pub config: TargetConfig,
    /// Folders in which its program is looked for before those of `PATH`.
    pub path: Vec<PathBuf>,
}

impl Default for RunOptions {
    /// Rows are kept, in memory, and the run goes on to its end.
    fn default() -> Self {
        Self {
            keep: RowRetention::Rows,
            stop: StopHandle::new(),
            folder: None,
            feed: None,
            target: None,
            backends: Backends::MockProviders,
            shard: None,
            start: None,
        }
    }
}
