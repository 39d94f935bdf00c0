//! The strategy inside the axum service of the example `axum-router`: clients send their session in a header, and the
//! router decides which upstream serves it.

use squall_example_axum_router::upstream::ExampleError;
use squall_example_axum_router::{RouterTask, service};
use squall_router::{DeploymentConfig, GroupConfig, RouterConfig, Strategy};
use std::net::SocketAddr;

/// Starts a service in front of these upstreams, on a free port of loopback, whose requests the strategy routes.
///
/// # Errors
/// When no port is free, or the router rejects the configuration.
pub async fn start(
    strategy: Strategy,
    upstreams: &[(&str, SocketAddr)],
) -> Result<SocketAddr, ExampleError> {
    let deployments = upstreams.iter().map(|(name, _)| DeploymentConfig::new(*name)).collect();
    let group = GroupConfig { deployments, strategy, ..GroupConfig::new("chat") };
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    let addresses = upstreams.iter().map(|&(_, address)| address).collect();
    Ok(service::start(RouterTask::start(config, addresses)?).await?)
}
