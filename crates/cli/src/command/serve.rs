//! `squall gateway`: a server that runs until a signal ends it.

use super::client_tls;
use super::watch::FileWatch;
use crate::admin_token::{self, AdminToken};
use crate::args::ServeArgs;
use crate::decision_log::DecisionLogWriter;
use crate::error::{CliError, Exit};
use crate::keys_file::{self, KeysFile};
use crate::otlp::Otlp;
use crate::signals::{self, Hangup, Signals};
use crate::{command, config_folder, logging, spend_state, terminal};
use squall_clock::Clock;
use squall_determinism::Seed;
use squall_gateway::{
    Changed, DecisionSampling, DecisionSetup, DecisionSink, DrainPolicy, Gateway, GatewaySetup,
    GatewayView, KeyStore, NameTables, OperatorApi, OperatorApiSetup, OperatorToken, Reload,
    Retention, SavedSpend, ServerSettings, SharedStateSetup, StartError, TlsSettings,
    UpstreamConfig, VirtualKey,
};
use squall_scenario::{
    ApiKey, DecisionLogSettings, Effective, GatewayFile, SettingDifference, StoreLink, check_key,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env::VarError;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

/// Open files of a client whose request is under way: its connection, and the attempt's.
const FILES_PER_CLIENT: u64 = 2;

/// Open files of the gateway itself, generously.
const FILES_OF_ITS_OWN: u64 = 64;

/// Clients at once that are few for a gateway.
const FEW_CLIENTS: usize = 1_000;

/// Connections that may have to wait at 4,000 new ones a second, while the gateway is busy for a second.
const BACKLOG_NEEDED: u32 = 4_096;

pub(crate) fn gateway(args: &ServeArgs) -> Result<Exit, CliError> {
    let _logging = logging::start(&args.log)?;
    let watch = FileWatch::of(args.config());
    let file = read(args.config())?;
    let listen = file.listen;
    let needs_restart = needs_restart(&file);
    let tls = client_tls::settings(args, &file);
    let certificates = client_tls::watch(tls.as_ref());
    let mut fitting = file.server.clone();
    let too_few = fit_to_machine(&mut fitting);
    let before = RefCell::new(Effective::of_gateway(&file));
    let shared_state = file.shared_state.as_ref().map(shared_state).transpose()?;
    let (log, decisions) = decisions(args, &file)?;
    let Reload { router, upstreams, name_tables } = reload(args.config(), file)?;
    let spent = spent(args)?;
    let runtime = runtime()?;
    let otlp = Otlp::start(args.otlp_endpoint.as_deref(), runtime.handle())?;
    let watched = SecretWatches::of(args);
    let keys = args.keys.as_deref().map(keys_file::read).transpose()?;
    let setup = GatewaySetup {
        router,
        changes: Vec::new(),
        upstreams,
        name_tables,
        // A server has no run to repeat: its jitter may differ from one start to the next.
        seed: Seed::new(wall_nanos()),
        epoch_nanos: wall_nanos(),
        clock: Clock::start_now(),
        listen,
        metrics_listen: args.metrics_listen,
        retention: Retention::Nothing,
        decisions,
        spent,
        server: fitting,
        keys,
        tls: tls.clone(),
        shared_state,
        telemetry: otlp.as_ref().map(Otlp::telemetry),
    };
    let token = if args.admin.is_some() { admin_token(args)? } else { None };
    let signals = signals::take_over(2, Hangup::Reload);
    let ended = runtime.block_on(async {
        let gateway = Gateway::start(setup).await.map_err(|error| of_start(args, error))?;
        let admin = start_admin(args, token, &gateway)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        announce(args, (scheme, listen), &gateway, admin.as_ref(), &too_few);
        let view = gateway.view();
        tokio::select! {
            () = signals.stop(1) => {}
            () = watch.changes(signals.clone(), || reload_from(args.config(), &needs_restart, &before, &view, args.admin.is_some())) => {}
            () = keep_secrets(args, watched, signals.clone(), &view, admin.as_ref()) => {}
            () = reopen(log.as_deref(), signals.clone()) => {}
            () = client_tls::keep(certificates, signals.clone(), &view) => {}
            () = spend_state::keep(args.spend_state.as_deref(), &view) => {}
            () = view.core_failed() => {
                // The panic has said where. Those who wait are told, and nobody is left with a server that
                // answers nothing.
                let at_once = DrainPolicy { delay: Duration::ZERO, patience: Duration::ZERO };
                gateway.drain(at_once, std::future::ready(())).await;
                return Err(CliError::CoreFailed);
            }
        }
        drain(args, gateway, &signals).await;
        Ok(Exit::Met)
    });
    if let Some(otlp) = otlp {
        otlp.end();
    }
    log.iter().for_each(|log| log.close());
    ended
}

/// What was spent before a restart.
fn spent(args: &ServeArgs) -> Result<Vec<SavedSpend>, CliError> {
    let Some(path) = &args.spend_state else { return Ok(Vec::new()) };
    let unusable = |source| CliError::SpendState { path: path.clone(), source };
    let (spent, complaint) = spend_state::read(path).map_err(unusable)?;
    complaint.iter().for_each(terminal::status);
    Ok(spent)
}

/// The admin API, where one is asked for.
fn start_admin(
    args: &ServeArgs,
    token: Option<OperatorToken>,
    gateway: &Gateway,
) -> Result<Option<OperatorApi>, CliError> {
    let Some(listen) = args.admin else { return Ok(None) };
    let keys = args.keys.as_deref();
    let keys = keys.map(|path| Arc::new(KeysFile::new(path)) as Arc<dyn KeyStore>);
    let setup = OperatorApiSetup { listen, token, keys };
    Ok(Some(OperatorApi::start(setup, gateway.view())?))
}

/// Where a gateway's file writes decisions down, opened.
fn decision_log(
    path: &Path,
    file: &GatewayFile,
) -> Result<Option<Arc<DecisionLogWriter>>, CliError> {
    let Some(settings) = &file.decision_log else { return Ok(None) };
    let opened = DecisionLogWriter::start(settings, folder_of(path)).map(Arc::new);
    opened.map(Some).map_err(|source| CliError::DecisionLog {
        path: settings.path.clone().unwrap_or_default(),
        source,
    })
}

/// What is kept of decisions, and what is written down. Nobody can ask where there is no admin API.
fn decisions(
    args: &ServeArgs,
    file: &GatewayFile,
) -> Result<(Option<Arc<DecisionLogWriter>>, DecisionSetup), CliError> {
    let writer = decision_log(args.config(), file)?;
    let recent = if args.admin.is_some() { file.recent_requests } else { 0 };
    let log = writer.clone().map(|log| (sampling(file), log as Arc<dyn DecisionSink>));
    Ok((writer, DecisionSetup { recent, log }))
}

fn sampling(file: &GatewayFile) -> DecisionSampling {
    let log = file.decision_log.as_ref();
    log.map(|log| DecisionSampling { sample: log.sample, failed: log.failed }).unwrap_or_default()
}

/// Files with keys and tokens that are taken on when they change. Watched before they are read.
struct SecretWatches {
    keys: Option<FileWatch>,
    token: Option<FileWatch>,
}

impl SecretWatches {
    fn of(args: &ServeArgs) -> Self {
        let watch = |path: &Option<PathBuf>| path.as_deref().map(FileWatch::of);
        Self { keys: watch(&args.keys), token: watch(&args.admin_token_file) }
    }
}

/// Takes on the files of keys and of the admin token whenever they change; never ends.
async fn keep_secrets(
    args: &ServeArgs,
    watched: SecretWatches,
    signals: Signals,
    gateway: &GatewayView,
    admin: Option<&OperatorApi>,
) {
    tokio::select! {
        () = keep_keys(args, watched.keys, signals.clone(), gateway) => {}
        () = keep_token(args, watched.token, signals, admin) => {}
    }
}

/// Opens the decision log anew on every SIGHUP; never ends.
async fn reopen(log: Option<&DecisionLogWriter>, mut signals: Signals) {
    loop {
        signals.reload().await;
        log.iter().for_each(|log| log.reopen());
    }
}

/// Takes on the token of the admin API whenever its file changes; never ends. One that can be none changes nothing.
async fn keep_token(
    args: &ServeArgs,
    watch: Option<FileWatch>,
    signals: Signals,
    admin: Option<&OperatorApi>,
) {
    let (Some(watch), Some(admin)) = (watch, admin) else {
        return std::future::pending().await;
    };
    let take = || match admin_token(args).and_then(|token| Ok(admin.set_token(token)?)) {
        Ok(()) => terminal::status("the admin API has the token of its file"),
        Err(error) => {
            terminal::error(&error);
            terminal::status("the admin API keeps its current token");
        }
    };
    watch.changes(signals, take).await;
}

/// Says where it listens, and what the machine has too little of.
fn announce(
    args: &ServeArgs,
    (scheme, listen): (&str, SocketAddr),
    gateway: &Gateway,
    admin: Option<&OperatorApi>,
    too_few: &[String],
) {
    let url = format!("{scheme}://{}/v1", with_port(listen, gateway.addr()));
    let metrics = args.metrics_listen.zip(gateway.metrics_addr());
    let metrics =
        metrics.map(|(asked, given)| format!("http://{}/metrics", with_port(asked, given)));
    terminal::status(format_args!("gateway: {url}"));
    if let Some(metrics) = &metrics {
        terminal::status(format_args!("metrics: {metrics}"));
    }
    let admin = args.admin.zip(admin);
    let admin = admin.map(|(asked, admin)| with_port(asked, admin.addr()));
    let admin = admin.map(|addr| format!("http://{addr}/admin/v1"));
    if let Some(admin) = &admin {
        terminal::status(format_args!("admin: {admin}/state"));
    }
    too_few.iter().for_each(terminal::status);
    terminal::field("url", || url.into());
    terminal::field("metrics", || metrics.into());
    terminal::field("admin", || admin.into());
    terminal::announce("gateway");
}

/// Lets requests end, and saves what was spent.
async fn drain(args: &ServeArgs, gateway: Gateway, signals: &Signals) {
    let drain = DrainPolicy { delay: args.drain_delay, patience: args.drain };
    terminal::status(format_args!(
        "draining: requests in flight have {} s to finish; a second signal stops immediately",
        (drain.delay + drain.patience).as_secs_f64(),
    ));
    let view = gateway.view();
    let drained = gateway.drain(drain, signals.stop(2)).await;
    if let Some(path) = &args.spend_state
        && let Err(error) = spend_state::write(path, &view.spend())
    {
        terminal::status(format_args!(
            "the spend could not be saved in {}: {error}",
            path.display()
        ));
    }
    match drained.cut {
        0 => terminal::status("stopped: all requests completed"),
        cut => terminal::status(format_args!("stopped: {cut} requests were cut")),
    }
}

/// What a change of the file does not change until a restart: where it listens, its limits, its files of TLS, its
/// store, and where its decision log is.
type NeedsRestart = (
    SocketAddr,
    ServerSettings,
    Option<TlsSettings>,
    Option<StoreLink>,
    Option<DecisionLogSettings>,
);

fn needs_restart(file: &GatewayFile) -> NeedsRestart {
    // Of a decision log the sampling is taken on.
    let DecisionLogSettings { sample, failed, .. } = DecisionLogSettings::default();
    let log = file.decision_log.clone();
    let log = log.map(|log| DecisionLogSettings { sample, failed, ..log });
    (file.listen, file.server.clone(), file.tls.clone(), file.shared_state.clone(), log)
}

/// Takes on a file that has changed. One with a mistake changes nothing: the gateway goes on as it is.
fn reload_from(
    path: &Path,
    now: &NeedsRestart,
    before: &RefCell<Effective>,
    gateway: &GatewayView,
    is_explained: bool,
) {
    let taken = read(path).and_then(|file| {
        let after = Effective::of_gateway(&file);
        let elsewhere = needs_restart(&file) != *now;
        let (recent, sampling) = (file.recent_requests, sampling(&file));
        let changed = gateway.reload(reload(path, file)?)?;
        gateway.set_decisions(if is_explained { recent } else { 0 }, sampling);
        Ok((changed, elsewhere, after))
    });
    match taken {
        Ok((changed, elsewhere, after)) => {
            log_differences(&before.replace(after).differences(&before.borrow()));
            terminal::status(format_args!("reloaded {}{}", path.display(), said(&changed)));
            if elsewhere {
                terminal::status(
                    "`listen`, `server`, `tls`, `shared_state` or `decision_log` has changed: this requires a restart",
                );
            }
        }
        Err(error) => {
            gateway.reload_failed();
            terminal::error(&error);
            terminal::status("the gateway keeps its current configuration");
        }
    }
}

/// Why the gateway cannot start, with the file that is to be changed.
fn of_start(args: &ServeArgs, error: StartError) -> CliError {
    match (error, &args.keys) {
        (StartError::Keys(why), Some(path)) => CliError::Keys { path: path.clone(), why },
        (other, _) => other.into(),
    }
}

/// From now on these keys hold.
fn set_keys(
    args: &ServeArgs,
    gateway: &GatewayView,
    keys: Vec<VirtualKey>,
) -> Result<(), CliError> {
    let path = args.keys.clone().unwrap_or_default();
    gateway.set_keys(keys).map_err(|why| CliError::Keys { path, why })
}

/// Takes on the keys file whenever it changes; never ends. One with a mistake changes nothing.
async fn keep_keys(
    args: &ServeArgs,
    watch: Option<FileWatch>,
    signals: Signals,
    gateway: &GatewayView,
) {
    let (Some(watch), Some(path)) = (watch, &args.keys) else {
        return std::future::pending().await;
    };
    let take = || match keys_file::read(path).and_then(|keys| set_keys(args, gateway, keys)) {
        Ok(()) => terminal::status(format_args!("reloaded {}", path.display())),
        Err(error) => {
            gateway.reload_failed();
            terminal::error(&error);
            terminal::status("the gateway keeps its current keys");
        }
    };
    watch.changes(signals, take).await;
}

/// Every setting that a reload has changed, in the log.
fn log_differences(differences: &[SettingDifference]) {
    for difference in differences.iter().take(LOGGED_MAX) {
        let value =
            |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
        tracing::info!(
            target: "squall",
            path = difference.path,
            before = value(&difference.before),
            after = value(&difference.after),
            "setting changed"
        );
    }
    if let Some(more) = differences.len().checked_sub(LOGGED_MAX).filter(|more| *more > 0) {
        tracing::info!(target: "squall", "{more} more settings changed");
    }
}

/// The settings of one reload that the log tells one by one; the rest are counted.
const LOGGED_MAX: usize = 100;

/// What a change of configuration came to, in a few words.
fn said(changed: &Changed) -> String {
    let part = |what: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!("; {what}: {}", names.join(", ")),
    };
    format!("{}{}", part("new", &changed.came), part("gone", &changed.went))
}

