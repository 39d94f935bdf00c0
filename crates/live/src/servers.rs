//! The servers of a run, on runtimes of their own.

use crate::error::LiveError;
use squall_clock::Clock;
use squall_gateway::{Gateway, GatewayLog, GatewaySetup, GatewayView, Keep, Upstream};
use squall_mock_provider::{MockProvider, MockSetup, ProviderLog, Rows};
use squall_scenario::{EPOCH_NANOS, Scenario};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Any free port of the loopback interface.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How long the gateway may finish what it is at after the last client has gone.
const DRAIN: Duration = Duration::from_secs(2);

/// The mock providers and the gateway, serving.
pub(crate) struct Servers {
    providers: Vec<MockProvider>,
    gateway: Gateway,
    provider_runtime: Runtime,
    gateway_runtime: Runtime,
}

/// What the servers saw.
pub(crate) struct ServerLogs {
    pub(crate) providers: Vec<ProviderLog>,
    pub(crate) gateway: GatewayLog,
}

impl Servers {
    pub(crate) fn start(scenario: &Scenario, clock: Clock) -> Result<Self, LiveError> {
        let provider_runtime = runtime("providers")?;
        let gateway_runtime = runtime("gateway")?;
        let providers = {
            let _inside = provider_runtime.enter();
            start_providers(scenario, clock)?
        };
        let setup = gateway_setup(scenario, clock, &providers);
        let gateway = gateway_runtime.block_on(Gateway::start(setup))?;
        Ok(Self { providers, gateway, provider_runtime, gateway_runtime })
    }

    /// Where clients send their requests.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.gateway.addr()
    }

    pub(crate) fn gateway(&self) -> GatewayView {
        self.gateway.view()
    }

    pub(crate) fn shutdown(self) -> ServerLogs {
        let gateway = self.gateway_runtime.block_on(self.gateway.shutdown(DRAIN));
        let providers = self.provider_runtime.block_on(async {
            let mut logs = Vec::with_capacity(self.providers.len());
            for provider in self.providers {
                logs.push(provider.shutdown().await);
            }
            logs
        });
        ServerLogs { providers, gateway }
    }
}

/// A runtime with one thread of its own: on two cores more would only get into each other's way.
pub(crate) fn runtime(name: &str) -> Result<Runtime, LiveError> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(LiveError::Runtime)
}

fn start_providers(scenario: &Scenario, clock: Clock) -> Result<Vec<MockProvider>, LiveError> {
    let providers = (0_u16..).zip(&scenario.providers);
    let started = providers.map(|(number, provider)| {
        let links = (0_u16..).zip(&scenario.deployments);
        let served = links.filter(|(_, link)| link.provider == number);
        MockProvider::start(MockSetup {
            name: provider.name.clone(),
            provider: number,
            config: provider.config.clone(),
            seed: scenario.seed,
            clock,
            epoch_nanos: EPOCH_NANOS,
            listen: LOOPBACK,
            models: served.map(|(deployment, link)| (link.model.clone(), deployment)).collect(),
            rows: Rows::Kept,
        })
    });
    started.collect::<Result<_, _>>().map_err(LiveError::Provider)
}

fn gateway_setup(scenario: &Scenario, clock: Clock, providers: &[MockProvider]) -> GatewaySetup {
    let names = scenario.router.groups.iter().flat_map(|group| &group.deployments);
    let upstreams = names.zip(&scenario.deployments).map(|(deployment, link)| Upstream {
        name: deployment.name.clone(),
        base_url: format!("http://{}/v1", providers[usize::from(link.provider)].addr()),
        model: link.model.clone(),
        api_key: None,
    });
    GatewaySetup {
        router: scenario.router.clone(),
        upstreams: upstreams.collect(),
        seed: scenario.seed,
        epoch_nanos: EPOCH_NANOS,
        clock,
        listen: LOOPBACK,
        keep: Keep::Everything,
    }
}
