//! The verdict on one attempt, and its row of the log as it grows. Written by the driver, read by the
//! task that answers.

use crate::call_log::Caller;
use crate::lock::lock;
use squall_determinism::Timestamp;
use squall_provider::{AttemptEnding, AttemptPlan, AttemptTag, BadAnswer, LimitState, Rejection};
use squall_record::{AttemptOutcome, AttemptRow, BrokenAnswer, CallAttempt};
use squall_wire::RequestToken;
use squall_wire::chat::FinishReason;
use squall_wire::serve::ApiEndpoint;
use std::sync::Mutex;
use std::task::{Context, Waker};

/// What the core has said of an attempt so far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AttemptDecision {
    /// Nothing: it waits for a place.
    Waiting,
    /// Serve it so.
    Plan(AttemptPlan),
    /// Refuse it so.
    Reject(Rejection),
}

/// What is known of an attempt at its arrival.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    /// The core's name for it, used again when it has ended.
    pub(crate) tag: AttemptTag,
    /// How many came before it.
    pub(crate) number: u64,
    /// When it came in.
    pub(crate) at: Timestamp,
    /// Tokens of its prompt, by its own token or else as estimated.
    pub(crate) input_tokens: u32,
    /// The limits of its key as they stood then, itself counted.
    pub(crate) limits: LimitState,
}

/// How long a request lets its answer be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The most tokens that it wants, where it does not say how many it gets.
    pub(crate) max_tokens: u32,
    /// After how many the text stops by itself.
    pub(crate) stops_after: Option<u32>,
}

/// Whose attempt it is, for the log and the file of events.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) request_id: String,
    /// What the caller calls it.
    pub(crate) client_request_id: Option<String>,
    pub(crate) endpoint: ApiEndpoint,
    pub(crate) token: Option<RequestToken>,
    pub(crate) model: String,
    /// The end of the key.
    pub(crate) key: Option<String>,
}

/// One attempt, shared by the driver and the task that answers.
#[derive(Debug)]
pub(crate) struct AttemptState(Mutex<AttemptProgress>);

#[derive(Debug)]
struct AttemptProgress {
    verdict: AttemptDecision,
    waker: Option<Waker>,
    row: AttemptRow,
    /// How long the request lets its answer be.
    bounds: Bounds,
    /// Whose it is, where that is told.
    who: Option<Box<Who>>,
    /// Whose it is, where callers are judged.
    caller: Option<Caller>,
    /// When its last tokens left.
    last_token: Option<Timestamp>,
    /// When an event left that is not JSON.
    malformed_event: Option<Timestamp>,
    finish: FinishReason,
}

impl AttemptProgress {
    /// The plan with no more tokens than the request wants.
    fn capped(&mut self, plan: AttemptPlan) -> AttemptPlan {
        let Bounds { max_tokens, stops_after } = self.bounds;
        // A sequence stops what is said after the thoughts.
        let stop = stops_after.map_or(u32::MAX, |tokens| tokens.saturating_add(plan.reasoning));
        let tokens = plan.tokens.min(stop);
        let is_capped = tokens > max_tokens;
        self.finish = if is_capped { FinishReason::Length } else { FinishReason::Stop };
        self.row.fault = plan.fault.or(self.row.fault);
        AttemptPlan { tokens: tokens.min(max_tokens), ..plan }
    }
}

impl AttemptState {
    pub(crate) const fn new(
        row: AttemptRow,
        bounds: Bounds,
        who: Option<Box<Who>>,
        caller: Option<Caller>,
    ) -> Self {
        Self(Mutex::new(AttemptProgress {
            verdict: AttemptDecision::Waiting,
            waker: None,
            row,
            bounds,
            who,
            caller,
            last_token: None,
            malformed_event: None,
            finish: FinishReason::Stop,
        }))
    }

