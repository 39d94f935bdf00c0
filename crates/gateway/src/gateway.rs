//! A gateway: start, service and shutdown.

use crate::app_state::AppState;
use crate::decisions::DecisionSampling;
use crate::health_checks;
use crate::keys::{KeyRing, VirtualKey, check_keys};
use crate::operator::{LiveConfig, OperatorState};
use crate::request_log::{self, Unauthenticated};
use crate::router_handle::RouterHandle;
use crate::routes;
use crate::serving::{RunningServer, Serving};
use crate::setup::{
    GatewayLog, GatewaySetup, GatewayStatus, NameTables, Reload, SavedSpend, StartError,
    UpstreamConfig,
};
use crate::shared_state::SharedStateClient;
use crate::tls::{self, TlsServer};
use crate::upstream_registry::{NameIndex, UpstreamRegistry};
use squall_determinism::Timestamp;
use squall_record::RowSender;
use squall_router::{
    AssignedIds, ConfigId, DeploymentId, IdRegistry, OverrideError, Router, RouterConfig,
    RouterInput,
};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::{JoinHandle, JoinSet};

/// A gateway that serves. Dropping it stops it at once; [`shutdown`](Self::shutdown) lets requests end.
#[derive(Debug)]
pub struct Gateway {
    addr: SocketAddr,
    metrics_addr: Option<SocketAddr>,
    view: GatewayView,
    served: RunningServer,
    /// Serves what operators ask, until the very end.
    operations: Option<RunningServer>,
    /// Tells the store of shared state, until it has said goodbye.
    sharing: Option<JoinHandle<()>>,
    tasks: JoinSet<()>,
}

/// A look at a gateway from elsewhere, and a hand on it.
#[derive(Clone, Debug)]
pub struct GatewayView {
    handle: Arc<RouterHandle>,
    registry: Arc<UpstreamRegistry>,
    /// The configurations that were prepared at the start.
    prepared: Arc<Vec<PreparedConfig>>,
    epoch_nanos: u64,
    app: Arc<AppState>,
}

/// A configuration that was prepared at the start.
#[derive(Debug)]
struct PreparedConfig {
    router: RouterConfig,
    numbers: AssignedIds,
    directory: Arc<NameIndex>,
}

impl PreparedConfig {
    fn new(router: &RouterConfig, numbers: AssignedIds, name_tables: &NameTables) -> Self {
        let directory = Arc::new(NameIndex::new(router, &numbers, name_tables));
        Self { router: router.clone(), numbers, directory }
    }
}

