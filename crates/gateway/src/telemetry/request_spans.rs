//! The span of one request, and those of its attempts.

use super::Telemetry;
use super::conventions as name;
use crate::chosen_name::cut;
use crate::upstream::UpstreamEndpoint;
use http::HeaderMap;
use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use squall_determinism::Timestamp;
use squall_router::TokenUsage;
use squall_wire::chat::ChatRequest;
use std::sync::Arc;

/// Tells OpenTelemetry of one request.
#[derive(Debug)]
pub(crate) struct RequestSpans {
    telemetry: Arc<Telemetry>,
    span: BoxedSpan,
    /// Whose children attempts are.
    parent: Context,
    operation: &'static str,
    /// The group that was asked for, by its name in the configuration.
    group: Arc<str>,
    attempts: Vec<AttemptSpan>,
}

/// How a request has ended.
#[derive(Debug)]
pub(crate) struct Ending<'a> {
    /// Its groups, by name.
    pub(crate) groups: &'a str,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) began: Timestamp,
    pub(crate) first_token: Option<Timestamp>,
    pub(crate) attempts: usize,
    pub(crate) status: u16,
    pub(crate) outcome: &'static str,
    /// The class of its failure, or that its client has gone.
    pub(crate) failed: Option<&'static str>,
    pub(crate) usage: Option<TokenUsage>,
}

impl Ending<'_> {
    /// Whether the client could have had an answer to this very request.
    pub(crate) fn is_servers_fault(&self) -> bool {
        self.status >= 500 || self.outcome == "cut"
    }
}

#[derive(Debug)]
struct AttemptSpan {
    nth: u16,
    span: BoxedSpan,
    began: Timestamp,
    /// Of a stream.
    first_chunk: Option<Timestamp>,
    usage: Option<TokenUsage>,
    /// Of its measurements: all of them bounded in number.
    attributes: Vec<KeyValue>,
}

