//! A trail for programs. Times are nanoseconds since the start.

use crate::attempts::{AttemptConclusion, AttemptSummary};
use crate::names::TrailNames;
use crate::phrases;
use crate::timeline::{LimitReached, TimelineEntry};
use crate::trail::{CausedCooldown, DecisionTrail};
use crate::waits::{WaitSummary, WaitedFor};
use serde_json::{Map, Value, json};
use squall_determinism::Timestamp;
use squall_router::journal::TraceStepKind;
use squall_router::{
    CandidateView, Eligibility, FigureValue, Outcome, PickReasons, PickScope, RouterDecision,
};

impl DecisionTrail<'_> {
    /// The trail for programs: what was asked, how it ended, its attempts, waits, picks, the cooldowns it caused, and the
    /// timeline.
    #[must_use]
    pub fn to_json(&self, limits: &[LimitReached]) -> Map<String, Value> {
        let Self { trace, names } = *self;
        let arrival = &trace.arrival;
        let attempts: Vec<_> = self.attempts().iter().map(|each| attempt(each, names)).collect();
        let waits: Vec<_> = self.waits().iter().map(wait).collect();
        let cooldowns: Vec<_> = self.cooldowns().iter().map(|each| cooldown(each, names)).collect();
        let timeline: Vec<_> = self.timeline(limits).iter().map(line).collect();
        let ended = trace.ended;
        let members = [
            ("group", json!(names.group(arrival.group))),
            ("stream", json!(arrival.stream)),
            ("input_tokens", json!(arrival.input_tokens)),
            ("output_tokens", json!(arrival.output_tokens)),
            ("arrived", json!(trace.arrived.as_nanos())),
            ("ended", json!(ended.map(|(at, _)| at.as_nanos()))),
            ("outcome", json!(ended.map(|(_, end)| outcome(&end, names)))),
            ("attempts", json!(attempts)),
            ("waits", json!(waits)),
            ("cooldowns", json!(cooldowns)),
            ("picks", json!(picks(self))),
            ("timeline", json!(timeline)),
            ("steps_left_out", json!(trace.left_out)),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn line(entry: &TimelineEntry) -> Value {
    json!({ "at": entry.at.as_nanos(), "what": entry.title, "details": entry.details })
}

fn cooldown(caused: &CausedCooldown, names: &TrailNames) -> Value {
    json!({
        "at": caused.at.as_nanos(),
        "deployment": names.deployment(caused.deployment),
        "cause": caused.cause.as_str(),
        "until": caused.until.as_nanos(),
    })
}

fn outcome(outcome: &Outcome, names: &TrailNames) -> Value {
    match outcome {
        Outcome::Succeeded { deployment, .. } => {
            json!({ "is": "succeeded", "deployment": names.deployment(*deployment) })
        }
        Outcome::Failed { failure, committed } => json!({
            "is": "failed",
            "class": failure.class.as_str(),
            "status": failure.client_status(),
            "in_the_middle": committed,
        }),
        Outcome::ClientGone => json!({ "is": "client_gone" }),
    }
}

fn attempt(attempt: &AttemptSummary, names: &TrailNames) -> Value {
    let (end, class) = match attempt.ended.map(|(_, end)| end) {
        Some(AttemptConclusion::Finished) => (Some("finished"), None),
        Some(AttemptConclusion::Failed(failure)) => (Some("failed"), Some(failure.class.as_str())),
        Some(AttemptConclusion::Cancelled(reason)) => (Some("cancelled"), Some(reason.as_str())),
        Some(AttemptConclusion::NotSent) => (Some("not_sent"), None),
        None => (None, None),
    };
    json!({
        "deployment": names.deployment(attempt.deployment),
        "provider": names.provider(attempt.deployment),
        "started": attempt.started.as_nanos(),
        "first_token": attempt.first_token.map(|at| at.as_nanos()),
        "ended": attempt.ended.map(|(at, _)| at.as_nanos()),
        "end": end,
        "why": class,
        "probe": attempt.probe,
    })
}

fn wait(wait: &WaitSummary) -> Value {
    let reason = match wait.reason {
        WaitedFor::Queue => "queue",
        WaitedFor::Turn => "turn",
        WaitedFor::Admission(_) => "admission",
        WaitedFor::Backoff => "backoff",
        WaitedFor::RetryAfter => "retry_after",
    };
    json!({
        "for": reason,
        "from": wait.from.as_nanos(),
        "until": wait.until.map(|at| at.as_nanos()),
    })
}

fn picks(told: &DecisionTrail<'_>) -> Vec<Value> {
    let picks = told.trace.steps.iter().filter_map(|step| match &step.kind {
        TraceStepKind::Decision(RouterDecision::Picked(pick)) => Some((step.at, pick)),
        TraceStepKind::Decision(_) | TraceStepKind::Input(_) | TraceStepKind::Output(_) => None,
    });
    let pick = |(at, pick): (Timestamp, &PickReasons)| {
        let candidates = pick.candidates.iter();
        let candidates: Vec<_> = candidates.map(|view| candidate(view, pick, told.names)).collect();
        json!({
            "at": at.as_nanos(),
            "group": told.names.group(pick.group),
            "strategy": pick.strategy,
            "by_session": pick.by_session,
            "scope": match pick.scope {
                PickScope::All => "all",
                PickScope::Untried => "untried",
                PickScope::IgnoringCircuits => "ignoring_circuits",
            },
            "picked": pick.picked.map(|(id, _)| told.names.deployment(id)),
            "probe": pick.picked.is_some_and(|(_, probe)| probe),
            "candidates": candidates,
            "candidates_left_out": pick.left_out,
        })
    };
    picks.map(pick).collect()
}

fn candidate(view: &CandidateView, pick: &PickReasons, names: &TrailNames) -> Value {
    let figure = view.figure.map(|figure| {
        let value = match figure.value {
            FigureValue::Number(number) => json!(number),
            FigureValue::Time(time) => json!(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
            FigureValue::Unknown => Value::Null,
        };
        json!({ "name": figure.name, "value": value })
    });
    json!({
        "deployment": names.deployment(view.deployment),
        "weight": view.weight,
        "running": view.running,
        "is": word(&view.eligibility),
        "until": until(&view.eligibility),
        "why": phrases::eligibility(view, pick, names),
        "figure": figure,
    })
}

const fn word(eligibility: &Eligibility) -> &'static str {
    match eligibility {
        Eligibility::Candidate { .. } => "candidate",
        Eligibility::Silent { .. } => "silent",
        Eligibility::RampingUp => "ramping_up",
        Eligibility::Withheld => "withheld",
        Eligibility::LesserTags => "lesser_tags",
        Eligibility::LaterOrder { .. } => "later_order",
        Eligibility::NoWeight => "no_weight",
        Eligibility::Tried => "tried",
        Eligibility::RefusedIt => "refused_it",
        Eligibility::MissingTags => "missing_tags",
        Eligibility::Unhealthy => "unhealthy",
        Eligibility::CircuitOpen { .. } => "circuit_open",
        Eligibility::ProbeUnderWay { .. } => "probe_under_way",
        Eligibility::Throttled { .. } => "throttled",
        Eligibility::LimitReached { .. } => "limit_reached",
        Eligibility::Full => "full",
        Eligibility::WindowTooSmall { .. } => "window_too_small",
        Eligibility::MissingFeature => "missing_feature",
        Eligibility::LargerThanLimit => "larger_than_limit",
    }
}

/// Until when a deployment is excluded, where that is known.
fn until(eligibility: &Eligibility) -> Option<u64> {
    match *eligibility {
        Eligibility::CircuitOpen { until, .. }
        | Eligibility::Throttled { until }
        | Eligibility::LimitReached { until, .. } => Some(until.as_nanos()),
        Eligibility::Candidate { .. }
        | Eligibility::Silent { .. }
        | Eligibility::RampingUp
        | Eligibility::Withheld
        | Eligibility::LesserTags
        | Eligibility::LaterOrder { .. }
        | Eligibility::NoWeight
        | Eligibility::Tried
        | Eligibility::RefusedIt
        | Eligibility::MissingTags
        | Eligibility::Unhealthy
        | Eligibility::ProbeUnderWay { .. }
        | Eligibility::Full
        | Eligibility::WindowTooSmall { .. }
        | Eligibility::MissingFeature
        | Eligibility::LargerThanLimit => None,
    }
}
