//! The HTTP service of one connection: what is asked for, and what each attempt answers. The words are those
//! of the provider's format.

use crate::answer::AnswerBody;
use crate::attempt::{AcceptedAttempt, AttemptStep};
use crate::connections::Reset;
use crate::error_body::{self, ErrorBody, HTML, JSON};
use crate::log;
use crate::metrics;
use crate::provider_server::{AttemptEnd, ProviderServer};
use crate::retry_after;
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_provider::{AttemptPlan, BadAnswer, CheckAnswer, DeliveryMode, PlanEnd, Rejection};
use squall_wire::Usage;
use squall_wire::chat::FinishReason;
use squall_wire::serve::{
    AnswerHead, ParsedRequest, Refused, ResponseHeaderData, ServerFormat, VendorError,
};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

type ServiceResponse = Response<AnswerBody>;

/// The service of a connection that `reset` resets.
pub(crate) fn for_connection(
    mock: Arc<ProviderServer>,
    reset: Reset,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = ServiceResponse,
    Error = Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request| {
        let (mock, reset) = (Arc::clone(&mock), reset.clone());
        async move { Ok(respond(mock, reset, request).await) }
    })
}

/// The largest request that is read: well over the prompt of a million tokens.
const MAX_BODY_BYTES: usize = 16 << 20;

async fn respond(
    mock: Arc<ProviderServer>,
    reset: Reset,
    request: Request<Incoming>,
) -> ServiceResponse {
    let (parts, body) = request.into_parts();
    let (path, server) = (parts.uri.path(), mock.server());
    if parts.method == Method::POST
        && let Some(route) = server.route(path, parts.uri.query())
    {
        let body = match collect(&parts.headers, body, mock.patience().body).await {
            Ok(body) => body,
            Err(unread) => {
                let refused = unread.answer(server);
                mock.malformed(&parts.headers, refused.status(), unread.why(), None);
                return refused;
            }
        };
        let (refused, why, model) = match server.read(&route, body.clone(), mock.rules()) {
            Ok(asked) if !mock.serves(&asked.model) => {
                (no_such_model(server, &asked.model), "no such model", asked.model)
            }
            Ok(asked) => return attempt(mock, reset, &parts.headers, &asked).await,
            Err(refused) => {
                let refused = refusal(server, StatusCode::BAD_REQUEST, &refused);
                (refused, "a bad request", String::new())
            }
        };
        mock.malformed(&parts.headers, refused.status(), why, Some((&body, &model)));
        return refused;
    }
    match parts.method {
        Method::GET if server.lists_models(path) => models(&mock, &reset).await,
        Method::GET if server.asks_of_model(path).is_some() => {
            let model = server.asks_of_model(path).unwrap_or_default();
            one_model(&mock, &reset, model).await
        }
        Method::GET if path == "/metrics" => {
            typed(AnswerBody::whole(mock.metrics().into()), metrics::CONTENT_TYPE)
        }
        Method::GET if path == "/health" => json(Bytes::from_static(br#"{"status":"ok"}"#)),
        method => {
            let message = format!("Unknown request URL: {method} {path}.");
            let status = StatusCode::NOT_FOUND.as_u16();
            log::refused(mock.name(), &parts.headers, status, "an unknown URL");
            refusal(server, StatusCode::NOT_FOUND, &Refused::plain(message))
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug)]
enum Unread {
    TooLarge,
    TooSlow,
    Broken,
}

impl Unread {
    /// For the log.
    const fn why(self) -> &'static str {
        match self {
            Self::TooLarge => "a body that is too large",
            Self::TooSlow => "a body that did not come in time",
            Self::Broken => "a body that broke off",
        }
    }

    /// The answer, after which the connection closes: what is left of the body is not waited for.
    fn answer(self, server: &dyn ServerFormat) -> ServiceResponse {
        let (status, message) = match self {
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The request is larger than {} MB.", MAX_BODY_BYTES >> 20),
            ),
            Self::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, "The request did not come in time.".to_owned())
            }
            Self::Broken => (StatusCode::BAD_REQUEST, "The request broke off.".to_owned()),
        };
        let mut answer = refusal(server, status, &Refused::plain(message));
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }
}

/// The body, no more of it than allowed, and no later.
async fn collect(headers: &HeaderMap, body: Incoming, within: Duration) -> Result<Bytes, Unread> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        return Err(Unread::TooLarge);
    }
    let collected = tokio::time::timeout(within, collect_frames(body)).await;
    collected.unwrap_or(Err(Unread::TooSlow))
}

