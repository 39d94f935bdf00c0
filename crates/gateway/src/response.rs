//! Responses to clients.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use squall_failure::Failure;
use squall_wire::error::ApiError;
use squall_wire::write_retry_after;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::Receiver;

const DEPLOYMENT: HeaderName = HeaderName::from_static("x-squall-deployment");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-squall-attempts");

/// What an error response says, for whoever says it in the words of another format.
#[derive(Clone, Debug)]
pub(crate) struct ToldError(pub(crate) ApiError);

/// A whole answer.
pub(crate) fn whole(body: Bytes, deployment: &str, attempts: u16) -> Response {
    answer(StatusCode::OK, "application/json", deployment, attempts, Body::from(body))
}

/// An answer whose bytes come through a channel.
pub(crate) fn streamed(chunks: Receiver<Bytes>, deployment: &str, attempts: u16) -> Response {
    let body = Body::new(StreamBody::new(Chunks(chunks)));
    let mut response = answer(StatusCode::OK, "text/event-stream", deployment, attempts, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The same for bytes that are no events: the last chunk is an empty one. Where the channel ends without it the
/// connection breaks off, so that nobody takes a part for the whole.
pub(crate) fn streamed_bytes(chunks: Receiver<Bytes>, deployment: &str, attempts: u16) -> Response {
    let body = Body::new(StreamBody::new(RawChunks { chunks, ended: false }));
    answer(StatusCode::OK, "application/octet-stream", deployment, attempts, body)
}

/// The same with the type that the answer came with.
pub(crate) fn with_type(mut response: Response, content_type: Option<&HeaderValue>) -> Response {
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type.clone());
    }
    response
}

/// The error of a request that failed.
pub(crate) fn error(failure: &Failure, error: &ApiError, attempts: u16) -> Response {
    let status = StatusCode::from_u16(failure.client_status()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = api_error(status, error);
    let headers = response.headers_mut();
    if let Some(wait) = failure.retry_after {
        write_retry_after(headers, wait);
    }
    headers.insert(ATTEMPTS, attempts.into());
    response
}

/// The same with these headers as well.
pub(crate) fn with_headers(mut response: Response, more: &HeaderMap) -> Response {
    for (name, value) in more {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response
}

/// An error of the gateway's own.
pub(crate) fn api_error(status: StatusCode, error: &ApiError) -> Response {
    let mut response = Response::new(Body::from(error.body()));
    *response.status_mut() = status;
    response.extensions_mut().insert(ToldError(error.clone()));
    insert(response.headers_mut(), CONTENT_TYPE, "application/json");
    response
}

fn answer(
    status: StatusCode,
    content_type: &'static str,
    deployment: &str,
    attempts: u16,
    body: Body,
) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    insert(headers, DEPLOYMENT, deployment);
    headers.insert(ATTEMPTS, attempts.into());
    response
}

/// Names come from configurations: one that is no header value is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// An answer that broke off.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer broke off")]
struct BrokeOff;

/// The chunks of an answer of bytes, as frames.
struct RawChunks {
    chunks: Receiver<Bytes>,
    ended: bool,
}

impl futures_core::Stream for RawChunks {
    type Item = Result<Frame<Bytes>, BrokeOff>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.chunks.poll_recv(context).map(|chunk| match chunk {
            Some(bytes) if bytes.is_empty() => {
                self.ended = true;
                None
            }
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None => {
                self.ended = true;
                Some(Err(BrokeOff))
            }
        })
    }
}

/// The chunks of a stream, as frames.
struct Chunks(Receiver<Bytes>);

impl futures_core::Stream for Chunks {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}
