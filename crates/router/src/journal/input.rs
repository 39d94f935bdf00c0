//! Inputs as words.

use super::shared;
use super::varint::{WordReader, WordSink, nanos, option};
use crate::{
    AttemptId, ConfigId, DeploymentId, FallbackChoice, Features, GroupId, GroupList, Money,
    Overrides, RegionId, RequestArrival, RequestKey, RequestTag, RouterInput, SpendBudgetId, Tags,
    TenantId, TokenUsage, UpstreamLimits,
};
use alloc::vec::Vec;
use squall_determinism::Timestamp;
use squall_failure::{Evidence, Failure, FailureClass, FailureSource, Retryable, Sent};

const ARRIVED: u64 = 0;
const LIMIT_HEADERS: u64 = 1;
const FIRST_TOKEN: u64 = 2;
const FINISHED: u64 = 3;
const FAILED: u64 = 4;
const CLIENT_GONE: u64 = 5;
const TICK: u64 = 6;
const CHECKED: u64 = 7;
const RECONFIGURE: u64 = 8;
const UNREAD: u64 = 9;
const SPEND_RESTORED: u64 = 10;
const INTERRUPTED: u64 = 11;
const SHARED: u64 = 12;

const RETRYABLE: [Retryable; 4] =
    [Retryable::Nowhere, Retryable::OtherGroup, Retryable::OtherDeployment, Retryable::Anywhere];
const SOURCES: [FailureSource; 3] =
    [FailureSource::Client, FailureSource::Gateway, FailureSource::Provider];

/// Writes an input and its time behind `bytes`.
pub fn encode_input(now: Timestamp, input: &RouterInput, bytes: &mut Vec<u8>) {
    bytes.word(now.as_nanos());
    match *input {
        RouterInput::Arrived(arrival) => {
            bytes.word(ARRIVED);
            put_arrival(&arrival, bytes);
        }
        RouterInput::LimitHeaders { attempt, headers } => {
            bytes.word(LIMIT_HEADERS);
            put_attempt(attempt, bytes);
            bytes.word(option(headers.limit_requests.map(Into::into)));
            bytes.word(option(headers.remaining_requests.map(Into::into)));
            bytes.word(option(headers.limit_tokens.map(Into::into)));
            bytes.word(option(headers.remaining_tokens.map(Into::into)));
        }
        RouterInput::FirstToken { attempt } => {
            bytes.word(FIRST_TOKEN);
            put_attempt(attempt, bytes);
        }
        RouterInput::Finished { attempt, usage } => {
            bytes.word(FINISHED);
            put_attempt(attempt, bytes);
            put_usage(usage, bytes);
        }
        RouterInput::Failed { attempt, failure } => {
            bytes.word(FAILED);
            put_attempt(attempt, bytes);
            put_failure(failure, bytes);
            bytes.word(failure.evidence as u64);
        }
        RouterInput::Interrupted { attempt, failure, output_tokens } => {
            bytes.word(INTERRUPTED);
            put_attempt(attempt, bytes);
            put_failure(failure, bytes);
            bytes.word(failure.evidence as u64);
            bytes.word(output_tokens.into());
        }
        RouterInput::Unread { attempt } => {
            bytes.word(UNREAD);
            put_attempt(attempt, bytes);
        }
        RouterInput::ClientGone { request } => {
            bytes.word(CLIENT_GONE);
            put_request(request, bytes);
        }
        RouterInput::Checked { deployment, passed } => {
            bytes.word(CHECKED);
            bytes.word(deployment.0.into());
            bytes.word(passed.into());
        }
        RouterInput::SpendRestored { budget, spent, until } => {
            bytes.word(SPEND_RESTORED);
            bytes.word(budget.0.into());
            bytes.word(spent.0);
            bytes.word(until.as_nanos());
        }
        RouterInput::Reconfigure { config } => {
            bytes.word(RECONFIGURE);
            bytes.word(config.0.into());
        }
        RouterInput::Shared(input) => shared::put(SHARED, input, bytes),
        RouterInput::Tick => bytes.word(TICK),
    }
}

