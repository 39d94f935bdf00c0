//! Several mock providers at fixed addresses, for as long as they are wanted: `squall mock`.

use crate::server::MockProvider;
use crate::setup::{MockSetup, ProviderLog};
use std::io;
use std::net::SocketAddr;

/// Starts a provider for each setup, calls `ready` with each name and address once all of them listen,
/// and serves until `until` ends. Gives their logs, in the order of the setups.
///
/// # Errors
/// When one of the addresses cannot be listened on; none is served then.
pub async fn serve(
    setups: Vec<MockSetup>,
    ready: impl FnOnce(&[(String, SocketAddr)]),
    until: impl Future<Output = ()>,
) -> io::Result<Vec<ProviderLog>> {
    let mut names = Vec::with_capacity(setups.len());
    let mut providers = Vec::with_capacity(setups.len());
    for setup in setups {
        let name = setup.name.clone();
        let provider = MockProvider::start(setup)?;
        names.push((name, provider.addr()));
        providers.push(provider);
    }
    ready(&names);
    until.await;
    let mut logs = Vec::with_capacity(providers.len());
    for provider in providers {
        logs.push(provider.shutdown().await);
    }
    Ok(logs)
}
