//! What clients ask: the built-in gateway, or another one.

use crate::lag_probe::LagProbe;
use crate::under_test::UnderTest;
use crate::{LiveError, changes, part_runtime::runtime};
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_gateway::{Gateway, GatewayLog, GatewaySetup, GatewayView};
use squall_record::{RowSender, ServerLag};
use squall_target::ResourceUsage;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What clients ask.
#[derive(Debug)]
pub(crate) enum Front {
    BuiltIn(Box<BuiltIn>),
    Target(Box<UnderTest>),
}

/// The built-in gateway, on a runtime of its own.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    runtime: Runtime,
    gateway: Gateway,
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
    pub(crate) fn start(setup: GatewaySetup, times: Vec<Timestamp>) -> Result<Self, LiveError> {
        let clock: Clock = setup.clock;
        let runtime = runtime("gateway")?;
        let gateway = runtime.block_on(Gateway::start(setup))?;
        runtime.spawn(changes::follow(clock, gateway.view(), times));
        let probe = LagProbe::start(&runtime, "gateway", clock);
        Ok(Self { runtime, gateway, probe })
    }

    fn stop(self) -> FrontLog {
        let lag = self.probe.stop(&self.runtime);
        let gateway = self.runtime.block_on(self.gateway.shutdown(DRAIN));
        self.runtime.shutdown_background();
        FrontLog { gateway, lag, usage: None }
    }
}

impl Front {
    /// The base URL with the version.
    pub(crate) fn base_url(&self) -> String {
        match self {
            Self::BuiltIn(front) => format!("http://{}/v1", front.gateway.addr()),
            Self::Target(front) => front.running.base_url().to_owned(),
        }
    }

    /// Sends what it logs on as it comes.
    pub(crate) fn stream_rows(&self, rows: &RowSender) {
        if let Self::BuiltIn(front) = self {
            front.gateway.view().stream_rows(rows.clone());
        }
    }

    /// What it says of itself; nothing of another gateway.
    pub(crate) fn view(&self) -> Option<GatewayView> {
        match self {
            Self::BuiltIn(front) => Some(front.gateway.view()),
            Self::Target(_) => None,
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
