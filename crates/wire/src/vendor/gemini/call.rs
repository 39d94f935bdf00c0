//! Gemini to its callers.

use super::call_answer::{GeminiStreamReader, read_answer};
use super::call_error::failure_from_response;
use super::call_request::write_request;
use crate::call::{ClientFormat, Stamp, StreamReader, Whole, key_header, segment};
use crate::chat::{Chat, ChatRequest, Unsupported};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use squall_failure::Failure;
use std::borrow::Cow;
use std::time::SystemTime;

/// Gemini `generateContent`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gemini;

const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

impl ClientFormat for Gemini {
    fn chat_path(&self, model: &str, stream: bool) -> Cow<'static, str> {
        // Tuned models lie beside `models`, and both may be named with their folder.
        let (folder, name) = match model.split_once('/') {
            Some((folder @ ("models" | "tunedModels"), name)) => (folder, name),
            _ => ("models", model),
        };
        let verb = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        format!("/{folder}/{}:{verb}", segment(name)).into()
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn headers(&self, api_key: Option<&str>) -> HeaderMap {
        key_header(API_KEY, api_key.map(str::to_owned))
    }

    fn body(
        &self,
        chat: &ChatRequest,
        model: &str,
        _ask_usage: bool,
    ) -> Result<Bytes, Unsupported> {
        write_request(Chat::read(chat)?, model)
    }

    fn answer(&self, body: Bytes, stamp: &Stamp) -> Result<Whole, Failure> {
        read_answer(&body, stamp)
    }

    fn stream(&self, stamp: Stamp, include_usage: bool) -> Box<dyn StreamReader> {
        Box::new(GeminiStreamReader::new(stamp, include_usage))
    }

    fn failure(&self, status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Failure {
        failure_from_response(status, headers, body, now)
    }
}