/// Reads an input and its time; `None` if the bytes are no input, or more than one.
#[must_use]
pub fn decode_input(bytes: &[u8]) -> Option<(Timestamp, RouterInput)> {
    let mut words = WordReader(bytes);
    let told = read(&mut words)?;
    words.0.is_empty().then_some(told)
}

/// Reads an input and its time, and leaves what stands behind them.
pub(super) fn read(words: &mut WordReader<'_>) -> Option<(Timestamp, RouterInput)> {
    let now = Timestamp::from_nanos(words.word()?);
    let input = match words.word()? {
        ARRIVED => RouterInput::Arrived(arrival(words)?),
        LIMIT_HEADERS => RouterInput::LimitHeaders {
            attempt: attempt(words)?,
            headers: UpstreamLimits {
                limit_requests: narrow(words.option()?)?,
                remaining_requests: narrow(words.option()?)?,
                limit_tokens: narrow(words.option()?)?,
                remaining_tokens: narrow(words.option()?)?,
            },
        },
        FIRST_TOKEN => RouterInput::FirstToken { attempt: attempt(words)? },
        FINISHED => RouterInput::Finished { attempt: attempt(words)?, usage: usage(words)? },
        FAILED => RouterInput::Failed { attempt: attempt(words)?, failure: failure(words)? },
        INTERRUPTED => RouterInput::Interrupted {
            attempt: attempt(words)?,
            failure: failure(words)?,
            output_tokens: words.narrow()?,
        },
        UNREAD => RouterInput::Unread { attempt: attempt(words)? },
        CLIENT_GONE => RouterInput::ClientGone { request: request(words)? },
        CHECKED => RouterInput::Checked {
            deployment: DeploymentId(words.narrow()?),
            passed: words.word()? == 1,
        },
        SPEND_RESTORED => RouterInput::SpendRestored {
            budget: SpendBudgetId(words.narrow()?),
            spent: Money(words.word()?),
            until: Timestamp::from_nanos(words.word()?),
        },
        RECONFIGURE => RouterInput::Reconfigure { config: ConfigId(words.narrow()?) },
        SHARED => RouterInput::Shared(shared::read(words)?),
        TICK => RouterInput::Tick,
        _ => return None,
    };
    Some((now, input))
}

fn put_arrival(arrival: &RequestArrival, bytes: &mut Vec<u8>) {
    bytes.word(arrival.tag.0);
    bytes.word(arrival.group.0.into());
    bytes.word(arrival.input_tokens.into());
    bytes.word(arrival.output_tokens.into());
    bytes.word(arrival.stream.into());
    bytes.word(option(arrival.deadline.map(nanos)));
    put_wishes(arrival, bytes);
}

/// What most requests say nothing of: one word then.
fn put_wishes(arrival: &RequestArrival, bytes: &mut Vec<u8>) {
    let plain = RequestArrival {
        tag: arrival.tag,
        group: arrival.group,
        input_tokens: arrival.input_tokens,
        output_tokens: arrival.output_tokens,
        stream: arrival.stream,
        deadline: arrival.deadline,
        ..RequestArrival::new(arrival.tag, arrival.group)
    };
    bytes.word((*arrival != plain).into());
    if *arrival == plain {
        return;
    }
    let overrides = arrival.overrides;
    bytes.word(arrival.priority.into());
    bytes.word(option(arrival.tenant.map(|tenant| tenant.0.into())));
    bytes.word(arrival.tags.0);
    bytes.word(arrival.session.is_some().into());
    bytes.word(arrival.session.unwrap_or_default());
    bytes.word(arrival.features.0.into());
    bytes.word(option(arrival.region.map(|region| region.0.into())));
    bytes.word(option(overrides.retries.map(Into::into)));
    bytes.word(option(overrides.timeout.map(nanos)));
    match overrides.fallbacks {
        FallbackChoice::Configured => bytes.word(0),
        FallbackChoice::None => bytes.word(1),
        FallbackChoice::These(groups) => {
            bytes.word(2 + groups.iter().count() as u64);
            groups.iter().for_each(|group| bytes.word(group.0.into()));
        }
    }
}

