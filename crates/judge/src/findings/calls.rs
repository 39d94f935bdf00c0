//! Which attempts belong to one call.
//!
//! A token that rides in the request tells for certain. Without one, an attempt is taken for the next of a call with
//! the same body that has failed already: nobody tries again what has not failed yet. Where several such calls wait at
//! once, which of them was tried again cannot be known, and none of them is judged.

use squall_determinism::Timestamp;
use squall_record::{AttemptOutcome, CallAttempt, CallKey};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long after an attempt, and after what its Retry-After asked for, another with the same body is still the next
/// of its call. The backoff of the SDKs of OpenAI and Anthropic ends at 8 s, LiteLLM's too.
const SAME_BODY_WITHIN: Duration = Duration::from_secs(60);

/// How long after an attempt, and after what its Retry-After asked for, no other is expected any more: longer than the
/// backoff of the SDKs, which ends at 8 s.
const NEXT_WITHIN: Duration = Duration::from_secs(10);

/// A caller that hangs up and tries again at once may be seen to come before it is seen to have gone.
const SEEN_LATE: Duration = Duration::from_millis(100);

/// How many calls of one body are remembered that may be tried again. The time to group attempts grows with it.
const WAITING_MAX: usize = 256;

/// What the client behind a gateway got in the end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GotBehind {
    /// What it took for an answer.
    Answer,
    /// An error that the gateway told.
    Error,
    /// A stream without its end: the gateway may have noticed, or have passed on what came.
    BrokenStream,
}

/// A call: what a client wanted once, and its attempts.
#[derive(Clone, Debug)]
pub(super) struct ClientCall<'a> {
    pub(super) key: CallKey,
    /// In the order in which they came in; at least one.
    pub(super) attempts: Vec<&'a CallAttempt>,
    /// Whether attempts of another call may be among them, or some of its own among another's.
    pub(super) is_ambiguous: bool,
    /// Whether no other attempt is expected.
    pub(super) is_over: bool,
    /// How long nothing came after the last attempt.
    pub(super) watched: Duration,
    /// What its own client got, where a gateway makes the call and that is known.
    pub(super) behind: Option<GotBehind>,
}

impl ClientCall<'_> {
    pub(super) fn last(&self) -> &CallAttempt {
        self.attempts[self.attempts.len() - 1]
    }

    /// Attempts and the next after each at the same provider, with the same model and key, by their places.
    pub(super) fn repeats(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.attempts.len()).filter_map(|place| {
            let first = self.attempts[place];
            let is_same = |other: &CallAttempt| {
                (other.provider, other.target) == (first.provider, first.target)
            };
            let next = (place + 1..self.attempts.len()).find(|&at| is_same(self.attempts[at]))?;
            Some((place, next))
        })
    }

    /// From the end of one attempt to the start of another; nothing if that came before.
    pub(super) fn gap(&self, from: usize, to: usize) -> Duration {
        let (from, to) = (self.attempts[from].row.ended, self.attempts[to].row.started);
        if to > from { to.since(from) } else { Duration::ZERO }
    }
}

/// Attempts as calls, in the order of their first attempts.
pub(super) fn group_calls(
    attempts: &[CallAttempt],
    now: Timestamp,
    client_done: bool,
) -> Vec<ClientCall<'_>> {
    let mut in_order: Vec<_> = attempts.iter().collect();
    in_order.sort_by_key(|attempt| attempt.row.started);
    let mut calls = Vec::new();
    // The calls of each key that may have another attempt.
    let mut waiting = BTreeMap::<CallKey, Vec<usize>>::new();
    for attempt in in_order {
        let of_key = waiting.entry(attempt.call).or_default();
        let call = take(&mut calls, of_key, attempt);
        // What overlaps an answer may be of its call only where a token says so.
        if !concludes(attempt) || matches!(attempt.call, CallKey::Token(_)) {
            of_key.push(call);
        }
    }
    for call in &mut calls {
        let last = call.last().row;
        call.watched = if now > last.ended { now.since(last.ended) } else { Duration::ZERO };
        let expected = NEXT_WITHIN + last.retry_after.unwrap_or_default();
        let is_open =
            call.attempts.iter().any(|each| each.row.outcome == AttemptOutcome::Unfinished);
        call.is_over = !is_open && (client_done || call.watched >= expected);
    }
    calls
}

/// Puts an attempt into the call that it belongs to, and takes that out of those that wait. Its place.
fn take<'a>(
    calls: &mut Vec<ClientCall<'a>>,
    waiting: &mut Vec<usize>,
    attempt: &'a CallAttempt,
) -> usize {
    waiting.retain(|&call| !is_over(&calls[call], attempt));
    let may_be_next = |call: &usize| may_follow(calls[*call].last(), attempt);
    let candidates: Vec<_> = waiting.iter().copied().filter(may_be_next).collect();
    if candidates.len() > 1 {
        waiting.iter().for_each(|&call| calls[call].is_ambiguous = true);
    }
    for call in waiting.drain(..waiting.len().saturating_sub(WAITING_MAX)) {
        calls[call].is_ambiguous = true;
    }
    let latest = candidates.iter().copied().max_by_key(|&call| calls[call].last().row.ended);
    if let Some(call) = latest {
        calls[call].attempts.push(attempt);
        waiting.retain(|&other| other != call);
        return call;
    }
    calls.push(ClientCall {
        key: attempt.call,
        attempts: vec![attempt],
        is_ambiguous: false,
        is_over: false,
        watched: Duration::ZERO,
        behind: None,
    });
    calls.len() - 1
}

/// Whether a call ends with this attempt: an answer that its caller has every reason to be content with.
fn concludes(attempt: &CallAttempt) -> bool {
    attempt.row.outcome == AttemptOutcome::Succeeded && attempt.malformed_event.is_none()
}

/// Whether an attempt can be the next after another of its key.
fn may_follow(before: &CallAttempt, attempt: &CallAttempt) -> bool {
    match attempt.call {
        // Attempts of one call may overlap: hedged requests.
        CallKey::Token(_) => true,
        CallKey::Body(_) => {
            let late = match before.row.outcome {
                AttemptOutcome::Abandoned => SEEN_LATE,
                AttemptOutcome::Succeeded
                | AttemptOutcome::Failed { .. }
                | AttemptOutcome::Unfinished => Duration::ZERO,
            };
            before.row.ended <= attempt.row.started + late
        }
    }
}

/// Whether a call was over when an attempt came in: it had been answered, or what has the same body comes too late.
fn is_over(call: &ClientCall<'_>, attempt: &CallAttempt) -> bool {
    let start = attempt.row.started;
    if call.attempts.iter().any(|each| concludes(each) && each.row.ended <= start) {
        return true;
    }
    let before = &call.last().row;
    let within = SAME_BODY_WITHIN + before.retry_after.unwrap_or_default();
    matches!(attempt.call, CallKey::Body(_)) && start > before.ended + within
}
