//! Calls to providers: one attempt at a time, told as news.

mod call;

pub(crate) use call::{Call, News};

use crate::setup::{StartError, Upstream};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use squall_wire::openai::ChatRequest;
use squall_wire::{RequestToken, TOKEN_HEADER};
use std::time::Duration;

/// How long an unused connection is kept: less than the minute after which servers close theirs.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// Where chat completions are, below a base URL that ends with the version.
const CHAT_PATH: &str = "/chat/completions";

/// Whom a deployment calls, with its connections.
#[derive(Debug)]
pub(crate) struct Endpoint {
    uri: Uri,
    model: String,
    authorization: Option<HeaderValue>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Endpoint {
    pub(crate) fn new(upstream: &Upstream, connect_timeout: Duration) -> Result<Self, StartError> {
        let bad = || StartError::BaseUrl {
            name: upstream.name.clone(),
            base_url: upstream.base_url.clone(),
        };
        let base: Uri = upstream.base_url.parse().map_err(|_| bad())?;
        let authority: Authority = base.authority().ok_or_else(bad)?.clone();
        if base.scheme() != Some(&Scheme::HTTP) {
            return Err(bad());
        }
        let path = format!("{}{CHAT_PATH}", base.path().trim_end_matches('/'));
        let uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(authority)
            .path_and_query(path.parse::<PathAndQuery>().map_err(|_| bad())?)
            .build()
            .map_err(|_| bad())?;
        let bearer = |key: &String| HeaderValue::try_from(format!("Bearer {key}")).ok();
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(connect_timeout));
        // The router decides what is tried again: the client must not.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self {
            uri,
            model: upstream.model.clone(),
            authorization: upstream.api_key.as_ref().and_then(bearer),
            client,
        })
    }

    /// Begins an attempt.
    pub(crate) fn call(
        &self,
        chat: &ChatRequest,
        token: Option<&RequestToken>,
        between_tokens: Duration,
    ) -> Call {
        let mut request = Request::new(Full::new(chat.body_for(&self.model)));
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
