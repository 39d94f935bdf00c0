//! Phrases for explanations.

use crate::names::TrailNames;
use crate::waits::{WaitSummary, WaitedFor};
use core::time::Duration;
use squall_failure::{Evidence, Failure, FailureClass, FailureSource};
use squall_router::{
    BreakerFigures, CandidateView, CooldownCause, Eligibility, FigureValue, LimitScope, Outcome,
    PickReasons,
};

/// `350ms`, `2s`, `12.345s`: to the millisecond, and below one to the microsecond.
#[must_use]
pub fn lasted(duration: Duration) -> String {
    if duration == Duration::MAX {
        return "no limit".to_owned();
    }
    if duration.is_zero() {
        return "0s".to_owned();
    }
    let rounded = match duration {
        short if short < Duration::from_millis(1) => {
            Duration::from_micros(short.as_micros() as u64)
        }
        longer => Duration::from_millis(u64::try_from(longer.as_millis()).unwrap_or(u64::MAX)),
    };
    format!("{rounded:?}")
}

/// `1 attempt`, `2 attempts`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A failure: what, whose, what was asked.
pub(crate) fn failure(failure: &Failure) -> String {
    let mut text = format!("`{}`", failure.class.as_str());
    if failure.status > 0 {
        text.push_str(&format!(" ({})", failure.status));
    }
    text.push_str(match failure.source {
        FailureSource::Provider => ", the provider's",
        FailureSource::Gateway => ", the gateway's",
        FailureSource::Client => ", the client's",
    });
    if let Some(wait) = failure.retry_after {
        text.push_str(&format!(", Retry-After {}", lasted(wait)));
    }
    text
}

/// How the router says that a request ended.
#[must_use]
pub fn outcome(outcome: &Outcome, names: &TrailNames) -> String {
    match outcome {
        Outcome::Succeeded { deployment, .. } => {
            format!("succeeded by `{}`", names.deployment(*deployment))
        }
        Outcome::Failed { failure: told, committed: false } => {
            format!("failed with {}; the client is told {}", failure(told), told.client_status())
        }
        Outcome::Failed { failure: told, committed: true } => {
            format!("failed with {} in the middle of its answer", failure(told))
        }
        Outcome::ClientGone => "given up by its client".to_owned(),
    }
}

/// How a deployment was found when one was picked.
pub(crate) fn eligibility(view: &CandidateView, pick: &PickReasons, names: &TrailNames) -> String {
    match view.eligibility {
        Eligibility::Candidate { probe: false } => "candidate".to_owned(),
        Eligibility::Candidate { probe: true } => {
            "candidate, as a probe: its circuit is half-open".to_owned()
        }
        Eligibility::Silent { since } => format!(
            "asked last: an attempt there has had no answer for longer than is usual (since {})",
            names.time(since)
        ),
        Eligibility::RampingUp => {
            "asked last: it has returned of late and has had its share for now (slow start)"
                .to_owned()
        }
        Eligibility::Withheld => {
            "excluded: too little of the group is well (`panic_threshold`), so that only probes go"
                .to_owned()
        }
        Eligibility::LesserTags => "passed over: others match the request's tags".to_owned(),
        Eligibility::LaterOrder { order } => {
            format!("passed over: its order is {order}, and others have a lower one")
        }
        Eligibility::NoWeight => "excluded: its weight is 0".to_owned(),
        Eligibility::Tried => "excluded: the request was tried there".to_owned(),
        Eligibility::RefusedIt => "excluded: it refused this very request".to_owned(),
        Eligibility::MissingTags => "excluded: it has none of the request's tags".to_owned(),
        Eligibility::Unhealthy => "excluded: its health checks fail".to_owned(),
        Eligibility::CircuitOpen { until, class } => {
            format!("excluded: its circuit is open until {}{}", names.time(until), after(class))
        }
        Eligibility::ProbeUnderWay { class } => {
            format!("excluded: its circuit is half-open and a probe is under way{}", after(class))
        }
        Eligibility::Throttled { until } => {
            format!("excluded: throttled until {}, as its provider asked", names.time(until))
        }
        Eligibility::LimitReached { limit, until } => {
            let (limit, until) = (limit_words(limit), names.time(until));
            format!("excluded: its limit of {limit} is reached until {until}")
        }
        Eligibility::Full => {
            format!("excluded: its limit of attempts at once is reached ({} run)", view.running)
        }
        Eligibility::WindowTooSmall { max_input_tokens } => format!(
            "excluded: the prompt of {} tokens is longer than its context window of {max_input_tokens}",
            pick.needs.input_tokens
        ),
        Eligibility::MissingFeature => {
            "excluded: it lacks a feature, or is in another region".to_owned()
        }
        Eligibility::LargerThanLimit => format!(
            "excluded: the request of {} tokens is larger than its limit ever lets through",
            pick.needs.tokens
        ),
    }
}

