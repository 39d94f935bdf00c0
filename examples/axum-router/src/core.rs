//! The core on a task of its own: inputs come through a channel, the next timer is a sleep, and each output is carried out.

use crate::upstream;
use bytes::Bytes;
use squall_determinism::{Seed, Timestamp};
use squall_failure::{Failure, FailureClass, FailureSource};
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

/// Requests and results that may wait for the core.
const QUEUE: usize = 1_024;

/// The answer to a client: a body, or the failure that the request ended with.
pub(crate) type Answer = Result<Bytes, Failure>;

/// What the core's task is told.
enum Event {
    Asked(oneshot::Sender<Answer>),
    Answered(AttemptId, Answer),
}

/// A handle to the core; cheap to clone, one for each handler.
#[derive(Clone, Debug)]
pub(crate) struct Core(mpsc::Sender<Event>);

impl Core {
    /// Starts the task. Deployment `n` of the configuration is served by `upstreams[n]`.
    ///
    /// # Errors
    /// When the core refuses the configuration.
    #[expect(
        clippy::disallowed_methods,
        reason = "a service reads the clock, and the core does not"
    )]
    pub(crate) fn start(
        config: RouterConfig,
        upstreams: Vec<SocketAddr>,
    ) -> Result<Self, ConfigError> {
        let router = Router::new(config, Seed::new(7), 0)?;
        let (sender, events) = mpsc::channel(QUEUE);
        let shell = Shell {
            router,
            upstreams,
            started: Instant::now(),
            sender: sender.clone(),
            clients: BTreeMap::new(),
            calls: BTreeMap::new(),
            bodies: BTreeMap::new(),
            next: 0,
        };
        tokio::spawn(shell.run(events));
        Ok(Self(sender))
    }

    /// Routes one request, and gives its answer; `None` if the core has ended.
    pub(crate) async fn ask(&self) -> Option<Answer> {
        let (sender, answer) = oneshot::channel();
        self.0.send(Event::Asked(sender)).await.ok()?;
        answer.await.ok()
    }
}

/// The router, and what it needs to act in the world.
struct Shell {
    router: Router,
    upstreams: Vec<SocketAddr>,
    started: Instant,
    sender: mpsc::Sender<Event>,
    clients: BTreeMap<u64, oneshot::Sender<Answer>>,
    calls: BTreeMap<AttemptId, (RequestTag, JoinHandle<()>)>,
    /// The body that came for a request, until the core says that the request has ended.
    bodies: BTreeMap<u64, Bytes>,
    next: u64,
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
            self.router.handle(self.now(), input);
            while let Some(output) = self.router.poll() {
                self.carry_out(output);
            }
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.started.elapsed()
    }

    fn input(&mut self, event: Event) -> RouterInput {
        match event {
            Event::Asked(client) => {
                self.next += 1;
                self.clients.insert(self.next, client);
                RouterInput::Arrived(RequestArrival::new(RequestTag(self.next), GroupId(0)))
            }
            Event::Answered(attempt, answer) => {
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

    fn carry_out(&mut self, output: RouterOutput) {
        match output {
            RouterOutput::StartAttempt(start) => {
                let upstream = self.upstreams[start.deployment.index()];
                let sender = self.sender.clone();
                let call = tokio::spawn(async move {
                    let answer = call(upstream).await;
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
            // Answers here are whole and not streamed, no health check is configured, and notes are for logs.
            RouterOutput::Accepted { .. }
            | RouterOutput::Commit { .. }
            | RouterOutput::Check { .. }
            | RouterOutput::Note(_) => {}
        }
    }
}

/// Calls an upstream, and classifies what came of it.
async fn call(upstream: SocketAddr) -> Answer {
    match upstream::get(&format!("http://{upstream}/")).await {
        Ok((200, body)) => Ok(body),
        Ok((429, _)) => Err(failure(FailureClass::Throttled, 429)),
        Ok((status, _)) => Err(failure(FailureClass::Server, status)),
        Err(_) => Err(failure(FailureClass::Connect, 0)),
    }
}

fn failure(class: FailureClass, status: u16) -> Failure {
    Failure::new(class, FailureSource::Provider).with_status(status)
}
