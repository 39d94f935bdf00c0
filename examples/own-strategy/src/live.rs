//! The strategy inside an axum service: clients name their session in a header, and the router decides which
//! upstream serves it.
//!
//! The router runs in a task of its own. Handlers and calls tell it what happened through a bounded channel, its
//! next timer is a sleep, and it says what to do.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::{
    AttemptId, DeploymentConfig, GroupConfig, GroupId, Outcome, RequestArrival, RequestTag, Router,
    RouterConfig, RouterInput, RouterOutput, Strategy,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What clients name their session in.
pub const SESSION_HEADER: &str = "x-session";
/// Requests and results that may wait for the router.
const QUEUE_MAX: usize = 1_024;
/// The largest answer that is read.
const BODY_MAX: usize = 1 << 20;

type Answer = Result<Bytes, Failure>;
type HttpClient = Client<HttpConnector, Empty<Bytes>>;
/// What can go wrong with a call or a start.
pub type LiveError = Box<dyn Error + Send + Sync>;

/// An upstream on a free port of loopback that answers with its name.
///
/// # Errors
/// When there is no port.
pub async fn upstream(name: &'static str) -> io::Result<SocketAddr> {
    serve(axum::Router::new().route("/", get(async move || name))).await
}

/// A service in front of these upstreams, on a free port of loopback: `GET /` is routed by the strategy.
///
/// # Errors
/// When there is no port, or the router refuses the configuration.
pub async fn service(
    strategy: Strategy,
    upstreams: &[(&str, SocketAddr)],
) -> Result<SocketAddr, LiveError> {
    let deployments = upstreams.iter().map(|(name, _)| DeploymentConfig::new(*name)).collect();
    let group = GroupConfig { deployments, strategy, ..GroupConfig::new("chat") };
    let config = RouterConfig { groups: vec![group], ..RouterConfig::default() };
    let (sender, events) = mpsc::channel(QUEUE_MAX);
    #[expect(clippy::disallowed_methods, reason = "a live shell reads the clock")]
    let started = Instant::now();
    let shell = Shell {
        router: Router::new(config, Seed::new(7), 0)?,
        upstreams: upstreams.iter().map(|&(_, address)| address).collect(),
        http: Client::builder(TokioExecutor::new()).build_http(),
        started,
        sender: sender.clone(),
        clients: BTreeMap::new(),
        calls: BTreeMap::new(),
        bodies: BTreeMap::new(),
        asked: 0,
    };
    tokio::spawn(shell.run(events));
    Ok(serve(axum::Router::new().route("/", get(chat)).with_state(sender)).await?)
}

async fn serve(app: axum::Router) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(address)
}

/// Status and text of a request to `address` in a session.
///
/// # Errors
/// When no answer comes.
pub async fn ask(address: SocketAddr, session: u64) -> Result<(u16, String), LiveError> {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let request = axum::http::Request::get(format!("http://{address}/"))
        .header(SESSION_HEADER, session)
        .body(Empty::new())?;
    let answer = client.request(request).await?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), BODY_MAX).collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

