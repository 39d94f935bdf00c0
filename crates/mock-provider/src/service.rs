//! The HTTP service of one connection: OpenAI's paths, and what each answers.

use crate::answer::AnswerBody;
use crate::attempt::{Attempt, Step};
use crate::connections::Reset;
use crate::pace::Delivery;
use crate::shell::{End, Shell};
use axum::Router as HttpRouter;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_provider::{CheckAnswer, LimitState, Plan, Rejection};
use squall_wire::openai::{
    Answer, ApiError, COMPLETIONS_PATH, ChatRequest, ChunkWriter, FinishReason, MODELS_PATH,
    models_body,
};
use squall_wire::{LimitGauge, LimitHeaders, Usage, write_retry_after};
use std::convert::Infallible;
use std::sync::Arc;
use tower_service::Service as _;

/// Every path, served by `shell`.
pub(crate) fn routes(shell: Arc<Shell>) -> HttpRouter {
    HttpRouter::new()
        .route(COMPLETIONS_PATH, post(completions))
        .route(MODELS_PATH, get(models))
        .route("/health", get(health))
        .fallback(unknown_path)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(shell)
}

/// The service of a connection that `reset` resets.
pub(crate) fn for_connection(
    routes: HttpRouter,
    reset: Reset,
) -> impl hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
{
    hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(reset.clone());
        routes.clone().call(request)
    })
}

/// The largest request that is read: well over the prompt of a million tokens.
const MAX_BODY_BYTES: usize = 16 << 20;

async fn completions(
    State(shell): State<Arc<Shell>>,
    Extension(reset): Extension<Reset>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = match ChatRequest::parse(body) {
        Ok(request) => request,
        Err(error) => {
            shell.malformed(&headers);
            return error_response(StatusCode::BAD_REQUEST, &error.to_api_error());
        }
    };
    let delivery = if request.stream { Delivery::Stream } else { Delivery::Whole };
    let Some(mut attempt) = shell.arrive(&request, &headers) else {
        return reset_now(&reset).await;
    };
    let request_id = format!("req_{}_{}", shell.provider(), attempt.arrived().number);
    let step = attempt.first_step(delivery).await;
    let mut response = match (step, attempt.plan()) {
        (Step::Reject(rejection), _) => {
            attempt.end(End::Rejected(rejection.class));
            rejected(&request.model, &rejection)
        }
        (Step::Tokens { .. } | Step::Complete | Step::Cut, Some((plan, finish))) => {
            attempt.head_sent(StatusCode::OK.as_u16());
            let now = shell.clock().now();
            let served = Served { shell: &shell, request: &request, plan, finish, now };
            served.response(attempt, step, reset)
        }
        // A reset; no other step comes without a plan.
        _ => {
            attempt.end(End::Broken);
            reset_now(&reset).await
        }
    };
    let request_id = HeaderValue::from_str(&request_id).expect("letters and digits only");
    response.headers_mut().insert(REQUEST_ID, request_id);
    response
}

/// Resets the connection; its task drops this one.
async fn reset_now(reset: &Reset) -> Response {
    reset.fire();
    std::future::pending().await
}

/// The list of models: what health checks ask for. It is there even where completions are broken.
async fn models(State(shell): State<Arc<Shell>>, Extension(reset): Extension<Reset>) -> Response {
    match shell.answers_checks() {
        CheckAnswer::Answered => {}
        CheckAnswer::Refused => return reset_now(&reset).await,
        CheckAnswer::Nothing => return std::future::pending().await,
    }
    json(models_body(shell.models(), shell.unix_secs(Timestamp::ZERO)))
}

async fn health() -> Response {
    json(Bytes::from_static(br#"{"status":"ok"}"#))
}

async fn unknown_path() -> Response {
    let error = ApiError::of(FailureClass::BadRequest, "").with_message("unknown request URL");
    error_response(StatusCode::NOT_FOUND, &error)
}

/// An attempt whose answer begins.
struct Served<'a> {
    shell: &'a Shell,
    request: &'a ChatRequest,
    plan: Plan,
    finish: FinishReason,
    now: Timestamp,
}

impl Served<'_> {
    fn response(&self, mut attempt: Attempt, step: Step, reset: Reset) -> Response {
        let id = format!("chatcmpl-{}-{}", self.shell.provider(), attempt.arrived().number);
        let created = self.shell.unix_secs(attempt.arrived().at);
        let answer = Answer { id: &id, created, model: &self.request.model };
        let took = self.now.since(attempt.arrived().at).as_millis();
        let mut response = if self.request.stream {
            let writer = ChunkWriter::new(&answer, self.request.include_usage);
            let usage = self.request.include_usage;
            let body = AnswerBody::stream(attempt, reset, writer, usage);
            with_type(Body::new(body), "text/event-stream; charset=utf-8")
        } else {
            let input_tokens = attempt.arrived().input_tokens;
            let usage = Usage { input_tokens, output_tokens: self.plan.tokens };
            let whole = answer.completion_body(usage, self.finish);
            if let Step::Cut = step {
                attempt.end(End::Broken);
                with_type(Body::new(AnswerBody::cut(whole.len() as u64)), JSON)
            } else {
                attempt.tokens_sent(usage.output_tokens);
                attempt.end(End::Succeeded);
                json(whole)
            }
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let took = HeaderValue::from(u64::try_from(took).unwrap_or(u64::MAX));
        headers.insert(PROCESSING_MS, took);
        limit_headers(&self.plan.limits).write(headers);
        response
    }
}

fn rejected(model: &str, rejection: &Rejection) -> Response {
    let limits = limit_headers(&rejection.limits);
    let error = match rejection.class {
        FailureClass::Throttled => ApiError::rate_limited(model, &limits, rejection.retry_after),
        class => ApiError::of(class, model),
    };
    let status = StatusCode::from_u16(rejection.status);
    let mut response = error_response(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &error);
    limits.write(response.headers_mut());
    if let Some(wait) = rejection.retry_after {
        write_retry_after(response.headers_mut(), wait);
    }
    response
}

fn limit_headers(limits: &LimitState) -> LimitHeaders {
    let gauge = |gauge: Option<squall_provider::LimitGauge>| {
        gauge.map_or_else(LimitGauge::default, |gauge| LimitGauge {
            limit: Some(gauge.limit),
            remaining: Some(gauge.remaining),
            reset: Some(gauge.reset),
        })
    };
    LimitHeaders { requests: gauge(limits.requests), tokens: gauge(limits.tokens) }
}

fn error_response(status: StatusCode, error: &ApiError) -> Response {
    (status, json(error.body())).into_response()
}

fn json(body: Bytes) -> Response {
    with_type(Body::from(body), JSON)
}

fn with_type(body: Body, content_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

const JSON: &str = "application/json";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