    /// The core's new word on the attempt: it replaces the old one.
    pub(crate) fn deliver(&self, verdict: AttemptDecision) {
        let mut state = lock(&self.0);
        state.verdict = match verdict {
            AttemptDecision::Plan(plan) => AttemptDecision::Plan(state.capped(plan)),
            other => other,
        };
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The verdict as it stands; the task is woken when it changes.
    pub(crate) fn watch(&self, context: &Context<'_>) -> AttemptDecision {
        let mut state = lock(&self.0);
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        state.verdict
    }

    /// The plan as it stands, if the attempt is served.
    pub(crate) fn plan(&self) -> Option<(AttemptPlan, FinishReason)> {
        let state = lock(&self.0);
        match state.verdict {
            AttemptDecision::Plan(plan) => Some((plan, state.finish)),
            _ => None,
        }
    }

    /// The head of an answer has left.
    pub(crate) fn head_sent(&self, status: u16) {
        lock(&self.0).row.status = status;
    }

    /// So many tokens have left, the last of them now.
    pub(crate) fn tokens_sent(&self, tokens: u32, now: Timestamp) {
        let mut state = lock(&self.0);
        state.row.output_tokens = tokens;
        if tokens > 0 {
            state.row.first_token.get_or_insert(now);
            state.last_token = Some(now);
        }
    }

    /// An event that is not JSON has left now.
    pub(crate) fn malformed_sent(&self, now: Timestamp) {
        lock(&self.0).malformed_event = Some(now);
    }

    /// Whose attempt it is, where that is told; taken once.
    pub(crate) fn take_who(&self) -> Option<Box<Who>> {
        lock(&self.0).who.take()
    }

    /// The row, now that the attempt has ended.
    pub(crate) fn row(&self, outcome: AttemptOutcome, now: Timestamp) -> AttemptRow {
        let state = lock(&self.0);
        let mut row = AttemptRow { outcome, ended: now, ..state.row };
        if let (AttemptDecision::Reject(rejection), AttemptOutcome::Failed { .. }) =
            (state.verdict, outcome)
        {
            if row.status == 0 {
                row.status = rejection.status;
            }
            row.retry_after = rejection.retry_after;
            row.fault = rejection.fault;
            row.limit = rejection.limit;
        }
        row
    }

    /// The attempt that has ended with this row, for a judgement of its caller; `None` where none is wanted.
    pub(crate) fn for_judgement(&self, row: AttemptRow, provider: u16) -> Option<CallAttempt> {
        let state = lock(&self.0);
        let Caller { call, target } = state.caller?;
        let ending = match state.verdict {
            AttemptDecision::Plan(plan) => Some(plan.ending),
            AttemptDecision::Waiting | AttemptDecision::Reject(_) => None,
        };
        let is_silent = matches!(ending, Some(AttemptEnding::Never | AttemptEnding::Stall { .. }));
        Some(CallAttempt {
            row,
            provider,
            call,
            target,
            broken: ending.and_then(|ending| broken(ending, &row)),
            silence: is_silent.then(|| row.ended.since(state.last_token.unwrap_or(row.started))),
            malformed_event: state.malformed_event,
        })
    }

    /// Whether the plan is a reset whose time has come.
    pub(crate) fn is_reset(&self, now: Timestamp) -> bool {
        match lock(&self.0).verdict {
            AttemptDecision::Plan(AttemptPlan { ending: AttemptEnding::Reset { at }, .. }) => {
                now >= at
            }
            _ => false,
        }
    }
}

/// How an answer that was planned so lacked its end, if its caller was there to see it.
const fn broken(ending: AttemptEnding, row: &AttemptRow) -> Option<BrokenAnswer> {
    if !matches!(row.outcome, AttemptOutcome::Failed { .. }) {
        return None;
    }
    match ending {
        AttemptEnding::Cut { .. } | AttemptEnding::Reset { .. } | AttemptEnding::Stall { .. } => {
            Some(BrokenAnswer::Closed)
        }
        // An HTML page or another body in the place of a stream is something that a reader stumbles over.
        AttemptEnding::Bad(BadAnswer::Empty | BadAnswer::Truncated | BadAnswer::NoEnd)
            if row.stream =>
        {
            Some(BrokenAnswer::NoFinish)
        }
        AttemptEnding::Bad(_)
        | AttemptEnding::Complete
        | AttemptEnding::Unmarked
        | AttemptEnding::ErrorEvent { .. }
        | AttemptEnding::Never => None,
    }
}
