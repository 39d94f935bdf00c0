//! Anthropic to its callers.

use super::call_answer::read_answer;
use super::call_error::failure_from_response;
use super::call_request::write_request;
use super::call_stream::AnthropicStreamReader;
use super::limits;
use crate::LimitHeaders;
use crate::call::{ClientFormat, Stamp, StreamReader, Whole, key_header};
use crate::chat::{Chat, ChatRequest, Unsupported};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use squall_failure::Failure;
use std::borrow::Cow;
use std::time::SystemTime;

/// Anthropic messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anthropic;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));

impl ClientFormat for Anthropic {
    fn chat_path(&self, _model: &str, _stream: bool) -> Cow<'static, str> {
        Cow::Borrowed("/messages")
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn headers(&self, api_key: Option<&str>) -> HeaderMap {
        let mut headers = key_header(API_KEY, api_key.map(str::to_owned));
        let (name, version) = VERSION;
        headers.insert(name, version);
        headers
    }

    fn body(
        &self,
        chat: &ChatRequest,
        model: &str,
        _ask_usage: bool,
    ) -> Result<Bytes, Unsupported> {
        write_request(Chat::read(chat)?, model, chat.stream)
    }

    fn answer(&self, body: Bytes, stamp: &Stamp) -> Result<Whole, Failure> {
        read_answer(&body, stamp)
    }

    fn stream(&self, stamp: Stamp, include_usage: bool) -> Box<dyn StreamReader> {
        Box::new(AnthropicStreamReader::new(stamp, include_usage))
    }

    fn failure(&self, status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Failure {
        failure_from_response(status, headers, body, now)
    }

    fn limits(&self, headers: &HeaderMap) -> LimitHeaders {
        LimitHeaders::named(headers, &limits::REQUESTS, &limits::TOKENS)
    }
}
