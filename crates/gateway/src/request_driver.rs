//! Drives one request: executes the core's commands, runs its attempts upstream, of which two may run side by side,
//! and answers the client.

use crate::api_keys;
use crate::app_state::AppState;
use crate::continuation::{ContinuableStream, ContinuedStream};
use crate::local_reply::{self, RequestHistory};
use crate::request_ending;
use crate::request_log::RequestLog;
use crate::response;
use crate::router_handle::{Mailbox, RefusedRequest, RouterCommand};
use crate::serving::RequestContext;
use crate::upstream::{UpstreamCall, UpstreamEvent};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use squall_determinism::Timestamp;
use squall_failure::{Evidence, Failure, FailureClass, FailureSource};
use squall_router::{
    AttemptId, CancelReason, GroupId, Outcome, RequestKey, RouterInput, StartAttempt, TokenUsage,
};
use squall_wire::chat::{ChatRequest, Unsupported};
use squall_wire::client_error::ErrorEventWriter;
use squall_wire::error::ApiError;
use squall_wire::front::FrontStream;
use squall_wire::{RequestToken, front_format};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, channel};

/// Chunks of a stream that may wait for a slow client before its provider is no longer read.
const CHUNKS_WAITING: usize = 64;

/// A request on its way. Dropping it before its end says that its client has gone.
pub(crate) struct RequestDriver {
    app: Arc<AppState>,
    chat: Arc<ChatRequest>,
    /// What the `*` of the group's name stood for.
    captured: Option<String>,
    token: Option<RequestToken>,
    mailbox: Mailbox,
    /// The answer, or the head of a stream, from the core's commitment to it until it goes out.
    response: Option<Response>,
    /// Where a stream goes, once its head has gone.
    chunks: Option<Sender<Bytes>>,
    /// Chunks that the client has not made room for. While there are any, the provider is not read; orders
    /// of the core are obeyed all the same.
    backlog: VecDeque<Bytes>,
    /// What the client has of a stream that may go on elsewhere if it breaks off.
    continuable: Option<Box<ContinuableStream>>,
    /// How a stream ends that breaks off.
    error_event: ErrorEventWriter,
    /// What makes a stream the client's, where that does not speak chats.
    front: Option<FrontStream>,
    /// What a content policy left of an answer, and who gave it.
    filtered: Option<(Bytes, Arc<str>)>,
    /// What the core decided about it.
    history: RequestHistory,
    /// What is told of it, in a line and in spans.
    log: RequestLog,
    /// What its server knows of it.
    context: RequestContext,
    /// Headers that every call bears.
    passed: Arc<HeaderMap>,
    /// What the latest answer's head tells the client.
    response_headers: HeaderMap,
    /// Why an upstream could not be asked.
    unsupported: Option<ApiError>,
    /// How attempts failed: the client is told of one of them, in its provider's words.
    failures: Vec<AttemptFailure>,
    request: Option<RequestKey>,
    attempt: Option<RunningAttempt>,
    /// A second attempt, while it runs beside the first.
    beside: Option<RunningAttempt>,
    attempts: u16,
    /// The core has said how it ended.
    over: bool,
}

/// What is known of a request beside its body.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) group: GroupId,
    /// What the `*` of the group's name stood for.
    pub(crate) captured: Option<String>,
    pub(crate) token: Option<RequestToken>,
    /// Headers that every call bears.
    pub(crate) passed: HeaderMap,
    pub(crate) log: RequestLog,
    pub(crate) context: RequestContext,
}

/// The attempt that runs.
pub(crate) struct RunningAttempt {
    start: StartAttempt,
    call: UpstreamCall,
    /// The deployment's name.
    name: Arc<str>,
    started: Timestamp,
    /// The client chose the model that is called.
    chosen: bool,
    /// The core knows that the client does not take what arrives.
    unread: bool,
    /// Bytes that wait for the core to commit to this attempt, and how many they are.
    held: Vec<Bytes>,
    held_bytes: usize,
    /// As many as may be held.
    held_max: usize,
    /// Its answer is the client's.
    committed: bool,
    /// Where it goes on with an answer: how its stream becomes a part of the client's.
    continues: Option<Box<ContinuedStream>>,
    /// Its answer comes in the words of the client's own API.
    native: bool,
}

