//! `squall gateway`: a server that runs until a signal ends it.

use super::watch::FileWatch;
use crate::args::ServeArgs;
use crate::error::{CliError, Exit};
use crate::signals::{self, Hangup};
use crate::{command, logging, spend_state, terminal};
use squall_clock::Clock;
use squall_determinism::Seed;
use squall_gateway::{
    Changed, DrainPolicy, Gateway, GatewaySetup, GatewayView, NameTables, Reload, Retention,
    ServerSettings, UpstreamConfig,
};
use squall_scenario::{ApiKey, Effective, GatewayFile, SettingDifference, check_key};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env::VarError;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
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
    let watch = FileWatch::of(&args.config);
    let file = read(&args.config)?;
    let (listen, server) = (file.listen, file.server.clone());
    let mut fitting = server.clone();
    let too_few = fit_to_machine(&mut fitting);
    let before = RefCell::new(Effective::of_gateway(&file));
    let Reload { router, upstreams, name_tables } = reload(&args.config, file)?;
    let spend = args.spend_state.as_deref().map(|path| {
        let unusable = |source| CliError::SpendState { path: path.to_owned(), source };
        spend_state::read(path).map_err(unusable)
    });
    let (spent, complaint) = spend.transpose()?.unwrap_or_default();
    complaint.iter().for_each(terminal::status);
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
        spent,
        server: fitting,
    };
    let signals = signals::take_over(2, Hangup::Reload);
    runtime()?.block_on(async {
        let gateway = Gateway::start(setup).await?;
        terminal::status(format_args!("gateway: http://{}/v1", with_port(listen, gateway.addr())));
        if let (Some(asked), Some(given)) = (args.metrics_listen, gateway.metrics_addr()) {
            terminal::status(format_args!("metrics: http://{}/metrics", with_port(asked, given)));
        }
        too_few.iter().for_each(terminal::status);
        terminal::field("url", || format!("http://{}/v1", with_port(listen, gateway.addr())).into());
        terminal::field("metrics", || {
            let given = args.metrics_listen.zip(gateway.metrics_addr());
            given.map(|(asked, given)| format!("http://{}/metrics", with_port(asked, given))).into()
        });
        terminal::announce("gateway");
        let view = gateway.view();
        tokio::select! {
            () = signals.stop(1) => {}
            () = watch.changes(signals.clone(), || reload_from(&args.config, (listen, &server), &before, &view)) => {}
            () = spend_state::keep(args.spend_state.as_deref(), &view) => {}
            () = view.core_failed() => {
                // The panic has said where. Those who wait are told, and nobody is left with a server that
                // answers nothing.
                let at_once = DrainPolicy { delay: Duration::ZERO, patience: Duration::ZERO };
                gateway.drain(at_once, std::future::ready(())).await;
                return Err(CliError::CoreFailed);
            }
        }
        let drain = DrainPolicy { delay: args.drain_delay, patience: args.drain };
        terminal::status(format_args!(
            "draining: requests in flight have {} s to finish; a second signal stops immediately",
            (drain.delay + drain.patience).as_secs_f64(),
        ));
        let drained = gateway.drain(drain, signals.stop(2)).await;
        if let Some(path) = &args.spend_state
            && let Err(error) = spend_state::write(path, &view.spend())
        {
            terminal::status(format_args!("the spend could not be saved in {}: {error}", path.display()));
        }
        match drained.cut {
            0 => terminal::status("stopped: all requests completed"),
            cut => terminal::status(format_args!("stopped: {cut} requests were cut")),
        }
        Ok(Exit::Met)
    })
}

/// Takes on a file that has changed. One with a mistake changes nothing: the gateway goes on as it is.
fn reload_from(
    path: &Path,
    now: (SocketAddr, &ServerSettings),
    before: &RefCell<Effective>,
    gateway: &GatewayView,
) {
    let taken = read(path).and_then(|file| {
        let after = Effective::of_gateway(&file);
        let elsewhere = (file.listen, &file.server) != now;
        let changed = gateway.reload(reload(path, file)?)?;
        Ok((changed, elsewhere, after))
    });
    match taken {
        Ok((changed, elsewhere, after)) => {
            log_differences(&before.replace(after).differences(&before.borrow()));
            terminal::status(format_args!("reloaded {}{}", path.display(), said(&changed)));
            if elsewhere {
                terminal::status("`listen` or `server` has changed: this requires a restart");
            }
        }
        Err(error) => {
            terminal::error(&error);
            terminal::status("the gateway keeps its current configuration");
        }
    }
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

fn read(path: &Path) -> Result<GatewayFile, CliError> {
    let text = command::text(path)?;
    Ok(GatewayFile::read(&path.display().to_string(), &text)?)
}

/// What a gateway is told of its file, keys looked up.
fn reload(path: &Path, file: GatewayFile) -> Result<Reload, CliError> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
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

impl From<squall_gateway::StartError> for CliError {
    fn from(error: squall_gateway::StartError) -> Self {
        match error {
            squall_gateway::StartError::Config(error) => Self::Config(error),
            other => Self::Io { what: "the gateway".to_owned(), source: io::Error::other(other) },
        }
    }
}
