//! The HTTP endpoints: the paths of clients, with and without their version, a health check, and metrics.

mod by_path;
mod forms;
mod json_array;
mod models;

use crate::api_keys::RequestOrigin;
use crate::app_state::AppState;
use crate::decisions::{DecisionTrails, RequestFacts};
use crate::metrics::OperationFacts;
use crate::readiness::ReadyState;
use crate::request_driver::{RequestDriver, RequestHead};
use crate::request_id::RequestId;
use crate::request_log::{self, RequestLog};
use crate::request_options::{OUTPUT_TOKENS, RequestOptions};
use crate::response;
use crate::serving::RequestContext;
use crate::telemetry::RequestSpans;
use crate::{api_keys, header_passthrough, local_reply, serving};
use axum::Router as HttpRouter;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method, StatusCode, Uri};
use squall_failure::FailureClass;
use squall_router::RequestArrival;
use squall_wire::chat::{ChatRequest, FrontApi, LitellmKeys, Operation, RequestError};
use squall_wire::error::ApiError;
use squall_wire::front::FrontPath;
use squall_wire::front_format;
use std::sync::Arc;

/// What clients and operators ask; metrics only if they have no address of their own.
pub(crate) fn routes(app: Arc<AppState>, with_metrics: bool) -> HttpRouter {
    let operations = if with_metrics { operations_routes() } else { state_routes() };
    HttpRouter::new()
        .merge(requests("/v1"))
        .merge(requests(""))
        .merge(requests("/openai/v1"))
        .merge(models_below("/v1beta"))
        .merge(azure())
        .merge(operations)
        .fallback(unknown_path)
        .method_not_allowed_fallback(not_allowed)
        .with_state(app)
}

/// What clients ask for, below the version; some of them leave it out.
fn requests(root: &str) -> HttpRouter<Arc<AppState>> {
    let path = |operation: Operation| format!("{root}{}", operation.path());
    models_below(root)
        .route(&path(Operation::Chat), post(chats))
        .route(&path(Operation::Completion), of(Operation::Completion))
        .route(&path(Operation::Embedding), of(Operation::Embedding))
        .route(&path(Operation::Response), post(responses))
        .route(&path(Operation::Image), of(Operation::Image))
        .route(&path(Operation::ImageEdit), forms::of(Operation::ImageEdit))
        .route(&path(Operation::ImageVariation), forms::of(Operation::ImageVariation))
        .route(&path(Operation::Speech), of(Operation::Speech))
        .route(&path(Operation::Transcription), forms::of(Operation::Transcription))
        .route(&path(Operation::Translation), forms::of(Operation::Translation))
        .route(&format!("{root}/messages"), post(messages))
        .route(&format!("{root}/messages/count_tokens"), post(count_messages))
}

/// Models, and what Google's clients ask of one.
fn models_below(root: &str) -> HttpRouter<Arc<AppState>> {
    HttpRouter::new().route(&format!("{root}/models"), get(models::list)).route(
        &format!("{root}/models/{{*model}}"),
        get(models::one).post(by_path::method_of_model),
    )
}

