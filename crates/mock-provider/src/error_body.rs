//! What an attempt is told, in the words of its provider's format.

use crate::attempt_state::Arrived;
use bytes::Bytes;
use squall_failure::FailureClass;
use squall_provider::{LimitState, LimitStatus as Gauge, Rejection};
use squall_wire::serve::{HeaderLimits, ParsedRequest, ServerFormat, VendorError};
use squall_wire::{HeaderGauge, LimitHeaders};

pub(crate) const JSON: &str = "application/json";
pub(crate) const HTML: &str = "text/html";
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// What a model says that takes no beginning of its answer.
const NO_PREFILL: &str = "This model does not support assistant message prefill. The conversation must end with a user message.";

/// What tells an attempt anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) server: &'static dyn ServerFormat,
    pub(crate) asked: &'a ParsedRequest,
    pub(crate) key: Option<&'a str>,
    pub(crate) arrived: &'a Arrived,
    pub(crate) request_id: &'a str,
    pub(crate) context_window: Option<u32>,
}

impl ErrorBody<'_> {
    /// The body of an error with this status.
    pub(crate) fn error(&self, class: FailureClass, status: u16, why: Option<&Rejection>) -> Bytes {
        let limits = limits(&self.arrived.limits);
        // A bad request that no fault made is one that the provider's own setup refuses.
        let is_prefill = class == FailureClass::BadRequest
            && self.asked.prefill.is_some()
            && why.is_some_and(|why| why.fault.is_none());
        self.server.error(&VendorError {
            asked: Some(self.asked),
            key: self.key,
            input_tokens: self.arrived.input_tokens,
            context_window: self.context_window,
            request_id: self.request_id,
            exceeded: why.and_then(|why| why.limit),
            wait: why.and_then(|why| why.retry_after),
            message: is_prefill.then_some(NO_PREFILL),
            param: is_prefill.then_some("messages"),
            code: is_prefill.then_some("invalid_prefill"),
            ..VendorError::new(class, status, &limits)
        })
    }
}

/// What a stream is called: events, a list of JSON, or sound.
pub(crate) fn stream_type(asked: &ParsedRequest) -> &'static str {
    asked.answer_type().unwrap_or(if asked.events { EVENT_STREAM } else { JSON })
}

/// The limits as they stand, as headers have them.
pub(crate) fn limits(limits: &LimitState) -> HeaderLimits {
    let gauge = |gauge: Option<Gauge>| {
        gauge.map_or_else(HeaderGauge::default, |gauge| HeaderGauge {
            limit: Some(gauge.limit),
            remaining: Some(gauge.remaining),
            reset: Some(gauge.reset),
        })
    };
    HeaderLimits {
        both: LimitHeaders { requests: gauge(limits.requests), tokens: gauge(limits.tokens) },
        input: gauge(limits.input_tokens),
        output: gauge(limits.output_tokens),
    }
}