/// A gateway's file, or all of a folder's as one.
pub(super) fn read(path: &Path) -> Result<GatewayFile, CliError> {
    if path.is_dir() {
        let part = |path: PathBuf| {
            let text = command::text(&path)?;
            Ok::<_, CliError>((path.display().to_string(), text))
        };
        let parts = config_folder::parts(path)
            .map_err(|source| CliError::Read { path: path.to_owned(), source })?;
        let parts = parts.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
        return Ok(GatewayFile::read_parts(&parts)?);
    }
    let text = command::text(path)?;
    Ok(GatewayFile::read(&path.display().to_string(), &text)?)
}

/// Where the paths in a file begin.
fn folder_of(path: &Path) -> &Path {
    let beside = path.parent().unwrap_or_else(|| Path::new(""));
    if path.is_dir() { path } else { beside }
}

/// What a gateway is told of its file, keys looked up.
pub(super) fn reload(path: &Path, file: GatewayFile) -> Result<Reload, CliError> {
    let folder = folder_of(path);
    let mut upstreams = Vec::with_capacity(file.deployments.len());
    let names = file.router.groups.iter().flat_map(|group| &group.deployments);
    for (deployment, link) in names.zip(&file.deployments) {
        let provider = &file.providers[usize::from(link.provider)];
        upstreams.push(UpstreamConfig {
            provider: provider.name.clone(),
            format: provider.format,
            trusted: provider.trusted.as_ref().map(|trusted| folder.join(trusted)),
            api_key: provider.api_key.as_ref().map(key).transpose()?,
            stream_usage: provider.stream_usage,
            answer_max: file.max_answer_size,
            ..UpstreamConfig::new(&deployment.name, &address(&provider.base_url)?, &link.model)
        });
    }
    let mut keys = BTreeMap::new();
    for (tenant, own) in file.router.tenants.iter().zip(&file.tenants) {
        if let Some(own) = own {
            keys.insert(tenant.name.clone(), key(own)?);
        }
    }
    let name_tables = NameTables { tags: file.tags, regions: file.regions, keys };
    Ok(Reload { router: file.router, upstreams, name_tables })
}

