//! One request: its orders from the core, its attempts upstream, its answer to the client.

use crate::answer;
use crate::desk::{Desk, Mailbox, Order, RefusedRequest};
use crate::upstream::{Call, Endpoint, News};
use axum::response::Response;
use bytes::Bytes;
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass};
use squall_router::{AttemptId, Input, Outcome, RequestKey, StartAttempt, Usage};
use squall_wire::RequestToken;
use squall_wire::openai::ChatRequest;
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::oneshot;

/// Chunks of a stream that may wait for a slow client before its provider is no longer read.
const CHUNKS_WAITING: usize = 64;

/// A request on its way.
pub(crate) struct Exchange {
    pub(crate) desk: Arc<Desk>,
    pub(crate) endpoints: Arc<Vec<Endpoint>>,
    pub(crate) chat: ChatRequest,
    pub(crate) token: Option<RequestToken>,
    pub(crate) mailbox: Mailbox,
    /// Where the head of the answer goes; taken when it has gone.
    pub(crate) response: Option<oneshot::Sender<Response>>,
    /// Where the rest of a stream goes.
    pub(crate) chunks: Option<Sender<Bytes>>,
    pub(crate) request: Option<RequestKey>,
    pub(crate) attempt: Option<Running>,
    pub(crate) attempts: u16,
}

/// The attempt that runs.
pub(crate) struct Running {
    start: StartAttempt,
    call: Call,
    started: Timestamp,
    /// Bytes that wait for the core to commit to this attempt.
    held: Vec<Bytes>,
}

impl Exchange {
    /// From the first order to the last.
    pub(crate) async fn run(mut self) {
        loop {
            let attempt = self.attempt.as_mut();
            tokio::select! {
                biased;
                order = self.mailbox.recv() => match order {
                    Some(Order::Done(outcome)) => return self.done(outcome).await,
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                news = next(attempt) => self.heard(news).await,
                () = gone(&mut self.response, self.chunks.as_ref()) => {
                    // The core answers with an end, and with nothing else.
                    self.attempt = None;
                    self.response = None;
                    self.chunks = None;
                    if let Some(request) = self.request {
                        self.desk.tell(Input::ClientGone { request });
                    }
                }
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Accepted(request) => self.request = Some(request),
            Order::Start(start) => {
                self.attempts += 1;
                let endpoint = &self.endpoints[start.deployment.index()];
                let token = self.token.as_ref();
                self.attempt = Some(Running {
                    start,
                    call: endpoint.call(&self.chat, token, start.between_tokens_timeout),
                    started: self.desk.clock().now(),
                    held: Vec::new(),
                });
            }
            Order::Cancel(attempt) => {
                if self.attempt.as_ref().is_some_and(|running| running.start.attempt == attempt) {
                    self.attempt = None;
                }
            }
            Order::Commit => self.commit().await,
            Order::Done(_) => {}
        }
    }

    /// This attempt's answer is the client's: what was held back goes out.
    async fn commit(&mut self) {
        let Some(running) = &mut self.attempt else { return };
        let held = std::mem::take(&mut running.held);
        let name = self.desk.name(running.start.deployment);
        if self.chat.stream {
            let (sender, receiver) = channel(CHUNKS_WAITING);
            if let Some(response) = self.response.take() {
                let _ = response.send(answer::streamed(receiver, name, self.attempts));
            }
            for bytes in held {
                let _ = sender.send(bytes).await;
            }
            self.chunks = Some(sender);
        } else if let Some(response) = self.response.take() {
            let body = held.into_iter().next().unwrap_or_default();
            let _ = response.send(answer::whole(body, name, self.attempts));
        }
    }

    async fn heard(&mut self, news: News) {
        let Some(running) = &mut self.attempt else { return };
        let attempt: AttemptId = running.start.attempt;
        match news {
            News::Bytes { bytes, first_token } => {
                match &self.chunks {
                    Some(chunks) => drop(chunks.send(bytes).await),
                    None => running.held.push(bytes),
                }
                if first_token {
                    self.desk.tell(Input::FirstToken { attempt });
                }
            }
            News::Finished { body, usage } => {
                running.held.extend(body);
                let usage = usage.map(|usage| Usage {
                    input_tokens: usage.input_tokens,
                    output_tokens: usage.output_tokens,
                });
                self.desk.tell(Input::Finished { attempt, usage });
            }
            News::Failed(failure) => {
                self.write_down_refusal(&failure);
                self.attempt = None;
                self.desk.tell(Input::Failed { attempt, failure });
            }
        }
    }

    fn write_down_refusal(&self, failure: &Failure) {
        if let (FailureClass::Connect, Some(running)) = (failure.class, &self.attempt) {
            let request = RefusedRequest {
                ordinal: self.token.map(|token| token.request),
                started: running.started,
                stream: self.chat.stream,
                input_tokens: self.token.map_or(self.chat.input_tokens, |token| token.input_tokens),
            };
            self.desk.refused(&running.start, &request);
        }
    }

    async fn done(self, outcome: Outcome) {
        let Outcome::Failed { failure, .. } = outcome else { return };
        if let Some(response) = self.response {
            let _ = response.send(answer::error(&failure, &self.chat.model, self.attempts));
        } else if let Some(chunks) = self.chunks {
            let _ = chunks.send(answer::error_event(failure.class, &self.chat.model)).await;
        }
    }
}

/// The attempt's next news; never, without an attempt.
async fn next(attempt: Option<&mut Running>) -> News {
    match attempt {
        Some(running) => running.call.next().await,
        None => std::future::pending().await,
    }
}

/// Ends when the client has gone: nobody waits for the head of the answer, or for the rest of it.
async fn gone(response: &mut Option<oneshot::Sender<Response>>, chunks: Option<&Sender<Bytes>>) {
    match (response, chunks) {
        (Some(response), _) => response.closed().await,
        (None, Some(chunks)) => chunks.closed().await,
        (None, None) => std::future::pending().await,
    }
}