/// What Azure's clients ask for: a deployment is a model here.
fn azure() -> HttpRouter<Arc<AppState>> {
    let path =
        |operation: Operation| format!("/openai/deployments/{{deployment}}{}", operation.path());
    models_below("/openai")
        .route(&path(Operation::Chat), post(by_path::azure_chats))
        .route(&path(Operation::Completion), by_path::azure(Operation::Completion))
        .route(&path(Operation::Embedding), by_path::azure(Operation::Embedding))
        .route(&path(Operation::Image), by_path::azure(Operation::Image))
        .route(&path(Operation::Speech), by_path::azure(Operation::Speech))
        .route(&path(Operation::ImageEdit), forms::azure(Operation::ImageEdit))
        .route(&path(Operation::Transcription), forms::azure(Operation::Transcription))
        .route(&path(Operation::Translation), forms::azure(Operation::Translation))
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
    state(&ReadyState::of(&app))
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

/// What is counted beside the core.
fn operation_facts(app: &AppState) -> OperationFacts {
    let overrides = &app.operator.live().overrides;
    OperationFacts {
        paused: app.operator.is_paused(),
        overrides: [
            ("drained", overrides.drained.len()),
            ("pinned", overrides.pins.len()),
            ("weight", overrides.weights.len()),
        ],
        key_refusals: app.keys.refusals(),
        reloads: app.operator.reloads(),
        decision_log: app.handle.decisions(DecisionTrails::log_counts).flatten(),
    }
}

async fn metrics(State(app): State<Arc<AppState>>) -> Response {
    const VERSION: &str = "text/plain; version=0.0.4; charset=utf-8";
    let is_ready = ReadyState::of(&app).is_ready();
    let operations = operation_facts(&app).text();
    // The core is free again before the text is written.
    let tls = app.server.tls.as_ref().map(|tls| tls.snapshot());
    match app.handle.metrics() {
        Some(snapshot) => {
            ([(CONTENT_TYPE, VERSION)], snapshot.text(is_ready, tls.as_ref()) + &operations)
                .into_response()
        }
        None => state(&ReadyState::CoreFailed),
    }
}

async fn chats(State(app): State<Arc<AppState>>, request: Request) -> Response {
    route(app, request, ChatRequest::parse).await
}

/// Requests for an operation other than chat, in OpenAI's format.
fn of(operation: Operation) -> MethodRouter<Arc<AppState>> {
    post(move |State(app): State<Arc<AppState>>, request: Request| async move {
        route(app, request, |body| ChatRequest::parse_other(operation, body)).await
    })
}

async fn responses(State(app): State<Arc<AppState>>, request: Request) -> Response {
    route(app, request, |body| front_format(FrontApi::Responses).read(&FrontPath::default(), body))
        .await
}

async fn messages(State(app): State<Arc<AppState>>, request: Request) -> Response {
    route(app, request, |body| front_format(FrontApi::Messages).read(&FrontPath::default(), body))
        .await
}

/// How many tokens messages have, as this gateway estimates them for its limits.
async fn count_messages(State(app): State<Arc<AppState>>, request: Request) -> Response {
    let taken = match taken(&app, request, |body| {
        front_format(FrontApi::Messages).read_count(&FrontPath::default(), body)
    })
    .await
    {
        Ok(taken) => taken,
        Err(refusal) => return *refusal,
    };
    if app.registry.directory().groups.find(&taken.chat.model).is_none() {
        return unknown_model(&taken.of_request, &taken.chat.model);
    }
    json(StatusCode::OK, serde_json::json!({ "input_tokens": taken.chat.input_tokens }).to_string())
}

async fn route(
    app: Arc<AppState>,
    request: Request,
    parse: impl FnOnce(Bytes) -> Result<ChatRequest, RequestError>,
) -> Response {
    match taken(&app, request, parse).await {
        Ok(taken) => drive_request(app, taken).await,
        Err(refusal) => *refusal,
    }
}

/// A request that was read: its client may ask.
struct TakenRequest {
    of_request: RequestContext,
    headers: HeaderMap,
    caller: RequestOrigin,
    keys: LitellmKeys,
    chat: ChatRequest,
}

/// Reads a request.
///
/// # Errors
/// The response, when it is refused.
async fn taken(
    app: &AppState,
    request: Request,
    parse: impl FnOnce(Bytes) -> Result<ChatRequest, RequestError>,
) -> Result<TakenRequest, Box<Response>> {
    let (mut head, body) = request.into_parts();
    let of_request = head.extensions.get::<RequestContext>().cloned();
    let of_request = of_request.unwrap_or_else(|| RequestContext::new(RequestId::none()));
    let id = of_request.id();
    if app.operator.is_paused() {
        return Err(Box::new(logged(id, "paused", local_reply::paused())));
    }
    // Whoever has no key has nothing read: a body costs memory.
    let caller = api_keys::authenticate(app, &mut head.headers, &app.registry.directory(), id)?;
    if let Some(encoding) = text(&head.headers, CONTENT_ENCODING)
        && !encoding.eq_ignore_ascii_case("identity")
    {
        let refusal = local_reply::unsupported_encoding(&encoding);
        return Err(Box::new(logged(id, "compressed body", refusal)));
    }
    let body = match serving::read(&app.server, body).await {
        Ok((body, permit)) => {
            of_request.keep_body(permit);
            body
        }
        Err(refusal) => return Err(Box::new(logged(id, "body not taken", *refusal))),
    };
    let (keys, body) = LitellmKeys::take(body);
    match parse(body) {
        Ok(chat) => Ok(TakenRequest { of_request, headers: head.headers, caller, keys, chat }),
        Err(error) => {
            let refusal = unreadable(&head.headers, &error);
            Err(Box::new(logged(id, "body not understood", refusal)))
        }
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

fn unknown_model(of_request: &RequestContext, model: &str) -> Response {
    let error = ApiError::of(FailureClass::NotFound, model);
    let refusal = response::api_error(StatusCode::NOT_FOUND, &error);
    logged(of_request.id(), "unknown model", refusal)
}

async fn drive_request(app: Arc<AppState>, taken: TakenRequest) -> Response {
    let TakenRequest { of_request, headers, caller, keys, chat } = taken;
    let directory = app.registry.directory();
    let options = RequestOptions::read(&headers, caller.tenant, chat.needs, &directory);
    let options = match options {
        Ok(options) => options.with_body(&keys, &directory),
        Err((status, error)) => {
            return logged(
                of_request.id(),
                "header not understood",
                response::api_error(status, &error),
            );
        }
    };
    let Some(found) = directory.groups.find(&chat.model) else {
        return unknown_model(&of_request, &chat.model);
    };
    match api_keys::admit(&app, &caller, &chat, found.group, &options) {
        Ok(lease) => lease.into_iter().for_each(|lease| of_request.keep_key(lease)),
        Err(refusal) => return logged(of_request.id(), "key not allowed", *refusal),
    }
    let token = chat.token(&headers);
    let began = app.handle.clock().now();
    let facts = || RequestFacts::new(of_request.id(), &chat.model, chat.asks_for());
    let arrival = |tag| RequestArrival {
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
    };
    let mailbox = app.handle.arrive(token.map(|token| token.request), facts, arrival);
    let tenant = options.tenant.and_then(|tenant| directory.tenant(tenant)).map(str::to_owned);
    let spans = app.telemetry.as_ref().map(|telemetry| {
        let group = app.handle.group_names(&[found.group]).into();
        let id = of_request.id().as_str();
        Box::new(RequestSpans::begin(telemetry, &headers, id, group, &chat))
    });
    let mut log = RequestLog::new(of_request.id().clone(), tenant, chat.asks_for(), began, spans);
    log.key = of_request.key().map(|lease| lease.key_id().to_owned());
    let asked = RequestHead {
        group: found.group,
        captured: found.captured.map(str::to_owned),
        token,
        passed: header_passthrough::to_provider(&headers, of_request.id(), token.as_ref()),
        log,
        context: of_request,
    };
    RequestDriver::new(app, chat, asked, mailbox).answer().await
}