/// The store of a file, its address looked up.
fn shared_state(link: &StoreLink) -> Result<SharedStateSetup, CliError> {
    Ok(SharedStateSetup {
        url: link.url.as_ref().map(key).transpose()?.unwrap_or_default(),
        fleet: link.fleet.clone(),
        store: link.store(),
        timeout: link.store_timeout,
    })
}

/// A base URL, with the value of the variable that it may begin with.
#[expect(clippy::disallowed_methods, reason = "the file names the variable that holds the address")]
fn address(base_url: &str) -> Result<String, CliError> {
    let Some((name, path)) = squall_scenario::variable_of_url(base_url) else {
        return Ok(base_url.to_owned());
    };
    let missing = |_| CliError::NoAddress { variable: name.to_owned() };
    let value = std::env::var(name).map_err(missing)?;
    Ok(format!("{}{path}", value.trim().trim_end_matches('/')))
}

/// A key without the white space around it; one that can be none is told with its variable's name.
#[expect(clippy::disallowed_methods, reason = "the file names the variable that holds the key")]
fn key(key: &ApiKey) -> Result<String, CliError> {
    match key {
        ApiKey::Literal(key) => Ok(key.clone()),
        ApiKey::Environment(name) => {
            let refused = |why: String| CliError::BadKey { variable: name.clone(), why };
            let key = std::env::var(name).map_err(|error| match error {
                VarError::NotPresent => CliError::NoKey { variable: name.clone() },
                VarError::NotUnicode(_) => refused("is not text".to_owned()),
            })?;
            check_key(&key).map(str::to_owned).map_err(refused)
        }
    }
}

