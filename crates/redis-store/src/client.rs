//! A client of the store: one connection, one request at a time.

use crate::codec;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Script};
use squall_shared_state::{StoreConfig, SyncError, SyncReply, SyncRequest};
use std::time::Duration;

/// What the store does in one step: a script in Lua for `EVAL`, with one key, the prefix of all of its keys, and the words of
/// [`arguments`](codec::arguments). It answers what [`reply`](codec::reply) reads.
pub const SCRIPT: &str = include_str!("store.lua");

/// The shared store of a fleet, as one of its replicas calls it.
///
/// Whatever goes wrong costs the connection: an answer that comes late is never taken for that to a later request. The
/// next request connects again.
pub struct RedisStore {
    client: Client,
    script: Script,
    /// In braces, so that a cluster keeps all keys on one node.
    prefix: String,
    config: StoreConfig,
    timeout: Duration,
    connection: Option<MultiplexedConnection>,
}

/// The address of a store is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{url}` is no URL of a store such as `redis://127.0.0.1:6379/0` or `rediss://user:password@host:6380`: {why}"
)]
pub struct UrlError {
    /// What was given, without its password.
    pub url: String,
    /// Why not.
    pub why: String,
}

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFailure {
    /// The store cannot be reached, or refuses to be used.
    #[error("the store is away: {0}")]
    Away(String),
    /// It did not answer in time.
    #[error("the store did not answer within {} ms", .0.as_millis())]
    Slow(Duration),
    /// It answered something that our script never does.
    #[error("the store answered what cannot be understood: {0}")]
    Garbage(String),
    /// The script does not take the request.
    #[error("the store refused the request: {0}")]
    Refused(#[from] SyncError),
}

impl RedisStore {
    /// The store at `url`, shared by all replicas that name the same `fleet`. Nothing is connected yet. A request may take
    /// `timeout` in all.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn new(
        url: &str,
        fleet: &str,
        config: StoreConfig,
        timeout: Duration,
    ) -> Result<Self, UrlError> {
        let refused =
            |error: RedisError| UrlError { url: without_password(url), why: said(&error) };
        let client = Client::open(url).map_err(refused)?;
        Ok(Self {
            client,
            script: Script::new(SCRIPT),
            prefix: format!("{{squall:{fleet}}}:v{}", squall_shared_state::PROTOCOL_VERSION),
            config,
            timeout,
            connection: None,
        })
    }

    /// Sends a request, and takes its reply. `new_epoch` names the store's life if this request begins one: any random
    /// number but 0.
    ///
    /// # Errors
    /// When there is no reply to this very request.
    pub async fn sync(
        &mut self,
        request: &SyncRequest,
        new_epoch: u64,
    ) -> Result<SyncReply, StoreFailure> {
        // Taken out, so that what goes wrong here or is dropped on the way leaves none behind.
        let connection = self.connection.take();
        let arguments = codec::arguments(request, &self.config, new_epoch.max(1));
        let exchange = async {
            let mut connection = match connection {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let mut invocation = self.script.prepare_invoke();
            invocation.key(&self.prefix);
            for argument in &arguments {
                invocation.arg(argument);
            }
            let words: Vec<String> = invocation.invoke_async(&mut connection).await?;
            Ok::<_, RedisError>((connection, words))
        };
        let answered = tokio::time::timeout(self.timeout, exchange).await;
        let (connection, words) = answered
            .map_err(|_| StoreFailure::Slow(self.timeout))?
            .map_err(|error| away(&error))?;
        let reply = codec::reply(&words).map_err(StoreFailure::Garbage)?;
        self.connection = Some(connection);
        match reply? {
            reply if reply.number == request.number => Ok(reply),
            reply => Err(StoreFailure::Garbage(format!(
                "an answer to request {} came for {}",
                reply.number, request.number
            ))),
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn away(error: &RedisError) -> StoreFailure {
    use redis::ErrorKind;
    match error.kind() {
        // A script of ours gives strings and nothing else.
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse => StoreFailure::Garbage(said(error)),
        // What Redis says of a long command before a password.
        _ if said(error).contains("unauthenticated") => StoreFailure::Away(
            "it wants a password, which belongs into the URL: redis://:PASSWORD@host:6379"
                .to_owned(),
        ),
        _ => StoreFailure::Away(said(error)),
    }
}

/// What an error says, in one line.
fn said(error: &RedisError) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A URL as it may be told: what stands between the scheme and the host is a secret.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}
