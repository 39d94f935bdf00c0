//! `squall gateway`: a server that runs until a signal ends it.

use super::watch::Watch;
use crate::args::ServeArgs;
use crate::error::{Error, Exit};
use crate::signals::{self, Hangup};
use crate::{command, terminal};
use squall_clock::Clock;
use squall_determinism::Seed;
use squall_gateway::{
    Changed, Drain, Gateway, GatewaySetup, GatewayView, Keep, Reload, ServerSettings, Upstream,
    Wording,
};
use squall_scenario::{ApiKey, GatewayFile};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

pub(crate) fn gateway(args: &ServeArgs) -> Result<Exit, Error> {
    let watch = Watch::of(&args.config);
    let file = read(&args.config)?;
    let listen = file.listen;
    let Reload { router, upstreams, wording } = reload(&args.config, file)?;
    let setup = GatewaySetup {
        router,
        changes: Vec::new(),
        upstreams,
        wording,
        // A server has no run to repeat: its jitter may differ from one start to the next.
        seed: Seed::new(wall_nanos()),
        epoch_nanos: wall_nanos(),
        clock: Clock::start_now(),
        listen,
        keep: Keep::Nothing,
        server: ServerSettings::default(),
    };
    let signals = signals::take_over(2, Hangup::Reload);
    runtime()?.block_on(async {
        let gateway = Gateway::start(setup).await?;
        terminal::status(format_args!("gateway: http://{}/v1", with_port(listen, gateway.addr())));
        let view = gateway.view();
        tokio::select! {
            () = signals.stop(1) => {}
            () = watch.changes(signals.clone(), || take_on(&args.config, listen, &view)) => {}
            () = view.core_failed() => {
                // The panic has said where. Those who wait are told, and nobody is left with a server that
                // answers nothing.
                let at_once = Drain { delay: Duration::ZERO, patience: Duration::ZERO };
                gateway.drain(at_once, std::future::ready(())).await;
                return Err(Error::CoreFailed);
            }
        }
        let drain = Drain { delay: args.drain_delay, patience: args.drain };
        terminal::status(format_args!(
            "stopping: requests under way may end within {} s; another signal ends them at once",
            (drain.delay + drain.patience).as_secs_f64(),
        ));
        let drained = gateway.drain(drain, signals.stop(2)).await;
        match drained.cut {
            0 => terminal::status("stopped: every request has ended"),
            cut => terminal::status(format_args!("stopped: {cut} requests were cut")),
        }
        Ok(Exit::Met)
    })
}

/// Takes on a file that has changed. One with a mistake changes nothing: the gateway goes on as it is.
fn take_on(path: &Path, listen: SocketAddr, gateway: &GatewayView) {
    let taken = read(path).and_then(|file| {
        let elsewhere = file.listen != listen;
        let changed = gateway.reload(reload(path, file)?)?;
        Ok((changed, elsewhere))
    });
    match taken {
        Ok((changed, elsewhere)) => {
            terminal::status(format_args!("reloaded {}{}", path.display(), said(&changed)));
            if elsewhere {
                terminal::status("`listen` has changed: that needs a restart");
            }
        }
        Err(error) => {
            terminal::error(&error);
            terminal::status("the gateway goes on with the configuration it had");
        }
    }
}

/// What a change of configuration came to, in a few words.
fn said(changed: &Changed) -> String {
    let part = |what: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!("; {what}: {}", names.join(", ")),
    };
    format!("{}{}", part("new", &changed.came), part("gone", &changed.went))
}

fn read(path: &Path) -> Result<GatewayFile, Error> {
    let text = command::text(path)?;
    Ok(GatewayFile::read(&path.display().to_string(), &text)?)
}

/// What a gateway is told of its file, keys looked up.
fn reload(path: &Path, file: GatewayFile) -> Result<Reload, Error> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut upstreams = Vec::with_capacity(file.deployments.len());
    let names = file.router.groups.iter().flat_map(|group| &group.deployments);
    for (deployment, link) in names.zip(&file.deployments) {
        let provider = &file.providers[usize::from(link.provider)];
        upstreams.push(Upstream {
            name: deployment.name.clone(),
            provider: provider.name.clone(),
            format: provider.format,
            base_url: provider.base_url.clone(),
            trusted: provider.trusted.as_ref().map(|trusted| folder.join(trusted)),
            model: link.model.clone(),
            api_key: provider.api_key.as_ref().map(key).transpose()?,
        });
    }
    let mut keys = BTreeMap::new();
    for (tenant, own) in file.router.tenants.iter().zip(&file.tenants) {
        if let Some(own) = own {
            keys.insert(tenant.name.clone(), key(own)?);
        }
    }
    let wording = Wording { tags: file.tags, regions: file.regions, keys };
    Ok(Reload { router: file.router, upstreams, wording })
}

#[expect(clippy::disallowed_methods, reason = "the file names the variable that holds the key")]
fn key(key: &ApiKey) -> Result<String, Error> {
    match key {
        ApiKey::Literal(key) => Ok(key.clone()),
        ApiKey::Environment(name) => {
            std::env::var(name).map_err(|_| Error::NoKey { variable: name.clone() })
        }
    }
}

pub(super) fn runtime() -> Result<Runtime, Error> {
    Runtime::new()
        .map_err(|source| Error::Io { what: "failed to start a runtime".to_owned(), source })
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

impl From<squall_gateway::StartError> for Error {
    fn from(error: squall_gateway::StartError) -> Self {
        match error {
            squall_gateway::StartError::Config(error) => Self::Config(error),
            other => Self::Io { what: "the gateway".to_owned(), source: io::Error::other(other) },
        }
    }
}
