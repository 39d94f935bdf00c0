//! Headers that pass between clients and providers: those of two short lists, and no other.

use crate::request_id::{REQUEST_ID, RequestId};
use http::{HeaderMap, HeaderName, HeaderValue};
use squall_wire::{RequestToken, TOKEN_HEADER};

/// W3C's trace context. What it names is the client's own.
const OF_CLIENTS: [HeaderName; 2] =
    [HeaderName::from_static("traceparent"), HeaderName::from_static("tracestate")];

/// What a client asks of its own vendor beside the body: it means nothing to others.
const OF_FORMATS: [HeaderName; 1] = [HeaderName::from_static("anthropic-beta")];

/// Where OpenAI documents that a client's own name of a request belongs.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// Where the provider's name of a request is told to the client.
const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");

/// Where providers name a request: OpenAI, Anthropic, Azure.
const REQUEST_IDS: [HeaderName; 3] =
    [REQUEST_ID, HeaderName::from_static("request-id"), HeaderName::from_static("apim-request-id")];

/// What else providers tell: how long they worked, and how much of their limits is left.
const OF_PROVIDERS: [&str; 1] = ["openai-processing-ms"];
const OF_PROVIDERS_PREFIXED: [&str; 2] = ["x-ratelimit-", "anthropic-ratelimit-"];

/// The longest value that passes: twice the 512 characters that every tracer is to pass on of `tracestate`.
const VALUE_MAX: usize = 1_024;

/// As many as pass of one answer: Anthropic has twelve.
const PASSED_MAX: usize = 32;

/// What every call for a request bears beside its deployment's own headers.
pub(crate) fn to_provider(
    headers: &HeaderMap,
    id: &RequestId,
    token: Option<&RequestToken>,
) -> HeaderMap {
    let mut passed = HeaderMap::new();
    passed.insert(REQUEST_ID, id.header_value());
    passed.insert(CLIENT_REQUEST_ID, id.header_value());
    for name in OF_CLIENTS.into_iter().chain(OF_FORMATS) {
        for value in headers.get_all(&name).iter().filter(|value| fits(value)).take(PASSED_MAX) {
            passed.append(name.clone(), value.clone());
        }
    }
    if let Some(token) = token {
        passed.insert(TOKEN_HEADER, token.header_value());
    }
    passed
}

/// Whether only an upstream gets it that speaks the format of the client.
pub(crate) fn is_of_format(name: &HeaderName) -> bool {
    OF_FORMATS.contains(name)
}

/// What the client is told of a provider's head.
pub(crate) fn to_client(headers: &HeaderMap) -> HeaderMap {
    let mut passed = HeaderMap::new();
    let named = REQUEST_IDS.iter().find_map(|name| headers.get(name));
    if let Some(name) = named.filter(|value| fits(value)) {
        passed.insert(UPSTREAM_REQUEST_ID, name.clone());
    }
    let known = |name: &str| {
        OF_PROVIDERS.contains(&name)
            || OF_PROVIDERS_PREFIXED.iter().any(|prefix| name.starts_with(prefix))
    };
    let rest = headers.iter().filter(|(name, value)| known(name.as_str()) && fits(value));
    for (name, value) in rest.take(PASSED_MAX) {
        passed.append(name.clone(), value.clone());
    }
    passed
}

fn fits(value: &HeaderValue) -> bool {
    value.len() <= VALUE_MAX
}
