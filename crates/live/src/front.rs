//! What clients ask: the built-in gateway, or another one.

use crate::lag_probe::LagProbe;
use crate::store_process::StoreProcess;
use crate::under_test::UnderTest;
use crate::{LiveError, changes, part_runtime::runtime};
use squall_determinism::Timestamp;
use squall_gateway::{Gateway, GatewayLog, GatewaySetup, GatewayView};
use squall_record::{RowSender, ServerLag};
use squall_scenario::StoreFault;
use squall_target::ResourceUsage;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// What clients ask.
#[derive(Debug)]
pub(crate) enum Front {
    BuiltIn(Box<BuiltIn>),
    Target(Box<UnderTest>),
}

/// The replicas of the built-in gateway, on a runtime of their own.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    runtime: Runtime,
    /// At least one.
    gateways: Vec<Gateway>,
    probe: LagProbe,
}

/// What the front leaves behind.
#[derive(Debug, Default)]
pub(crate) struct FrontLog {
    /// Of the built-in gateway.
    pub(crate) gateway: GatewayLog,
    /// Of the built-in gateway.
    pub(crate) lag: Option<ServerLag>,
    /// Of another one, where the system tells.
    pub(crate) usage: Option<ResourceUsage>,
}

/// For requests whose clients have all gone: the gateway has only to notice.
const DRAIN: Duration = Duration::from_secs(2);

impl BuiltIn {
    /// Starts a replica for each setup. `shared` is what they share, and the schedule of its store, which runs until the
    /// replicas stop.
    pub(crate) fn start(
        setups: Vec<GatewaySetup>,
        times: &[Timestamp],
        store: Option<(StoreProcess, Vec<StoreFault>)>,
    ) -> Result<Self, LiveError> {
        let clock = setups[0].clock;
        let runtime = runtime("gateway")?;
        let start = |setup| runtime.block_on(Gateway::start(setup));
        let gateways = setups.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
        for gateway in &gateways {
            runtime.spawn(changes::follow(clock, gateway.view(), times.to_vec()));
        }
        if let Some((store, faults)) = store {
            runtime.spawn(store.follow(clock, faults));
        }
        let probe = LagProbe::start(&runtime, "gateway", clock);
        Ok(Self { runtime, gateways, probe })
    }

    fn stop(self) -> FrontLog {
        let lag = self.probe.stop(&self.runtime);
        let gateways = self.gateways;
        let replicas = gateways.len();
        let logs = self.runtime.block_on(async {
            let mut stopping: JoinSet<_> =
                gateways.into_iter().map(|gateway| gateway.shutdown(DRAIN)).collect();
            let mut logs = Vec::with_capacity(replicas);
            while let Some(log) = stopping.join_next().await {
                logs.extend(log);
            }
            logs
        });
        // What the store's schedule holds is dropped with its runtime, and ends with it.
        self.runtime.shutdown_timeout(DRAIN);
        FrontLog { gateway: joined(logs), lag, usage: None }
    }
}

/// The logs of all replicas. The journal is that of one router: with several there is none.
fn joined(logs: Vec<GatewayLog>) -> GatewayLog {
    let is_one = logs.len() == 1;
    let mut all = GatewayLog::default();
    for log in logs {
        all.notes.extend(log.notes);
        all.refused.extend(log.refused);
        if is_one {
            all.journal = log.journal;
        }
    }
    all.notes.sort_by_key(|note| note.at);
    all
}

impl Front {
    /// The base URLs with the version: of each replica.
    pub(crate) fn base_urls(&self) -> Vec<String> {
        match self {
            Self::BuiltIn(front) => {
                let addresses = front.gateways.iter().map(Gateway::addr);
                addresses.map(|addr| format!("http://{addr}/v1")).collect()
            }
            Self::Target(front) => vec![front.running.base_url().to_owned()],
        }
    }

    /// Sends what it logs on as it comes.
    pub(crate) fn stream_rows(&self, rows: &RowSender) {
        if let Self::BuiltIn(front) = self {
            front.gateways.iter().for_each(|gateway| gateway.view().stream_rows(rows.clone()));
        }
    }

    /// What its replicas say of themselves; nothing of another gateway.
    pub(crate) fn views(&self) -> Vec<GatewayView> {
        match self {
            Self::BuiltIn(front) => front.gateways.iter().map(Gateway::view).collect(),
            Self::Target(_) => Vec::new(),
        }
    }

    /// The other gateway, if it is one.
    pub(crate) fn target(&self) -> Option<&UnderTest> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Target(front) => Some(front),
        }
    }

    pub(crate) fn stop(self) -> FrontLog {
        match self {
            Self::BuiltIn(front) => front.stop(),
            Self::Target(front) => {
                let usage = front.running.usage();
                front.running.stop();
                FrontLog { usage, ..FrontLog::default() }
            }
        }
    }
}
