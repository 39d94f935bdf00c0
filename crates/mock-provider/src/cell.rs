//! The verdict on one attempt, and its row of the log as it grows. Written by the shell, read by the
//! task that answers.

use crate::lock::lock;
use squall_determinism::Timestamp;
use squall_provider::{Ending, Plan, Rejection};
use squall_record::{AttemptOutcome, AttemptRow};
use squall_wire::openai::FinishReason;
use std::sync::Mutex;
use std::task::{Context, Waker};

/// What the core has said of an attempt so far.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// Nothing: it waits for a place.
    Waiting,
    /// Serve it so.
    Plan(Plan),
    /// Refuse it so.
    Reject(Rejection),
}

/// One attempt, shared by the shell and the task that answers.
#[derive(Debug)]
pub(crate) struct Cell(Mutex<CellState>);

#[derive(Debug)]
struct CellState {
    verdict: Verdict,
    waker: Option<Waker>,
    row: AttemptRow,
    /// The most tokens that the request wants, where it does not say how many it gets.
    max_tokens: u32,
    finish: FinishReason,
}

impl CellState {
    /// The plan with no more tokens than the request wants.
    fn capped(&mut self, plan: Plan) -> Plan {
        let is_capped = plan.tokens > self.max_tokens;
        self.finish = if is_capped { FinishReason::Length } else { FinishReason::Stop };
        self.row.fault = plan.fault.or(self.row.fault);
        Plan { tokens: plan.tokens.min(self.max_tokens), ..plan }
    }
}

impl Cell {
    pub(crate) const fn new(row: AttemptRow, max_tokens: Option<u32>) -> Self {
        let max_tokens = match max_tokens {
            Some(most) => most,
            None => u32::MAX,
        };
        Self(Mutex::new(CellState {
            verdict: Verdict::Waiting,
            waker: None,
            row,
            max_tokens,
            finish: FinishReason::Stop,
        }))
    }

    /// The core's new word on the attempt: it replaces the old one.
    pub(crate) fn deliver(&self, verdict: Verdict) {
        let mut state = lock(&self.0);
        state.verdict = match verdict {
            Verdict::Plan(plan) => Verdict::Plan(state.capped(plan)),
            other => other,
        };
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The verdict as it stands; the task is woken when it changes.
    pub(crate) fn watch(&self, context: &Context<'_>) -> Verdict {
        let mut state = lock(&self.0);
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        state.verdict
    }

    /// The plan as it stands, if the attempt is served.
    pub(crate) fn plan(&self) -> Option<(Plan, FinishReason)> {
        let state = lock(&self.0);
        match state.verdict {
            Verdict::Plan(plan) => Some((plan, state.finish)),
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
        }
    }

    /// The row, now that the attempt has ended.
    pub(crate) fn row(&self, outcome: AttemptOutcome, now: Timestamp) -> AttemptRow {
        let state = lock(&self.0);
        let mut row = AttemptRow { outcome, ended: now, ..state.row };
        if let (Verdict::Reject(rejection), AttemptOutcome::Failed { .. }) =
            (state.verdict, outcome)
        {
            if row.status == 0 {
                row.status = rejection.status;
            }
            row.retry_after = rejection.retry_after;
            row.fault = rejection.fault;
        }
        row
    }

    /// Whether the plan is a reset whose time has come.
    pub(crate) fn is_reset(&self, now: Timestamp) -> bool {
        match lock(&self.0).verdict {
            Verdict::Plan(Plan { ending: Ending::Reset { at }, .. }) => now >= at,
            _ => false,
        }
    }
}