impl RequestDriver {
    pub(crate) fn new(
        app: Arc<AppState>,
        chat: ChatRequest,
        asked: RequestHead,
        mailbox: Mailbox,
    ) -> Self {
        Self {
            app,
            error_event: ErrorEventWriter::of(&chat),
            front: chat.front().map(|api| front_format(api).stream(&chat)),
            chat: Arc::new(chat),
            captured: asked.captured,
            token: asked.token,
            mailbox,
            response: None,
            chunks: None,
            backlog: VecDeque::new(),
            continuable: None,
            filtered: None,
            history: RequestHistory::new(asked.group),
            log: asked.log,
            context: asked.context,
            passed: Arc::new(asked.passed),
            response_headers: HeaderMap::new(),
            unsupported: None,
            failures: Vec::new(),
            request: None,
            attempt: None,
            beside: None,
            attempts: 0,
            over: false,
        }
    }

    /// The answer. It is waited for in the task of the client's connection, which drops this when the client
    /// hangs up. The head of a stream goes out with what is there of it; what is left comes from a task of its
    /// own: however slowly a client reads, the core is obeyed.
    pub(crate) async fn answer(mut self) -> Response {
        while !self.over {
            let attempt = self.attempt.as_mut().filter(|_| self.backlog.is_empty());
            tokio::select! {
                biased;
                command = self.mailbox.next() => match command {
                    Some(command) => self.apply(command),
                    None => break,
                },
                event = next(attempt) => self.on_event(event),
                event = next(self.beside.as_mut()) => self.on_event_beside(event),
                () = std::future::ready(()), if self.chunks.is_some() => break,
            }
        }
        let answer = self.response.take().unwrap_or_else(local_reply::internal);
        if let Some(chunks) = self.chunks.clone()
            && !(self.over && self.backlog.is_empty())
        {
            tokio::spawn(self.stream(chunks));
        }
        answer
    }

    /// Brings a stream to its client, from behind its head to its end.
    async fn stream(mut self, chunks: Sender<Bytes>) {
        while !self.over {
            let attempt = self.attempt.as_mut().filter(|_| self.backlog.is_empty());
            tokio::select! {
                biased;
                command = self.mailbox.next() => match command {
                    Some(command) => self.apply(command),
                    None => break,
                },
                () = room(&chunks, !self.backlog.is_empty()) => {
                    if let Some(bytes) = self.backlog.pop_front() {
                        self.send_or_queue(bytes);
                    }
                }
                event = next(attempt) => self.on_event(event),
                event = next(self.beside.as_mut()) => self.on_event_beside(event),
                () = chunks.closed() => return,
            }
        }
        // What a slow client has not read yet is not the core's business any more.
        let rest = std::mem::take(&mut self.backlog);
        drop(self);
        for bytes in rest {
            if chunks.send(bytes).await.is_err() {
                return;
            }
        }
    }

    fn apply(&mut self, command: RouterCommand) {
        match command {
            RouterCommand::Accepted(request) => self.request = Some(request),
            RouterCommand::Start(start) => self.start(start),
            RouterCommand::Cancel(attempt, reason) => {
                // Of a time-out a note tells.
                if reason == CancelReason::LostRace {
                    let now = self.app.handle.clock().now();
                    self.log.attempt_ended(now, attempt.nth, reason.as_str());
                }
                for place in [&mut self.attempt, &mut self.beside] {
                    drop(place.take_if(|running| running.start.attempt == attempt));
                }
                self.close_ranks();
            }
            RouterCommand::Commit => self.commit(),
            RouterCommand::Note(note) => {
                self.history.note(&note);
                self.log.note(self.app.handle.clock().now(), &note);
            }
            RouterCommand::Done(outcome) => self.done(&outcome),
        }
    }

