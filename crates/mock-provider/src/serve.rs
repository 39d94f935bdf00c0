//! Several mock providers at fixed addresses, for as long as they are wanted: `squall mock`.

use crate::server::MockProvider;
use crate::setup::{MockSetup, ProviderLog};
use std::io;

/// Starts a provider for each setup, calls `ready` with all of them once they listen, and serves until
/// `until` ends; what `ready` gives is held until then. Gives their logs, in the order of the setups.
///
/// # Errors
/// When one of the addresses cannot be listened on, or `ready` fails; none is served then.
pub async fn serve<T>(
    setups: Vec<MockSetup>,
    ready: impl AsyncFnOnce(&[MockProvider]) -> io::Result<T>,
    until: impl Future<Output = ()>,
) -> io::Result<Vec<ProviderLog>> {
    let providers: Vec<_> =
        setups.into_iter().map(MockProvider::start).collect::<io::Result<_>>()?;
    let held = ready(&providers).await?;
    until.await;
    drop(held);
    let mut logs = Vec::with_capacity(providers.len());
    for provider in providers {
        logs.push(provider.shutdown().await);
    }
    Ok(logs)
}
