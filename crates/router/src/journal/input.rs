//! Inputs as words.

use super::words::{Reader, Sink, nanos, option};
use crate::{Arrival, AttemptId, GroupId, Input, LimitHeaders, RequestKey, Tag, Usage};
use alloc::vec::Vec;
use squall_determinism::Timestamp;
use squall_failure::{Failure, FailureClass, Retryable, Sent, Source};

const ARRIVED: u64 = 0;
const LIMIT_HEADERS: u64 = 1;
const FIRST_TOKEN: u64 = 2;
const FINISHED: u64 = 3;
const FAILED: u64 = 4;
const CLIENT_GONE: u64 = 5;
const TICK: u64 = 6;

const RETRYABLE: [Retryable; 4] =
    [Retryable::Nowhere, Retryable::OtherGroup, Retryable::OtherDeployment, Retryable::Anywhere];
const SOURCES: [Source; 3] = [Source::Client, Source::Gateway, Source::Provider];

/// Writes an input and its time behind `bytes`.
pub fn encode_input(now: Timestamp, input: &Input, bytes: &mut Vec<u8>) {
    bytes.word(now.as_nanos());
    match *input {
        Input::Arrived(arrival) => {
            bytes.word(ARRIVED);
            bytes.word(arrival.tag.0);
            bytes.word(arrival.group.0.into());
            bytes.word(arrival.input_tokens.into());
            bytes.word(arrival.output_tokens.into());
            bytes.word(arrival.stream.into());
            bytes.word(option(arrival.deadline.map(nanos)));
        }
        Input::LimitHeaders { attempt, headers } => {
            bytes.word(LIMIT_HEADERS);
            put_attempt(attempt, bytes);
            bytes.word(option(headers.remaining_requests.map(Into::into)));
            bytes.word(option(headers.remaining_tokens.map(Into::into)));
            bytes.word(option(headers.reset_requests.map(nanos)));
            bytes.word(option(headers.reset_tokens.map(nanos)));
        }
        Input::FirstToken { attempt } => {
            bytes.word(FIRST_TOKEN);
            put_attempt(attempt, bytes);
        }
        Input::Finished { attempt, usage } => {
            bytes.word(FINISHED);
            put_attempt(attempt, bytes);
            put_usage(usage, bytes);
        }
        Input::Failed { attempt, failure } => {
            bytes.word(FAILED);
            put_attempt(attempt, bytes);
            put_failure(failure, bytes);
        }
        Input::ClientGone { request } => {
            bytes.word(CLIENT_GONE);
            put_request(request, bytes);
        }
        Input::Tick => bytes.word(TICK),
    }
}

/// Reads an input and its time; `None` if the bytes are no input, or more than one.
#[must_use]
pub fn decode_input(bytes: &[u8]) -> Option<(Timestamp, Input)> {
    let mut words = Reader(bytes);
    let now = Timestamp::from_nanos(words.word()?);
    let input = match words.word()? {
        ARRIVED => Input::Arrived(Arrival {
            tag: Tag(words.word()?),
            group: GroupId(words.narrow()?),
            input_tokens: words.narrow()?,
            output_tokens: words.narrow()?,
            stream: words.word()? == 1,
            deadline: words.duration()?,
        }),
        LIMIT_HEADERS => Input::LimitHeaders {
            attempt: attempt(&mut words)?,
            headers: LimitHeaders {
                remaining_requests: narrow(words.option()?)?,
                remaining_tokens: narrow(words.option()?)?,
                reset_requests: words.duration()?,
                reset_tokens: words.duration()?,
            },
        },
        FIRST_TOKEN => Input::FirstToken { attempt: attempt(&mut words)? },
        FINISHED => Input::Finished { attempt: attempt(&mut words)?, usage: usage(&mut words)? },
        FAILED => Input::Failed { attempt: attempt(&mut words)?, failure: failure(&mut words)? },
        CLIENT_GONE => Input::ClientGone { request: request(&mut words)? },
        TICK => Input::Tick,
        _ => return None,
    };
    words.0.is_empty().then_some((now, input))
}

fn put_request(request: RequestKey, sink: &mut impl Sink) {
    sink.word(request.slot.into());
    sink.word(request.generation.into());
}

fn put_attempt(attempt: AttemptId, sink: &mut impl Sink) {
    put_request(attempt.request, sink);
    sink.word(attempt.nth.into());
}

pub(super) fn put_usage(usage: Option<Usage>, sink: &mut impl Sink) {
    sink.word(option(usage.map(|usage| usage.input_tokens.into())));
    sink.word(option(usage.map(|usage| usage.output_tokens.into())));
}

pub(super) fn put_failure(failure: Failure, sink: &mut impl Sink) {
    sink.word(failure.class.code().into());
    sink.word(failure.source as u64);
    sink.word(failure.retryable as u64);
    sink.word(option(failure.retry_after.map(nanos)));
    sink.word(failure.status.into());
    sink.word((failure.sent == Sent::Something).into());
}

fn request(words: &mut Reader<'_>) -> Option<RequestKey> {
    Some(RequestKey { slot: words.narrow()?, generation: words.narrow()? })
}

fn attempt(words: &mut Reader<'_>) -> Option<AttemptId> {
    Some(AttemptId { request: request(words)?, nth: words.narrow()? })
}

fn usage(words: &mut Reader<'_>) -> Option<Option<Usage>> {
    let (input, output) = (narrow(words.option()?)?, narrow(words.option()?)?);
    Some(
        input
            .zip(output)
            .map(|(input_tokens, output_tokens)| Usage { input_tokens, output_tokens }),
    )
}

fn failure(words: &mut Reader<'_>) -> Option<Failure> {
    Some(Failure {
        class: FailureClass::from_code(words.narrow()?)?,
        source: *SOURCES.get(words.narrow::<usize>()?)?,
        retryable: *RETRYABLE.get(words.narrow::<usize>()?)?,
        retry_after: words.duration()?,
        status: words.narrow()?,
        sent: if words.word()? == 1 { Sent::Something } else { Sent::Nothing },
    })
}

/// Narrows what is there; `None` if it is there and too large.
fn narrow(value: Option<u64>) -> Option<Option<u32>> {
    match value {
        Some(value) => Some(Some(u32::try_from(value).ok()?)),
        None => Some(None),
    }
}
