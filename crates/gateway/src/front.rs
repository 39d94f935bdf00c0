//! The HTTP front: OpenAI's paths, a health check, and metrics.

use crate::answer;
use crate::asks::Asks;
use crate::desk::Desk;
use crate::directory::Switchboard;
use crate::exchange::Exchange;
use axum::Router as HttpRouter;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use squall_failure::FailureClass;
use squall_router::Arrival;
use squall_wire::openai::{
    ApiError, ChatRequest, MODELS_PATH, Operation, RequestError, models_body,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The largest request that is taken: prompts of a million tokens fit.
const BODY_MAX: usize = 16 << 20;

/// What an answer is taken to need when the request does not say, in tokens: what chat answers have in
/// the middle of production traces, and more.
const OUTPUT_TOKENS: u32 = 256;

/// All that a request needs.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) desk: Arc<Desk>,
    pub(crate) switchboard: Arc<Switchboard>,
}

pub(crate) fn routes(front: Front) -> HttpRouter {
    let path = |operation: Operation| format!("/v1{}", operation.path());
    HttpRouter::new()
        .route(&path(Operation::Chat), post(chats))
        .route(&path(Operation::Completion), post(completions))
        .route(&path(Operation::Embedding), post(embeddings))
        .route(&path(Operation::Response), post(responses))
        .route(MODELS_PATH, get(models))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(front)
}

async fn health() -> &'static str {
    "ok\n"
}

async fn metrics(State(front): State<Front>) -> Response {
    const VERSION: &str = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, VERSION)], front.desk.metrics()).into_response()
}

async fn models(State(front): State<Front>) -> Response {
    let directory = front.switchboard.directory();
    let body = models_body(directory.groups.listed(), 0);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn chats(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    route(front, &headers, ChatRequest::parse(body)).await
}

async fn completions(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    route(front, &headers, ChatRequest::parse_other(Operation::Completion, body)).await
}

async fn embeddings(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    route(front, &headers, ChatRequest::parse_other(Operation::Embedding, body)).await
}

async fn responses(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    route(front, &headers, ChatRequest::parse_other(Operation::Response, body)).await
}

async fn route(
    front: Front,
    headers: &HeaderMap,
    parsed: Result<ChatRequest, RequestError>,
) -> Response {
    let chat = match parsed {
        Ok(chat) => chat,
        Err(error) => return answer::refusal(StatusCode::BAD_REQUEST, &error.to_api_error()),
    };
    let directory = front.switchboard.directory();
    let asks = match Asks::read(headers, chat.needs, &directory) {
        Ok(asks) => asks,
        Err((status, error)) => return answer::refusal(status, &error),
    };
    let Some(found) = directory.groups.find(&chat.model) else {
        let error = ApiError::of(FailureClass::NotFound, &chat.model);
        return answer::refusal(StatusCode::NOT_FOUND, &error);
    };
    let token = chat.token(headers);
    let mailbox = front.desk.arrive(token.map(|token| token.request), |tag| Arrival {
        input_tokens: chat.input_tokens,
        output_tokens: chat.max_tokens.unwrap_or(OUTPUT_TOKENS),
        stream: chat.stream,
        priority: asks.priority,
        tenant: asks.tenant,
        tags: asks.tags,
        session: asks.session,
        features: asks.features,
        region: asks.region,
        overrides: asks.overrides,
        ..Arrival::new(tag, found.group)
    });
    let captured = found.captured.map(str::to_owned);
    let (response, answered) = oneshot::channel();
    let exchange =
        Exchange::new(front.desk, front.switchboard, chat, captured, token, mailbox, response);
    // A task of its own: it must tell the core how the request ended even if the client hangs up.
    tokio::spawn(exchange.run());
    answered.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