impl GatewayView {
    /// Sends notes, refused attempts and the journal on as they come, of a gateway that keeps
    /// [everything](crate::Retention::Everything).
    pub fn stream_rows(&self, rows: RowSender) {
        self.handle.stream(rows);
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> GatewayStatus {
        let names = self.registry.names();
        let cooling = self.handle.cooling();
        GatewayStatus {
            in_flight: self.handle.in_flight(),
            cooling: cooling.into_iter().map(|id| names[id.index()].clone()).collect(),
        }
    }

    /// What has been spent from each budget that has a name, to be given to the
    /// [next](GatewaySetup::spent) gateway.
    #[must_use]
    pub fn spend(&self) -> Vec<SavedSpend> {
        let mut spent = self.handle.spend(self.epoch_nanos);
        spent.extend(self.app.keys.spend());
        spent
    }

    /// From now on requests need one of these keys, or that of a tenant. Keys that keep their ids keep what they have
    /// used and spent.
    ///
    /// # Errors
    /// When two have one id or one hash, or a tenant is not there; then nothing has changed.
    pub fn set_keys(&self, keys: Vec<VirtualKey>) -> Result<(), String> {
        self.check_keys(&keys)?;
        self.app.keys.set(keys);
        Ok(())
    }

    /// # Errors
    /// Why these keys cannot hold.
    pub(crate) fn check_keys(&self, keys: &[VirtualKey]) -> Result<(), String> {
        let directory = self.registry.directory();
        check_keys(keys, |tenant| directory.tenants.contains_key(tenant))
    }

    /// Ends when the core has failed, which is a defect: a panic in it. From then on requests get a 500, and
    /// `/health` says so; the process should end.
    pub async fn core_failed(&self) {
        self.handle.failed().await;
    }

    /// From now on this configuration holds: [`GatewaySetup::router`] for 0, the first of
    /// [`GatewaySetup::changes`] for 1, and so on. No request is lost: what runs ends as it began. A number
    /// that no configuration has is ignored.
    pub fn reconfigure(&self, config: ConfigId) {
        if let Some(prepared) = self.prepared.get(usize::from(config.0)) {
            let mut live = self.app.operator.live();
            let next = live.with_file(prepared.router.clone());
            *live = next;
            self.registry.set_directory(Arc::clone(&prepared.directory));
            self.handle.set_names(&self.registry, &prepared.router, &prepared.numbers);
            self.handle.tell(RouterInput::Reconfigure { config });
        }
    }

    /// Takes another configuration, which holds from now on, with what operators have drained and pinned. No request is
    /// lost. Returns the names of the deployments that came, and of those that went.
    ///
    /// # Errors
    /// When the router refuses it, or a base URL is none; then everything stays as it was.
    pub fn reload(&self, reload: Reload) -> Result<Changed, StartError> {
        reload.name_tables.check()?;
        // Without its tenant a key would be without the limits of it.
        for entry in self.app.keys.all() {
            if let Some(tenant) = &entry.key.document.tenant
                && !reload.router.tenants.iter().any(|each| each.name == *tenant)
            {
                let (key, tenant) = (entry.key.id().to_owned(), tenant.clone());
                return Err(StartError::KeyTenant { key, tenant });
            }
        }
        let mut live = self.app.operator.live();
        // Its store is the one that it has had since its start, or none.
        let shared = live.file.shared;
        let next = live.with_file(RouterConfig { shared, ..reload.router });
        let router = next.in_force()?;
        let timeouts: Vec<_> = connect_timeouts(&router).collect();
        let before = self.handle.members();
        let (config, numbers) = self.handle.prepare(router.clone())?;
        let ids = numbers.deployments.iter().copied();
        let connected = self.registry.connect(
            ids.zip(reload.upstreams).zip(timeouts).map(|((id, up), timeout)| (id, up, timeout)),
        );
        if let Err(error) = connected {
            self.handle.forget(config);
            return Err(error);
        }
        let directory = NameIndex::new(&router, &numbers, &reload.name_tables);
        self.registry.set_directory(Arc::new(directory));
        self.handle.set_names(&self.registry, &router, &numbers);
        self.handle.tell(RouterInput::Reconfigure { config });
        // Nobody goes back to it by its number.
        self.handle.forget(config);
        self.registry.leave_what_is_gone(&self.handle.members());
        let changed = self.changed(&before, &self.handle.members());
        request_log::reloaded(&changed.came, &changed.went);
        *live = next;
        let now = self.epoch_nanos.saturating_add(self.handle.clock().now().as_nanos());
        self.app.operator.reloaded(Some(now));
        Ok(changed)
    }

    /// From now on the decisions about so many requests are kept for the admin API, and these go to the decision log, if
    /// the gateway [has one](GatewaySetup::decisions).
    pub fn set_decisions(&self, recent: usize, sampling: DecisionSampling) {
        self.handle.set_decisions(recent, sampling);
    }

    /// Counts a configuration that was not taken: one that could not be read, or that [`reload`](Self::reload) refused.
    pub fn reload_failed(&self) {
        self.app.operator.reloaded(None);
    }

    /// Changes something by hand, on top of the file.
    ///
    /// # Errors
    /// When it cannot be so; then everything stays as it was.
    pub(crate) fn operate(
        &self,
        change: impl FnOnce(&mut LiveConfig) -> Result<(), OverrideError>,
    ) -> Result<(), StartError> {
        let mut live = self.app.operator.live();
        let mut next = live.clone();
        change(&mut next)?;
        let router = next.in_force()?;
        let (config, numbers) = self.handle.prepare(router.clone())?;
        self.handle.set_names(&self.registry, &router, &numbers);
        self.handle.tell(RouterInput::Reconfigure { config });
        self.handle.forget(config);
        *live = next;
        drop(live);
        self.app.operator.tell_changed();
        Ok(())
    }

    /// What the routes share.
    pub(crate) const fn app(&self) -> &Arc<AppState> {
        &self.app
    }

    /// Takes back weights when their time is over; never ends.
    pub(crate) async fn end_weights(&self) {
        let operator = &self.app.operator;
        loop {
            let clock = self.handle.clock();
            let due = operator.live().next_end().unwrap_or(Timestamp::MAX);
            tokio::select! {
                () = clock.sleep_until(due) => {
                    let now = clock.now();
                    let ended = self.operate(|live| {
                        live.end_weights(now);
                        Ok(())
                    });
                    if ended.is_err() {
                        operator.live().keep_weights(now);
                    }
                    request_log::weights_ended(ended.err());
                }
                () = operator.changed() => {}
            }
        }
    }

    /// Reads the files of [`GatewaySetup::tls`] again. Open connections stay as they are.
    ///
    /// # Errors
    /// When one cannot be used; then the certificate of before is used on.
    pub fn reload_certificates(&self) -> Result<(), StartError> {
        let reloaded = self.app.server.tls.as_ref().map_or(Ok(()), |tls| tls.reload());
        reloaded.map_err(StartError::ClientTls)
    }

    fn changed(&self, before: &BTreeSet<DeploymentId>, after: &BTreeSet<DeploymentId>) -> Changed {
        let names = self.registry.names();
        let named = |id: &DeploymentId| names[id.index()].clone();
        Changed {
            came: after.difference(before).map(named).collect(),
            went: before.difference(after).map(named).collect(),
        }
    }
}

/// What another configuration has changed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changed {
    /// Deployments that were not there before.
    pub came: Vec<String>,
    /// Deployments that are there no more.
    pub went: Vec<String>,
}