fn after(class: Option<FailureClass>) -> String {
    class.map(|class| format!(", after `{}`", class.as_str())).unwrap_or_default()
}

/// What the strategy goes by at a deployment.
pub(crate) fn figure(view: &CandidateView) -> Option<String> {
    let figure = view.figure?;
    let value = match figure.value {
        FigureValue::Number(number) => short(number),
        FigureValue::Time(time) => lasted(time),
        FigureValue::Unknown => "not known yet".to_owned(),
    };
    Some(format!("{} {value}", figure.name))
}

/// A number with at most four digits behind the point.
fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(crate) const fn limit_words(limit: LimitScope) -> &'static str {
    match limit {
        LimitScope::Requests => "requests per minute",
        LimitScope::Tokens => "tokens per minute",
        LimitScope::Concurrency => "attempts at once",
        LimitScope::Money => "money (a budget is spent)",
    }
}

pub(crate) const fn cause(cause: CooldownCause) -> &'static str {
    match cause {
        CooldownCause::Throttled => "it asked to be left alone",
        CooldownCause::ConsecutiveFailures => "too many failures in a row",
        CooldownCause::FailureShare => "too large a share of failures",
        CooldownCause::ProbeFailed => "its probe failed",
        CooldownCause::Misconfigured => "its key, model or quota needs a person",
        CooldownCause::AllowedFails => "more failures than allowed",
        CooldownCause::Peer => "another replica put it out",
    }
}

pub(crate) const fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::None => "nothing: it is no fault of the deployment",
        Evidence::Throttled => "throttling, which is no failure",
        Evidence::Failed => "a failure of the deployment",
        Evidence::Suspected => "a suspicion: the deployment or the request may be wrong",
        Evidence::Misconfigured => "a deployment that only a person can mend",
    }
}

/// Where a circuit breaker stands.
pub(crate) fn breaker(figures: &BreakerFigures) -> String {
    let BreakerFigures { consecutive, opens_at_consecutive, attempts, failures, .. } = *figures;
    let row = match opens_at_consecutive {
        0 => format!("{consecutive} in a row"),
        most => format!("{consecutive} in a row (its circuit opens at {most})"),
    };
    let share = f64::from(figures.opens_at_share.ppm()) / 10_000.0;
    format!(
        "{row}, {failures} of {attempts} attempts in the window (it opens at {}% of {} or more)",
        short(share),
        figures.min_attempts
    )
}

/// A wait in a summary.
pub(crate) fn wait(wait: &WaitSummary) -> String {
    let lasted = lasted(wait.lasted());
    let open = if wait.until.is_none() { " so far" } else { "" };
    let what = match wait.reason {
        WaitedFor::Queue => "in the queue of its group",
        WaitedFor::Turn => "for its turn behind others",
        WaitedFor::Admission(limit) => {
            return format!("{lasted}{open} for admission (limit of {})", limit_words(limit));
        }
        WaitedFor::Backoff => "for a backoff",
        WaitedFor::RetryAfter => "for a backoff behind a Retry-After",
    };
    format!("{lasted}{open} {what}")
}
