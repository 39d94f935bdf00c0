//! The mock providers of a scenario.

use squall_clock::Clock;
use squall_mock_provider::{AttemptLog, MockSetup, Rules, ServerTimeouts};
use squall_scenario::{Scenario, ScenarioProvider};
use std::net::{Ipv4Addr, SocketAddr};

/// A port of the system's choice.
pub(crate) const LOOPBACK: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A provider of a scenario, at an address.
pub(crate) fn mock_setup(
    scenario: &Scenario,
    clock: Clock,
    number: u16,
    provider: &ScenarioProvider,
    listen: SocketAddr,
) -> MockSetup {
    let links = (0_u16..).zip(&scenario.deployments);
    MockSetup {
        name: provider.name.clone(),
        provider: number,
        format: provider.format,
        config: provider.config.clone(),
        seed: scenario.seed,
        clock,
        epoch_nanos: scenario.epoch_nanos(),
        listen,
        models: links
            .filter(|(_, link)| link.provider == number)
            .map(|(deployment, link)| (link.model.clone(), deployment))
            .collect(),
        default_deployment: None,
        only_listed: false,
        rules: Rules::default(),
        rows: AttemptLog::Kept,
        patience: ServerTimeouts::default(),
        events: None,
        calls: None,
    }
}