    fn start(&mut self, start: StartAttempt) {
        self.attempts += 1;
        self.history.attempted();
        if let Some(lease) = self.context.key() {
            lease.sent_to(start.deployment);
        }
        let endpoint = self.app.registry.endpoint(start.deployment);
        let started = self.app.handle.clock().now();
        let passed = self.log.attempt_began(started, start.attempt.nth, &endpoint, &self.passed);
        let (request, continues) = self.upstream_request(&start, endpoint.answer_max());
        let captured = self.captured.as_deref();
        let silence = start.between_tokens_timeout;
        // Where another may go on with the answer, it is told in words that all have.
        let may_move = start.may_continue && self.chat.can_be_continued();
        let native = request.as_ref().ok().filter(|_| !may_move && continues.is_none());
        let native = native.and_then(|chat| chat.native_api());
        let native = native.filter(|api| api.format() == endpoint.format());
        let running = RunningAttempt {
            start,
            call: match request {
                Ok(chat) => endpoint.call(&chat, captured, &passed, silence, native),
                Err(unsupported) => endpoint.no_call(&self.chat, &passed, unsupported),
            },
            name: Arc::clone(endpoint.name()),
            started,
            chosen: endpoint.takes_the_clients_model(captured),
            unread: false,
            held: Vec::new(),
            held_bytes: 0,
            held_max: endpoint.answer_max(),
            committed: false,
            continues,
            native: native.is_some(),
        };
        let place = if self.attempt.is_none() { &mut self.attempt } else { &mut self.beside };
        *place = Some(running);
    }

    /// The request as an attempt tells it: as it came, or for the rest of an answer that the client has the beginning
    /// of.
    fn upstream_request(
        &mut self,
        start: &StartAttempt,
        limit: usize,
    ) -> (Result<Arc<ChatRequest>, Unsupported>, Option<Box<ContinuedStream>>) {
        if start.may_continue && self.continuable.is_none() {
            self.continuable = Some(Box::new(ContinuableStream::new(&self.chat, limit)));
        }
        let Some((by, stream)) = start.continues.zip(self.continuable.as_ref()) else {
            return (Ok(Arc::clone(&self.chat)), None);
        };
        (stream.request(&self.chat, by), Some(Box::new(stream.rest(by))))
    }

    /// Where the first attempt has ended, the second is the only one.
    fn close_ranks(&mut self) {
        if self.attempt.is_none() {
            self.attempt = self.beside.take();
        }
    }

    /// The second attempt gets on.
    fn on_event_beside(&mut self, event: UpstreamEvent) {
        std::mem::swap(&mut self.attempt, &mut self.beside);
        self.on_event(event);
        std::mem::swap(&mut self.attempt, &mut self.beside);
        self.close_ranks();
    }

    /// The only attempt's answer is the client's: what was held back goes out.
    fn commit(&mut self) {
        self.close_ranks();
        let Some(running) = &mut self.attempt else { return };
        running.committed = true;
        let held = std::mem::take(&mut running.held);
        if self.chunks.is_some() {
            // The client's stream goes on.
            let mark =
                running.continues.as_ref().map(|rest| rest.mark(&running.name, self.attempts));
            mark.into_iter().chain(held).for_each(|bytes| self.pass_on(bytes));
        } else if self.chat.stream {
            let (sender, receiver) = channel(CHUNKS_WAITING);
            let head = if self.chat.answers_bytes() {
                response::streamed_bytes(receiver, &running.name, self.attempts)
            } else {
                // Among bytes there is no event to end with.
                self.context.streams(self.error_event.clone());
                response::streamed(receiver, &running.name, self.attempts)
            };
            let head = response::with_type(head, running.call.content_type());
            self.response = Some(response::with_headers(head, running.call.response_headers()));
            self.chunks = Some(sender);
            held.into_iter().for_each(|bytes| self.pass_on(bytes));
        } else {
            let body = held.into_iter().next().unwrap_or_default();
            let whole = response::whole(body, &running.name, self.attempts);
            let whole = response::with_type(whole, running.call.content_type());
            self.response = Some(response::with_headers(whole, running.call.response_headers()));
        }
    }