fn arrival(words: &mut WordReader<'_>) -> Option<RequestArrival> {
    let plain = RequestArrival {
        input_tokens: 0,
        ..RequestArrival::new(RequestTag(words.word()?), GroupId(words.narrow()?))
    };
    let arrival = RequestArrival {
        input_tokens: words.narrow()?,
        output_tokens: words.narrow()?,
        stream: words.word()? == 1,
        deadline: words.duration()?,
        ..plain
    };
    if words.word()? == 0 {
        return Some(arrival);
    }
    Some(RequestArrival {
        priority: words.narrow()?,
        tenant: narrow_option(words)?.map(TenantId),
        tags: Tags(words.word()?),
        session: {
            let there = words.word()? == 1;
            let session = words.word()?;
            there.then_some(session)
        },
        features: Features(words.narrow()?),
        region: narrow_option(words)?.map(RegionId),
        overrides: Overrides {
            retries: narrow_option(words)?,
            timeout: words.duration()?,
            fallbacks: match words.word()? {
                0 => FallbackChoice::Configured,
                1 => FallbackChoice::None,
                more => FallbackChoice::These(groups(words, more - 2)?),
            },
        },
        ..arrival
    })
}

fn groups(words: &mut WordReader<'_>, count: u64) -> Option<GroupList> {
    let mut groups = Vec::new();
    for _ in 0..count.min(GroupList::MAX as u64) {
        groups.push(GroupId(words.narrow()?));
    }
    Some(GroupList::new(groups))
}

/// A number that may be absent, narrowed.
fn narrow_option<T: TryFrom<u64>>(words: &mut WordReader<'_>) -> Option<Option<T>> {
    match words.option()? {
        Some(value) => Some(Some(T::try_from(value).ok()?)),
        None => Some(None),
    }
}

fn put_request(request: RequestKey, sink: &mut impl WordSink) {
    sink.word(request.slot.into());
    sink.word(request.generation.into());
}

fn put_attempt(attempt: AttemptId, sink: &mut impl WordSink) {
    put_request(attempt.request, sink);
    sink.word(attempt.nth.into());
}

pub(super) fn put_usage(usage: Option<TokenUsage>, sink: &mut impl WordSink) {
    sink.word(option(usage.map(|usage| usage.input_tokens.into())));
    sink.word(option(usage.map(|usage| usage.output_tokens.into())));
}

/// What a failure says of its deployment concerns the core alone: outputs leave it out.
pub(super) fn put_failure(failure: Failure, sink: &mut impl WordSink) {
    sink.word(failure.class.code().into());
    sink.word(failure.source as u64);
    sink.word(failure.retryable as u64);
    sink.word(option(failure.retry_after.map(nanos)));
    sink.word(failure.status.into());
    sink.word((failure.sent == Sent::Something).into());
}

fn request(words: &mut WordReader<'_>) -> Option<RequestKey> {
    Some(RequestKey { slot: words.narrow()?, generation: words.narrow()? })
}

fn attempt(words: &mut WordReader<'_>) -> Option<AttemptId> {
    Some(AttemptId { request: request(words)?, nth: words.narrow()? })
}

fn usage(words: &mut WordReader<'_>) -> Option<Option<TokenUsage>> {
    let (input, output) = (narrow(words.option()?)?, narrow(words.option()?)?);
    Some(
        input
            .zip(output)
            .map(|(input_tokens, output_tokens)| TokenUsage { input_tokens, output_tokens }),
    )
}

fn failure(words: &mut WordReader<'_>) -> Option<Failure> {
    Some(Failure {
        class: FailureClass::from_code(words.narrow()?)?,
        source: *SOURCES.get(words.narrow::<usize>()?)?,
        retryable: *RETRYABLE.get(words.narrow::<usize>()?)?,
        retry_after: words.duration()?,
        status: words.narrow()?,
        sent: if words.word()? == 1 { Sent::Something } else { Sent::Nothing },
        evidence: *Evidence::ALL.get(words.narrow::<usize>()?)?,
    })
}

/// Narrows what is there; `None` if it is there and too large.
fn narrow(value: Option<u64>) -> Option<Option<u32>> {
    match value {
        Some(value) => Some(Some(u32::try_from(value).ok()?)),
        None => Some(None),
    }
}
