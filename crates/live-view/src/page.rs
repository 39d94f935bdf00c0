//! The live page: one page that a browser of this machine gets, and a stream of server-sent events that feeds it.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /` | the page |
//! | `GET /events` | a snapshot now, and one whenever it changes, as JSON; the stream ends with the run's verdict |
//! | `GET /report.html` | the report, once it is written |
//! | `GET /metrics` | the latest snapshot as OpenMetrics text, for a Prometheus |
//!
//! Each event is the whole snapshot: who joins late has what happened so far, and who is slow misses those between. No
//! browser is waited for while the run goes on.

use crate::model::Snapshot;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
};
use http_body_util::channel::{Channel, Sender};
use squall_wire::browser::is_this_machine;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How many streams are served at once: pages of one person or of a team at one screen.
const STREAMS_MAX: usize = 32;

/// How long browsers may take to read how the run ended, before the process does.
const LAST_WORDS: Duration = Duration::from_secs(2);
const LAST_WORDS_STEP: Duration = Duration::from_millis(20);

/// A page that is served on loopback until it is finished or dropped.
#[derive(Debug)]
pub struct LivePage {
    addr: SocketAddr,
    state: Arc<PageState>,
    /// Ends the server when it is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct PageState {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Streams that are open.
    streams: AtomicUsize,
    /// Pages that were told of a report and have not fetched it.
    owed: AtomicUsize,
}

impl LivePage {
    /// Serves a page at a port of loopback; 0 is one of the system's choice.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16, snapshots: watch::Receiver<Arc<Snapshot>>) -> io::Result<Self> {
        let (streams, owed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let state = Arc::new(PageState { snapshots, streams, owed });
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let served = Arc::clone(&state);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("live page".to_owned()).spawn(move || {
            runtime.block_on(async {
                let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                let listener = match squall_net::listen(listen) {
                    Ok(listener) => listener,
                    Err(error) => return drop(tell.send(Err(error))),
                };
                // Whoever waits for it cannot have gone.
                let _ = tell.send(listener.local_addr());
                tokio::select! {
                    _ = axum::serve(listener, routes(served)) => {}
                    _ = stopped => {}
                }
            });
        })?;
        let addr = told.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended")))?;
        Ok(Self { addr, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Where the page is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// The last snapshot is there: waits a moment for browsers that are open to read it and to fetch the report.
    pub fn finish(self) {
        let steps = LAST_WORDS.as_millis() / LAST_WORDS_STEP.as_millis();
        for _ in 0..steps {
            if self.state.streams.load(SeqCst) == 0 && self.state.owed.load(SeqCst) == 0 {
                break;
            }
            std::thread::sleep(LAST_WORDS_STEP);
        }
    }
}

impl Drop for LivePage {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there is a defect of the page, and none of the run.
            let _ = thread.join();
        }
    }
}

fn routes(state: Arc<PageState>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/events", get(events))
        .route("/report.html", get(report))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn(guard))
        .with_state(state)
}

/// Pages from elsewhere that a browser of this machine shows are kept out: a name that resolves to this machine is not
/// ours unless it says so, since DNS can be rebound.
async fn guard(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(is_this_machine) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "use the name `localhost` or a loopback address\n").into_response()
}

/// What a page may do: run the script in it, and ask this server.
const POLICY: [(HeaderName, HeaderValue); 2] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
             img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

async fn page() -> impl IntoResponse {
    (POLICY, Html(include_str!("page/page.html")))
}

async fn report(State(state): State<Arc<PageState>>) -> Response {
    let ending = state.snapshots.borrow().ending.clone();
    let read = ending.and_then(|ending| std::fs::read_to_string(ending.report?).ok());
    let Some(text) = read else {
        return (StatusCode::NOT_FOUND, "there is no report yet\n").into_response();
    };
    // Whoever asks more often than it was told is owed nothing.
    let _ = state.owed.fetch_update(SeqCst, SeqCst, |owed| owed.checked_sub(1));
    (POLICY, Html(text)).into_response()
}

async fn metrics(State(state): State<Arc<PageState>>) -> Response {
    let text = crate::metrics::metrics(&state.snapshots.borrow());
    ([(CONTENT_TYPE, crate::metrics::CONTENT_TYPE)], text).into_response()
}

async fn events(State(state): State<Arc<PageState>>) -> Response {
    let Some(open) = OpenStream::open(state) else {
        let told = format!("{STREAMS_MAX} pages watch this run already\n");
        return (StatusCode::SERVICE_UNAVAILABLE, told).into_response();
    };
    let (sender, body) = Channel::<Bytes, Infallible>::new(1);
    tokio::spawn(open.send(sender));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::new(body)).into_response()
}

/// A stream that counts while it is open.
struct OpenStream(Arc<PageState>);

impl OpenStream {
    fn open(state: Arc<PageState>) -> Option<Self> {
        let more = |open: usize| (open < STREAMS_MAX).then_some(open + 1);
        state.streams.fetch_update(SeqCst, SeqCst, more).ok()?;
        Some(Self(state))
    }

    /// Sends snapshots until the run has ended or the browser is gone.
    async fn send(self, mut sender: Sender<Bytes, Infallible>) {
        let mut snapshots = self.0.snapshots.clone();
        snapshots.mark_changed();
        while snapshots.changed().await.is_ok() {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            let Ok(json) = serde_json::to_string(&*snapshot) else { return };
            let ending = snapshot.ending.as_ref();
            if ending.is_some_and(|ending| ending.report.is_some()) {
                self.0.owed.fetch_add(1, SeqCst);
            }
            // It waits while the browser does not read; what comes meanwhile is passed over.
            let sent = sender.send_data(Bytes::from(format!("data: {json}\n\n"))).await;
            if sent.is_err() || ending.is_some() {
                return;
            }
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, SeqCst);
    }
}