/// The token of the admin API: from its file, or from the environment.
fn admin_token(args: &ServeArgs) -> Result<Option<OperatorToken>, CliError> {
    let Some(AdminToken { place, text }) = admin_token::read(args.admin_token_file.as_deref())?
    else {
        return Ok(None);
    };
    OperatorToken::new(&text).map(Some).map_err(|why| CliError::AdminToken { place, why })
}

/// Raises the limit on open files, takes no more connections than that allows, and gives what is to be said
/// of the machine: what is too little for what is asked.
fn fit_to_machine(server: &mut ServerSettings) -> Vec<String> {
    let mut said = Vec::new();
    let asked = server.max_connections;
    let files = squall_net::raise_file_limit().unwrap_or(u64::MAX);
    let clients = files.saturating_sub(FILES_OF_ITS_OWN) / FILES_PER_CLIENT;
    let clients = usize::try_from(clients).unwrap_or(usize::MAX);
    server.max_connections = asked.min(clients);
    // Nobody has asked for the default: less than that is still many.
    let enough =
        if asked == ServerSettings::default().max_connections { FEW_CLIENTS } else { asked };
    if clients < enough {
        let wanted = asked as u64 * FILES_PER_CLIENT + FILES_OF_ITS_OWN;
        said.push(format!(
            "connections are limited to {clients} by the limit of {files} open files, below \
             `server.max_connections` of {asked}: raise the limit (`ulimit -n {wanted}`, \
             `LimitNOFILE=` of systemd)",
        ));
    }
    let backlog = squall_net::backlog();
    if backlog < BACKLOG_NEEDED {
        said.push(format!(
            "the accept backlog is limited to {backlog} connections: a spike may lose some; \
             raise `net.core.somaxconn` to {BACKLOG_NEEDED}",
        ));
    }
    said
}

pub(super) fn runtime() -> Result<Runtime, CliError> {
    Runtime::new()
        .map_err(|source| CliError::Io { what: "failed to start a runtime".to_owned(), source })
}

/// The address that was asked for, with the port that was given.
fn with_port(asked: SocketAddr, given: SocketAddr) -> SocketAddr {
    SocketAddr::new(asked.ip(), given.port())
}

#[expect(clippy::disallowed_methods, reason = "minute windows of a server follow the wall clock")]
pub(super) fn wall_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(error) => Self::Config(error),
            other => Self::Io { what: "the gateway".to_owned(), source: io::Error::other(other) },
        }
    }
}
