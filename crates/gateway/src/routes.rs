//! The HTTP endpoints: OpenAI's paths, a health check, and metrics.

use crate::app_state::AppState;
use crate::readiness::ReadyState;
use crate::request_driver::{RequestDriver, RequestHead};
use crate::request_id::RequestId;
use crate::request_log::{self, RequestLog};
use crate::request_options::{OptionRefused, RequestOptions};
use crate::response;
use crate::serving::RequestContext;
use crate::upstream_registry::NameIndex;
use crate::{api_keys, header_passthrough, local_reply, serving};
use axum::Router as HttpRouter;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method, StatusCode, Uri};
use squall_failure::FailureClass;
use squall_router::RequestArrival;
use squall_wire::chat::{ChatRequest, LitellmKeys, Operation, RequestError};
use squall_wire::error::ApiError;
use squall_wire::openai::{MODELS_PATH, models_body};
use std::sync::Arc;

/// What an answer is taken to need when the request does not say, in tokens: what chat answers have in
/// the middle of production traces, and more.
const OUTPUT_TOKENS: u32 = 256;

/// What clients and operators ask; metrics only if they have no address of their own.
pub(crate) fn routes(app: Arc<AppState>, with_metrics: bool) -> HttpRouter {
    let path = |operation: Operation| format!("/v1{}", operation.path());
    let operations = if with_metrics { operations_routes() } else { state_routes() };
    HttpRouter::new()
        .route(&path(Operation::Chat), post(chats))
        .route(&path(Operation::Completion), post(completions))
        .route(&path(Operation::Embedding), post(embeddings))
        .route(&path(Operation::Response), post(responses))
        .route(MODELS_PATH, get(models))
        .merge(operations)
        .fallback(unknown_path)
        .method_not_allowed_fallback(not_allowed)
        .with_state(app)
}

/// What operators ask, at an address of its own.
pub(crate) fn operations(app: Arc<AppState>) -> HttpRouter {
    operations_routes()
        .fallback(unknown_path)
        .method_not_allowed_fallback(not_allowed)
        .with_state(app)
}

fn operations_routes() -> HttpRouter<Arc<AppState>> {
    state_routes().route("/metrics", get(metrics))
}

fn state_routes() -> HttpRouter<Arc<AppState>> {
    HttpRouter::new().route("/health", get(health)).route("/ready", get(ready))
}

async fn unknown_path(method: Method, uri: Uri) -> Response {
    local_reply::unknown_path(&method, uri.path())
}

async fn not_allowed(method: Method, uri: Uri) -> Response {
    local_reply::not_allowed(&method, uri.path())
}

/// Whether it lives: a gateway whose core has failed does not, whatever else still answers.
async fn health(State(app): State<Arc<AppState>>) -> Response {
    if app.handle.has_failed() {
        state(&ReadyState::CoreFailed)
    } else {
        json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned())
    }
}

/// Whether it is to be sent requests.
async fn ready(State(app): State<Arc<AppState>>) -> Response {
    state(&ReadyState::of(&app.handle, &app.server))
}

