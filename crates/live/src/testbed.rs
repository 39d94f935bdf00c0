//! The servers of a run: mock providers and the gateway in front of them.

use crate::LiveError;
use crate::changes;
use crate::lag_probe::LagProbe;
use crate::topology::configs;
use squall_clock::Clock;
use squall_gateway::{
    Gateway, GatewayLog, GatewaySetup, GatewayView, NameTables, Retention, ServerSettings,
    UpstreamConfig,
};
use squall_mock_provider::{
    AttemptLog, MockProvider, MockSetup, ProviderLog, Rules, ServerTimeouts,
};
use squall_record::{RowSender, ServerLag};
use squall_scenario::{EPOCH_NANOS, Scenario, ScenarioProvider};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Mock providers and gateway, each on a runtime of its own.
#[derive(Debug)]
pub(crate) struct Testbed {
    mocks: Runtime,
    providers: Vec<MockProvider>,
    gateway_runtime: Runtime,
    gateway: Gateway,
    probes: [LagProbe; 2],
}

/// What the servers of a run leave behind.
#[derive(Debug)]
pub(crate) struct ServerLogs {
    pub(crate) gateway: GatewayLog,
    pub(crate) providers: Vec<ProviderLog>,
    pub(crate) lag: Vec<ServerLag>,
}

/// A port of the system's choice.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// For attempts that were hung up on to reach the providers' logs, after the last client has gone.
const SETTLE: Duration = Duration::from_millis(50);

/// For requests whose clients have all gone: the gateway has only to notice.
const DRAIN: Duration = Duration::from_secs(2);

impl Testbed {
    pub(crate) fn start(scenario: &Scenario, clock: Clock) -> Result<Self, LiveError> {
        let mocks = runtime("mock providers")?;
        let providers = mocks.block_on(async {
            let setups = (0_u16..).zip(&scenario.providers);
            let setups = setups.map(|(number, each)| mock_setup(scenario, clock, number, each));
            setups.map(MockProvider::start).collect::<Result<Vec<_>, _>>()
        });
        let providers = providers.map_err(LiveError::Provider)?;
        let gateway_runtime = runtime("gateway")?;
        let setup = gateway_setup(scenario, clock, &providers);
        let gateway = gateway_runtime.block_on(Gateway::start(setup))?;
        let times = scenario.changes.iter().map(|change| change.at).collect();
        gateway_runtime.spawn(changes::follow(clock, gateway.view(), times));
        let probes = [
            LagProbe::start(&gateway_runtime, "gateway", clock),
            LagProbe::start(&mocks, "mock providers", clock),
        ];
        Ok(Self { mocks, providers, gateway_runtime, gateway, probes })
    }

    /// The gateway's base URL.
    pub(crate) fn base_url(&self) -> String {
        base_url(self.gateway.addr())
    }

    /// Sends what servers log on as it comes.
    pub(crate) fn stream_rows(&self, rows: &RowSender) {
        self.gateway.view().stream_rows(rows.clone());
        for provider in &self.providers {
            provider.stream_rows(rows.clone());
        }
    }

    pub(crate) fn view(&self) -> GatewayView {
        self.gateway.view()
    }

    /// Stops everything, from the front to the back, and gives the logs.
    pub(crate) fn stop(self) -> ServerLogs {
        let [of_gateway, of_mocks] = self.probes;
        let lag = [of_gateway.stop(&self.gateway_runtime), of_mocks.stop(&self.mocks)];
        let gateway = self.gateway_runtime.block_on(self.gateway.shutdown(DRAIN));
        self.gateway_runtime.shutdown_background();
        let providers = self.mocks.block_on(async {
            tokio::time::sleep(SETTLE).await;
            let mut logs = Vec::with_capacity(self.providers.len());
            for provider in self.providers {
                logs.push(provider.shutdown().await);
            }
            logs
        });
        self.mocks.shutdown_background();
        ServerLogs { gateway, providers, lag: lag.into_iter().flatten().collect() }
    }
}

/// A runtime with one thread: three of them share a machine of two cores better than six would.
pub(crate) fn runtime(part: &'static str) -> Result<Runtime, LiveError> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(part)
        .enable_all()
        .build()
        .map_err(|source| LiveError::Runtime { part, source })
}

fn mock_setup(
    scenario: &Scenario,
    clock: Clock,
    number: u16,
    provider: &ScenarioProvider,
) -> MockSetup {
    let links = (0_u16..).zip(&scenario.deployments);
    MockSetup {
        name: provider.name.clone(),
        provider: number,
        format: provider.format,
        config: provider.config.clone(),
        seed: scenario.seed,
        clock,
        epoch_nanos: EPOCH_NANOS,
        listen: LOOPBACK,
        models: links
            .filter(|(_, link)| link.provider == number)
            .map(|(deployment, link)| (link.model.clone(), deployment))
            .collect(),
        only_listed: false,
        rules: Rules::default(),
        rows: AttemptLog::Kept,
        patience: ServerTimeouts::default(),
        events: None,
    }
}

fn gateway_setup(scenario: &Scenario, clock: Clock, providers: &[MockProvider]) -> GatewaySetup {
    let topology = scenario.topology();
    let links = topology.deployments.iter().zip(&scenario.deployments);
    GatewaySetup {
        router: scenario.router.clone(),
        changes: configs(scenario).cloned().collect(),
        name_tables: NameTables {
            tags: scenario.tags.clone(),
            regions: scenario.regions.clone(),
            ..NameTables::default()
        },
        upstreams: links
            .map(|((name, _), link)| {
                let provider = &scenario.providers[usize::from(link.provider)];
                let base_url = providers[usize::from(link.provider)].base_url();
                UpstreamConfig {
                    provider: provider.name.clone(),
                    format: provider.format,
                    api_key: link.key.clone(),
                    ..UpstreamConfig::new(name, base_url, &link.model)
                }
            })
            .collect(),
        seed: scenario.seed,
        epoch_nanos: EPOCH_NANOS,
        clock,
        listen: LOOPBACK,
        metrics_listen: None,
        retention: Retention::Everything,
        spent: Vec::new(),
        server: ServerSettings::default(),
    }
}

fn base_url(addr: SocketAddr) -> String {
    format!("http://{addr}/v1")
}
