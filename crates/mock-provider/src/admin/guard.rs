//! Who may ask: whoever bears the token, or, without one, programs and pages of this machine. A page from
//! elsewhere that a browser of this machine shows is kept out: its host or its origin is not ours.

use super::AdminState;
use super::api::AdminError;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use http::{Method, StatusCode};
use squall_wire::browser::{authority_of, is_this_machine};
use std::sync::Arc;

pub(super) async fn check(
    State(admin): State<Arc<AdminState>>,
    request: Request,
    next: Next,
) -> Result<Response, AdminError> {
    may_ask(&admin, &request)?;
    Ok(next.run(request).await)
}

fn may_ask(admin: &AdminState, request: &Request) -> Result<(), AdminError> {
    let header =
        |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    match &admin.setup.token {
        Some(token) => {
            let given = header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
            if !given.is_some_and(|given| same(given.as_bytes(), token.as_bytes())) {
                let message = "the token is missing or wrong: send `Authorization: Bearer TOKEN`";
                return Err(AdminError::new(StatusCode::UNAUTHORIZED, message));
            }
        }
        // A name that resolves to this machine is not ours unless it says so: DNS can be rebound.
        None if !header(HOST).is_some_and(is_this_machine) => {
            let message = "use the name `localhost` or a loopback address";
            return Err(AdminError::new(StatusCode::FORBIDDEN, message));
        }
        None => {}
    }
    if request.method() != Method::GET {
        let own = header(HOST);
        let foreign = header(ORIGIN)
            .is_some_and(|origin| authority_of(origin).is_none_or(|host| Some(host) != own));
        if foreign {
            let message = "cross-site requests are not allowed";
            return Err(AdminError::new(StatusCode::FORBIDDEN, message));
        }
        // What a page may send elsewhere without asking is not JSON.
        if !header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json")) {
            let message = "send JSON, with `content-type: application/json`";
            return Err(AdminError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
    }
    Ok(())
}

/// In a time that does not tell where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_same_or_not() {
        assert!(same(b"secret", b"secret"));
        assert!(!same(b"secret", b"secreT") && !same(b"secret", b"secret1") && !same(b"", b"x"));
    }
}