    /// Sends a chunk to the client behind those that wait, or keeps it until there is room.
    fn pass_on(&mut self, bytes: Bytes) {
        if let Some(continuable) = &mut self.continuable {
            continuable.sent(&bytes);
        }
        let is_native = self.attempt.as_ref().is_some_and(|running| running.native);
        let bytes = match self.front.as_mut().filter(|_| !is_native) {
            Some(front) => front.write(&bytes),
            None => bytes,
        };
        if bytes.is_empty() {
            return;
        }
        self.error_event.sent(&bytes);
        if self.backlog.is_empty() {
            self.send_or_queue(bytes);
        } else {
            self.backlog.push_back(bytes);
        }
    }

    /// Sends the first chunk that waits, or puts it back.
    fn send_or_queue(&mut self, bytes: Bytes) {
        let Some(chunks) = &self.chunks else { return };
        if let Err(TrySendError::Full(bytes)) = chunks.try_send(bytes) {
            self.backlog.push_front(bytes);
            if let Some(running) = &mut self.attempt
                && !std::mem::replace(&mut running.unread, true)
            {
                self.app.handle.tell(RouterInput::Unread { attempt: running.start.attempt });
            }
        }
    }

    fn on_event(&mut self, event: UpstreamEvent) {
        let Some(running) = &mut self.attempt else { return };
        let attempt: AttemptId = running.start.attempt;
        if std::mem::take(&mut running.start.wants_limits)
            && let Some(headers) = running.call.limits()
        {
            self.app.handle.tell(RouterInput::LimitHeaders { attempt, headers });
        }
        match event {
            UpstreamEvent::Bytes { bytes, first_token } => {
                let committed = running.committed;
                match running.take(bytes) {
                    Ok(bytes) if committed => self.pass_on(bytes),
                    Ok(_) => {}
                    Err(class) => {
                        let failure = Failure::new(class, class.response_source());
                        self.on_event(UpstreamEvent::Failed(failure, None));
                        return;
                    }
                }
                if first_token {
                    self.log.first_token(self.app.handle.clock().now(), attempt.nth);
                    self.app.handle.tell(RouterInput::FirstToken { attempt });
                }
            }
            UpstreamEvent::Finished { body, usage } => {
                running.held.extend(body);
                let usage = usage.map(|usage| TokenUsage {
                    input_tokens: usage.input_tokens,
                    output_tokens: usage.output_tokens,
                });
                self.log.attempt_status(attempt.nth, 200);
                self.log.attempt_usage(attempt.nth, usage);
                let now = self.app.handle.clock().now();
                self.log.attempt_ended(now, attempt.nth, request_ending::SUCCEEDED);
                self.app.handle.tell(RouterInput::Finished { attempt, usage });
            }
            UpstreamEvent::Filtered { body, failure } => {
                self.log.attempt_status(attempt.nth, failure.status);
                self.filtered = Some((body, running.name.clone()));
                self.attempt = None;
                self.app.handle.tell(RouterInput::Failed { attempt, failure });
            }
            UpstreamEvent::Unsupported(unsupported) => {
                // Nobody was called: this was no attempt.
                self.attempts -= 1;
                self.unsupported = Some(unsupported.to_api_error());
                self.attempt = None;
                self.app
                    .handle
                    .tell(RouterInput::Failed { attempt, failure: unsupported.failure() });
            }
            UpstreamEvent::Failed(failure, said) => {
                self.log.attempt_status(attempt.nth, failure.status);
                self.response_headers.clone_from(running.call.response_headers());
                let failure = if running.chosen { failure.of_a_chosen_model() } else { failure };
                self.failures.push(AttemptFailure {
                    failure,
                    deployment: Some(running.name.clone()),
                    said: said.map(|said| *said),
                });
                self.write_down_refusal(&failure);
                self.attempt_failed(attempt, failure);
            }
        }
    }

