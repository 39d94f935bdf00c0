//! Two upstreams on loopback, and the client that calls them.

use axum::Router;
use axum::http::StatusCode;
use axum::routing;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// The largest answer that is read.
const BODY_MAX: usize = 1 << 20;

/// An upstream that answers.
pub(crate) async fn healthy() -> io::Result<SocketAddr> {
    serve(Router::new().route("/", routing::get(async || "hello"))).await
}

/// An upstream that fails.
pub(crate) async fn broken() -> io::Result<SocketAddr> {
    serve(Router::new().route("/", routing::get(async || StatusCode::SERVICE_UNAVAILABLE))).await
}

async fn serve(app: Router) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(addr)
}

/// Status and body of a GET.
pub(crate) async fn get(url: &str) -> Result<(u16, Bytes), Box<dyn Error + Send + Sync>> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.get(url.parse()?).await?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), BODY_MAX).collect().await?.to_bytes();
    Ok((status, body))
}
