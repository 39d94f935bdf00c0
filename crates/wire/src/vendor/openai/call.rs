//! OpenAI to its callers: what comes is passed on, byte for byte.

use crate::call::{ClientFormat, Stamp, StreamReader, Whole, key_header};
use crate::chat::{ChatRequest, Operation, Unsupported};
use crate::error::failure_from_response;
use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use squall_failure::Failure;
use std::borrow::Cow;
use std::time::SystemTime;

/// OpenAI, and those who copy it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAi;

impl ClientFormat for OpenAi {
    fn chat_path(&self, _model: &str, _stream: bool) -> Cow<'static, str> {
        Cow::Borrowed(Operation::Chat.path())
    }

    fn other_path(&self, operation: Operation, _model: &str) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(operation.path()))
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn headers(&self, api_key: Option<&str>) -> HeaderMap {
        key_header(AUTHORIZATION, api_key.map(|key| format!("Bearer {key}")))
    }

    fn body(&self, chat: &ChatRequest, model: &str, ask_usage: bool) -> Result<Bytes, Unsupported> {
        Ok(chat.body_for(model, ask_usage))
    }

    fn takes_stream_options(&self) -> bool {
        true
    }

    fn answer(&self, body: Bytes, _stamp: &Stamp) -> Result<Whole, Failure> {
        let completion = Operation::Chat.read_answer(&body)?;
        Ok(Whole { body, completion })
    }

    fn stream(&self, _stamp: Stamp, include_usage: bool) -> Box<dyn StreamReader> {
        Operation::Chat.reader(include_usage)
    }

    fn failure(&self, status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Failure {
        failure_from_response(status, headers, body, now)
    }
}
