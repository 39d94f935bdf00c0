//! Local replies: error messages for requests that the gateway itself refuses.

mod http;

pub(crate) use self::http::{
    cannot_be_read, internal, not_allowed, paused, unknown_path, unsupported_encoding,
    unsupported_media,
};

use squall_failure::{Failure, FailureClass, FailureSource};
use squall_router::{GroupId, LimitScope, LitellmVersion, RouterEvent, TenantId};
use squall_wire::error::ApiError;
use std::fmt::Write as _;
use std::time::Duration;

/// Deployments of a group that are named in a refusal; more are counted.
pub(crate) const NAMED_MAX: usize = 8;

/// What the core decided about a request, as far as it explains how the request ended.
#[derive(Clone, Debug)]
pub(crate) struct RequestHistory {
    /// The groups it was in, in order; the one that it asked for first.
    groups: Vec<GroupId>,
    last: LastDecision,
    /// It waits in a queue, or for the time of a retry.
    waits: Option<WaitReason>,
}

/// The latest decision that could have ended the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum LastDecision {
    None,
    RateLimited { tenant: Option<TenantId>, limit: LimitScope },
    QueueFull,
    Shed,
    RetryBudgetExhausted,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum WaitReason {
    Queue,
    Retry,
}

impl RequestHistory {
    pub(crate) fn new(group: GroupId) -> Self {
        Self { groups: vec![group], last: LastDecision::None, waits: None }
    }

    /// The groups it was in, in order.
    pub(crate) fn groups(&self) -> &[GroupId] {
        &self.groups
    }

    /// The tenant whose limit it met last.
    pub(crate) const fn tenant(&self) -> Option<TenantId> {
        match self.last {
            LastDecision::RateLimited { tenant, .. } => tenant,
            LastDecision::None
            | LastDecision::QueueFull
            | LastDecision::Shed
            | LastDecision::RetryBudgetExhausted => None,
        }
    }

    /// An attempt begins.
    pub(crate) const fn attempted(&mut self) {
        self.waits = None;
        self.last = LastDecision::None;
    }

    /// The core has decided something about the request.
    pub(crate) fn note(&mut self, note: &RouterEvent) {
        match *note {
            RouterEvent::RateLimited { tenant, limit, .. } => {
                self.last = LastDecision::RateLimited { tenant, limit };
            }
            RouterEvent::QueueFull { .. } => self.last = LastDecision::QueueFull,
            RouterEvent::Shed { .. } => self.last = LastDecision::Shed,
            RouterEvent::RetryBudgetExhausted { .. } => {
                self.last = LastDecision::RetryBudgetExhausted
            }
            RouterEvent::Queued { .. } => self.waits = Some(WaitReason::Queue),
            RouterEvent::RetryScheduled { .. } => self.waits = Some(WaitReason::Retry),
            RouterEvent::FellBack { to, .. } => {
                self.groups.push(to);
                self.waits = None;
                self.last = LastDecision::None;
            }
            RouterEvent::GroupUnavailable { .. } => self.last = LastDecision::None,
            RouterEvent::CooldownStarted { .. }
            | RouterEvent::CooldownEnded { .. }
            | RouterEvent::Probe { .. }
            | RouterEvent::Recovered { .. }
            | RouterEvent::LimitReached { .. }
            | RouterEvent::TimedOut { .. }
            | RouterEvent::SpendBudgetExceeded { .. }
            | RouterEvent::HealthChanged { .. }
            | RouterEvent::Reconfigured { .. }
            | RouterEvent::Shared(_)
            | RouterEvent::PickRejected { .. }
            | RouterEvent::NotSent { .. }
            | RouterEvent::TooLate { .. }
            | RouterEvent::Silent { .. }
            | RouterEvent::Hedged { .. }
            | RouterEvent::Continued { .. }
            | RouterEvent::AttemptFailed { .. } => {}
        }
    }
}

/// A group at the moment of a refusal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct GroupState {
    pub(crate) name: String,
    /// Requests that wait.
    pub(crate) queued: usize,
    /// The first of those that are not usable, by name; at most [`NAMED_MAX`].
    pub(crate) unusable: Vec<(String, UnavailableReason)>,
    /// How many are not usable.
    pub(crate) unusable_count: usize,
    /// How many there are.
    pub(crate) count: usize,
    /// The version of LiteLLM whose rule tells of its unavailability, and whether its pre-call checks are on.
    pub(crate) litellm: Option<(LitellmVersion, bool)>,
}

/// Why a deployment does not take a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UnavailableReason {
    /// It is skipped after a failure of this class, for so long; without a time, a probe under way decides.
    Skipped { reason: Option<FailureClass>, wait: Option<Duration> },
    /// Its health checks fail.
    Unhealthy,
    /// Its spend budgets are exhausted, for so long.
    SpendBudgetExhausted { wait: Duration },
    /// A limit that is set for it here is reached.
    AtLimit { limit: LimitScope },
}