/// How a gateway is to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DrainPolicy {
    /// How long it says that it is not ready while it still takes requests: what sends it some needs time to
    /// hear of it.
    pub delay: Duration,
    /// How long requests under way may take to end after that.
    pub patience: Duration,
}

/// How a gateway has ended.
#[derive(Clone, Debug, Default)]
pub struct DrainReport {
    /// Requests that were cut.
    pub cut: usize,
    /// What it saw.
    pub log: GatewayLog,
}

/// How long the core may take to hear of clients that are gone, once all connections are closed.
const SETTLE: Duration = Duration::from_secs(1);

/// Between two looks at whether the last request has ended.
const DRAIN_STEP: Duration = Duration::from_millis(10);

impl Gateway {
    /// Takes the port and starts to serve, on the tokio runtime that it is called from.
    ///
    /// # Errors
    /// When the router refuses its configuration, a base URL is none, or the address cannot be listened
    /// on.
    pub async fn start(setup: GatewaySetup) -> Result<Self, StartError> {
        setup.name_tables.check()?;
        let mut router = Router::new(setup.router.clone(), setup.seed, setup.epoch_nanos)?;
        let first = IdRegistry::default().add(&setup.router);
        let mut prepared = vec![PreparedConfig::new(&setup.router, first, &setup.name_tables)];
        for change in &setup.changes {
            let (_, numbers) = router.prepare(change.clone())?;
            prepared.push(PreparedConfig::new(change, numbers, &setup.name_tables));
        }
        let registry = Arc::new(UpstreamRegistry::new(Arc::clone(&prepared[0].directory)));
        registry.connect(upstreams(&setup))?;
        let tls = setup.tls.clone().map(TlsServer::load).transpose();
        let tls = tls.map_err(StartError::ClientTls)?.map(Arc::new);
        let bind = |listen, tls| {
            Serving::bind(listen, setup.server.clone(), setup.clock, tls)
                .map_err(|source| StartError::Listen { listen, source })
        };
        let serving = bind(setup.listen, tls.clone())?;
        let operations = setup.metrics_listen.map(|listen| bind(listen, None)).transpose()?;
        let addr = serving.addr();
        let metrics_addr = operations.as_ref().map(Serving::addr);
        let (checks, wanted) = unbounded_channel();
        let now = setup.clock.now();
        let store = setup.shared_state.as_ref();
        let store = store.map(|store| SharedStateClient::new(store, now)).transpose()?;
        let (sync_wanted, syncs) = unbounded_channel();
        let sync_wanted = store.is_some().then_some(sync_wanted);
        let handle = RouterHandle::new(router, setup.clock, setup.retention, checks, sync_wanted);
        let handle = Arc::new(handle);
        handle.keep_decisions(setup.decisions.clone(), setup.epoch_nanos);
        let sharing = store.map(|store| tokio::spawn(store.run(Arc::clone(&handle), syncs)));
        handle.set_names(&registry, &setup.router, &prepared[0].numbers);
        handle.restore_spend(&setup.spent, setup.epoch_nanos);
        let app = Arc::new(AppState {
            handle: Arc::clone(&handle),
            registry: Arc::clone(&registry),
            server: serving.shared(),
            unauthenticated: Unauthenticated::default(),
            telemetry: setup.telemetry.clone(),
            operator: OperatorState::new(
                setup.router,
                setup.epoch_nanos.saturating_add(setup.clock.now().as_nanos()),
            ),
            keys: KeyRing::new(setup.clock, setup.epoch_nanos, &setup.spent),
        });
        let view = GatewayView {
            handle: Arc::clone(&handle),
            registry: Arc::clone(&registry),
            prepared: Arc::new(prepared),
            epoch_nanos: setup.epoch_nanos,
            app: Arc::clone(&app),
        };
        // Before the first request is taken.
        setup.keys.map(|keys| view.set_keys(keys)).transpose().map_err(StartError::Keys)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&handle).run_timers());
        tasks.spawn(health_checks::run(handle, registry, wanted));
        if let Some(tls) = tls {
            tasks.spawn(tls::watch_expiry(tls, setup.clock, setup.epoch_nanos));
        }
        let with_metrics = operations.is_none();
        let operations =
            operations.map(|serving| serving.serve(routes::operations(Arc::clone(&app))));
        let served = serving.serve(routes::routes(app, with_metrics));
        Ok(Self { addr, metrics_addr, view, served, operations, sharing, tasks })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where `/metrics` is, if that has an address of its own.
    #[must_use]
    pub const fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// A look at it from elsewhere.
    #[must_use]
    pub fn view(&self) -> GatewayView {
        self.view.clone()
    }

    /// Takes no new request, waits until every one has ended, at most for `patience`, then stops.
    pub async fn shutdown(self, patience: Duration) -> GatewayLog {
        let drain = DrainPolicy { delay: Duration::ZERO, patience };
        self.drain(drain, std::future::pending()).await.log
    }

    /// Ends without cutting what can end by itself. It says that it is not ready, for a while; then it takes
    /// no connection and no request any more, and waits for those under way. What is left when the time is
    /// over, or when `at_once` ends, is cut: a stream ends with an error event, and who has no answer yet
    /// gets a 503.
    pub async fn drain(
        mut self,
        drain: DrainPolicy,
        at_once: impl Future<Output = ()>,
    ) -> DrainReport {
        let cut = self.served.drain(drain.delay, drain.patience, at_once).await;
        // Attempts of clients that are gone tell the core so.
        let told = async {
            while self.view.handle.in_flight() > 0 {
                tokio::time::sleep(DRAIN_STEP).await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, told).await;
        self.view.handle.stop_sharing();
        if let Some(sharing) = self.sharing {
            let _ = tokio::time::timeout(SETTLE, sharing).await;
        }
        let log = self.view.handle.log();
        self.tasks.shutdown().await;
        drop(self.operations);
        DrainReport { cut, log }
    }
}

/// Whom each deployment calls that there ever is, with the time-out of its connections.
fn upstreams(
    setup: &GatewaySetup,
) -> impl Iterator<Item = (DeploymentId, UpstreamConfig, Duration)> + '_ {
    let mut timeouts: Vec<Duration> = Vec::new();
    let mut ids = IdRegistry::default();
    for config in std::iter::once(&setup.router).chain(&setup.changes) {
        let AssignedIds { deployments, .. } = ids.add(config);
        for (id, timeout) in deployments.into_iter().zip(connect_timeouts(config)) {
            if id.index() == timeouts.len() {
                timeouts.push(timeout);
            }
        }
    }
    let upstreams = setup.upstreams.iter().zip((0..).map(DeploymentId)).zip(timeouts);
    upstreams.map(|((upstream, id), timeout)| (id, upstream.clone(), timeout))
}

pub(crate) fn connect_timeouts(router: &RouterConfig) -> impl Iterator<Item = Duration> + '_ {
    router.groups.iter().flat_map(|group| {
        let deployments = group.deployments.iter();
        deployments.map(|each| each.timeouts.unwrap_or(group.timeouts).connect)
    })
}
