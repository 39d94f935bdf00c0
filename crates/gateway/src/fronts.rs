//! The formats of clients: which one a request is in, and errors in its words.

use crate::request_id::REQUEST_ID;
use crate::response::ToldError;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, HeaderName, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use squall_wire::Format;
use squall_wire::client_error::FrontError;
use std::time::Duration;

/// What Anthropic's clients say with every request.
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// What Google's clients ask of a model.
const GOOGLE_METHODS: [&str; 3] = ["generateContent", "streamGenerateContent", "countTokens"];

/// Where Google's clients put their key: they list models at OpenAI's path.
pub(crate) const GOOGLE_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// Where Anthropic's clients look for the number of a request.
const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The format of the client that asks for this path. Models are listed at one path for two vendors' clients.
pub(crate) fn format_of(path: &str, headers: &HeaderMap) -> Format {
    let below = path.strip_prefix("/v1").unwrap_or(path);
    let is_at = |root: &str| {
        below.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_of_google = |path: &str| {
        path.rsplit_once(':').is_some_and(|(_, method)| GOOGLE_METHODS.contains(&method))
    };
    if path.starts_with("/v1beta/")
        || (is_at("/models") && (is_of_google(below) || headers.contains_key(&GOOGLE_KEY)))
    {
        Format::Gemini
    } else if path.starts_with("/openai/") {
        Format::Azure
    } else if is_at("/messages") || (is_at("/models") && headers.contains_key(&ANTHROPIC_VERSION)) {
        Format::Anthropic
    } else {
        Format::OpenAi
    }
}

/// An error of the gateway's in the words of this format; every other response as it is.
pub(crate) fn in_words_of(format: Format, mut response: Response) -> Response {
    if format == Format::Anthropic
        && let Some(id) = response.headers().get(REQUEST_ID).cloned()
    {
        response.headers_mut().insert(ANTHROPIC_REQUEST_ID, id);
    }
    let Some(ToldError(error)) = response.extensions_mut().remove() else { return response };
    if format == Format::OpenAi {
        return response;
    }
    let text = |name: &HeaderName| response.headers().get(name).and_then(|it| it.to_str().ok());
    let wait = text(&RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    let told = FrontError {
        format,
        status: response.status().as_u16(),
        error: &error,
        wait: wait.map(Duration::from_secs),
        request_id: text(&REQUEST_ID).unwrap_or_default(),
    };
    let (status, body) = told.told();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_else(|_| response.status());
    *response.body_mut() = Body::from(body);
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}