/// Most bodies come in one piece, which is not copied.
async fn collect_frames(mut body: Incoming) -> Result<Bytes, Unread> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        if first.len() + all.len() + bytes.len() > MAX_BODY_BYTES {
            return Err(Unread::TooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = bytes;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&bytes);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// One attempt, from its arrival to the head of its answer.
async fn attempt(
    mock: Arc<ProviderServer>,
    reset: Reset,
    headers: &HeaderMap,
    asked: &ParsedRequest,
) -> ServiceResponse {
    let delivery = if asked.stream { DeliveryMode::Stream } else { DeliveryMode::Whole };
    let Some((attempt_state, arrived, says)) = mock.arrive(asked, headers) else {
        return reset_now(&reset).await;
    };
    let mut attempt = AcceptedAttempt::new(Arc::clone(&mock), attempt_state, arrived);
    let request_id = mock.request_id(arrived.number);
    let step = attempt.first_step(delivery).await;
    let now = mock.clock().now();
    let words = ErrorBody {
        server: mock.server(),
        asked,
        key: mock.server().key(headers),
        arrived: &arrived,
        request_id: &request_id,
        context_window: mock.context_window(),
    };
    let mut answer = match (step, attempt.plan()) {
        (AttemptStep::Reject(rejection), _) => {
            let answer = rejected(&words, &rejection, machine_time());
            attempt.head_sent(rejection.status);
            attempt.end(AttemptEnd::Rejected(rejection.class));
            answer
        }
        (AttemptStep::End(PlanEnd::ErrorEvent(class)), Some(_))
            if delivery == DeliveryMode::Whole =>
        {
            let status = mock.vendor_status(class);
            let body = words.error(class, status, None);
            attempt.head_sent(status);
            attempt.end(AttemptEnd::ErrorEvent(class));
            error(status, body)
        }
        // A reset; no other step comes without a plan.
        (AttemptStep::End(PlanEnd::Reset), _) | (_, None) => {
            attempt.end(AttemptEnd::Broken);
            reset_now(&reset).await
        }
        (AttemptStep::Tokens { .. } | AttemptStep::End(_), Some((plan, finish))) => {
            attempt.head_sent(StatusCode::OK.as_u16());
            let created = mock.unix(arrived.at).as_secs();
            let head = AnswerHead {
                provider: mock.provider(),
                number: arrived.number,
                created,
                input_tokens: arrived.input_tokens,
                cached_tokens: plan.cached.min(arrived.input_tokens),
                reasoning_tokens: if words.server.thinks(&asked.wants) {
                    plan.reasoning
                } else {
                    0
                },
                says: says
                    .within(plan.tokens.saturating_sub(plan.reasoning))
                    .behind(plan.prefilled),
            };
            ServedAttempt { words: &words, head, plan, finish }.answer(attempt, step, reset)
        }
    };
    let told = ResponseHeaderData {
        request_id: &request_id,
        limits: &error_body::limits(&arrived.limits),
        unix: machine_time(),
        took: now.since(arrived.at),
    };
    words.server.headers(answer.headers_mut(), &told);
    answer
}

/// The machine's own time since 1970, whatever wall time the run has: whoever reads a date in a header holds it against the
/// same clock.
#[expect(
    clippy::disallowed_methods,
    reason = "dates in headers are read by programs with a clock of their own"
)]
fn machine_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Resets the connection; its task drops this one.
async fn reset_now(reset: &Reset) -> ServiceResponse {
    reset.fire();
    std::future::pending().await
}

/// The refusal of a model that is not served.
fn no_such_model(server: &dyn ServerFormat, model: &str) -> ServiceResponse {
    let none = squall_wire::serve::HeaderLimits::default();
    let asked = ParsedRequest::of_model(model);
    let status = server.status(FailureClass::NotFound);
    let told = VendorError {
        asked: Some(&asked),
        ..VendorError::new(FailureClass::NotFound, status, &none)
    };
    error(status, server.error(&told))
}

/// One model of the list.
async fn one_model(mock: &ProviderServer, reset: &Reset, model: &str) -> ServiceResponse {
    let list = models(mock, reset).await;
    if list.status() != StatusCode::OK {
        return list;
    }
    if !mock.lists(model) {
        return no_such_model(mock.server(), model);
    }
    json(mock.server().model(model, mock.unix(Timestamp::ZERO).as_secs()))
}

/// The list of models: what health checks ask for. It is there even where completions are broken.
async fn models(mock: &ProviderServer, reset: &Reset) -> ServiceResponse {
    let server = mock.server();
    match mock.answers_checks() {
        CheckAnswer::Answered => {
            let created = mock.unix(Timestamp::ZERO).as_secs();
            json(server.models(&mut mock.models(), created))
        }
        CheckAnswer::Refused => reset_now(reset).await,
        CheckAnswer::Nothing => std::future::pending().await,
        CheckAnswer::Failed { status, class } => {
            let none = squall_wire::serve::HeaderLimits::default();
            error(status, server.error(&VendorError::new(class, status, &none)))
        }
    }
}

/// An attempt whose answer begins.
struct ServedAttempt<'a> {
    words: &'a ErrorBody<'a>,
    head: AnswerHead,
    plan: AttemptPlan,
    finish: FinishReason,
}

