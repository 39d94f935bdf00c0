//! The axum service: one endpoint, answered by the router task.

use crate::RouterTask;
use crate::upstream::{self, ExampleError};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_body_util::Empty;
use std::io;
use std::net::SocketAddr;

/// The header in which clients send their session, a number.
pub const SESSION_HEADER: &str = "x-session";

/// Serves `GET /chat` on a free port of loopback, and returns the address.
///
/// # Errors
/// When no port is free.
pub async fn start(router: RouterTask) -> io::Result<SocketAddr> {
    upstream::serve(Router::new().route("/chat", get(chat)).with_state(router)).await
}

/// Sends a request to the service at `address`, and returns status and text.
///
/// # Errors
/// When no answer arrives.
pub async fn get_chat(
    address: SocketAddr,
    session: Option<u64>,
) -> Result<(u16, String), ExampleError> {
    let mut request = Request::get(format!("http://{address}/chat"));
    if let Some(session) = session {
        request = request.header(SESSION_HEADER, session);
    }
    let (status, body) = upstream::send(&upstream::client(), request.body(Empty::new())?).await?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

async fn chat(State(router): State<RouterTask>, headers: HeaderMap) -> Response {
    let session = headers.get(SESSION_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
    match router.request(session).await {
        Some(Ok(body)) => body.into_response(),
        Some(Err(failure)) => {
            let status = StatusCode::from_u16(failure.client_status());
            let text = format!("every attempt failed: {}", failure.class.as_str());
            (status.unwrap_or(StatusCode::BAD_GATEWAY), text).into_response()
        }
        // The router task has ended, for example after a panic of a custom strategy.
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
