//! Another gateway under test: brought up before the run, with mock providers that are well.
//!
//! A gateway may take a minute to start and has to be asked until it answers. None of that is part of the run, so it
//! happens before providers that work and have no schedule; those of the run then take over their ports.

use crate::mocks::{LOOPBACK, mock_setup};
use crate::part_runtime::runtime;
use crate::{Backends, LiveError, RunOptions, TargetOptions};
use squall_clock::Clock;
use squall_mock_provider::{AttemptLog, MockProvider, MockSetup};
use squall_scenario::{Scenario, ScenarioProvider};
use squall_target::{ProviderAddress, RunningTarget, TargetSetup};
use squall_traffic::ApiTarget;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use tempfile::TempDir;

/// A gateway that is ready, and where its providers have to listen.
#[derive(Debug)]
pub(crate) struct UnderTest {
    pub(crate) running: RunningTarget,
    pub(crate) options: TargetOptions,
    /// Where mock providers listen for it; `None` if it has providers of its own.
    pub(crate) ports: Option<Vec<SocketAddr>>,
    /// Its folder, where the run has none.
    pub(crate) _folder: Option<TempDir>,
}

/// The folder of a target in that of its run.
const FOLDER: &str = "target";

/// Brings the gateway up; `None` where the built-in one is tested.
pub(crate) fn bring_up(
    scenario: &Scenario,
    options: &RunOptions,
) -> Result<Option<UnderTest>, LiveError> {
    let target = chosen(scenario, options);
    if let Backends::Own { allowed_hosts } = &options.backends {
        return attach(target.ok_or(LiveError::NoTarget)?, allowed_hosts).map(Some);
    }
    let Some(target) = target else { return Ok(None) };
    let missing = target.config.providers_missing_in(scenario);
    if let Some(name) = missing.first() {
        return Err(LiveError::UnknownProvider {
            target: target.name,
            provider: (*name).to_owned(),
            known: scenario.providers.iter().map(|each| each.name.clone()).collect(),
        });
    }
    let (folder, temporary) = folder(options)?;
    let mocks = runtime("mock providers")?;
    let started = mocks.block_on(async { well_providers(scenario) });
    let providers = started.map_err(LiveError::Provider)?;
    let addresses: Vec<_> = (scenario.providers.iter().zip(&providers).zip(0_u16..))
        .map(|((provider, mock), number)| address(scenario, number, provider, mock))
        .collect();
    let running = RunningTarget::start(
        &TargetSetup {
            config: &target.config,
            providers: &addresses,
            folder: &folder,
            path: &target.path,
            groups: &asked_groups(scenario),
        },
        &|| options.stop.is_stopped(),
    )?;
    mocks.block_on(async {
        for provider in providers {
            provider.shutdown().await;
        }
    });
    mocks.shutdown_background();
    let ports = addresses.iter().map(|address| address.addr).collect();
    Ok(Some(UnderTest { running, options: target, ports: Some(ports), _folder: temporary }))
}

/// A system that runs already, with providers of its own. It is connected to, and asked nothing: every request of
/// the run may cost money.
fn attach(target: TargetOptions, allowed_hosts: &[String]) -> Result<UnderTest, LiveError> {
    let running = RunningTarget::attach(&target.config, allowed_hosts)?;
    let api = ApiTarget::new(running.base_url(), running.format())?;
    let connected = runtime("driver")?.block_on(squall_traffic::reachable(&api));
    connected
        .map_err(|source| LiveError::Unreachable { url: running.base_url().to_owned(), source })?;
    Ok(UnderTest { running, options: target, ports: None, _folder: None })
}

/// The target of this run: that of the options, or else the scenario's.
fn chosen(scenario: &Scenario, options: &RunOptions) -> Option<TargetOptions> {
    let own = || {
        let config = scenario.gateway_target.clone()?;
        let program = config.exec.as_ref().and_then(|exec| exec.command.first());
        let name = program.unwrap_or(&config.url).to_string();
        Some(TargetOptions { name, version: None, config, path: Vec::new() })
    };
    options.target.clone().or_else(own)
}

fn folder(options: &RunOptions) -> Result<(PathBuf, Option<TempDir>), LiveError> {
    if let Some(folder) = &options.folder {
        // A target starts in its folder, where a relative path would lead elsewhere.
        let folder = std::path::absolute(folder.join(FOLDER)).map_err(LiveError::Folder)?;
        return Ok((folder, None));
    }
    let temporary = tempfile::Builder::new().prefix("squall-target-").tempdir();
    let temporary = temporary.map_err(LiveError::Folder)?;
    Ok((temporary.path().join(FOLDER), Some(temporary)))
}

/// The groups that clients ask for, by name.
fn asked_groups(scenario: &Scenario) -> Vec<String> {
    let asked: BTreeSet<_> = scenario.kinds.iter().map(|kind| kind.group).collect();
    asked.into_iter().map(|group| scenario.router.groups[group.index()].name.clone()).collect()
}

/// The providers of a scenario without limits and faults, each where it will listen in the run.
fn well_providers(scenario: &Scenario) -> std::io::Result<Vec<MockProvider>> {
    let setups = (0_u16..).zip(&scenario.providers).map(|(number, provider)| {
        let listen = provider.listen.unwrap_or(LOOPBACK);
        let setup = mock_setup(scenario, Clock::start_now(), number, provider, listen);
        MockSetup { config: provider.without_trouble(), rows: AttemptLog::Dropped, ..setup }
    });
    setups.map(MockProvider::start).collect()
}

fn address(
    scenario: &Scenario,
    number: u16,
    provider: &ScenarioProvider,
    mock: &MockProvider,
) -> ProviderAddress {
    let mut links = scenario.deployments.iter().filter(|link| link.provider == number);
    let key = links.find_map(|link| link.key.clone());
    ProviderAddress {
        name: provider.name.clone(),
        addr: mock.addr(),
        base_url: mock.base_url(),
        key: key.unwrap_or_else(|| format!("sk-{}", provider.name)),
    }
}
