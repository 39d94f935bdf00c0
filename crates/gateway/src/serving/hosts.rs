//! Whose requests are taken, by the names that browsers put into them.

use super::shared::Shared;
use crate::answer;
use axum::response::Response;
use http::header::{HOST, HeaderName, ORIGIN};
use http::{HeaderMap, StatusCode};
use squall_failure::FailureClass;
use squall_wire::browser::{authority_of, host_of, is_this_machine};
use squall_wire::openai::ApiError;

/// Why a request is refused for its `Host` or its `Origin`, if it is.
///
/// A page from elsewhere that a browser of this machine shows can reach a listener on the loopback: by a
/// name of its own that it makes resolve to this machine, which stands in `Host` then, or by this machine's
/// name, with its own in `Origin`. A name without a dot is nobody's on the public internet, and is taken.
pub(super) fn refusal(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    let allowed = &shared.settings.allowed_hosts;
    if (!shared.loopback && allowed.is_empty()) || allowed.iter().any(|host| host == "*") {
        return None;
    }
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_allowed =
        |name: &str| allowed.iter().any(|host| host_of(host).eq_ignore_ascii_case(host_of(name)));
    let host = text(HOST);
    if let Some(host) = host
        && !is_this_machine(host)
        && (host_of(host).contains(['.', ':']) || host.is_empty())
        && !is_allowed(host)
    {
        return Some(forbidden(&format!(
            "the host `{}` is not this gateway's: ask by `localhost` or an address of the loopback, or \
             name the host in `server.allowed_hosts`",
            shortened(host)
        )));
    }
    if let Some(origin) = text(ORIGIN) {
        let own = authority_of(origin);
        if own.is_none_or(|own| Some(own) != host && !is_allowed(own)) {
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
    answer::refusal(StatusCode::FORBIDDEN, &error)
}

/// As much of a name as tells which it is.
fn shortened(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| &name[..end])
}
