//! One request of one client, from its send to its last byte.

use crate::pool::Pool;
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass, Source};
use squall_wire::openai::{
    COMPLETIONS_PATH, Delivery, NewChat, StreamEvent, failure_from_response, read_completion,
};
use squall_wire::{RequestToken, SseDecoder, TOKEN_HEADER};
use squall_workload::ClientRequest;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whom clients talk to, and how.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) pool: Pool,
    pub(crate) host: HeaderValue,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) model: String,
}

/// What a client has seen so far. It is shared at every moment, so that it is there when the client
/// gives up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness(Arc<Mutex<Seen>>);

/// What a client saw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) first_token: Option<Timestamp>,
    pub(crate) received_tokens: u32,
    pub(crate) status: u16,
}

impl Witness {
    pub(crate) fn seen(&self) -> Seen {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends a request and reads its answer.
pub(crate) async fn ask(
    target: &Target,
    clock: Clock,
    client: &ClientRequest,
    witness: &Witness,
) -> Result<(), Failure> {
    let unreachable = || Failure::new(FailureClass::Connect, Source::Gateway);
    let mut connection = target.pool.take().await.map_err(|_| unreachable())?;
    let response = connection.send(request(target, client)).await.map_err(|_| cut())?;
    let (head, body) = response.into_parts();
    witness.lock().status = head.status.as_u16();
    if head.status == StatusCode::OK && client.stream {
        read_stream(body, clock, witness).await?;
    } else {
        let body = read_whole(body).await?;
        if head.status != StatusCode::OK {
            let failure = failure_of(head.status, &head.headers, &body);
            target.pool.give_back(connection);
            return Err(failure);
        }
        let completion = read_completion(&body).ok_or_else(cut)?;
        let mut seen = witness.lock();
        seen.received_tokens = completion.usage.map_or(0, |usage| usage.output_tokens);
        seen.first_token = Some(clock.now());
    }
    target.pool.give_back(connection);
    Ok(())
}

fn request(target: &Target, client: &ClientRequest) -> Request<Full<Bytes>> {
    let token = RequestToken {
        request: client.request.0,
        input_tokens: client.input_tokens,
        output_tokens: client.output_tokens,
    };
    let delivery = if client.stream { Delivery::Stream } else { Delivery::Whole };
    let body = NewChat { model: &target.model, token, delivery }.body();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static(COMPLETIONS_PATH);
    let headers = request.headers_mut();
    headers.insert(HOST, target.host.clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(TOKEN_HEADER, token.header_value());
    if let Some(authorization) = &target.authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    request
}

/// A stream is whole with its end mark; without, it was cut, however politely it was closed.
async fn read_stream(mut body: Incoming, clock: Clock, witness: &Witness) -> Result<(), Failure> {
    let mut decoder = SseDecoder::new();
    let mut done = false;
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| cut())?.into_data() else { continue };
        decoder.push(&bytes);
        while let Some(event) = decoder.next_event().map_err(|_| cut())? {
            match StreamEvent::read(event.data) {
                StreamEvent::Chunk(chunk) => {
                    if chunk.content {
                        let mut seen = witness.lock();
                        seen.first_token.get_or_insert_with(|| clock.now());
                        seen.received_tokens += 1;
                    }
                }
                StreamEvent::Error(failure) => return Err(failure),
                StreamEvent::Done => done = true,
                StreamEvent::Unreadable => {}
            }
        }
    }
    if done { Ok(()) } else { Err(cut()) }
}

async fn read_whole(mut body: Incoming) -> Result<Bytes, Failure> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame.map_err(|_| cut())?.into_data() {
            read.extend_from_slice(&bytes);
        }
    }
    Ok(read.freeze())
}

/// What failed, as far as a client can tell: behind a gateway every error looks like the gateway's
/// provider's, but a refused address is the gateway's own.
fn failure_of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    failure_from_response(status.as_u16(), headers, body, wall_time())
}

const fn cut() -> Failure {
    Failure::new(FailureClass::Cut, Source::Provider)
}

#[expect(clippy::disallowed_methods, reason = "Retry-After may be a date, and dates are wall time")]
fn wall_time() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
