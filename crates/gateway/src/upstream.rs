//! Calls to providers: one attempt at a time, told as news.

mod call;
mod connect;

pub(crate) use call::{Call, News};

use crate::setup::{StartError, Upstream};
use bytes::Bytes;
use connect::Connector;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use squall_router::{Found, GroupId};
use squall_wire::openai::ChatRequest;
use squall_wire::{RequestToken, TOKEN_HEADER};
use std::time::Duration;

/// How long an unused connection is kept: less than the minute after which servers close theirs.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// Where chat completions and the list of models are, below a base URL that ends with the version.
const CHAT_PATH: &str = "/chat/completions";
const MODELS_PATH: &str = "/models";

/// Whom a deployment calls, with its connections.
#[derive(Debug)]
pub(crate) struct Endpoint {
    upstream: Upstream,
    connect_timeout: Duration,
    uri: Uri,
    models_uri: Uri,
    authorization: Option<HeaderValue>,
    client: Client<Connector, Full<Bytes>>,
}

impl Endpoint {
    /// # Errors
    /// When its base URL is none, or TLS cannot be had.
    pub(crate) fn new(upstream: Upstream, connect_timeout: Duration) -> Result<Self, StartError> {
        let bad = || StartError::BaseUrl {
            name: upstream.name.clone(),
            base_url: upstream.base_url.clone(),
        };
        let base: Uri = upstream.base_url.parse().map_err(|_| bad())?;
        let authority: Authority = base.authority().ok_or_else(bad)?.clone();
        let scheme = base.scheme().filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
        let scheme = scheme.ok_or_else(bad)?;
        let below = |path: &str| {
            let path = format!("{}{path}", base.path().trim_end_matches('/'));
            Uri::builder()
                .scheme(scheme.clone())
                .authority(authority.clone())
                .path_and_query(path.parse::<PathAndQuery>().map_err(|_| bad())?)
                .build()
                .map_err(|_| bad())
        };
        let (uri, models_uri) = (below(CHAT_PATH)?, below(MODELS_PATH)?);
        let bearer = |key: &String| HeaderValue::try_from(format!("Bearer {key}")).ok();
        let connector = connect::connector(&upstream, *scheme == Scheme::HTTPS, connect_timeout)?;
        // The router decides what is tried again: the client must not.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self {
            uri,
            models_uri,
            authorization: upstream.api_key.as_ref().and_then(bearer),
            client,
            upstream,
            connect_timeout,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.upstream.name
    }

    pub(crate) fn provider(&self) -> &str {
        &self.upstream.provider
    }

    /// Whether it is this upstream that it calls, in this way.
    pub(crate) fn calls(&self, upstream: &Upstream, connect_timeout: Duration) -> bool {
        self.upstream == *upstream && self.connect_timeout == connect_timeout
    }

    /// Asks for the list of models. Passed is any answer but an error of the server or a refusal of the
    /// key: not all who serve chat serve the list.
    pub(crate) async fn check(&self, timeout: Duration) -> bool {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = self.models_uri.clone();
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        match tokio::time::timeout(timeout, self.client.request(request)).await {
            Ok(Ok(answer)) => {
                let status = answer.status();
                !status.is_server_error() && !matches!(status.as_u16(), 401 | 403)
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// Begins an attempt. `captured` is what the `*` of the group's name stood for.
    pub(crate) fn call(
        &self,
        chat: &ChatRequest,
        captured: Option<&str>,
        token: Option<&RequestToken>,
        between_tokens: Duration,
    ) -> Call {
        let found = Found { group: GroupId(0), captured };
        let model = found.model(&self.upstream.model);
        let mut request = Request::new(Full::new(chat.body_for(&model)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(token) = token {
            headers.insert(TOKEN_HEADER, token.header_value());
        }
        Call::new(self.client.request(request), chat.stream, between_tokens)
    }
}