    /// Tells the core of a failed attempt, and whether another could go on from what the client has of it.
    fn attempt_failed(&mut self, attempt: AttemptId, failure: Failure) {
        let running = self.attempt.take();
        let may_go_on = running.is_some_and(|run| run.committed && run.start.may_continue);
        let brought = self.continuable.as_mut().filter(|_| may_go_on).and_then(|it| it.broke());
        self.app.handle.tell(match brought {
            Some(output_tokens) => RouterInput::Interrupted { attempt, failure, output_tokens },
            None => RouterInput::Failed { attempt, failure },
        });
    }

    fn write_down_refusal(&self, failure: &Failure) {
        if let (FailureClass::Connect, Some(running)) = (failure.class, &self.attempt) {
            let request = RefusedRequest {
                ordinal: self.token.map(|token| token.request),
                started: running.started,
                stream: self.chat.stream,
                input_tokens: self.token.map_or(self.chat.input_tokens, |token| token.input_tokens),
            };
            self.app.handle.refused(&running.start, &request);
        }
    }

    fn write_log(&mut self, outcome: &Outcome) {
        if let Some(lease) = self.context.key() {
            api_keys::settle(&self.app, lease, outcome);
        }
        if self.log.is_heard() {
            let groups = self.app.handle.group_names(self.history.groups());
            let now = self.app.handle.clock().now();
            self.log.write(now, &groups, &self.chat.model, self.chat.stream, outcome);
        }
    }

    /// It has ended: the client of a failure is told of it.
    fn done(&mut self, outcome: &Outcome) {
        self.over = true;
        self.attempt = None;
        self.write_log(outcome);
        let Outcome::Failed { failure, .. } = outcome else {
            if self.chunks.is_some() && self.chat.answers_bytes() {
                // That was all of it.
                self.backlog.push_back(Bytes::new());
            }
            return;
        };
        let error = self.error(failure);
        if self.chunks.is_some() && self.chat.answers_bytes() {
            return;
        }
        if self.chunks.is_some() {
            let mut event = Vec::new();
            self.error_event.write(&mut event, &error);
            self.backlog.push_back(event.into());
            return;
        }
        let filtered = self.filtered.take();
        let filtered = filtered.filter(|_| failure.class == FailureClass::ContentPolicy);
        self.response = Some(match filtered {
            Some((body, name)) => response::whole(body, &name, self.attempts),
            // Where several have answered, none of their heads is the answer's.
            None if self.attempts == 1 => {
                response::with_headers(response::error(failure, &error, 1), &self.response_headers)
            }
            None => response::error(failure, &error, self.attempts),
        });
    }

    /// Takes the commands that nobody has waited for; whether the last of them is among them.
    fn ends_by_itself(&mut self) -> bool {
        while let Some(command) = self.mailbox.try_next() {
            match command {
                RouterCommand::Accepted(request) => self.request = Some(request),
                RouterCommand::Note(note) => self.log.note(self.app.handle.clock().now(), &note),
                RouterCommand::Done(outcome) => {
                    self.write_log(&outcome);
                    return true;
                }
                RouterCommand::Start(_) | RouterCommand::Cancel(..) | RouterCommand::Commit => {}
            }
        }
        false
    }

    /// What the client is told: why an upstream could not be asked, what the provider says, why the gateway
    /// refuses by itself, or what the class of the failure is.
    fn error(&mut self, failure: &Failure) -> ApiError {
        if failure.class == FailureClass::BadRequest
            && let Some(unsupported) = self.unsupported.take()
        {
            return unsupported;
        }
        let model = &self.chat.model;
        let is_it = |of: &Failure| {
            (of.class, of.status, of.source) == (failure.class, failure.status, failure.source)
        };
        if let Some(told) = self.failures.iter().rfind(|told| is_it(&told.failure)) {
            return told.error(model);
        }
        self.refusal(failure).unwrap_or_else(|| {
            AttemptFailure { failure: *failure, deployment: None, said: None }.error(model)
        })
    }

