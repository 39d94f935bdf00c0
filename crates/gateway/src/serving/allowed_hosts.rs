//! Checks of `Host` and `Origin`, against requests from pages of other sites.

use super::cors;
use super::server_state::ServerState;
use crate::response;
use axum::response::Response;
use http::header::{HOST, HeaderValue, ORIGIN};
use http::uri::Authority;
use http::{Request, StatusCode};
use squall_failure::FailureClass;
use squall_wire::browser::{authority_of, host_of, is_this_machine};
use squall_wire::error::ApiError;

/// Why a request is refused for its `Host` or its `Origin`, if it is.
///
/// A page from elsewhere that a browser of this machine shows can reach a listener on the loopback: by a
/// name of its own that it makes resolve to this machine, which stands in `Host` then, or by this machine's
/// name, with its own in `Origin`. A name without a dot is nobody's on the public internet, and is taken.
pub(super) fn refusal<B>(shared: &ServerState, request: &Request<B>) -> Option<Response> {
    let allowed = &shared.settings.allowed_hosts;
    if (!shared.loopback && allowed.is_empty()) || allowed.iter().any(|host| host == "*") {
        return None;
    }
    let is_allowed =
        |name: &str| allowed.iter().any(|host| host_of(host).eq_ignore_ascii_case(host_of(name)));
    let headers = request.headers();
    // A request may name its host more than once, and in its target: each must be ours.
    let target = request.uri().authority().map(Authority::as_str);
    let hosts = || headers.get_all(HOST).iter().map(text).chain(target);
    let foreign = |host: &&str| {
        !is_this_machine(host)
            && (host_of(host).contains(['.', ':']) || host.is_empty())
            && !is_allowed(host)
    };
    if let Some(host) = hosts().find(foreign) {
        return Some(forbidden(&format!(
            "the host `{}` is not this gateway's: ask by `localhost` or an address of the loopback, or \
             name the host in `server.allowed_hosts`",
            shortened(host)
        )));
    }
    for origin in headers.get_all(ORIGIN).iter().map(text) {
        let own = authority_of(origin);
        let is_foreign = own.is_none_or(|own| !hosts().any(|host| host == own) && !is_allowed(own));
        if is_foreign && !cors::is_listed(shared, origin) {
            return Some(forbidden(&format!(
                "a page from `{}` may not ask this gateway: name its host in `server.allowed_hosts`",
                shortened(origin)
            )));
        }
    }
    None
}

fn forbidden(message: &str) -> Response {
    let error = ApiError::of(FailureClass::BadRequest, "").with_message(message);
    response::api_error(StatusCode::FORBIDDEN, &error)
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// As much of a name as tells which it is.
fn shortened(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| &name[..end])
}
