//! Local replies to requests that are not requests to a model: another path, method or kind of body.

use crate::response;
use axum::response::Response;
use http::header::{ACCEPT_ENCODING, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use squall_failure::FailureClass;
use squall_wire::error::ApiError;

/// As much of a client's text as is said back.
const QUOTED_MAX: usize = 60;

/// 404, in OpenAI's words. The query is not said back: it may hold a key.
pub(crate) fn unknown_path(method: &Method, path: &str) -> Response {
    let (method, path) = (shortened(method.as_str()), shortened(path));
    let message = format!("Invalid URL ({method} {path})");
    refused(StatusCode::NOT_FOUND, message, None)
}

/// 405, in OpenAI's words; the router in front adds `Allow`.
pub(crate) fn not_allowed(method: &Method, path: &str) -> Response {
    let (method, path) = (shortened(method.as_str()), shortened(path));
    let message = format!(
        "Not allowed to {method} on {path} (HINT: Perhaps you meant to use a different HTTP method?)"
    );
    refused(StatusCode::METHOD_NOT_ALLOWED, message, Some("method_not_supported"))
}

/// 415: the body is said to be something else than JSON, and is no JSON.
pub(crate) fn unsupported_media(content_type: &str) -> Response {
    let given = shortened(content_type);
    let message =
        format!("Invalid Content-Type header (`{given}`): expected a body of `application/json`");
    refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message, Some("unsupported_media_type"))
}

/// 415: the body is compressed.
pub(crate) fn unsupported_encoding(encoding: &str) -> Response {
    let given = shortened(encoding);
    let message =
        format!("Unsupported Content-Encoding (`{given}`): send the body without compression");
    let code = Some("unsupported_content_encoding");
    let mut response = refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message, code);
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    response
}

/// 503: an operator has paused the gateway.
pub(crate) fn paused() -> Response {
    let message = "this gateway is paused by an operator: try again later";
    let error = ApiError::of(FailureClass::Overloaded, "").with_message(message);
    let mut response = response::api_error(StatusCode::SERVICE_UNAVAILABLE, &error);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// 500: a defect of the gateway.
pub(crate) fn internal() -> Response {
    let message = "this gateway failed while it worked on the request; its log says more";
    let error = ApiError::of(FailureClass::Server, "").with_message(message);
    response::api_error(StatusCode::INTERNAL_SERVER_ERROR, &error)
}

/// What cannot be read as HTTP at all.
pub(crate) fn cannot_be_read(status: StatusCode) -> ApiError {
    let message = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "the head of the request is larger than 64 KiB, or has more than 100 headers"
        }
        StatusCode::URI_TOO_LONG => "the address of the request is too long",
        _ => "this is no HTTP/1.1 request that can be read",
    };
    ApiError::of(FailureClass::BadRequest, "").with_message(message)
}

fn refused(status: StatusCode, message: String, code: Option<&str>) -> Response {
    let error = ApiError::of(FailureClass::BadRequest, "").with_message(message);
    response::api_error(status, &ApiError { code: code.map(str::to_owned), ..error })
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(QUOTED_MAX).map_or(text, |(end, _)| &text[..end])
}
