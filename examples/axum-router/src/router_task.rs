//! A driver of the router core, as a tokio task: events come through a channel, the next timer is a sleep, and each
//! output is executed.

use crate::upstream::{self, HttpClient};
use bytes::Bytes;
use squall_determinism::{Seed, Timestamp};
use squall_failure::Failure;
use squall_router::{
    AttemptId, ConfigError, GroupId, Outcome, RequestArrival, RequestTag, Router, RouterConfig,
    RouterInput, RouterOutput,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Events that may wait for the core.
const QUEUE_MAX: usize = 1_024;

/// The result of a request: a body, or the failure it ended with.
pub type RoutedAnswer = Result<Bytes, Failure>;

/// An event for the core.
enum DriverEvent {
    Requested { session: Option<u64>, client: oneshot::Sender<RoutedAnswer> },
    Answered(AttemptId, RoutedAnswer),
}

/// A handle to the task; cheap to clone.
#[derive(Clone, Debug)]
pub struct RouterTask(mpsc::Sender<DriverEvent>);

impl RouterTask {
    /// Starts the task. Deployment `n` of the configuration is served by `upstreams[n]`.
    ///
    /// # Errors
    /// When the router rejects the configuration.
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver reads the clock, and the core does not"
    )]
    pub fn start(config: RouterConfig, upstreams: Vec<SocketAddr>) -> Result<Self, ConfigError> {
        let router = Router::new(config, Seed::new(7), 0)?;
        let (sender, events) = mpsc::channel(QUEUE_MAX);
        let driver = RouterDriver {
            router,
            upstreams,
            http: upstream::client(),
            started: Instant::now(),
            sender: sender.clone(),
            clients: BTreeMap::new(),
            calls: BTreeMap::new(),
            bodies: BTreeMap::new(),
            next: 0,
        };
        tokio::spawn(driver.run(events));
        Ok(Self(sender))
    }

    /// Routes one request of this session, and returns its answer; `None` if the task has ended.
    pub async fn request(&self, session: Option<u64>) -> Option<RoutedAnswer> {
        let (client, answer) = oneshot::channel();
        self.0.send(DriverEvent::Requested { session, client }).await.ok()?;
        answer.await.ok()
    }
}

/// The router, and what executes its outputs.
struct RouterDriver {
    router: Router,
    upstreams: Vec<SocketAddr>,
    http: HttpClient,
    started: Instant,
    sender: mpsc::Sender<DriverEvent>,
    clients: BTreeMap<u64, oneshot::Sender<RoutedAnswer>>,
    calls: BTreeMap<AttemptId, (RequestTag, JoinHandle<()>)>,
    /// The body received for a request, until the router reports that the request has ended.
    bodies: BTreeMap<u64, Bytes>,
    next: u64,
}

impl RouterDriver {
    async fn run(mut self, mut events: mpsc::Receiver<DriverEvent>) {
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
            self.router.handle(self.now(), input);
            while let Some(output) = self.router.poll() {
                self.execute(output);
            }
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.started.elapsed()
    }

    fn input(&mut self, event: DriverEvent) -> RouterInput {
        match event {
            DriverEvent::Requested { session, client } => {
                self.next += 1;
                self.clients.insert(self.next, client);
                let arrival = RequestArrival::new(RequestTag(self.next), GroupId(0));
                RouterInput::Arrived(RequestArrival { session, ..arrival })
            }
            DriverEvent::Answered(attempt, answer) => {
                let call = self.calls.remove(&attempt);
                match answer {
                    Ok(body) => {
                        if let Some((tag, _)) = call {
                            self.bodies.insert(tag.0, body);
                        }
                        RouterInput::Finished { attempt, usage: None }
                    }
                    Err(failure) => RouterInput::Failed { attempt, failure },
                }
            }
        }
    }

    fn execute(&mut self, output: RouterOutput) {
        match output {
            RouterOutput::StartAttempt(start) => {
                let upstream = self.upstreams[start.deployment.index()];
                let (http, sender) = (self.http.clone(), self.sender.clone());
                let call = tokio::spawn(async move {
                    let answer = upstream::call(&http, upstream).await;
                    // The receiver is gone once the task has ended.
                    let _ = sender.send(DriverEvent::Answered(start.attempt, answer)).await;
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
            // Answers are not streamed, no health checks are configured, and notes are for logs.
            RouterOutput::Accepted { .. }
            | RouterOutput::Commit { .. }
            | RouterOutput::Check { .. }
            | RouterOutput::Shared(_)
            | RouterOutput::Note(_) => {}
        }
    }
}
