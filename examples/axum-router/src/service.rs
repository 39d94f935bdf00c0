//! What clients see: one endpoint, answered by the core.

use crate::core::Core;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Serves on a free port of loopback, and says where.
pub(crate) async fn start(core: Core) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let app = Router::new().route("/chat", get(chat)).with_state(core);
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(addr)
}

async fn chat(State(core): State<Core>) -> Response {
    match core.ask().await {
        Some(Ok(body)) => body.into_response(),
        Some(Err(failure)) => {
            let status = StatusCode::from_u16(failure.client_status());
            let text = format!("every attempt failed: {}", failure.class.as_str());
            (status.unwrap_or(StatusCode::BAD_GATEWAY), text).into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
