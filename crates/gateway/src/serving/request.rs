//! One request at the server's edge: it is taken or refused, counted, and cut when its time is over.

use super::admission::Admission;
use super::allowed_hosts;
use super::cors::CrossOrigin;
use super::request_context::RequestContext;
use super::server_state::{ServerState, ShutdownStage};
use super::timed_socket::{ConnectionWait, SocketProgress};
use crate::request_id::REQUEST_ID;
use crate::{fronts, local_reply, response};
use axum::Router as Routes;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use http::{Request, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use squall_failure::FailureClass;
use squall_wire::client_error::ErrorEventWriter;
use squall_wire::error::ApiError;
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// How long a connection that is one too many waits for an idle one to close, and in which steps.
const ROOM_LOOKS: u32 = 20;
const ROOM_STEP: Duration = Duration::from_millis(10);

/// Answers one request of a connection, which was taken in so when it came.
pub(super) async fn answered(
    shared: Arc<ServerState>,
    mut routes: Routes,
    progress: Arc<SocketProgress>,
    request: Request<Incoming>,
    admission: Admission,
) -> Result<Response, Infallible> {
    progress.now_waits(ConnectionWait::Answer);
    let of_request = RequestContext::new(shared.ids.of(request.headers()));
    let mut request = request
        .map(|body| Body::new(WatchedBody { body, progress: Arc::clone(&progress), over: false }));
    request.extensions_mut().insert(of_request.clone());
    let format = fronts::format_of(request.uri().path(), request.headers());
    let cross_origin = CrossOrigin::of(&shared, &request);
    let refusal = match shared.stage() {
        ShutdownStage::Draining | ShutdownStage::Cut => Some(stopping()),
        ShutdownStage::Open | ShutdownStage::Leaving => match admission {
            Admission::PlainHttp => Some(plain_http()),
            Admission::Full if !has_room(&shared).await => Some(too_many()),
            Admission::Full | Admission::Taken => allowed_hosts::refusal(&shared, &request),
        },
    };
    let in_flight = InFlightRequest::begin(&shared, &progress);
    let mut response = match refusal {
        Some(refusal) => {
            drop(request);
            closing(refusal)
        }
        None => match cross_origin.as_ref().and_then(CrossOrigin::preflight) {
            Some(preflight) => preflight,
            None => routed(&shared, routes.call(request)).await,
        },
    };
    if shared.stage() >= ShutdownStage::Leaving || progress.has_unread_body() {
        response = closing(response);
    }
    response.headers_mut().insert(REQUEST_ID, of_request.id().header_value());
    let mut response = fronts::in_words_of(format, response);
    if let Some(cross_origin) = cross_origin {
        cross_origin.allow(&mut response);
    }
    let error_event = of_request.error_event().cloned();
    Ok(response.map(|body| {
        Body::new(ResponseBody {
            body: Some(body),
            cut: error_event.map(|error_event| StreamCut {
                shared,
                between_events: true,
                error_event,
            }),
            _in_flight: in_flight,
            _of_request: of_request,
        })
    }))
}

/// What the routes answer, or that there is no time for it any more. Nobody is woken for that here: whoever
/// polls this is polled when the server comes to that stage.
async fn routed(
    shared: &ServerState,
    answer: impl Future<Output = Result<Response, Infallible>>,
) -> Response {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        // A panic is a defect. It is this request's alone, and not the connection's.
        match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(response),
            Ok(Poll::Pending) if shared.stage() < ShutdownStage::Cut => Poll::Pending,
            Ok(Poll::Pending) => Poll::Ready(closing(cut())),
            Err(_) => Poll::Ready(closing(local_reply::internal())),
        }
    })
    .await
}

/// Whether there is room for a connection that was one too many: an idle one was asked to make it.
async fn has_room(shared: &ServerState) -> bool {
    for _ in 0..ROOM_LOOKS {
        if shared.connections.load(Ordering::Relaxed) <= shared.settings.max_connections {
            return true;
        }
        tokio::time::sleep(ROOM_STEP).await;
    }
    false
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn unavailable(message: &str) -> Response {
    let error = ApiError::of(FailureClass::Overloaded, "").with_message(message);
    let mut response = response::api_error(StatusCode::SERVICE_UNAVAILABLE, &error);
    // Another connection may reach another gateway at once.
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn stopping() -> Response {
    unavailable("this gateway is stopping and takes no new requests: connect again")
}

fn too_many() -> Response {
    unavailable("this gateway has as many connections as it takes (`server.max_connections`)")
}

fn plain_http() -> Response {
    let message = "this address speaks TLS: ask by `https://` and not by `http://`";
    let error = ApiError::of(FailureClass::BadRequest, "").with_message(message);
    response::api_error(StatusCode::BAD_REQUEST, &error)
}

fn cut() -> Response {
    unavailable("this gateway has stopped before the answer was there")
}

/// A request between its head and the end of its answer.
struct InFlightRequest {
    shared: Arc<ServerState>,
    progress: Arc<SocketProgress>,
}

impl InFlightRequest {
    fn begin(shared: &Arc<ServerState>, progress: &Arc<SocketProgress>) -> Self {
        shared.begin();
        Self { shared: Arc::clone(shared), progress: Arc::clone(progress) }
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        self.shared.end();
        self.progress.answered();
    }
}

/// The body of a request, which tells when it was left before its end.
struct WatchedBody {
    body: Incoming,
    progress: Arc<SocketProgress>,
    /// Its end was read, or an error in its place.
    over: bool,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.over |= matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        if !self.over && !self.body.is_end_stream() {
            self.progress.body_is_unread();
        }
    }
}

/// The body of an answer. A stream that is cut ends with an error event.
struct ResponseBody {
    /// `None` once it was cut.
    body: Option<Body>,
    cut: Option<StreamCut>,
    _in_flight: InFlightRequest,
    _of_request: RequestContext,
}

/// How a stream is cut.
struct StreamCut {
    shared: Arc<ServerState>,
    /// Whether what went out so far ends with an event.
    between_events: bool,
    error_event: ErrorEventWriter,
}

impl StreamCut {
    fn is_now(&self) -> bool {
        self.shared.stage() >= ShutdownStage::Cut
    }

    /// What a stream says at last.
    fn last_words(&self) -> Bytes {
        const MESSAGE: &str = "this gateway has stopped before the answer was complete";
        let error = ApiError::of(FailureClass::Overloaded, "").with_message(MESSAGE);
        // An event that is not complete is ended first; its reader drops it or fails on it either way.
        let mut last = if self.between_events { Vec::new() } else { b"\n\n".to_vec() };
        self.error_event.write(&mut last, &error);
        last.into()
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        let Some(cut) = &mut this.cut else { return polled };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(bytes) = frame.data_ref() {
                    cut.between_events = bytes.ends_with(b"\n\n");
                    cut.error_event.sent(bytes);
                }
                // What comes without pause is cut too.
                if !cut.is_now() {
                    return polled;
                }
            }
            Poll::Ready(_) => return polled,
            Poll::Pending if cut.is_now() => {}
            Poll::Pending => return Poll::Pending,
        }
        let mut last = cut.last_words();
        if let Poll::Ready(Some(Ok(frame))) = polled
            && let Ok(bytes) = frame.into_data()
        {
            last = [bytes, last].concat().into();
        }
        this.body = None;
        Poll::Ready(Some(Ok(Frame::data(last))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.body, &self.cut) {
            (Some(body), None) => body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}