    /// Why the gateway refuses by itself, if it does.
    fn refusal(&self, failure: &Failure) -> Option<ApiError> {
        if failure.source != FailureSource::Gateway {
            return None;
        }
        let groups = self.app.handle.states(self.history.groups());
        let tenant = self.history.tenant().map(|tenant| {
            self.app.registry.directory().tenant(tenant).unwrap_or_default().to_owned()
        });
        local_reply::of_failure(
            failure,
            &self.history,
            &groups,
            tenant.as_deref(),
            &self.chat.model,
        )
    }
}

impl Drop for RequestDriver {
    /// The client has hung up. The core answers with an end.
    fn drop(&mut self) {
        // A defect, of which the core may be the cause.
        if self.over || std::thread::panicking() {
            return;
        }
        (self.attempt, self.beside) = (None, None);
        if self.ends_by_itself() {
            return;
        }
        if let Some(request) = self.request {
            self.app.handle.tell(RouterInput::ClientGone { request });
            self.ends_by_itself();
        }
    }
}

impl RunningAttempt {
    /// Takes bytes of the answer: what the client gets for them, which is kept back until the core commits to this
    /// attempt.
    ///
    /// # Errors
    /// When they are more than may be kept, or cannot be a part of the client's stream.
    fn take(&mut self, bytes: Bytes) -> Result<Bytes, FailureClass> {
        let bytes = match &mut self.continues {
            Some(rest) => rest.splice(&bytes).map_err(|_| FailureClass::Malformed)?,
            None => bytes,
        };
        if self.committed {
            return Ok(bytes);
        }
        self.held_bytes += bytes.len();
        self.held.push(bytes);
        let too_much = self.held_bytes > self.held_max;
        if too_much { Err(FailureClass::AnswerTooLarge) } else { Ok(Bytes::new()) }
    }
}

/// How an attempt failed.
struct AttemptFailure {
    failure: Failure,
    /// Whose it was; none, if the core refused without an attempt.
    deployment: Option<Arc<str>>,
    /// What the provider says of it.
    said: Option<ApiError>,
}

impl AttemptFailure {
    /// What a client is told of it. A key that is wrong is the gateway's, never the client's.
    fn error(&self, model: &str) -> ApiError {
        let Self { failure, deployment, said } = self;
        if failure.class != FailureClass::Auth {
            return said.clone().unwrap_or_else(|| ApiError::of(failure.class, model));
        }
        let sure = failure.evidence == Evidence::Misconfigured;
        let (what, code) = if sure {
            ("the gateway's key", "provider_key_refused")
        } else {
            ("the gateway", "provider_refused")
        };
        let of = match deployment {
            Some(name) => format!("deployment `{name}`"),
            None => format!("`{model}`"),
        };
        let why = said.as_ref().map(|said| format!(": {}", said.message)).unwrap_or_default();
        ApiError {
            message: format!("{what} for {of} was refused by its provider{why}"),
            kind: "upstream_error".to_owned(),
            param: None,
            code: Some(code.to_owned()),
        }
    }
}

/// Ends when there is room for one more chunk; never, while none is wanted. Nobody else sends, so that the
/// room stays.
async fn room(chunks: &Sender<Bytes>, wanted: bool) {
    // When the client has gone, that is told elsewhere.
    if !wanted || chunks.reserve().await.is_err() {
        std::future::pending().await
    }
}

/// The attempt's next news; never, without an attempt.
async fn next(attempt: Option<&mut RunningAttempt>) -> UpstreamEvent {
    match attempt {
        Some(running) => running.call.next().await,
        None => std::future::pending().await,
    }
}
