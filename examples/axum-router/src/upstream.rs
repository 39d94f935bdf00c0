//! Upstreams on loopback, and the HTTP client that calls them.

use axum::Router;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use squall_failure::{Failure, FailureClass, FailureSource};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// The largest answer that is read.
const BODY_MAX: usize = 1 << 20;

/// An HTTP client with its connection pool.
pub type HttpClient = Client<HttpConnector, Empty<Bytes>>;

/// What can go wrong in the examples.
pub type ExampleError = Box<dyn Error + Send + Sync>;

/// An upstream on a free port of loopback that answers with this text.
///
/// # Errors
/// When no port is free.
pub async fn healthy(text: &'static str) -> io::Result<SocketAddr> {
    serve(Router::new().route("/", get(async move || text))).await
}

/// An upstream on a free port of loopback that answers 503.
///
/// # Errors
/// When no port is free.
pub async fn broken() -> io::Result<SocketAddr> {
    serve(Router::new().route("/", get(async || StatusCode::SERVICE_UNAVAILABLE))).await
}

/// Serves an application on a free port of loopback, and returns the address.
///
/// # Errors
/// When no port is free.
pub async fn serve(app: Router) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(address)
}

/// A client.
#[must_use]
pub fn client() -> HttpClient {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Sends a request, and returns status and body.
///
/// # Errors
/// When no complete answer arrives.
pub async fn send(
    client: &HttpClient,
    request: Request<Empty<Bytes>>,
) -> Result<(u16, Bytes), ExampleError> {
    let answer = client.request(request).await?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), BODY_MAX).collect().await?.to_bytes();
    Ok((status, body))
}

/// Calls the upstream at `address`, and classifies its failures for the router.
///
/// # Errors
/// The failure: not connected, throttled, cut off, or another status than 200.
pub async fn call(client: &HttpClient, address: SocketAddr) -> Result<Bytes, Failure> {
    let failure = |class, status| Failure::new(class, FailureSource::Provider).with_status(status);
    let url = format!("http://{address}/");
    let url = url.parse().map_err(|_| failure(FailureClass::Connect, 0))?;
    let answer = client.get(url).await.map_err(|_| failure(FailureClass::Connect, 0))?;
    let status = answer.status().as_u16();
    match (status, Limited::new(answer.into_body(), BODY_MAX).collect().await) {
        (200, Ok(body)) => Ok(body.to_bytes()),
        (200, Err(_)) => Err(failure(FailureClass::Cut, status)),
        (429, _) => Err(failure(FailureClass::Throttled, status)),
        _ => Err(failure(FailureClass::Server, status)),
    }
}
