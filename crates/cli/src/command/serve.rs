//! `squall gateway` and `squall mock`: servers that run until Ctrl-C.

use crate::args::ServeArgs;
use crate::error::{Error, Exit};
use crate::{command, terminal};
use squall_clock::Clock;
use squall_determinism::Seed;
use squall_gateway::{Gateway, GatewaySetup, Keep, Upstream};
use squall_mock_provider::{MockSetup, Rows};
use squall_scenario::{ApiKey, GatewayFile, MockFile};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

/// How long requests may take to end after Ctrl-C.
const DRAIN: Duration = Duration::from_secs(30);

pub(crate) fn gateway(args: &ServeArgs) -> Result<Exit, Error> {
    let text = command::text(&args.config)?;
    let file = GatewayFile::read(&args.config.display().to_string(), &text)?;
    let listen = file.listen;
    let setup = gateway_setup(file)?;
    runtime()?.block_on(async {
        let gateway = Gateway::start(setup).await?;
        terminal::status(format_args!("gateway: http://{}/v1", with_port(listen, gateway.addr())));
        until_interrupted().await;
        terminal::status("stopping: requests under way may end");
        gateway.shutdown(DRAIN).await;
        Ok(Exit::Met)
    })
}

pub(crate) fn mock(args: &ServeArgs) -> Result<Exit, Error> {
    let text = command::text(&args.config)?;
    let file = MockFile::read(&args.config.display().to_string(), &text)?;
    runtime()?.block_on(async {
        let clock = Clock::start_now();
        let epoch_nanos = wall_nanos();
        let setups = (0_u16..).zip(file.providers).map(|(number, provider)| MockSetup {
            name: provider.name,
            provider: number,
            config: provider.config,
            seed: file.seed,
            clock,
            epoch_nanos,
            listen: provider.listen,
            models: Vec::new(),
            rows: Rows::Dropped,
        });
        let ready = |names: &[(String, std::net::SocketAddr)]| {
            for (name, addr) in names {
                terminal::status(format_args!("{name}: http://{addr}/v1"));
            }
        };
        squall_mock_provider::serve(setups.collect(), ready, until_interrupted())
            .await
            .map_err(Error::Mock)?;
        Ok(Exit::Met)
    })
}

fn gateway_setup(file: GatewayFile) -> Result<GatewaySetup, Error> {
    let mut upstreams = Vec::with_capacity(file.deployments.len());
    let names = file.router.groups.iter().flat_map(|group| &group.deployments);
    for (deployment, link) in names.zip(&file.deployments) {
        let provider = &file.providers[usize::from(link.provider)];
        upstreams.push(Upstream {
            name: deployment.name.clone(),
            base_url: provider.base_url.clone(),
            model: link.model.clone(),
            api_key: provider.api_key.as_ref().map(key).transpose()?,
        });
    }
    Ok(GatewaySetup {
        router: file.router,
        upstreams,
        // A server has no run to repeat: its jitter may differ from one start to the next.
        seed: Seed::new(wall_nanos()),
        epoch_nanos: wall_nanos(),
        clock: Clock::start_now(),
        listen: file.listen,
        keep: Keep::Nothing,
    })
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

fn runtime() -> Result<Runtime, Error> {
    Runtime::new()
        .map_err(|source| Error::Io { what: "failed to start a runtime".to_owned(), source })
}

async fn until_interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The address that was asked for, with the port that was given.
fn with_port(asked: std::net::SocketAddr, given: std::net::SocketAddr) -> std::net::SocketAddr {
    std::net::SocketAddr::new(asked.ip(), given.port())
}

#[expect(clippy::disallowed_methods, reason = "minute windows of a server follow the wall clock")]
fn wall_nanos() -> u64 {
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
