//! One request of one client: sent, read to its end or hung up on, and written down.

use crate::call_error::CallError;
use crate::connections::ConnectionPool;
use crate::program::ProgramClient;
use crate::reading::{self, AnswerProgress};
use crate::request_mixer::{self, TrafficKind};
use crate::setup::ApiTarget;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use squall_clock::Clock;
use squall_failure::{CallFailureCause, Failure, FailureClass, FailureSource};
use squall_net::Shortage;
use squall_record::{AnswerSeen, RequestOutcome, RequestRow};
use squall_wire::chat::{ChatRequest, NewChat, ResponseMode};
use squall_wire::{Format, RequestToken, TOKEN_HEADER, dialect};
use squall_workload::{CallFailure, ClientRequest, SentCall};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// What all requests of a drive share.
#[derive(Debug)]
pub(crate) struct DriveShared {
    pub(crate) clock: Clock,
    /// To each target.
    pub(crate) connections: Vec<ConnectionPool>,
    /// Asked in place of the targets, if it is there.
    pub(crate) program: Option<ProgramClient>,
    pub(crate) kinds: Vec<RequestTemplate>,
    pub(crate) models: Vec<(String, u16)>,
    /// Where it is told that the answer to a call has begun, of requests that ask for it.
    pub(crate) begun: mpsc::UnboundedSender<SentCall>,
}

/// A kind of request, ready to be sent.
#[derive(Debug)]
pub(crate) struct RequestTemplate {
    model: String,
    group: u16,
    /// What it asks for.
    headers: HeaderMap,
}

impl RequestTemplate {
    /// A kind whose requests carry `headers` besides its own.
    pub(crate) fn new(kind: TrafficKind, headers: &HeaderMap) -> Self {
        let mut all = kind.headers();
        all.extend(headers.clone());
        Self { headers: all, model: kind.model, group: kind.group }
    }
}

impl DriveShared {
    /// The deployment whose model an answer names: the longest of the names that it holds, since gateways put a
    /// vendor's before a model's.
    fn deployment_of(&self, model: &str) -> Option<u16> {
        let held = self.models.iter().filter(|(name, _)| model.contains(name.as_str()));
        held.max_by_key(|(name, _)| name.len()).map(|&(_, deployment)| deployment)
    }

    /// Those to the target whose turn it is: by number, as in virtual time.
    fn connections_of(&self, client: &ClientRequest) -> &ConnectionPool {
        let turn = client.request.0 % self.connections.len() as u64;
        &self.connections[turn as usize]
    }

    fn kind(&self, client: &ClientRequest) -> &RequestTemplate {
        &self.kinds[usize::from(client.kind)]
    }
}

/// Why the driver hangs up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HangUp {
    /// The client's patience is at an end, with the request or with the call alone.
    GaveUp,
    /// The run is.
    RunEnded,
}

/// A call that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedCall {
    pub(crate) call: SentCall,
    /// The request, if this was its last call.
    pub(crate) row: RequestRow,
    /// How it failed, if it did.
    pub(crate) failure: Option<CallFailure>,
}

/// Makes a call and gives its row when it has ended, or when it is told to hang up.
pub(crate) async fn exchange(
    shared: Arc<DriveShared>,
    client: ClientRequest,
    hang_up: oneshot::Receiver<HangUp>,
) -> EndedCall {
    let sent = shared.clock.now();
    let mut failure = None;
    let watched = client.watched.then(|| (shared.begun.clone(), client.call()));
    let mut seen = AnswerProgress { watched, ..AnswerProgress::default() };
    let outcome = tokio::select! {
        biased;
        answer = ask(&shared, &client, &mut seen) => match answer {
            Ok(()) => RequestOutcome::Succeeded,
            Err(CallError { failure: Failure { class, source, .. }, seen }) => {
                failure = Some(seen);
                RequestOutcome::Failed { class, source }
            }
        },
        why = hang_up => match why {
            Ok(HangUp::GaveUp) => RequestOutcome::GaveUp,
            Ok(HangUp::RunEnded) | Err(_) => RequestOutcome::Unfinished,
        },
    };
    let row = RequestRow {
        request: client.request.0,
        group: shared.kind(&client).group,
        kind: client.kind,
        intended: client.intended,
        sent,
        first_token: seen.first_token,
        ended: shared.clock.now(),
        stream: client.stream,
        input_tokens: client.input_tokens,
        output_tokens: client.output_tokens,
        received_tokens: seen.tokens,
        outcome,
        status: seen.status,
        answer: match outcome {
            RequestOutcome::Succeeded => AnswerSeen {
                whole: seen.text.is_whole(client.output_tokens),
                usage: seen.usage,
                model: seen.text.model().and_then(|model| shared.deployment_of(model)),
            },
            RequestOutcome::Failed { .. } | RequestOutcome::GaveUp | RequestOutcome::Unfinished => {
                AnswerSeen::default()
            }
        },
        calls: client.nth + 1,
    };
    EndedCall { call: client.call(), row, failure }
}