impl RequestSpans {
    /// A request comes in, in the trace that its headers name or in one of its own.
    pub(crate) fn begin(
        telemetry: &Arc<Telemetry>,
        headers: &HeaderMap,
        request_id: &str,
        group: Arc<str>,
        chat: &ChatRequest,
    ) -> Self {
        let parent = telemetry.propagator.extract_with_context(
            // Never what this task happens to run in.
            &Context::new(),
            &HeaderExtractor(headers),
        );
        let route = format!("/v1{}", chat.asks_for());
        let operation = name::operation(chat.operation);
        let span = SpanBuilder::from_name(format!("POST {route}"))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new(name::HTTP_METHOD, "POST"),
                KeyValue::new(name::HTTP_ROUTE, route),
                KeyValue::new(name::OPERATION, operation),
                KeyValue::new(name::PROVIDER, name::GATEWAY),
                KeyValue::new(name::REQUEST_MODEL, cut(&chat.model).to_owned()),
                KeyValue::new(name::REQUEST_STREAM, chat.stream),
                KeyValue::new(name::REQUEST_ID, request_id.to_owned()),
            ]);
        let span = telemetry.tracer.build_with_context(span, &parent);
        let parent = parent.with_remote_span_context(span.span_context().clone());
        let telemetry = Arc::clone(telemetry);
        Self { telemetry, span, parent, operation, group, attempts: Vec::new() }
    }

    /// An attempt begins: gives the headers that tell its provider which trace it is in.
    pub(crate) fn attempt_began(
        &mut self,
        now: Timestamp,
        nth: u16,
        endpoint: &UpstreamEndpoint,
        passed: &HeaderMap,
    ) -> HeaderMap {
        let mut attributes = vec![
            KeyValue::new(name::OPERATION, self.operation),
            KeyValue::new(name::PROVIDER, name::provider(endpoint.format())),
            KeyValue::new(name::REQUEST_MODEL, endpoint.model().to_owned()),
            KeyValue::new(name::SERVER_ADDRESS, endpoint.host().to_owned()),
            KeyValue::new(name::SERVER_PORT, i64::from(endpoint.port())),
            KeyValue::new(name::DEPLOYMENT, Arc::clone(endpoint.name())),
        ];
        let span = SpanBuilder::from_name(format!("{} {}", self.operation, endpoint.model()))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes.clone());
        let mut span = self.telemetry.tracer.build_with_context(span, &self.parent);
        span.set_attribute(KeyValue::new(name::ATTEMPT, i64::from(nth)));
        let context = Context::new().with_remote_span_context(span.span_context().clone());
        let mut headers = passed.clone();
        self.telemetry.propagator.inject_context(&context, &mut HeaderInjector(&mut headers));
        attributes.shrink_to_fit();
        self.attempts.push(AttemptSpan {
            nth,
            span,
            began: now,
            first_chunk: None,
            usage: None,
            attributes,
        });
        headers
    }

    pub(crate) fn first_chunk(&mut self, now: Timestamp, nth: u16) {
        if let Some(attempt) = self.attempt(nth) {
            attempt.first_chunk.get_or_insert(now);
        }
    }

    pub(crate) fn attempt_status(&mut self, nth: u16, status: u16) {
        if let Some(attempt) = self.attempt(nth).filter(|_| status > 0) {
            attempt.span.set_attribute(KeyValue::new(name::HTTP_STATUS, i64::from(status)));
        }
    }

    pub(crate) fn attempt_usage(&mut self, nth: u16, usage: Option<TokenUsage>) {
        if let Some(attempt) = self.attempt(nth) {
            attempt.usage = usage;
        }
    }

    /// An attempt has ended, by this class of failure if it failed.
    pub(crate) fn attempt_ended(&mut self, now: Timestamp, nth: u16, failed: Option<&'static str>) {
        let Some(place) = self.attempts.iter().position(|attempt| attempt.nth == nth) else {
            return;
        };
        let ended = self.attempts.remove(place);
        ended.end(&self.telemetry, now, failed);
    }

    fn attempt(&mut self, nth: u16) -> Option<&mut AttemptSpan> {
        self.attempts.iter_mut().find(|attempt| attempt.nth == nth)
    }

    /// The request has ended, and with it what still ran for it.
    pub(crate) fn end(mut self, now: Timestamp, ending: &Ending<'_>) {
        for attempt in std::mem::take(&mut self.attempts) {
            attempt.end(&self.telemetry, now, Some("cancelled"));
        }
        let span = &mut self.span;
        span.set_attribute(KeyValue::new(name::HTTP_STATUS, i64::from(ending.status)));
        span.set_attribute(KeyValue::new(name::OUTCOME, ending.outcome));
        span.set_attribute(KeyValue::new(name::GROUPS, ending.groups.to_owned()));
        span.set_attribute(KeyValue::new(name::ATTEMPTS, ending.attempts as i64));
        if let Some(tenant) = ending.tenant {
            span.set_attribute(KeyValue::new(name::TENANT, tenant.to_owned()));
        }
        set_usage(span, ending.usage);
        let mut attributes = vec![
            KeyValue::new(name::OPERATION, self.operation),
            KeyValue::new(name::PROVIDER, name::GATEWAY),
            KeyValue::new(name::REQUEST_MODEL, self.group),
        ];
        if let Some(class) = ending.failed {
            span.set_attribute(KeyValue::new(name::ERROR_TYPE, class));
            attributes.push(KeyValue::new(name::ERROR_TYPE, class));
            // By the conventions of HTTP a server's span is in error from 500 on: before that it is the client's.
            if ending.is_servers_fault() {
                span.set_status(Status::error(class));
            }
        }
        span.end();
        let first_token = ending.first_token.map(|first| first.since(ending.began));
        let duration = now.since(ending.began);
        self.telemetry.instruments.request(duration, first_token, &attributes);
    }
}

impl AttemptSpan {
    fn end(mut self, telemetry: &Telemetry, now: Timestamp, failed: Option<&'static str>) {
        let first_chunk = self.first_chunk.map(|first| first.since(self.began));
        if let Some(first_chunk) = first_chunk {
            let seconds = first_chunk.as_secs_f64();
            self.span.set_attribute(KeyValue::new(name::TIME_TO_FIRST_CHUNK, seconds));
        }
        set_usage(&mut self.span, self.usage);
        if let Some(class) = failed {
            self.span.set_attribute(KeyValue::new(name::ERROR_TYPE, class));
            self.span.set_status(Status::error(class));
            self.attributes.push(KeyValue::new(name::ERROR_TYPE, class));
        }
        self.span.end();
        let duration = now.since(self.began);
        telemetry.instruments.attempt(duration, first_chunk, self.usage, &self.attributes);
    }
}

fn set_usage(span: &mut BoxedSpan, usage: Option<TokenUsage>) {
    if let Some(TokenUsage { input_tokens, output_tokens }) = usage {
        span.set_attribute(KeyValue::new(name::INPUT_TOKENS, i64::from(input_tokens)));
        span.set_attribute(KeyValue::new(name::OUTPUT_TOKENS, i64::from(output_tokens)));
    }
}
