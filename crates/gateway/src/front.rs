//! The HTTP front: OpenAI's paths, and a health check.

use crate::answer;
use crate::desk::Desk;
use crate::exchange::Exchange;
use crate::upstream::Endpoint;
use axum::Router as HttpRouter;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use squall_failure::FailureClass;
use squall_router::{Arrival, GroupId};
use squall_wire::openai::{ApiError, COMPLETIONS_PATH, ChatRequest, MODELS_PATH, models_body};
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
    pub(crate) endpoints: Arc<Vec<Endpoint>>,
    pub(crate) groups: Arc<Vec<String>>,
}

pub(crate) fn routes(front: Front) -> HttpRouter {
    HttpRouter::new()
        .route(COMPLETIONS_PATH, post(completions))
        .route(MODELS_PATH, get(models))
        .route("/health", get(health))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(front)
}

async fn health() -> &'static str {
    "ok\n"
}

async fn models(State(front): State<Front>) -> Response {
    let body = models_body(front.groups.iter().map(String::as_str), 0);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn completions(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    let chat = match ChatRequest::parse(body) {
        Ok(chat) => chat,
        Err(error) => return answer::refusal(StatusCode::BAD_REQUEST, &error.to_api_error()),
    };
    let Some(group) = front.groups.iter().position(|group| *group == chat.model) else {
        let error = ApiError::of(FailureClass::NotFound, &chat.model);
        return answer::refusal(StatusCode::NOT_FOUND, &error);
    };
    let token = chat.token(&headers);
    let mailbox = front.desk.arrive(token.map(|token| token.request), |tag| Arrival {
        input_tokens: chat.input_tokens,
        output_tokens: chat.max_tokens.unwrap_or(OUTPUT_TOKENS),
        stream: chat.stream,
        ..Arrival::new(tag, GroupId(group as u16))
    });
    let (response, answered) = oneshot::channel();
    let exchange = Exchange {
        desk: front.desk,
        endpoints: front.endpoints,
        chat,
        token,
        mailbox,
        response: Some(response),
        chunks: None,
        request: None,
        attempt: None,
        attempts: 0,
    };
    // A task of its own: it must tell the core how the request ended even if the client hangs up.
    tokio::spawn(exchange.run());
    answered.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
