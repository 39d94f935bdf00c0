//! The life of one request, as text and as JSON.

use crate::attempts::{self, AttemptSummary, LimitReached};
use crate::names::{RunNames, features};
use crate::phrases;
use crate::timeline::{self, TimelineEntry};
use crate::waits::{self, WaitSummary};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_record::{AttemptRow, Mode, RequestOutcome, RequestRow};
use squall_router::journal::RequestTrace;
use squall_router::{FallbackChoice, Outcome};
use std::sync::Arc;

/// Why one request fared as it did.
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
    pub(crate) names: Arc<RunNames>,
}

impl Explanation {
    /// What happened and why, line by line.
    #[must_use]
    pub fn timeline(&self) -> Vec<TimelineEntry> {
        timeline::entries(&self.trace, &self.names, &self.limits_reached())
    }

    /// The attempts made for it; those that were refused before anything was sent are none.
    #[must_use]
    pub fn attempts(&self) -> Vec<AttemptSummary> {
        attempts::of(&self.trace)
    }

    /// How long it waited for what.
    #[must_use]
    pub fn waits(&self) -> Vec<WaitSummary> {
        waits::of(&self.trace)
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
        let (Some(row), Some((_, outcome))) = (&self.row, self.trace.ended) else { return found };
        let agrees = match (outcome, row.outcome) {
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
            let told = phrases::outcome(&outcome, &self.names);
            let client = phrases::client_saw(row.outcome, row.status);
            found.push(format!("the router: {told}; {client}"));
        }
        found
    }

    /// The explanation as lines for a person.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = vec![self.headline(), self.asked(), self.came_of_it()];
        let waits = self.waits();
        if !waits.is_empty() {
            let waits = waits.iter().map(phrases::wait);
            lines.push(format!("waited {}", waits.collect::<Vec<_>>().join("; ")));
        }
        lines.extend(self.disagreements().into_iter().map(|each| format!("not agreed: {each}")));
        lines.push(String::new());
        for TimelineEntry { at, title, details } in self.timeline() {
            lines.push(format!("{:>10}  {title}", at.to_string()));
            lines.extend(details.iter().map(|detail| format!("{:>10}    {detail}", "")));
        }
        lines.join("\n")
    }

    fn headline(&self) -> String {
        format!("request {} of {} ({})", self.request, self.scenario, self.mode.as_str())
    }

    /// What it asked for.
    fn asked(&self) -> String {
        let arrival = &self.trace.arrival;
        let how = if arrival.stream { "streamed" } else { "in one piece" };
        let mut parts = vec![format!(
            "asked at {} for `{}`, {how}, {} + {} tokens (prompt + answer)",
            self.trace.arrived,
            self.names.group(arrival.group),
            arrival.input_tokens,
            arrival.output_tokens
        )];
        parts.extend(arrival.tenant.map(|id| format!("tenant `{}`", self.names.tenant(id))));
        let tags = self.names.tags(arrival.tags);
        if !tags.is_empty() {
            parts.push(format!("tags {}", tags.join(", ")));
        }
        let features = features(arrival.features);
        if !features.is_empty() {
            parts.push(format!("features {}", features.join(", ")));
        }
        parts.extend(arrival.region.map(|id| format!("region {}", self.names.region(id))));
        parts.extend(arrival.session.map(|_| "of a session".to_owned()));
        if arrival.priority > 0 {
            parts.push(format!("priority {}", arrival.priority));
        }
        let own = arrival.overrides;
        parts.extend(own.retries.map(|retries| format!("{retries} retries of its own")));
        parts.extend(own.timeout.map(|most| format!("attempts of {most:?} at most")));
        match own.fallbacks {
            FallbackChoice::Configured => {}
            FallbackChoice::None => parts.push("no fallbacks".to_owned()),
            FallbackChoice::These(groups) => {
                let groups: Vec<_> = groups.iter().map(|id| self.names.group(id)).collect();
                parts.push(format!("fallbacks of its own: {}", groups.join(", ")));
            }
        }
        parts.join(", ")
    }

    /// How it ended, in a line.
    fn came_of_it(&self) -> String {
        let attempts = phrases::counted(self.attempts().len(), "attempt");
        let Some((at, outcome)) = self.trace.ended else {
            let cut = match self.cut_at {
                Some(cut) => format!("the recording was cut short at {cut}"),
                None => "the recording ends".to_owned(),
            };
            return format!("had not ended when {cut}, after {attempts}");
        };
        let told = phrases::outcome(&outcome, &self.names);
        let lasted = at.since(self.trace.arrived);
        let mut line = format!("{told} at {at}, after {} and {attempts}", phrases::lasted(lasted));
        if let Some(first) = self.row.and_then(|row| row.first_token) {
            let until = first.since(self.trace.arrived);
            if until < lasted && until > Duration::ZERO {
                line.push_str(&format!("; first token after {}", phrases::lasted(until)));
            }
        }
        line
    }
}
