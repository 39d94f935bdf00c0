//! Calls to providers: one attempt at a time, told as news.

mod call;
mod call_context;
mod connect;
mod content_decoding;
mod event;
mod outgoing_request;
mod raw_stream;
mod reused_connection;
mod stream;

pub(crate) use call::UpstreamCall;
pub(crate) use event::UpstreamEvent;

use call::wall_time;
use call_context::CallContext;
use outgoing_request::OutgoingRequest;

use crate::setup::{StartError, UpstreamConfig};
use bytes::Bytes;
use connect::Connector;
use http::header::{CONTENT_TYPE, HOST};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reused_connection::ReuseTrackingConnector;
use squall_failure::FailureClass;
use squall_router::{GroupId, ResolvedGroup};
use squall_wire::call::ClientFormat;
use squall_wire::chat::{ChatRequest, FrontApi, Unsupported};
use squall_wire::{Format, StreamUsage, dialect};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long an unused connection is kept: less than the minute after which servers close theirs.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// The longest refusal of a check that is read.
const CHECK_MAX: usize = 64 << 10;

/// Whom a deployment calls, with its connections.
#[derive(Debug)]
pub(crate) struct UpstreamEndpoint {
    name: Arc<str>,
    upstream: UpstreamConfig,
    connect_timeout: Duration,
    dialect: &'static dyn ClientFormat,
    base: UpstreamBaseUrl,
    /// Where the upstream's own model answers: in one piece, and as a stream.
    chat_uris: [Uri; 2],
    models_uri: Uri,
    /// Those of every call, and those of a call that has a body.
    headers: HeaderMap,
    chat_headers: HeaderMap,
    client: Client<ReuseTrackingConnector<Connector>, Full<Bytes>>,
    connector: Connector,
    /// It has refused to be asked for the usage of a stream.
    refuses_usage: AtomicBool,
    /// Its deployment is gone.
    left: bool,
}

impl UpstreamEndpoint {
    /// # Errors
    /// When its base URL is none, or TLS cannot be had.
    pub(crate) fn new(
        upstream: UpstreamConfig,
        connect_timeout: Duration,
    ) -> Result<Self, StartError> {
        let bad = || StartError::BaseUrl {
            name: upstream.name.clone(),
            base_url: upstream.base_url.clone(),
        };
        let base = UpstreamBaseUrl::parse(&upstream.base_url).ok_or_else(bad)?;
        // A call without its key would be refused by somebody who cannot say why.
        if upstream.api_key.as_ref().is_some_and(|key| HeaderValue::try_from(key).is_err()) {
            return Err(StartError::ApiKey { name: upstream.name.clone() });
        }
        let dialect = dialect(upstream.format);
        let chat_uri = |stream| base.below(&dialect.chat_path(&upstream.model, stream));
        let chat_uris = [chat_uri(false).ok_or_else(bad)?, chat_uri(true).ok_or_else(bad)?];
        let models_uri = base.below(dialect.models_path()).ok_or_else(bad)?;
        let secure = base.scheme == Scheme::HTTPS;
        let connector = connect::connector(&upstream, secure, connect_timeout)?;
        let mut headers = dialect.headers(upstream.api_key.as_deref());
        headers.insert(HOST, base.host().ok_or_else(bad)?);
        let mut chat_headers = headers.clone();
        chat_headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Self {
            name: upstream.name.as_str().into(),
            headers,
            chat_headers,
            dialect,
            base,
            chat_uris,
            models_uri,
            client: client(connector.clone()),
            connector,
            refuses_usage: AtomicBool::new(false),
            left: false,
            upstream,
            connect_timeout,
        })
    }

    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The same without a connection: for a deployment that is gone. Calls under way keep theirs.
    pub(crate) fn left(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            upstream: self.upstream.clone(),
            connect_timeout: self.connect_timeout,
            dialect: self.dialect,
            base: self.base.clone(),
            chat_uris: self.chat_uris.clone(),
            models_uri: self.models_uri.clone(),
            headers: self.headers.clone(),
            chat_headers: self.chat_headers.clone(),
            client: client(self.connector.clone()),
            connector: self.connector.clone(),
            refuses_usage: AtomicBool::new(false),
            left: true,
        }
    }

    /// Whether its deployment is gone.
    pub(crate) const fn has_left(&self) -> bool {
        self.left
    }

    pub(crate) fn format(&self) -> Format {
        self.upstream.format
    }

    /// The model that it calls, as configured.
    pub(crate) fn model(&self) -> &str {
        &self.upstream.model
    }

    /// The host that it calls.
    pub(crate) fn host(&self) -> &str {
        self.base.authority.host()
    }

    /// The port there.
    pub(crate) fn port(&self) -> u16 {
        self.base.authority.port_u16().unwrap_or_else(|| self.base.usual_port())
    }

    pub(crate) fn provider(&self) -> &str {
        &self.upstream.provider
    }

    /// Whether it is this upstream that it calls, in this way.
    pub(crate) fn calls(&self, upstream: &UpstreamConfig, connect_timeout: Duration) -> bool {
        self.upstream == *upstream && self.connect_timeout == connect_timeout
    }

    /// Asks for the list of models. Passed is any answer but an error of the server or a refusal of the
    /// key: not all who serve chat serve the list.
    pub(crate) async fn check(&self, timeout: Duration) -> bool {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = self.models_uri.clone();
        *request.headers_mut() = self.headers.clone();
        tokio::time::timeout(timeout, self.checked(request)).await.unwrap_or(false)
    }

    /// Some say of a wrong key that the request is wrong, and only the body tells which it is.
    async fn checked(&self, request: Request<Full<Bytes>>) -> bool {
        let Ok(answer) = self.client.request(request).await else { return false };
        let (parts, body) = answer.into_parts();
        let status = parts.status;
        if !status.is_client_error() {
            return !status.is_server_error();
        }
        let body = Limited::new(body, CHECK_MAX).collect().await;
        let body = body.map(Collected::to_bytes).unwrap_or_default();
        let failure = self.dialect.failure(status.as_u16(), &parts.headers, &body, wall_time());
        !matches!(status.as_u16(), 401 | 403) && failure.class != FailureClass::Auth
    }

    /// Whether it calls the very model that the client named, which a pattern of its group let through.
    pub(crate) fn takes_the_clients_model(&self, captured: Option<&str>) -> bool {
        captured.is_some() && self.upstream.model.contains('*')
    }

    /// Begins an attempt. `captured` is what the `*` of the group's name stood for; `native` the API of the client,
    /// where the request goes as it came.
    pub(crate) fn call(
        self: &Arc<Self>,
        chat: &Arc<ChatRequest>,
        captured: Option<&str>,
        passed: &Arc<HeaderMap>,
        between_tokens: Duration,
        native: Option<FrontApi>,
    ) -> UpstreamCall {
        let outgoing = self.outgoing(chat, captured, passed, between_tokens);
        UpstreamCall::new(OutgoingRequest { native, ..outgoing })
    }

    /// Begins no attempt: there are no words for the request.
    pub(crate) fn no_call(
        self: &Arc<Self>,
        chat: &Arc<ChatRequest>,
        passed: &Arc<HeaderMap>,
        unsupported: Unsupported,
    ) -> UpstreamCall {
        let outgoing = self.outgoing(chat, None, passed, Duration::ZERO);
        UpstreamCall::none(outgoing, unsupported)
    }

    fn outgoing(
        self: &Arc<Self>,
        chat: &Arc<ChatRequest>,
        captured: Option<&str>,
        passed: &Arc<HeaderMap>,
        between_tokens: Duration,
    ) -> OutgoingRequest {
        let found = ResolvedGroup { group: GroupId(0), captured };
        let model = found.model(&self.upstream.model).into();
        OutgoingRequest {
            endpoint: Arc::clone(self),
            chat: Arc::clone(chat),
            known: CallContext::new(Arc::clone(self), model),
            passed: Arc::clone(passed),
            between_tokens,
            ask_usage: self.asks_usage(),
            native: None,
        }
    }

    /// The most bytes of an answer that are held.
    pub(crate) fn answer_max(&self) -> usize {
        self.upstream.answer_max
    }

    fn api_key(&self) -> Option<&str> {
        self.upstream.api_key.as_deref()
    }

    /// Whether streams are asked to tell their usage.
    fn asks_usage(&self) -> bool {
        match self.upstream.stream_usage {
            StreamUsage::Always => true,
            StreamUsage::Never => false,
            StreamUsage::Auto => !self.refuses_usage.load(Ordering::Relaxed),
        }
    }

    /// It has refused to tell usage; whether it may be asked without.
    fn learn_no_usage(&self) -> bool {
        self.refuses_usage.store(true, Ordering::Relaxed);
        self.upstream.stream_usage == StreamUsage::Auto
    }

    /// Where this model answers; nowhere, if its name fits into no address.
    fn chat_uri(&self, model: &str, stream: bool) -> Option<Uri> {
        if model == self.upstream.model {
            return Some(self.chat_uris[usize::from(stream)].clone());
        }
        self.base.below(&self.dialect.chat_path(model, stream))
    }
}

