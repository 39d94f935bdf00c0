//! OpenAI to its clients: chat completions, completions, responses, embeddings.

use super::error::ApiError;
use super::models::models_body;
use super::{
    ChatRequest, FinishReason, serve_chat, serve_completions, serve_embeddings, serve_responses,
};
use crate::serve::{
    AnswerHead, AnswerPen, Asked, Endpoint, Exceeded, HeadersTold, Refused, Route, Server, Told,
};
use crate::{Usage, go_duration};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use squall_failure::FailureClass;
use std::fmt::Write as _;

/// OpenAI, and those who copy it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAiServer;

impl Server for OpenAiServer {
    fn route(&self, path: &str, _query: Option<&str>) -> Option<Route> {
        endpoint(path.strip_prefix("/v1")?).map(Route::to)
    }

    fn lists_models(&self, path: &str) -> bool {
        path == "/v1/models"
    }

    fn models(&self, models: &mut dyn Iterator<Item = &str>, created: u64) -> Bytes {
        models_body(models, created)
    }

    fn read(&self, route: &Route, body: Bytes) -> Result<Asked, Refused> {
        read(route, body)
    }

    fn whole(&self, asked: &Asked, head: &AnswerHead, usage: Usage, finish: FinishReason) -> Bytes {
        whole(asked, head, usage, finish)
    }

    fn pen(&self, asked: &Asked, head: &AnswerHead) -> Box<dyn AnswerPen> {
        pen(asked, head)
    }

    fn error(&self, told: &Told<'_>) -> (u16, Bytes) {
        (told.status.unwrap_or_else(|| told.class.status()), api_error(told).body())
    }

    fn headers(&self, headers: &mut HeaderMap, told: &HeadersTold<'_>) {
        told.limits.both.write(headers);
        let took = u64::try_from(told.took.as_millis()).unwrap_or(u64::MAX);
        headers.insert(PROCESSING_MS, HeaderValue::from(took));
        if let Ok(id) = HeaderValue::from_str(told.request_id) {
            headers.insert(REQUEST_ID, id);
        }
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");

/// What is at a path below the version.
pub(crate) fn endpoint(path: &str) -> Option<Endpoint> {
    Some(match path {
        "/chat/completions" => Endpoint::Chat,
        "/completions" => Endpoint::Completions,
        "/responses" => Endpoint::Responses,
        "/embeddings" => Endpoint::Embeddings,
        _ => return None,
    })
}

/// Reads a request in OpenAI's words, whoever serves it.
pub(crate) fn read(route: &Route, body: Bytes) -> Result<Asked, Refused> {
    match route.endpoint {
        Endpoint::Completions => serve_completions::read(route, body),
        Endpoint::Responses => serve_responses::read(route, body),
        Endpoint::Embeddings => serve_embeddings::read(route, body),
        _ => serve_chat::read(route, body),
    }
}

/// An answer in one piece.
pub(crate) fn whole(asked: &Asked, head: &AnswerHead, usage: Usage, finish: FinishReason) -> Bytes {
    match asked.endpoint {
        Endpoint::Completions => serve_completions::whole(asked, head, usage, finish),
        Endpoint::Responses => serve_responses::whole(asked, head, usage, finish),
        Endpoint::Embeddings => serve_embeddings::whole(asked, usage),
        _ => serve_chat::whole(asked, head, usage, finish),
    }
}

/// What writes a stream.
pub(crate) fn pen(asked: &Asked, head: &AnswerHead) -> Box<dyn AnswerPen> {
    match asked.endpoint {
        Endpoint::Completions => Box::new(serve_completions::CompletionPen::new(asked, head)),
        Endpoint::Responses => Box::new(serve_responses::ResponsePen::new(asked, head)),
        _ => Box::new(serve_chat::ChatPen::new(asked, head)),
    }
}

/// What OpenAI says of an error.
pub(crate) fn api_error(told: &Told<'_>) -> ApiError {
    let mut error = match (told.class, told.exceeded) {
        (FailureClass::Throttled, Some(Exceeded::Growth)) => ApiError {
            message: format!(
                "Your traffic to {} grows too fast. Slow down, keep to a steady rate for at least 15 \
                 minutes, then raise it gradually.",
                told.model
            ),
            kind: "rate_limit_error".to_owned(),
            param: None,
            code: Some("slow_down".to_owned()),
        },
        (FailureClass::Throttled, Some(exceeded)) => rate_limited(told, exceeded),
        (class, _) => ApiError::of(class, told.model),
    };
    if let Some(message) = told.message {
        message.clone_into(&mut error.message);
    }
    if let Some(param) = told.param {
        error.param = Some(param.to_owned());
    }
    error
}

/// A 429 that names the limit that is reached, how far, and when to come again.
fn rate_limited(told: &Told<'_>, exceeded: Exceeded) -> ApiError {
    let mut error = ApiError::of(FailureClass::Throttled, told.model);
    let kind = match exceeded {
        Exceeded::Requests | Exceeded::Day => "requests",
        _ => "tokens",
    };
    kind.clone_into(&mut error.kind);
    error.message = format!("Rate limit reached for {} on {}", told.model, exceeded.unit());
    let gauge = told.gauge().and_then(|gauge| Some((gauge.limit?, gauge.remaining?)));
    if let Some((limit, remaining)) = gauge {
        let used = limit.saturating_sub(remaining);
        write!(error.message, ": Limit {limit}, Used {used}").expect("a String takes all");
    }
    error.message.push('.');
    if let Some(wait) = told.wait {
        let wait = go_duration::format(wait);
        write!(error.message, " Please try again in {wait}.").expect("a String takes all");
    }
    error
}

/// The refusal of a body that is no chat request.
pub(crate) fn chat(body: Bytes) -> Result<ChatRequest, Refused> {
    ChatRequest::parse(body).map_err(|error| {
        let error = error.to_api_error();
        let param = match error.param.as_deref() {
            Some("model") => Some("model"),
            Some("messages") => Some("messages"),
            _ => None,
        };
        Refused { message: error.message, param }
    })
}
