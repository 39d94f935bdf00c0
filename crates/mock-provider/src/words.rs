//! What an attempt is told, in the words of its provider's format.

use crate::cell::Arrived;
use bytes::Bytes;
use squall_failure::FailureClass;
use squall_provider::{LimitGauge as Gauge, LimitKind, LimitState, Rejection};
use squall_wire::serve::{Asked, Exceeded, Limits, Server, Told};
use squall_wire::{LimitGauge, LimitHeaders};

pub(crate) const JSON: &str = "application/json";
pub(crate) const HTML: &str = "text/html";
pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// What tells an attempt anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    pub(crate) server: &'static dyn Server,
    pub(crate) asked: &'a Asked,
    pub(crate) key: Option<&'a str>,
    pub(crate) arrived: &'a Arrived,
    pub(crate) request_id: &'a str,
    pub(crate) context_window: Option<u32>,
}

impl Words<'_> {
    /// The body of an error with this status.
    pub(crate) fn error(&self, class: FailureClass, status: u16, why: Option<&Rejection>) -> Bytes {
        let limits = limits(&self.arrived.limits);
        self.server.error(&Told {
            asked: Some(self.asked),
            key: self.key,
            input_tokens: self.arrived.input_tokens,
            context_window: self.context_window,
            request_id: self.request_id,
            exceeded: why.and_then(|why| why.limit).map(exceeded),
            wait: why.and_then(|why| why.retry_after),
            ..Told::new(class, status, &limits)
        })
    }
}

/// What a stream is called: events, or a list of JSON.
pub(crate) const fn stream_type(asked: &Asked) -> &'static str {
    if asked.events { EVENT_STREAM } else { JSON }
}

const fn exceeded(limit: LimitKind) -> Exceeded {
    match limit {
        LimitKind::Requests => Exceeded::Requests,
        LimitKind::Tokens => Exceeded::Tokens,
        LimitKind::InputTokens => Exceeded::InputTokens,
        LimitKind::OutputTokens => Exceeded::OutputTokens,
        LimitKind::Day => Exceeded::Day,
        LimitKind::Growth => Exceeded::Growth,
    }
}

/// The limits as they stand, as headers have them.
pub(crate) fn limits(limits: &LimitState) -> Limits {
    let gauge = |gauge: Option<Gauge>| {
        gauge.map_or_else(LimitGauge::default, |gauge| LimitGauge {
            limit: Some(gauge.limit),
            remaining: Some(gauge.remaining),
            reset: Some(gauge.reset),
        })
    };
    Limits {
        both: LimitHeaders { requests: gauge(limits.requests), tokens: gauge(limits.tokens) },
        input: gauge(limits.input_tokens),
        output: gauge(limits.output_tokens),
    }
}