impl ServedAttempt<'_> {
    fn answer(
        &self,
        mut attempt: AcceptedAttempt,
        step: AttemptStep,
        reset: Reset,
    ) -> ServiceResponse {
        let ErrorBody { server, asked, .. } = self.words;
        let mut answer = match step {
            AttemptStep::End(PlanEnd::Bad(bad)) if !asked.stream || bad.tokens(u32::MAX) == 0 => {
                let answer = self.bad(bad);
                attempt.end(AttemptEnd::ErrorEvent(bad.class()));
                answer
            }
            _ if asked.stream => {
                let writer = server.answer_writer(asked, &self.head);
                let body = AnswerBody::stream(attempt, reset, writer, asked.events);
                typed(body, error_body::stream_type(asked))
            }
            AttemptStep::End(PlanEnd::Cut) => {
                let length = self.whole().len() as u64;
                attempt.end(AttemptEnd::Broken);
                typed(AnswerBody::cut(length), JSON)
            }
            _ => {
                let whole = self.whole();
                attempt.tokens_sent(self.plan.tokens);
                attempt.end(AttemptEnd::Succeeded);
                typed(AnswerBody::whole(whole), asked.answer_type().unwrap_or(JSON))
            }
        };
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        answer
    }

    fn whole(&self) -> Bytes {
        let ErrorBody { server, asked, .. } = self.words;
        server.whole(asked, &self.head, self.usage(), self.finish)
    }

    const fn usage(&self) -> Usage {
        Usage { input_tokens: self.head.input_tokens, output_tokens: self.plan.tokens }
    }

    /// Something with status 200 that is no answer.
    fn bad(&self, bad: BadAnswer) -> ServiceResponse {
        let ErrorBody { server, asked, .. } = self.words;
        match bad {
            BadAnswer::Html => typed(AnswerBody::whole(Bytes::from_static(EDGE_PAGE)), HTML),
            BadAnswer::Empty => {
                let kind = if asked.stream { error_body::stream_type(asked) } else { JSON };
                typed(AnswerBody::whole(Bytes::new()), kind)
            }
            BadAnswer::WrongType if !asked.stream => {
                let mut out = Vec::new();
                let mut writer = server.answer_writer(asked, &self.head);
                writer.begin(&mut out);
                (0..self.plan.tokens).for_each(|n| writer.token(&mut out, n));
                writer.finish(&mut out, self.finish, self.usage());
                typed(AnswerBody::whole(out.into()), error_body::EVENT_STREAM)
            }
            BadAnswer::WrongType => json(self.whole()),
            BadAnswer::Truncated | BadAnswer::NoEnd => {
                let whole = self.whole();
                json(whole.slice(..whole.len() / 2))
            }
        }
    }
}

/// A page such as an edge shows when its origin is gone.
const EDGE_PAGE: &[u8] =
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
      <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>edge</center>\r\n</body>\r\n</html>\r\n";

fn rejected(words: &ErrorBody<'_>, rejection: &Rejection, unix: Duration) -> ServiceResponse {
    let status = rejection.status;
    let body = words.error(rejection.class, status, Some(rejection));
    let asked = words.asked;
    // What a vendor answers with 200 comes in the way that was asked for.
    let mut answer = if status == 200 && asked.stream && asked.answer_type().is_none() {
        let body = if asked.events {
            [b"data: ".as_slice(), &body, b"\r\n\r\n"].concat()
        } else {
            [b"[".as_slice(), &body, b"]"].concat()
        };
        typed(AnswerBody::whole(body.into()), error_body::stream_type(asked))
    } else {
        error(status, body)
    };
    if let Some(wait) = rejection.retry_after.filter(|_| words.server.has_retry_after()) {
        retry_after::write(answer.headers_mut(), wait, rejection.retry_after_form, unix);
    }
    answer
}

/// A request that never reaches the core.
fn refusal(server: &dyn ServerFormat, status: StatusCode, refused: &Refused) -> ServiceResponse {
    let none = squall_wire::serve::HeaderLimits::default();
    let class = match status {
        StatusCode::NOT_FOUND => FailureClass::NotFound,
        StatusCode::REQUEST_TIMEOUT => FailureClass::Timeout,
        _ => FailureClass::BadRequest,
    };
    let told = VendorError {
        message: Some(&refused.message),
        param: refused.param.as_deref(),
        code: refused.code,
        ..VendorError::new(class, status.as_u16(), &none)
    };
    error(status.as_u16(), server.error(&told))
}

fn error(status: u16, body: Bytes) -> ServiceResponse {
    let mut answer = json(body);
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

fn json(body: Bytes) -> ServiceResponse {
    typed(AnswerBody::whole(body), JSON)
}

fn typed(body: AnswerBody, content_type: &'static str) -> ServiceResponse {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
