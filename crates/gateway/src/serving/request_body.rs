//! The body of a request, read within its limits.

use super::body_memory::BodyMemoryPermit;
use super::poll_once::poll_once;
use super::server_state::ServerState;
use crate::body_buffer::BodyBuffer;
use crate::response;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use http_body::Body as _;
use http_body_util::BodyExt;
use squall_failure::FailureClass;
use squall_wire::error::ApiError;
use std::pin::pin;
use tokio::time::timeout;

/// Reads the body of a request. What it holds of the memory for all bodies is to be kept until the answer
/// has ended.
///
/// # Errors
/// The answer, when the body is too large or too slow, or there is no memory for it.
pub(crate) async fn read(
    shared: &ServerState,
    mut body: Body,
) -> Result<(Bytes, BodyMemoryPermit), Box<Response>> {
    let settings = &shared.settings;
    let max = settings.max_request_size;
    let said = body.size_hint();
    // What says by itself that it is too large need not be sent.
    if said.lower() > max as u64 {
        return Err(too_large(max));
    }
    let mut share = shared.bodies.clone().share();
    let mut pieces = BodyBuffer::expecting(usize::try_from(said.lower()).unwrap_or_default());
    let reading = async move {
        loop {
            // Most bodies have come with their head, and need no timer.
            let frame = match poll_once(body.frame()).await {
                Some(frame) => frame,
                None => match timeout(settings.body_timeout, body.frame()).await {
                    Ok(frame) => frame,
                    Err(_) => return Err(too_slow()),
                },
            };
            let frame = match frame {
                None => return Ok((pieces.join(), share)),
                Some(Err(_)) => return Err(broken()),
                Some(Ok(frame)) => frame,
            };
            let Ok(piece) = frame.into_data() else { continue };
            if pieces.len() + piece.len() > max {
                return Err(too_large(max));
            }
            if !share.grow(piece.len()) {
                return Err(no_memory());
            }
            pieces.push(piece);
        }
    };
    let mut reading = pin!(reading);
    if let Some(read) = poll_once(reading.as_mut()).await {
        return read;
    }
    timeout(settings.request_timeout, reading).await.unwrap_or_else(|_| Err(too_slow()))
}

fn refused(status: StatusCode, class: FailureClass, message: impl Into<String>) -> Box<Response> {
    Box::new(response::api_error(status, &ApiError::of(class, "").with_message(message)))
}

fn too_large(max: usize) -> Box<Response> {
    let message = format!(
        "Request body too large: this gateway takes at most {max} bytes (`server.max_request_size`)"
    );
    let error = ApiError::of(FailureClass::BadRequest, "").with_message(message);
    let error = ApiError { code: Some("request_too_large".to_owned()), ..error };
    Box::new(response::api_error(StatusCode::PAYLOAD_TOO_LARGE, &error))
}

fn too_slow() -> Box<Response> {
    let message = "the body of the request did not come in time (`server.body_timeout`, `server.request_timeout`)";
    refused(StatusCode::REQUEST_TIMEOUT, FailureClass::BadRequest, message)
}

fn broken() -> Box<Response> {
    let message = "the body of the request cannot be read: it is cut off or badly chunked";
    refused(StatusCode::BAD_REQUEST, FailureClass::BadRequest, message)
}

fn no_memory() -> Box<Response> {
    let message = "the requests under way hold all the memory that this gateway has for them \
                   (`server.max_body_memory`)";
    let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, FailureClass::Overloaded, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
