//! OpenAI to its callers: what comes is passed on, byte for byte.

use super::{
    ChatRequest, Completion, FinishReason, Operation, StreamEvent, failure_from_response,
    read_completion,
};
use crate::SseEvent;
use crate::call::{Dialect, Stamp, StreamReader, Untold, Whole, failed_late, key_header};
use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use squall_failure::{Failure, FailureClass};
use std::borrow::Cow;
use std::time::SystemTime;

/// OpenAI, and those who copy it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAi;

impl Dialect for OpenAi {
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

    fn body(&self, chat: &ChatRequest, model: &str) -> Result<Bytes, Untold> {
        Ok(chat.body_for(model))
    }

    fn answer(&self, body: Bytes, _stamp: &Stamp) -> Result<Whole, Failure> {
        match read_completion(&body) {
            Some(completion) => Ok(Whole { body, completion }),
            None => Err(failed_late(FailureClass::Cut)),
        }
    }

    fn stream(&self, _stamp: Stamp, _include_usage: bool) -> Box<dyn StreamReader> {
        Box::new(AsItCame)
    }

    fn failure(&self, status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Failure {
        failure_from_response(status, headers, body, now)
    }
}

/// The reader of streams that clients get as they come.
#[derive(Debug)]
pub(crate) struct AsItCame;

impl StreamReader for AsItCame {
    fn read(&mut self, event: SseEvent<'_>, _out: &mut Vec<u8>) -> StreamEvent {
        StreamEvent::read(event.data)
    }

    fn passes_through(&self) -> bool {
        true
    }
}

impl Completion {
    /// Whether a content policy took the answer out.
    #[must_use]
    pub const fn is_filtered(&self) -> bool {
        matches!(self.finish, Some(FinishReason::ContentFilter))
    }
}