async fn chat(State(router): State<mpsc::Sender<Event>>, headers: HeaderMap) -> Response {
    let session = headers.get(SESSION_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
    let (client, answer) = oneshot::channel();
    if router.send(Event::Asked(session, client)).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answer.await {
        Ok(Ok(body)) => body.into_response(),
        Ok(Err(failure)) => {
            let status = StatusCode::from_u16(failure.client_status());
            let text = format!("every attempt failed: {}", failure.class.as_str());
            (status.unwrap_or(StatusCode::BAD_GATEWAY), text).into_response()
        }
        // The router's task has ended, as after a panic of the strategy.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What the router's task is told.
enum Event {
    Asked(Option<u64>, oneshot::Sender<Answer>),
    Answered(AttemptId, Answer),
}

/// The router, and what it needs to act.
struct Shell {
    router: Router,
    upstreams: Vec<SocketAddr>,
    http: HttpClient,
    started: Instant,
    sender: mpsc::Sender<Event>,
    clients: BTreeMap<u64, oneshot::Sender<Answer>>,
    calls: BTreeMap<AttemptId, (RequestTag, JoinHandle<()>)>,
    /// What came for a request, until the router says that the request has ended.
    bodies: BTreeMap<u64, Bytes>,
    asked: u64,
}

impl Shell {
    async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        loop {
            let due = self.router.next_timer();
            let timer = async {
                match due {
                    Some(due) => {
                        let after = Duration::from_nanos(due.as_nanos());
                        tokio::time::sleep_until(self.started + after).await;
                    }
                    None => std::future::pending().await,
                }
            };
            let input = tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.input(event),
                    None => return,
                },
                () = timer => RouterInput::Tick,
            };
            self.router.handle(Timestamp::ZERO + self.started.elapsed(), input);
            while let Some(output) = self.router.poll() {
                self.carry_out(output);
            }
        }
    }

    fn input(&mut self, event: Event) -> RouterInput {
        match event {
            Event::Asked(session, client) => {
                self.asked += 1;
                self.clients.insert(self.asked, client);
                let arrival = RequestArrival::new(RequestTag(self.asked), GroupId(0));
                RouterInput::Arrived(RequestArrival { session, ..arrival })
            }
            Event::Answered(attempt, Ok(body)) => {
                if let Some((tag, _)) = self.calls.remove(&attempt) {
                    self.bodies.insert(tag.0, body);
                }
                RouterInput::Finished { attempt, usage: None }
            }
            Event::Answered(attempt, Err(failure)) => {
                self.calls.remove(&attempt);
                RouterInput::Failed { attempt, failure }
            }
        }
    }

    fn carry_out(&mut self, output: RouterOutput) {
        match output {
            RouterOutput::StartAttempt(start) => {
                let upstream = self.upstreams[start.deployment.index()];
                let (http, sender) = (self.http.clone(), self.sender.clone());
                let call = tokio::spawn(async move {
                    let answer = call(&http, upstream).await;
                    // Nobody listens once the service has ended.
                    let _ = sender.send(Event::Answered(start.attempt, answer)).await;
                });
                self.calls.insert(start.attempt, (start.tag, call));
            }
            RouterOutput::CancelAttempt { attempt, .. } => {
                if let Some((_, call)) = self.calls.remove(&attempt) {
                    call.abort();
                }
            }
            RouterOutput::Done { tag, outcome, .. } => {
                let body = self.bodies.remove(&tag.0).unwrap_or_default();
                let Some(client) = self.clients.remove(&tag.0) else { return };
                let answer = match outcome {
                    Outcome::Succeeded { .. } => Ok(body),
                    Outcome::Failed { failure, .. } => Err(failure),
                    Outcome::ClientGone => return,
                };
                // The client may have left.
                let _ = client.send(answer);
            }
            // Answers here are whole, no health check is configured, and notes are for logs.
            RouterOutput::Accepted { .. }
            | RouterOutput::Commit { .. }
            | RouterOutput::Check { .. }
            | RouterOutput::Note(_) => {}
        }
    }
}

/// Calls an upstream, and classifies what came of it.
async fn call(http: &HttpClient, upstream: SocketAddr) -> Answer {
    let failure = |class, status| Failure::new(class, FailureSource::Provider).with_status(status);
    let url =
        format!("http://{upstream}/").parse().map_err(|_| failure(FailureClass::Connect, 0))?;
    let answer = http.get(url).await.map_err(|_| failure(FailureClass::Connect, 0))?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), BODY_MAX).collect().await;
    match (status, body) {
        (200, Ok(body)) => Ok(body.to_bytes()),
        (200, Err(_)) => Err(failure(FailureClass::Cut, status)),
        (429, _) => Err(failure(FailureClass::Throttled, status)),
        _ => Err(failure(FailureClass::Server, status)),
    }
}
