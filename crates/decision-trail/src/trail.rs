//! The trail of one request.

use crate::attempts::{self, AttemptSummary};
use crate::names::{TrailNames, features};
use crate::phrases;
use crate::timeline::{self, LimitReached, TimelineEntry};
use crate::waits::{self, WaitSummary};
use squall_determinism::Timestamp;
use squall_router::journal::{RequestTrace, TraceStepKind};
use squall_router::{CooldownCause, DeploymentId, FallbackChoice, RouterDecision};

/// A trace with the names of what it is about.
#[derive(Clone, Copy, Debug)]
pub struct DecisionTrail<'a> {
    /// What the router was told of the request, decided and said.
    pub trace: &'a RequestTrace,
    /// What groups, deployments and the rest are called.
    pub names: &'a TrailNames,
}

/// A cooldown that a failure of the request brought about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CausedCooldown {
    /// When it began, or was prolonged.
    pub at: Timestamp,
    /// Of which deployment.
    pub deployment: DeploymentId,
    /// Why.
    pub cause: CooldownCause,
    /// Until when.
    pub until: Timestamp,
}

impl DecisionTrail<'_> {
    /// What happened and why, line by line; `limits` are the providers' limits that attempts were over, where that is
    /// known.
    #[must_use]
    pub fn timeline(&self, limits: &[LimitReached]) -> Vec<TimelineEntry> {
        timeline::entries(self.trace, self.names, limits)
    }

    /// The attempts made for it; those that were refused before anything was sent are none.
    #[must_use]
    pub fn attempts(&self) -> Vec<AttemptSummary> {
        attempts::of(self.trace)
    }

    /// How long it waited for what.
    #[must_use]
    pub fn waits(&self) -> Vec<WaitSummary> {
        waits::of(self.trace)
    }

    /// The cooldowns that its failures brought about.
    #[must_use]
    pub fn cooldowns(&self) -> Vec<CausedCooldown> {
        let caused = self.trace.steps.iter().filter_map(|step| match &step.kind {
            TraceStepKind::Decision(RouterDecision::FailureWeighed(weight)) => {
                let (cause, until) = weight.ejected?;
                let deployment = weight.deployment;
                Some(CausedCooldown { at: step.at, deployment, cause, until })
            }
            TraceStepKind::Decision(_) | TraceStepKind::Input(_) | TraceStepKind::Output(_) => None,
        });
        caused.collect()
    }

    /// What it asked for, in a line.
    #[must_use]
    pub fn asked(&self) -> String {
        let arrival = &self.trace.arrival;
        let how = if arrival.stream { "streamed" } else { "in one piece" };
        let mut parts = vec![format!(
            "asked at {} for `{}`, {how}, {} + {} tokens (prompt + answer)",
            self.names.time(self.trace.arrived),
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

    /// How it ended, in a line; `None` while it has not.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        let (at, outcome) = self.trace.ended?;
        let attempts = phrases::counted(self.attempts().len(), "attempt");
        let told = phrases::outcome(&outcome, self.names);
        let lasted = phrases::lasted(at.since(self.trace.arrived));
        Some(format!("{told} at {}, after {lasted} and {attempts}", self.names.time(at)))
    }

    /// What it waited for, in a line; `None` if it never did.
    #[must_use]
    pub fn waited(&self) -> Option<String> {
        let waits: Vec<_> = self.waits().iter().map(phrases::wait).collect();
        (!waits.is_empty()).then(|| format!("waited {}", waits.join("; ")))
    }

    /// The timeline as lines for a person, each with its time before it.
    #[must_use]
    pub fn lines(&self, limits: &[LimitReached]) -> Vec<String> {
        let mut lines = Vec::new();
        for TimelineEntry { at, title, details } in self.timeline(limits) {
            let at = self.names.time(at);
            let width = at.chars().count().max(10);
            lines.push(format!("{at:>width$}  {title}"));
            lines.extend(details.iter().map(|detail| format!("{:>width$}    {detail}", "")));
        }
        if self.trace.left_out > 0 {
            lines.push(format!(
                "{} more steps were not kept, for want of room",
                self.trace.left_out
            ));
        }
        lines
    }

    /// All that is told of it for a person.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = vec![self.asked()];
        lines.push(self.ended().unwrap_or_else(|| "has not ended".to_owned()));
        lines.extend(self.waited());
        lines.push(String::new());
        lines.extend(self.lines(&[]));
        lines.join("\n")
    }
}
