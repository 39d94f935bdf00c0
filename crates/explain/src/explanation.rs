//! The life of one request, as text and as JSON.

use crate::client_view::client_saw;
use core::time::Duration;
use serde_json::{Value, json};
use squall_decision_trail::{
    AttemptSummary, DecisionTrail, LimitReached, TimelineEntry, TrailNames, WaitSummary, lasted,
    outcome,
};
use squall_determinism::Timestamp;
use squall_failure::CallFailureCause;
use squall_record::{AttemptRow, Mode, RequestOutcome, RequestRow};
use squall_router::Outcome;
use squall_router::journal::RequestTrace;
use std::sync::Arc;

/// A client decided to call again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientRetry {
    /// When.
    pub at: Timestamp,
    /// After which of its calls, from 0.
    pub nth: u16,
    /// Why that failed.
    pub cause: CallFailureCause,
    /// How long until the next.
    pub wait: Duration,
}

/// Why one request fared as it did: a call of its client, and those before it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Its place in the run.
    pub request: u64,
    /// The scenario's name.
    pub scenario: String,
    /// Live or simulated.
    pub mode: Mode,
    /// When the recording was cut short, if it was.
    pub cut_at: Option<Timestamp>,
    /// What its client saw; `None` if the recording ends before the request does.
    pub row: Option<RequestRow>,
    /// What providers saw of it, in the order of its attempts.
    pub rows_of_attempts: Vec<AttemptRow>,
    /// What the router was told of it, decided and said.
    pub trace: RequestTrace,
    /// After it its client called again.
    pub retried: Option<ClientRetry>,
    /// The calls before this one, in order: each was a request of its own for the router.
    pub earlier_calls: Vec<Self>,
    pub(crate) names: Arc<TrailNames>,
}

impl ClientRetry {
    fn to_json(self) -> Value {
        json!({
            "at_ns": self.at.as_nanos(),
            "cause": self.cause.to_string(),
            "wait_ns": self.wait.as_nanos() as u64,
        })
    }
}

impl Explanation {
    /// What happened and why, line by line.
    #[must_use]
    pub fn timeline(&self) -> Vec<TimelineEntry> {
        self.trail().timeline(&self.limits_reached())
    }

    /// The attempts made for it; those that were refused before anything was sent are none.
    #[must_use]
    pub fn attempts(&self) -> Vec<AttemptSummary> {
        self.trail().attempts()
    }

    /// How long it waited for what.
    #[must_use]
    pub fn waits(&self) -> Vec<WaitSummary> {
        self.trail().waits()
    }

    fn trail(&self) -> DecisionTrail<'_> {
        DecisionTrail { trace: &self.trace, names: &self.names }
    }

    /// Which limits its attempts were over, where each has its row.
    fn limits_reached(&self) -> Vec<LimitReached> {
        let made = self.attempts();
        if made.len() != self.rows_of_attempts.len() {
            return Vec::new();
        }
        let reached = made.iter().zip(&self.rows_of_attempts).filter_map(|(attempt, row)| {
            Some(LimitReached { nth: attempt.nth, limit: row.limit? })
        });
        reached.collect()
    }

    /// Where the decisions and the rows of the recording do not agree: nothing in a simulated run; in a live
    /// one what was lost between the gateway and its neighbours.
    #[must_use]
    pub fn disagreements(&self) -> Vec<String> {
        let mut found = Vec::new();
        let (made, seen) = (self.attempts().len(), self.rows_of_attempts.len());
        if made != seen && self.cut_at.is_none() {
            found.push(format!("the router made {made} attempts, and the rows tell of {seen}"));
        }
        // What a client saw in the end was of its last call.
        let row = self.row.as_ref().filter(|_| self.retried.is_none());
        let (Some(row), Some((_, ended))) = (row, self.trace.ended) else { return found };
        let agrees = match (ended, row.outcome) {
            (Outcome::Succeeded { .. }, RequestOutcome::Succeeded)
            | (Outcome::ClientGone, RequestOutcome::GaveUp) => true,
            (Outcome::Failed { failure, .. }, RequestOutcome::Failed { class, .. }) => {
                failure.class == class
            }
            (_, RequestOutcome::Unfinished) => true,
            (
                Outcome::Succeeded { .. } | Outcome::Failed { .. } | Outcome::ClientGone,
                RequestOutcome::Succeeded | RequestOutcome::Failed { .. } | RequestOutcome::GaveUp,
            ) => false,
        };
        if !agrees {
            let told = outcome(&ended, &self.names);
            let client = client_saw(row.outcome, row.status);
            found.push(format!("the router: {told}; {client}"));
        }
        found
    }

    /// The explanation as lines for a person.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = vec![self.headline()];
        let calls = self.earlier_calls.len() + 1;
        for (call, number) in self.earlier_calls.iter().chain([self]).zip(1..) {
            if calls > 1 {
                lines.extend([String::new(), format!("call {number} of {calls} of its client")]);
            }
            lines.extend(call.lines());
        }
        lines.join("\n")
    }

    /// This call, line by line.
    fn lines(&self) -> Vec<String> {
        let trail = self.trail();
        let mut lines = vec![trail.asked(), self.came_of_it()];
        lines.extend(trail.waited());
        lines.extend(self.disagreements().into_iter().map(|each| format!("not agreed: {each}")));
        lines.push(String::new());
        lines.extend(trail.lines(&self.limits_reached()));
        if let Some(ClientRetry { cause, wait, .. }) = self.retried {
            let why = match cause {
                CallFailureCause::Refused => "no connection could be made".to_owned(),
                CallFailureCause::Lost => "the connection was lost".to_owned(),
                CallFailureCause::TimedOut => "it waited no longer".to_owned(),
                CallFailureCause::Status(status) => format!("it got {status}"),
                CallFailureCause::Cut | CallFailureCause::Final => {
                    "the answer broke off".to_owned()
                }
            };
            lines.push(format!("{why}, and its client calls again after {}", lasted(wait)));
        }
        lines
    }

    /// The explanation for programs. Times are nanoseconds since the start of the run.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut told = self.trail().to_json(&self.limits_reached());
        let members = [
            ("request", json!(self.request)),
            ("scenario", json!(self.scenario)),
            ("mode", json!(self.mode.as_str())),
            ("client_status", json!(self.row.map(|row| row.status))),
            ("disagreements", json!(self.disagreements())),
            ("retried", json!(self.retried.map(ClientRetry::to_json))),
            (
                "earlier_calls",
                self.earlier_calls.iter().map(Self::to_json).collect::<Vec<_>>().into(),
            ),
        ];
        told.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Value::Object(told)
    }

    fn headline(&self) -> String {
        format!("request {} of {} ({})", self.request, self.scenario, self.mode.as_str())
    }

    /// How it ended, in a line.
    fn came_of_it(&self) -> String {
        let Some((mut line, (at, _))) = self.trail().ended().zip(self.trace.ended) else {
            let cut = match self.cut_at {
                Some(cut) => format!("the recording was cut short at {cut}"),
                None => "the recording ends".to_owned(),
            };
            let attempts = self.attempts().len();
            let s = if attempts == 1 { "" } else { "s" };
            return format!("had not ended when {cut}, after {attempts} attempt{s}");
        };
        if let Some(first) = self.row.and_then(|row| row.first_token) {
            let until = first.since(self.trace.arrived);
            if until < at.since(self.trace.arrived) && until > Duration::ZERO {
                line.push_str(&format!("; first token after {}", lasted(until)));
            }
        }
        line
    }
}
