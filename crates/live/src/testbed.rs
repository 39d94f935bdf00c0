//! The servers of a run: mock providers and the gateway in front of them.

use crate::LiveError;
use crate::front::{BuiltIn, Front, FrontLog};
use crate::lag_probe::LagProbe;
use crate::mocks::{LOOPBACK, mock_setup};
use crate::part_runtime::runtime;
use crate::store_process::StoreProcess;
use crate::topology::configs;
use crate::under_test::UnderTest;
use squall_clock::Clock;
use squall_gateway::{
    DecisionSetup, GatewaySetup, NameTables, Retention, ServerSettings, SharedStateSetup,
    UpstreamConfig,
};
use squall_mock_provider::{MockProvider, MockSetup, ProviderLog};
use squall_record::{RowSender, ServerLag};
use squall_scenario::{Scenario, ScenarioProvider};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Mock providers on a runtime of their own, and what clients ask.
#[derive(Debug)]
pub(crate) struct Testbed {
    mocks: Runtime,
    providers: Vec<MockProvider>,
    front: Front,
    probe: Option<LagProbe>,
}

/// What the servers of a run leave behind.
#[derive(Debug)]
pub(crate) struct ServerLogs {
    pub(crate) front: FrontLog,
    pub(crate) providers: Vec<ProviderLog>,
    /// Of the mock providers.
    pub(crate) lag: Option<ServerLag>,
}

/// For attempts that were hung up on to reach the providers' logs, after the last client has gone.
const SETTLE: Duration = Duration::from_millis(50);

impl Testbed {
    /// Starts the servers: the built-in gateway, unless another one is `under_test`.
    pub(crate) fn start(
        scenario: &Scenario,
        clock: Clock,
        under_test: Option<UnderTest>,
    ) -> Result<Self, LiveError> {
        let ports = under_test.as_ref().and_then(|under_test| under_test.ports.as_deref());
        let has_mocks = under_test.as_ref().is_none_or(|under_test| under_test.ports.is_some());
        let listen = |number: u16, provider: &ScenarioProvider| match ports {
            Some(ports) => ports[usize::from(number)],
            None => provider.listen.unwrap_or(LOOPBACK),
        };
        let mocks = runtime("mock providers")?;
        let providers = mocks.block_on(async {
            let setups = (0_u16..).zip(&scenario.providers).filter(|_| has_mocks);
            let setups = setups.map(|(number, provider)| MockSetup {
                // Another gateway may ask for models by names of its own.
                default_deployment: ports.and_then(|_| first_deployment(scenario, number)),
                ..mock_setup(scenario, clock, number, provider, listen(number, provider))
            });
            setups.map(MockProvider::start).collect::<Result<Vec<_>, _>>()
        });
        let providers = providers.map_err(LiveError::Provider)?;
        let front = match under_test {
            Some(under_test) => Front::Target(Box::new(under_test)),
            None => Front::BuiltIn(Box::new(built_in(scenario, clock, &providers)?)),
        };
        let probe = has_mocks.then(|| LagProbe::start(&mocks, "mock providers", clock));
        Ok(Self { mocks, providers, front, probe })
    }

    /// What clients ask.
    pub(crate) const fn front(&self) -> &Front {
        &self.front
    }

    /// Sends what servers log on as it comes.
    pub(crate) fn stream_rows(&self, rows: &RowSender) {
        self.front.stream_rows(rows);
        for provider in &self.providers {
            provider.stream_rows(rows.clone());
        }
    }

    /// Stops everything, from the front to the back, and gives the logs.
    pub(crate) fn stop(self) -> ServerLogs {
        let lag = self.probe.and_then(|probe| probe.stop(&self.mocks));
        let front = self.front.stop();
        let providers = self.mocks.block_on(async {
            tokio::time::sleep(SETTLE).await;
            let mut logs = Vec::with_capacity(self.providers.len());
            for provider in self.providers {
                logs.push(provider.shutdown().await);
            }
            logs
        });
        self.mocks.shutdown_background();
        ServerLogs { front, providers, lag }
    }
}

/// The first deployment of a provider.
fn first_deployment(scenario: &Scenario, provider: u16) -> Option<u16> {
    let mut links = (0_u16..).zip(&scenario.deployments);
    links.find(|(_, link)| link.provider == provider).map(|(deployment, _)| deployment)
}

/// The replicas of the built-in gateway, and the store that they share.
fn built_in(
    scenario: &Scenario,
    clock: Clock,
    providers: &[MockProvider],
) -> Result<BuiltIn, LiveError> {
    let shared = scenario.shared_state();
    let store = shared.map(StoreProcess::start).transpose()?;
    let shared_state = shared.zip(store.as_ref()).map(|(shared, store)| SharedStateSetup {
        url: store.url(),
        fleet: "run".to_owned(),
        store: shared.store,
        timeout: shared.replica.store_timeout,
    });
    let setup = |replica| GatewaySetup {
        seed: scenario.seed_of_replica(replica),
        shared_state: shared_state.clone(),
        ..gateway_setup(scenario, clock, providers)
    };
    let setups = (0..scenario.replicas()).map(setup).collect();
    let times: Vec<_> = scenario.changes.iter().map(|change| change.at).collect();
    let faults = shared.map(|shared| shared.faults.clone()).unwrap_or_default();
    BuiltIn::start(setups, &times, store.map(|store| (store, faults)))
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
        epoch_nanos: scenario.epoch_nanos(),
        clock,
        listen: LOOPBACK,
        metrics_listen: None,
        retention: Retention::Everything,
        decisions: DecisionSetup::default(),
        spent: Vec::new(),
        server: ServerSettings::default(),
        shared_state: None,
        telemetry: None,
        keys: None,
        tls: None,
    }
}