fn state(state: &ReadyState) -> Response {
    let (status, word) = match state.is_ready() {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
    };
    let (reason, message) = (state.reason(), state.message());
    let body = serde_json::json!({ "status": word, "reason": reason, "message": message });
    json(status, body.to_string())
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn metrics(State(app): State<Arc<AppState>>) -> Response {
    const VERSION: &str = "text/plain; version=0.0.4; charset=utf-8";
    let is_ready = ReadyState::of(&app.handle, &app.server).is_ready();
    // The core is free again before the text is written.
    match app.handle.metrics() {
        Some(snapshot) => ([(CONTENT_TYPE, VERSION)], snapshot.text(is_ready)).into_response(),
        None => state(&ReadyState::CoreFailed),
    }
}

async fn models(State(app): State<Arc<AppState>>) -> Response {
    let directory = app.registry.directory();
    let body = models_body(directory.groups.listed(), 0);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn chats(State(app): State<Arc<AppState>>, request: Request) -> Response {
    route(app, request, ChatRequest::parse).await
}

async fn completions(State(app): State<Arc<AppState>>, request: Request) -> Response {
    let parse = |body| ChatRequest::parse_other(Operation::Completion, body);
    route(app, request, parse).await
}

async fn embeddings(State(app): State<Arc<AppState>>, request: Request) -> Response {
    let parse = |body| ChatRequest::parse_other(Operation::Embedding, body);
    route(app, request, parse).await
}

async fn responses(State(app): State<Arc<AppState>>, request: Request) -> Response {
    let parse = |body| ChatRequest::parse_other(Operation::Response, body);
    route(app, request, parse).await
}

async fn route(
    app: Arc<AppState>,
    request: Request,
    parse: impl FnOnce(Bytes) -> Result<ChatRequest, RequestError>,
) -> Response {
    let (head, body) = request.into_parts();
    let of_request = head.extensions.get::<RequestContext>().cloned();
    let of_request = of_request.unwrap_or_else(|| RequestContext::new(RequestId::none()));
    let id = of_request.id();
    let directory = app.registry.directory();
    // Whoever has no key has nothing read: a body costs memory.
    let tenant = match api_keys::tenant(&head.headers, &directory) {
        Ok(tenant) => tenant,
        Err((status, error)) => {
            app.unauthenticated.refused(app.handle.clock(), id);
            return response::api_error(status, &error);
        }
    };
    if let Some(encoding) = text(&head.headers, CONTENT_ENCODING)
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return logged(id, "compressed body", local_reply::unsupported_encoding(&encoding));
    }
    let body = match serving::read(&app.server, body).await {
        Ok((body, permit)) => {
            of_request.keep_body(permit);
            body
        }
        Err(refusal) => return logged(id, "body not taken", *refusal),
    };
    let (keys, body) = LitellmKeys::take(body);
    match parse(body) {
        Ok(chat) => {
            let options = RequestOptions::read(&head.headers, tenant, chat.needs, &directory);
            let options = options.map(|options| options.with_body(&keys, &directory));
            drive_request(app, of_request, &head.headers, options, &directory, chat).await
        }
        Err(error) => logged(id, "body not understood", unreadable(&head.headers, &error)),
    }
}

/// A body that is no request. Whoever says that it is no JSON is told of that; who sends JSON under another
/// name, as `curl -d` does, is served.
fn unreadable(headers: &HeaderMap, error: &RequestError) -> Response {
    match (error, text(headers, CONTENT_TYPE)) {
        (RequestError::NotJson(_), Some(kind)) if !is_json(&kind) => {
            local_reply::unsupported_media(&kind)
        }
        _ => response::api_error(StatusCode::BAD_REQUEST, &error.to_api_error()),
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

/// A refusal before the core has heard of the request, which the log tells too.
fn logged(id: &RequestId, why: &'static str, response: Response) -> Response {
    request_log::refused(id, response.status().as_u16(), why);
    response
}

async fn drive_request(
    app: Arc<AppState>,
    of_request: RequestContext,
    headers: &HeaderMap,
    options: Result<RequestOptions, OptionRefused>,
    directory: &NameIndex,
    chat: ChatRequest,
) -> Response {
    let options = match options {
        Ok(options) => options,
        Err((status, error)) => {
            return logged(
                of_request.id(),
                "header not understood",
                response::api_error(status, &error),
            );
        }
    };
    let Some(found) = directory.groups.find(&chat.model) else {
        let error = ApiError::of(FailureClass::NotFound, &chat.model);
        let refusal = response::api_error(StatusCode::NOT_FOUND, &error);
        return logged(of_request.id(), "unknown model", refusal);
    };
    let token = chat.token(headers);
    let began = app.handle.clock().now();
    let mailbox = app.handle.arrive(token.map(|token| token.request), |tag| RequestArrival {
        input_tokens: chat.input_tokens,
        output_tokens: chat.max_tokens.unwrap_or(OUTPUT_TOKENS),
        stream: chat.stream,
        priority: options.priority,
        tenant: options.tenant,
        tags: options.tags,
        session: options.session,
        features: options.features,
        region: options.region,
        overrides: options.overrides,
        ..RequestArrival::new(tag, found.group)
    });
    let tenant = options.tenant.and_then(|tenant| directory.tenant(tenant)).map(str::to_owned);
    let asked = RequestHead {
        group: found.group,
        captured: found.captured.map(str::to_owned),
        token,
        passed: header_passthrough::to_provider(headers, of_request.id(), token.as_ref()),
        log: RequestLog::new(of_request.id().clone(), tenant, chat.operation.path(), began),
        context: of_request,
    };
    RequestDriver::new(app, chat, asked, mailbox).answer().await
}