/// The router decides what is tried again. The client sends again only what never left, since the connection
/// that it took from the pool had been closed.
fn client(connector: Connector) -> Client<ReuseTrackingConnector<Connector>, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .retry_canceled_requests(true)
        // It is among the headers of every call.
        .set_host(false)
        .build(ReuseTrackingConnector(connector))
}

/// The address that all calls lie below.
#[derive(Clone, Debug)]
struct UpstreamBaseUrl {
    scheme: Scheme,
    authority: Authority,
    path: String,
    /// Said with every call: `api-version=2025-04-01-preview`.
    query: Option<String>,
}

impl UpstreamBaseUrl {
    fn parse(url: &str) -> Option<Self> {
        let base: Uri = url.parse().ok()?;
        let scheme = base.scheme().filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
        Some(Self {
            scheme: scheme?.clone(),
            authority: base.authority()?.clone(),
            path: base.path().trim_end_matches('/').to_owned(),
            query: base.query().map(str::to_owned),
        })
    }

    fn usual_port(&self) -> u16 {
        if self.scheme == Scheme::HTTPS { 443 } else { 80 }
    }

    /// What `Host` says, without the port that is the scheme's own.
    fn host(&self) -> Option<HeaderValue> {
        let usual = self.usual_port();
        let host = self.authority.host();
        match self.authority.port_u16().filter(|port| *port != usual) {
            Some(port) => HeaderValue::try_from(format!("{host}:{port}")).ok(),
            None => HeaderValue::from_str(host).ok(),
        }
    }

    /// The address of a path, which may end in a query. What the base says of a name goes before what
    /// the path says of it.
    fn below(&self, path: &str) -> Option<Uri> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let own = self.query.as_deref().unwrap_or_default();
        let name = |pair: &str| pair.split('=').next().map(str::to_owned);
        let taken: Vec<_> = own.split('&').map(name).collect();
        let rest = query.split('&').filter(|pair| !taken.contains(&name(pair)));
        let pairs: Vec<_> = own.split('&').chain(rest).filter(|pair| !pair.is_empty()).collect();
        let mut whole = format!("{}{path}", self.path);
        if !pairs.is_empty() {
            whole.push('?');
            whole.push_str(&pairs.join("&"));
        }
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(whole.parse::<PathAndQuery>().ok()?)
            .build()
            .ok()
    }
}
