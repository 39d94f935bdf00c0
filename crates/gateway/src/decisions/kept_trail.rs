//! The decisions about one request, with what it is called.

use super::RequestFacts;
use crate::request_ending::ending;
use serde_json::{Map, Value, json};
use squall_decision_trail::{DecisionTrail, TrailNames};
use squall_determinism::Timestamp;
use squall_router::journal::RequestTrace;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// The decisions about one request.
#[derive(Clone, Debug)]
pub struct KeptTrail {
    facts: RequestFacts,
    trace: RequestTrace,
    names: Arc<TrailNames>,
    epoch_nanos: u64,
}

/// How a request stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TrailStatus {
    /// `succeeded`, `failed`, `cut`, `client_gone`; `under_way` while it has not ended.
    pub(crate) outcome: &'static str,
    /// What its client is told, once it has ended.
    pub(crate) status: Option<u16>,
    /// The class of its failure, if it has failed.
    pub(crate) class: Option<&'static str>,
}

impl KeptTrail {
    pub(super) const fn new(
        facts: RequestFacts,
        trace: RequestTrace,
        names: Arc<TrailNames>,
        epoch_nanos: u64,
    ) -> Self {
        Self { facts, trace, names, epoch_nanos }
    }

    /// Its `x-request-id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.facts.id.as_str()
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.trace.size() + self.facts.model.len() + self.id().len()
    }

    /// How it stands.
    pub(crate) fn status(&self) -> TrailStatus {
        let Some((_, outcome)) = &self.trace.ended else {
            return TrailStatus { outcome: "under_way", status: None, class: None };
        };
        let (status, word, class, _) = ending(outcome);
        let class = class.map(squall_failure::FailureClass::as_str);
        TrailStatus { outcome: word, status: Some(status), class }
    }

    /// The request in a row of a list.
    #[must_use]
    pub fn row(&self) -> Map<String, Value> {
        let TrailStatus { outcome, status, class } = self.status();
        let trail = self.trail();
        let attempts = trail.attempts();
        let tried = attempts.iter().map(|each| self.names.deployment(each.deployment));
        let lasted = self.trace.ended.map(|(at, _)| at.since(self.trace.arrived));
        let members = [
            ("id", json!(self.id())),
            ("time", json!(self.rfc3339(self.trace.arrived))),
            ("group", json!(self.names.group(self.trace.arrival.group))),
            ("model", json!(self.facts.model)),
            ("operation", json!(self.facts.operation)),
            ("outcome", json!(outcome)),
            ("status", json!(status)),
            ("error_class", json!(class)),
            ("attempts", json!(attempts.len())),
            ("deployments", json!(tried.collect::<Vec<_>>())),
            ("duration_ms", json!(lasted.map(|lasted| lasted.as_micros() as f64 / 1e3))),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// All that is known of it, for programs. Times within are nanoseconds since `epoch`.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut told = self.trail().to_json(&[]);
        // What a row says in another form is told as a row says it.
        let Self { facts: RequestFacts { model, operation, .. }, .. } = self;
        let TrailStatus { status, class, outcome } = self.status();
        let members = [
            ("id", json!(self.id())),
            ("time", json!(self.rfc3339(self.trace.arrived))),
            ("epoch", json!(self.rfc3339(Timestamp::ZERO))),
            ("model", json!(model)),
            ("operation", json!(operation)),
            ("outcome", json!(outcome)),
            ("status", json!(status)),
            ("error_class", json!(class)),
        ];
        told.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        told
    }

    /// One line of the decision log, with its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut line = Value::Object(self.to_json()).to_string();
        line.push('\n');
        line
    }

    /// What happened and why, for a person.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("request {}\n{}", self.id(), self.trail().to_text())
    }

    fn trail(&self) -> DecisionTrail<'_> {
        DecisionTrail { trace: &self.trace, names: &self.names }
    }

    fn rfc3339(&self, at: Timestamp) -> String {
        let nanos = self.epoch_nanos.saturating_add(at.as_nanos());
        humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(nanos)).to_string()
    }
}
