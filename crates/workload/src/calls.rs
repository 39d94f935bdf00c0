//! The calls of requests whose clients try again, or give up before an answer begins.

use crate::{CallFailure, ClientConfig, ClientRequest, RetriedCall, SentCall};
use alloc::collections::{BTreeMap, BinaryHeap};
use core::cmp::Reverse;
use squall_determinism::{RandomStream, Seed, StreamPurpose, Timestamp};
use squall_failure::CallFailureCause;

/// The draws of the waits of a request, in the order of its retries.
const WAIT: StreamPurpose = StreamPurpose::named("workload.retry");

/// The requests that wait and have rules beyond the time that they wait for, by ordinal among those of the shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    of: BTreeMap<u64, CallsOfRequest>,
    /// The timers, of which those that another call or the end of the request has made void are dropped at the front.
    timers: BinaryHeap<Reverse<(Timestamp, u64, CallTimer)>>,
}

#[derive(Clone, Debug)]
struct CallsOfRequest {
    request: ClientRequest,
    client: ClientConfig,
    draws: RandomStream,
    /// Whether the answer to the call has begun.
    has_begun: bool,
}

/// What is due for a request.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum CallTimer {
    /// Its client gives up, since nothing has come of any answer.
    Impatient,
    /// This call has waited for long enough.
    TimedOut(u16),
    /// This call is to be made.
    Again(u16),
}

/// What a timer asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CallDue {
    /// The client hangs up for good.
    GiveUp(u64),
    /// It hangs up on the call alone, and will call again.
    Retry(RetriedCall),
    /// It calls again.
    Send(ClientRequest),
}

impl Calls {
    /// A request was sent for the first time. `place` is what its draws are keyed by.
    pub(crate) fn begin(
        &mut self,
        own: u64,
        request: ClientRequest,
        client: ClientConfig,
        (seed, source, place): (Seed, u32, u64),
    ) {
        let draws = seed.stream(WAIT, source.into(), place);
        self.of.insert(own, CallsOfRequest { request, client, draws, has_begun: false });
        if let Some(patience) = client.first_token {
            self.set(request.intended + patience, own, CallTimer::Impatient);
        }
        self.call_begins(own, request.intended);
    }

    /// The answer to a call has begun; one to another than the last is passed over.
    pub(crate) fn answer_begins(&mut self, own: u64, nth: u16) {
        if let Some(there) = self.of.get_mut(&own).filter(|there| there.request.nth == nth) {
            there.has_begun = true;
            self.settle();
        }
    }

    /// The last call of a request has failed; `None` if its client takes that for the end, of which it is to be told.
    pub(crate) fn failed(
        &mut self,
        own: u64,
        failure: &CallFailure,
        now: Timestamp,
    ) -> Option<RetriedCall> {
        let there = self.of.get_mut(&own)?;
        let call = SentCall { request: there.request.request, nth: there.request.nth };
        let retries = u32::from(call.nth);
        let wait = there.client.retries?.wait(failure, retries, &mut there.draws)?;
        there.request.nth = call.nth.checked_add(1)?;
        there.has_begun = false;
        let next = there.request.nth;
        self.set(now + wait, own, CallTimer::Again(next));
        self.settle();
        Some(RetriedCall { call, cause: failure.cause, wait })
    }

    /// A request has ended.
    pub(crate) fn end(&mut self, own: u64) {
        if self.of.remove(&own).is_some() {
            self.settle();
        }
    }

    #[inline]
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.timers.peek().map(|Reverse((due, ..))| *due)
    }

    /// Fires the first timer.
    pub(crate) fn fire(&mut self) -> Option<CallDue> {
        let Reverse((due, own, timer)) = self.timers.pop()?;
        let fired = match timer {
            CallTimer::Impatient => CallDue::GiveUp(own),
            CallTimer::TimedOut(_) => {
                let timed_out = CallFailure::new(CallFailureCause::TimedOut);
                self.failed(own, &timed_out, due).map_or(CallDue::GiveUp(own), CallDue::Retry)
            }
            CallTimer::Again(_) => {
                let request = self.of.get(&own)?.request;
                self.call_begins(own, due);
                CallDue::Send(request)
            }
        };
        self.settle();
        Some(fired)
    }

    fn call_begins(&mut self, own: u64, at: Timestamp) {
        let Some(there) = self.of.get(&own) else { return };
        let nth = there.request.nth;
        if let Some(timeout) = there.client.call_timeout {
            self.set(at + timeout, own, CallTimer::TimedOut(nth));
        }
    }

    fn set(&mut self, due: Timestamp, own: u64, timer: CallTimer) {
        self.timers.push(Reverse((due, own, timer)));
    }

    /// Drops the timers at the front that are void, so that the next to be due is never one of them.
    fn settle(&mut self) {
        while let Some(&Reverse((_, own, timer))) = self.timers.peek() {
            let holds = self.of.get(&own).is_some_and(|there| match timer {
                CallTimer::Impatient => !there.has_begun,
                CallTimer::TimedOut(nth) => !there.has_begun && there.request.nth == nth,
                CallTimer::Again(nth) => there.request.nth == nth,
            });
            if holds {
                return;
            }
            self.timers.pop();
        }
    }
}