/// What the client of a request is told that the gateway ended by itself; `None` if it did not.
/// `tenant` is the name of [the history's](RequestHistory::tenant).
pub(crate) fn of_failure(
    failure: &Failure,
    history: &RequestHistory,
    groups: &[GroupState],
    tenant: Option<&str>,
    model: &str,
) -> Option<ApiError> {
    if failure.source != FailureSource::Gateway {
        return None;
    }
    if history.last == LastDecision::None
        && failure.class == FailureClass::Throttled
        && let Some(text) = as_litellm(failure, groups, model)
    {
        return Some(ApiError::of(failure.class, model).with_message(text));
    }
    let group = groups.first().map_or("", |group| group.name.as_str());
    let last = groups.last().map_or("", |group| group.name.as_str());
    let mut text = match (history.last, failure.class) {
        (_, FailureClass::NotFound | FailureClass::Resources | FailureClass::AnswerTooLarge) => {
            return None;
        }
        (_, FailureClass::Timeout) => too_late(history, group),
        (LastDecision::RateLimited { tenant: Some(_), limit }, _) => {
            format!("the limit of tenant `{}` on {} is reached", tenant.unwrap_or(""), of(limit))
        }
        (LastDecision::RateLimited { tenant: None, limit }, _) => {
            format!("the limit of group `{last}` on {} is reached", of(limit))
        }
        (LastDecision::QueueFull, _) => {
            let queued = groups.last().map_or(0, |group| group.queued);
            format!("the queue of group `{last}` is full (waiting in it: {queued})")
        }
        (LastDecision::Shed, _) => {
            let queued = groups.last().map_or(0, |group| group.queued);
            format!(
                "the queue of group `{last}` is too long to be served in time (waiting in it: {queued})"
            )
        }
        (LastDecision::RetryBudgetExhausted, _) => {
            format!(
                "the retry budget is exhausted, so that this request to `{group}` is not retried"
            )
        }
        (LastDecision::None, FailureClass::BadRequest) => format!(
            "no deployment of group `{group}` has the features, tags and region that this request needs"
        ),
        (LastDecision::None, FailureClass::ContextWindow) => {
            format!("this request is longer than every deployment of group `{group}` takes")
        }
        (LastDecision::None, _) => unavailable(groups),
    };
    if let Some(wait) = failure.retry_after {
        push(&mut text, format_args!(". Try again in {} s", seconds(wait)));
    }
    Some(ApiError::of(failure.class, model).with_message(text))
}

fn too_late(history: &RequestHistory, group: &str) -> String {
    let what = match history.waits {
        Some(WaitReason::Queue) => "while it waited in the queue for a deployment",
        Some(WaitReason::Retry) => "while it waited for its next retry",
        None => "before an answer was complete",
    };
    format!("the deadline of this request to `{group}` passed {what}")
}

/// What LiteLLM tells a request all of whose deployments cool down, word for word: its proxy, and clients, know the
/// error by this text.
fn as_litellm(failure: &Failure, groups: &[GroupState], model: &str) -> Option<String> {
    let group = groups.first()?;
    let (version, checks) = group.litellm.filter(|_| group.unusable_count == group.count)?;
    let wait = failure.retry_after?.as_secs_f64();
    let why = match version.rules().says_all_cool {
        true => " All deployments for selected model are in cooldown.",
        false => "",
    };
    let names: Vec<_> = group.unusable.iter().map(|(name, _)| format!("'{name}'")).collect();
    let checks = if checks { "True" } else { "False" };
    Some(format!(
        "No deployments available for selected model, Try again in {wait} seconds.{why} Passed model={model}. \
         pre-call-checks={checks}, cooldown_list=[{}]",
        names.join(", ")
    ))
}

/// Why none of these groups can take a request.
pub(crate) fn unavailable(groups: &[GroupState]) -> String {
    let mut text = String::new();
    for (nth, group) in groups.iter().enumerate() {
        let name = &group.name;
        text.push_str(if nth == 0 { "" } else { "; " });
        if group.count == 0 {
            push(&mut text, format_args!("group `{name}` has no deployment"));
            continue;
        }
        push(&mut text, format_args!("no deployment of group `{name}` can take this request"));
        for (nth, (name, why)) in group.unusable.iter().enumerate() {
            text.push_str(if nth == 0 { ": " } else { ", " });
            push(&mut text, format_args!("`{name}` {}", why.text()));
        }
        let more = group.unusable_count.saturating_sub(group.unusable.len());
        if more > 0 {
            push(&mut text, format_args!(", and {more} more"));
        }
    }
    text
}

impl UnavailableReason {
    fn text(self) -> String {
        match self {
            Self::Skipped { reason, wait } => {
                let why = reason.map_or("cools down", after);
                match wait {
                    Some(wait) => format!("{why} (for another {} s)", seconds(wait)),
                    None => format!("{why} (a probe is under way)"),
                }
            }
            Self::Unhealthy => "fails its health checks".to_owned(),
            Self::SpendBudgetExhausted { wait } => {
                format!("has exhausted its spend budget (for another {} s)", seconds(wait))
            }
            Self::AtLimit { limit } => format!("is at its limit on {}", of(limit)),
        }
    }
}

/// What a deployment is skipped for.
const fn after(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Throttled => "is rate limited by its provider",
        FailureClass::QuotaSpent => "has no quota left at its provider",
        FailureClass::Auth => "is refused by its provider: its key is wrong or lacks a right",
        FailureClass::NotFound => "has a model that its provider does not know",
        FailureClass::Overloaded => "cools down: its provider was overloaded",
        FailureClass::Server => "cools down after server errors",
        FailureClass::Timeout => "cools down after time-outs",
        FailureClass::Connect => "cools down: no connection could be made",
        FailureClass::Stalled => "cools down after answers that stopped",
        FailureClass::Cut => "cools down after answers that were cut off",
        FailureClass::Malformed => "cools down after answers that cannot be understood",
        FailureClass::ContextWindow
        | FailureClass::ContentPolicy
        | FailureClass::BadRequest
        | FailureClass::RequestTooLarge
        | FailureClass::AnswerTooLarge
        | FailureClass::Resources => "cools down",
    }
}

const fn of(limit: LimitScope) -> &'static str {
    match limit {
        LimitScope::Requests => "requests per minute",
        LimitScope::Tokens => "tokens per minute",
        LimitScope::Concurrency => "concurrent requests",
        LimitScope::Money => "money",
    }
}

/// Whole seconds, as `Retry-After` has them: whoever waits for so long is not too early.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _infallible = text.write_fmt(more);
}
