//! Cross-origin requests: pages of the listed origins may ask this gateway and read its answers. Off unless some are
//! listed. Keys come in headers, so that no cookie or other credential of the browser's is ever asked for.

use super::server_state::ServerState;
use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{Method, Request, StatusCode};

/// How long a browser may go by a preflight: what Chromium takes at most.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");
/// What a page may read beside the answer.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, request-id, retry-after, x-squall-deployment, x-squall-attempts",
);
/// The longest list of headers that is said back.
const ASKED_MAX: usize = 1_024;

/// A request of a page that may read the answer.
#[derive(Clone, Debug)]
pub(super) struct CrossOrigin {
    /// Its origin, or `*` where all are allowed.
    origin: HeaderValue,
    /// What a preflight asks to send.
    preflight: Option<Option<HeaderValue>>,
}

/// Whether the setting has this origin.
pub(super) fn is_listed(shared: &ServerState, origin: &str) -> bool {
    let listed = &shared.settings.cors_origins;
    listed.iter().any(|own| own == "*" || own.eq_ignore_ascii_case(origin))
}

impl CrossOrigin {
    /// What this request is, if it comes from a page of an origin that is listed.
    pub(super) fn of<B>(shared: &ServerState, request: &Request<B>) -> Option<Self> {
        let headers = request.headers();
        let origin = headers.get(ORIGIN)?;
        if !is_listed(shared, origin.to_str().ok()?) {
            return None;
        }
        let all = shared.settings.cors_origins.iter().any(|own| own == "*");
        let asks = *request.method() == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let to_send = headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
        let to_send = to_send.filter(|names| names.len() <= ASKED_MAX).cloned();
        Some(Self {
            origin: if all { HeaderValue::from_static("*") } else { origin.clone() },
            preflight: asks.then_some(to_send),
        })
    }

    /// The answer to a preflight, if the request is one.
    pub(super) fn preflight(&self) -> Option<Response> {
        let to_send = self.preflight.as_ref()?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        // A star would not stand for `Authorization`.
        if let Some(names) = to_send {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        Some(response)
    }

    /// Lets the page read a response, whatever it says.
    pub(super) fn allow(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
}
