//! The HTTP front: OpenAI's paths, a health check, and metrics.

use crate::answer;
use crate::asks::Asks;
use crate::desk::Desk;
use crate::directory::{Directory, Switchboard};
use crate::exchange::Exchange;
use crate::serving::{Shared, Stage};
use crate::{keys, refusal, serving};
use axum::Router as HttpRouter;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method, StatusCode, Uri};
use squall_failure::FailureClass;
use squall_router::{Arrival, TenantId};
use squall_wire::openai::{
    ApiError, ChatRequest, MODELS_PATH, Operation, RequestError, models_body,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What an answer is taken to need when the request does not say, in tokens: what chat answers have in
/// the middle of production traces, and more.
const OUTPUT_TOKENS: u32 = 256;

/// All that a request needs.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) desk: Arc<Desk>,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) server: Arc<Shared>,
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
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .fallback(unknown_path)
        .method_not_allowed_fallback(not_allowed)
        .with_state(front)
}

async fn unknown_path(method: Method, uri: Uri) -> Response {
    refusal::unknown_path(&method, uri.path())
}

async fn not_allowed(method: Method, uri: Uri) -> Response {
    refusal::not_allowed(&method, uri.path())
}

/// Whether it lives: a gateway whose core has failed does not, whatever else still answers.
async fn health(State(front): State<Front>) -> (StatusCode, &'static str) {
    if front.desk.has_failed() {
        (StatusCode::INTERNAL_SERVER_ERROR, "the core has failed\n")
    } else {
        (StatusCode::OK, "ok\n")
    }
}

/// Whether it is to be sent requests. While it stops it is not: that is told before anything else changes.
async fn ready(State(front): State<Front>) -> (StatusCode, &'static str) {
    match front.server.stage() {
        _ if front.desk.has_failed() => (StatusCode::SERVICE_UNAVAILABLE, "the core has failed\n"),
        Stage::Open => (StatusCode::OK, "ready\n"),
        Stage::Leaving | Stage::Draining | Stage::Cut => {
            (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
        }
    }
}

async fn metrics(State(front): State<Front>) -> Response {
    const VERSION: &str = "text/plain; version=0.0.4; charset=utf-8";
    match front.desk.metrics() {
        Some(text) => ([(CONTENT_TYPE, VERSION)], text).into_response(),
        None => (StatusCode::INTERNAL_SERVER_ERROR, "the core has failed\n").into_response(),
    }
}

async fn models(State(front): State<Front>) -> Response {
    let directory = front.switchboard.directory();
    let body = models_body(directory.groups.listed(), 0);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn chats(State(front): State<Front>, request: Request) -> Response {
    route(front, request, ChatRequest::parse).await
}

async fn completions(State(front): State<Front>, request: Request) -> Response {
    let parse = |body| ChatRequest::parse_other(Operation::Completion, body);
    route(front, request, parse).await
}

async fn embeddings(State(front): State<Front>, request: Request) -> Response {
    let parse = |body| ChatRequest::parse_other(Operation::Embedding, body);
    route(front, request, parse).await
}

async fn responses(State(front): State<Front>, request: Request) -> Response {
    let parse = |body| ChatRequest::parse_other(Operation::Response, body);
    route(front, request, parse).await
}

async fn route(
    front: Front,
    request: Request,
    parse: impl FnOnce(Bytes) -> Result<ChatRequest, RequestError>,
) -> Response {
    let (head, body) = request.into_parts();
    let directory = front.switchboard.directory();
    // Whoever has no key has nothing read: a body costs memory.
    let tenant = match keys::tenant(&head.headers, &directory) {
        Ok(tenant) => tenant,
        Err((status, error)) => return answer::refusal(status, &error),
    };
    if let Some(encoding) = text(&head.headers, CONTENT_ENCODING)
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return refusal::unsupported_encoding(&encoding);
    }
    let (body, held) = match serving::read(&front.server, body).await {
        Ok(read) => read,
        Err(refusal) => return *refusal,
    };
    let mut response = match parse(body) {
        Ok(chat) => exchange(front, &head.headers, tenant, &directory, chat).await,
        Err(error) => unreadable(&head.headers, &error),
    };
    // What the body holds of the memory for all of them is given back when the answer has ended.
    response.extensions_mut().insert(held);
    response
}

/// A body that is no request. Whoever says that it is no JSON is told of that; who sends JSON under another
/// name, as `curl -d` does, is served.
fn unreadable(headers: &HeaderMap, error: &RequestError) -> Response {
    match (error, text(headers, CONTENT_TYPE)) {
        (RequestError::NotJson(_), Some(kind)) if !is_json(&kind) => {
            refusal::unsupported_media(&kind)
        }
        _ => answer::refusal(StatusCode::BAD_REQUEST, &error.to_api_error()),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
}

async fn exchange(
    front: Front,
    headers: &HeaderMap,
    tenant: Option<TenantId>,
    directory: &Directory,
    chat: ChatRequest,
) -> Response {
    let asks = match Asks::read(headers, tenant, chat.needs, directory) {
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
    let found = (found.group, found.captured.map(str::to_owned));
    let (response, answered) = oneshot::channel();
    let exchange =
        Exchange::new(front.desk, front.switchboard, chat, found, token, mailbox, response);
    // A task of its own: it must tell the core how the request ended even if the client hangs up.
    tokio::spawn(exchange.run());
    answered.await.unwrap_or_else(|_| refusal::internal())
}