async fn ask(
    shared: &DriveShared,
    client: &ClientRequest,
    seen: &mut AnswerProgress,
) -> Result<(), CallError> {
    if let Some(program) = &shared.program {
        let kind = shared.kind(client);
        let asked = program.ask(&new_chat(&kind.model, client), shared.clock, seen).await;
        return asked.map_err(|failure| {
            let cause = match failure.status {
                0 => CallFailureCause::Lost,
                status => CallFailureCause::Status(status),
            };
            CallError::new(failure, cause)
        });
    }
    let connections = shared.connections_of(client);
    let format = connections.target().format();
    let request = request(shared, connections.target(), client);
    let refused = |failure| CallError::new(failure, CallFailureCause::Refused);
    let unreachable = || refused(Failure::new(FailureClass::Connect, FailureSource::Gateway));
    let mut connection =
        connections.take().await.map_err(|error| match Shortage::count(&error) {
            Some(_) => refused(Failure::new(FailureClass::Resources, FailureSource::Client)),
            None => unreachable(),
        })?;
    let response = connection.send_request(request).await.map_err(|error| {
        // Cancelled: the connection was closed before the request was written.
        if error.is_canceled() {
            unreachable()
        } else {
            let cut = Failure::new(FailureClass::Cut, FailureSource::Gateway);
            CallError::new(cut, CallFailureCause::Lost)
        }
    })?;
    let (parts, body) = response.into_parts();
    seen.status = parts.status.as_u16();
    if parts.status != StatusCode::OK {
        let failure = reading::error(format, &parts, body).await;
        connections.give_back(connection);
        let seen = reading::status_seen(&parts);
        return Err(CallError { failure, seen });
    }
    if client.stream {
        let read = reading::stream(format, body, shared.clock, seen).await;
        read.map_err(|failure| CallError::new(failure, CallFailureCause::Final))?;
    } else {
        reading::whole(format, body, shared.clock, seen).await?;
    }
    connections.give_back(connection);
    Ok(())
}

fn request(
    shared: &DriveShared,
    target: &ApiTarget,
    client: &ClientRequest,
) -> Request<Full<Bytes>> {
    let kind = shared.kind(client);
    let chat = new_chat(&kind.model, client);
    let (token, body) = (chat.token, chat.body());
    let body = asked_in(target.format(), body, &kind.model);
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from(target.path().clone());
    let headers = request.headers_mut();
    headers.clone_from(&kind.headers);
    if target.format() != Format::OpenAi {
        headers.extend(dialect(target.format()).headers(None));
    }
    if let Some(session) = client.session {
        request_mixer::write_session(headers, session);
    }
    headers.insert(HOST, target.host().clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(TOKEN_HEADER, token.header_value());
    request
}

/// What a client asks for.
fn new_chat<'a>(model: &'a str, client: &ClientRequest) -> NewChat<'a> {
    let token = RequestToken {
        request: client.request.0,
        input_tokens: client.input_tokens,
        output_tokens: client.output_tokens,
        session: client.session,
    };
    let delivery = if client.stream { ResponseMode::StreamWithUsage } else { ResponseMode::Whole };
    NewChat { model, token, delivery }
}

/// A chat in the words of a format.
fn asked_in(format: Format, body: Bytes, model: &str) -> Bytes {
    if format == Format::OpenAi {
        return body;
    }
    let chat = ChatRequest::parse(body).expect("the driver's own request is one");
    dialect(format).body(&chat, model, true).expect("every format has words for a text")
}
