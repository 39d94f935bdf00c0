//! A gateway: its start, its service and its end.

use crate::desk::Desk;
use crate::front::{self, Front};
use crate::setup::{GatewayLog, GatewaySetup, GatewayStatus, StartError};
use crate::upstream::Endpoint;
use axum::serve::ListenerExt;
use squall_router::{Router, RouterConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A gateway that serves. Dropping it stops it at once; [`shutdown`](Self::shutdown) lets requests end.
#[derive(Debug)]
pub struct Gateway {
    addr: SocketAddr,
    desk: Arc<Desk>,
    tasks: JoinSet<()>,
}

/// A look at a gateway from elsewhere.
#[derive(Clone, Debug)]
pub struct GatewayView(Arc<Desk>);

impl GatewayView {
    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> GatewayStatus {
        self.0.status()
    }
}

/// Between two looks at whether the last request has ended.
const DRAIN_STEP: Duration = Duration::from_millis(10);

impl Gateway {
    /// Takes the port and starts to serve, on the tokio runtime that it is called from.
    ///
    /// # Errors
    /// When the router refuses its configuration, a base URL is none, or the address cannot be listened
    /// on.
    pub async fn start(setup: GatewaySetup) -> Result<Self, StartError> {
        let endpoints = endpoints(&setup)?;
        let groups = setup.router.groups.iter().map(|group| group.name.clone()).collect();
        let names = setup.upstreams.iter().map(|upstream| upstream.name.clone()).collect();
        let router = Router::new(setup.router, setup.seed, setup.epoch_nanos)?;
        let cannot_listen = |source| StartError::Listen { listen: setup.listen, source };
        let listener = TcpListener::bind(setup.listen).await.map_err(cannot_listen)?;
        let addr = listener.local_addr().map_err(cannot_listen)?;
        let desk = Arc::new(Desk::new(router, setup.clock, names, setup.keep));
        let front = Front {
            desk: Arc::clone(&desk),
            endpoints: Arc::new(endpoints),
            groups: Arc::new(groups),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&desk).run_timers());
        tasks.spawn(async move {
            // Small writes leave at once: a token must not wait for the next.
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            let _ = axum::serve(listener, front::routes(front)).await;
        });
        Ok(Self { addr, desk, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A look at it from elsewhere.
    #[must_use]
    pub fn view(&self) -> GatewayView {
        GatewayView(Arc::clone(&self.desk))
    }

    /// Waits until every request has ended, at most for `patience`, then stops.
    pub async fn shutdown(mut self, patience: Duration) -> GatewayLog {
        let drained = async {
            while self.desk.status().in_flight > 0 {
                tokio::time::sleep(DRAIN_STEP).await;
            }
        };
        let _ = tokio::time::timeout(patience, drained).await;
        let log = self.desk.log();
        self.tasks.shutdown().await;
        log
    }
}

/// The endpoint of each deployment, with the time-out of its connections.
fn endpoints(setup: &GatewaySetup) -> Result<Vec<Endpoint>, StartError> {
    let timeouts = connect_timeouts(&setup.router);
    let upstreams = setup.upstreams.iter().zip(timeouts);
    upstreams.map(|(upstream, timeout)| Endpoint::new(upstream, timeout)).collect()
}

fn connect_timeouts(router: &RouterConfig) -> impl Iterator<Item = Duration> {
    router.groups.iter().flat_map(|group| {
        let deployments = group.deployments.iter();
        deployments.map(|each| each.timeouts.unwrap_or(group.timeouts).connect)
    })
}
