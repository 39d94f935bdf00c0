//! Log lines about requests and deployments. This crate only emits them; the command line decides where they go.
//!
//! Prompts, answers and keys are never among the fields. What a client chose, such as the name of a model, is
//! given as a string, which every format escapes, and cut.

use crate::chosen_name;
use crate::request_ending::{SUCCEEDED, ending};
use crate::request_id::RequestId;
use crate::setup::StartError;
use crate::telemetry::{Ending, RequestSpans};
use crate::upstream::UpstreamEndpoint;
use http::HeaderMap;
use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_router::{
    CooldownCause, LimitScope, Outcome, PickProblem, RouterEvent, SharedEvent, TokenUsage,
};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Attempts of one request that are written; more are counted.
const ATTEMPTS_MAX: usize = 16;

/// Between two lines about clients without a key.
const UNAUTHENTICATED_EVERY: Duration = Duration::from_secs(1);

/// What is told of a request: its line when it has ended, and its spans if anybody wants them.
#[derive(Debug)]
pub(crate) struct RequestLog {
    pub(crate) id: RequestId,
    pub(crate) tenant: Option<String>,
    /// The id of its virtual key.
    pub(crate) key: Option<String>,
    pub(crate) operation: &'static str,
    pub(crate) began: Timestamp,
    first_token: Option<Timestamp>,
    attempts: Vec<LoggedAttempt>,
    more_attempts: usize,
    /// How often its stream went on elsewhere.
    continued: u16,
    spans: Option<Box<RequestSpans>>,
}

#[derive(Debug)]
struct LoggedAttempt {
    nth: u16,
    deployment: Arc<str>,
    began: Timestamp,
    /// Its end and what it came to; none while it runs.
    ended: Option<(Timestamp, &'static str)>,
    status: u16,
}

/// Whether anybody reads lines about requests.
fn hears_of_requests() -> bool {
    tracing::enabled!(target: "squall_gateway::request", tracing::Level::INFO)
}

impl RequestLog {
    pub(crate) const fn new(
        id: RequestId,
        tenant: Option<String>,
        operation: &'static str,
        began: Timestamp,
        spans: Option<Box<RequestSpans>>,
    ) -> Self {
        Self {
            id,
            tenant,
            key: None,
            operation,
            began,
            first_token: None,
            attempts: Vec::new(),
            more_attempts: 0,
            continued: 0,
            spans,
        }
    }

    /// An attempt begins: gives the headers that its call bears, which name its span if there is one.
    pub(crate) fn attempt_began(
        &mut self,
        now: Timestamp,
        nth: u16,
        endpoint: &UpstreamEndpoint,
        passed: &Arc<HeaderMap>,
    ) -> Arc<HeaderMap> {
        if self.attempts.len() == ATTEMPTS_MAX {
            self.attempts.pop();
            self.more_attempts += 1;
        }
        let deployment = Arc::clone(endpoint.name());
        self.attempts.push(LoggedAttempt { nth, deployment, began: now, ended: None, status: 0 });
        match &mut self.spans {
            Some(spans) => Arc::new(spans.attempt_began(now, nth, endpoint, passed)),
            None => Arc::clone(passed),
        }
    }

    pub(crate) fn first_token(&mut self, now: Timestamp, nth: u16) {
        self.first_token.get_or_insert(now);
        if let Some(spans) = &mut self.spans {
            spans.first_chunk(now, nth);
        }
    }

    /// What an attempt used, as its provider says.
    pub(crate) fn attempt_usage(&mut self, nth: u16, usage: Option<TokenUsage>) {
        if let Some(spans) = &mut self.spans {
            spans.attempt_usage(nth, usage);
        }
    }

    /// The provider has answered an attempt with this status.
    pub(crate) fn attempt_status(&mut self, nth: u16, status: u16) {
        if let Some(attempt) = self.attempt(nth) {
            attempt.status = status;
        }
        if let Some(spans) = &mut self.spans {
            spans.attempt_status(nth, status);
        }
    }

    pub(crate) fn attempt_ended(&mut self, now: Timestamp, nth: u16, what: &'static str) {
        if let Some(spans) = &mut self.spans {
            spans.attempt_ended(now, nth, (what != SUCCEEDED).then_some(what));
        }
        if let Some(attempt) = self.attempt(nth) {
            attempt.ended.get_or_insert((now, what));
        }
    }

    fn attempt(&mut self, nth: u16) -> Option<&mut LoggedAttempt> {
        self.attempts.iter_mut().rfind(|attempt| attempt.nth == nth)
    }

    /// The core has decided something about the request.
    pub(crate) fn note(&mut self, now: Timestamp, note: &RouterEvent) {
        match LoggedAs::of(now, note) {
            LoggedAs::AttemptEnd { nth, what } => self.attempt_ended(now, nth, what),
            LoggedAs::Continued => self.continued += 1,
            LoggedAs::Cooldown(_) | LoggedAs::Probe | LoggedAs::Limit(_) | LoggedAs::Elsewhere => {}
        }
    }

    /// Whether anybody wants to hear how the request ends: what is told of that is gathered only then.
    pub(crate) fn is_heard(&self) -> bool {
        self.spans.is_some() || hears_of_requests()
    }

    /// The request has ended: its span, and its line.
    pub(crate) fn write(
        &mut self,
        now: Timestamp,
        groups: &str,
        model: &str,
        stream: bool,
        outcome: &Outcome,
    ) {
        self.end_spans(now, groups, outcome);
        if hears_of_requests() {
            self.write_line(now, groups, model, stream, outcome);
        }
    }

    fn end_spans(&mut self, now: Timestamp, groups: &str, outcome: &Outcome) {
        let Some(spans) = self.spans.take() else { return };
        let (status, word, class, usage) = ending(outcome);
        let gone = matches!(outcome, Outcome::ClientGone).then_some(word);
        spans.end(
            now,
            &Ending {
                groups,
                tenant: self.tenant.as_deref(),
                began: self.began,
                first_token: self.first_token,
                attempts: self.attempts.len() + self.more_attempts,
                status,
                outcome: word,
                failed: class.map(FailureClass::as_str).or(gone),
                usage,
            },
        );
    }

    fn write_line(
        &self,
        now: Timestamp,
        groups: &str,
        model: &str,
        stream: bool,
        outcome: &Outcome,
    ) {
        let (status, word, class, usage) = ending(outcome);
        let TokenUsage { input_tokens, output_tokens } = usage.unwrap_or_default();
        tracing::info!(
            target: "squall_gateway::request",
            request_id = self.id.as_str(),
            tenant = self.tenant.as_deref(),
            key = self.key.as_deref(),
            group = groups,
            model = chosen_name::cut(model),
            operation = self.operation,
            stream,
            status,
            outcome = word,
            error_class = class.map(FailureClass::as_str),
            attempts = self.attempts(now).as_str(),
            continued = (self.continued > 0).then_some(self.continued),
            tokens_in = usage.map(|_| input_tokens),
            tokens_out = usage.map(|_| output_tokens),
            first_token_ms = self.first_token.map(|first| millis(first.since(self.began))),
            duration_ms = millis(now.since(self.began)),
            "request"
        );
    }

    /// `eu server 503 12ms, us succeeded 200 834ms`.
    fn attempts(&self, now: Timestamp) -> String {
        let mut text = String::new();
        for (nth, attempt) in self.attempts.iter().enumerate() {
            if nth > 0 {
                text.push_str(", ");
            }
            // It runs no more than its request does.
            let (ended, what) = attempt.ended.unwrap_or((now, "cancelled"));
            let LoggedAttempt { deployment, began, status, .. } = attempt;
            text.push_str(deployment);
            text.push(' ');
            text.push_str(what);
            if *status > 0 {
                push(&mut text, format_args!(" {status}"));
            }
            push(&mut text, format_args!(" {}ms", ended.since(*began).as_millis()));
        }
        if self.more_attempts > 0 {
            push(&mut text, format_args!(", and {} before the last", self.more_attempts));
        }
        text
    }
}

/// How an event of the core is logged.
#[derive(Clone, Copy, Debug)]
enum LoggedAs {
    /// In the line of its request: how an attempt ended.
    AttemptEnd { nth: u16, what: &'static str },
    /// In the line of its request: its stream went on elsewhere.
    Continued,
    /// As a line about the cooldown, the health or the budgets of a deployment.
    Cooldown(CooldownLine),
    /// As a line for debugging: a probe began.
    Probe,
    /// As a line for debugging: a limit of a deployment is reached.
    Limit(LimitScope),
    /// Not here: by nothing, by the end of its request, or by [`pick_rejected`] and [`reloaded`].
    Elsewhere,
}

/// A line about a deployment: its message and the fields it has.
#[derive(Clone, Copy, Debug)]
struct CooldownLine {
    message: &'static str,
    cause: Option<CooldownCause>,
    lasts: Option<Duration>,
    healthy: Option<bool>,
}

impl LoggedAs {
    /// The one place that says for each event how it is logged.
    fn of(now: Timestamp, event: &RouterEvent) -> Self {
        let line = |message| CooldownLine { message, cause: None, lasts: None, healthy: None };
        match *event {
            RouterEvent::AttemptFailed { attempt, class, .. } => {
                Self::AttemptEnd { nth: attempt.nth, what: class.as_str() }
            }
            RouterEvent::NotSent { attempt, .. } => {
                Self::AttemptEnd { nth: attempt.nth, what: "not_sent" }
            }
            RouterEvent::Continued { .. } => Self::Continued,
            RouterEvent::CooldownStarted { cause, until, .. } => {
                let lasts = Some(until.since(now));
                Self::Cooldown(CooldownLine { cause: Some(cause), lasts, ..line("cooldown began") })
            }
            RouterEvent::CooldownEnded { .. } => Self::Cooldown(line("cooldown ended")),
            RouterEvent::Recovered { .. } => {
                Self::Cooldown(line("recovered: its probe was answered"))
            }
            RouterEvent::HealthChanged { healthy, .. } => {
                let healthy = Some(healthy);
                Self::Cooldown(CooldownLine { healthy, ..line("health checks changed") })
            }
            RouterEvent::SpendBudgetExceeded { until, .. } => {
                let lasts = Some(until.since(now));
                Self::Cooldown(CooldownLine { lasts, ..line("spend budget exhausted") })
            }
            RouterEvent::Probe { .. } => Self::Probe,
            RouterEvent::LimitReached { limit, .. } => Self::Limit(limit),
            RouterEvent::RetryScheduled { .. }
            | RouterEvent::RetryBudgetExhausted { .. }
            | RouterEvent::FellBack { .. }
            | RouterEvent::Queued { .. }
            | RouterEvent::TimedOut { .. }
            | RouterEvent::Silent { .. }
            | RouterEvent::Hedged { .. }
            | RouterEvent::GroupUnavailable { .. }
            | RouterEvent::RateLimited { .. }
            | RouterEvent::QueueFull { .. }
            | RouterEvent::Shed { .. }
            | RouterEvent::PickRejected { .. }
            | RouterEvent::TooLate { .. }
            | RouterEvent::Reconfigured { .. }
            | RouterEvent::Shared(_) => Self::Elsewhere,
        }
    }
}

/// What the core has decided about a deployment, by the deployment's name.
pub(crate) fn deployment(now: Timestamp, group: &str, name: &str, note: &RouterEvent) {
    match LoggedAs::of(now, note) {
        LoggedAs::Cooldown(CooldownLine { message, cause, lasts, healthy }) => tracing::info!(
            target: "squall_gateway::cooldown",
            group,
            deployment = name,
            cause = cause.map(CooldownCause::as_str),
            seconds = lasts.map(|lasts| lasts.as_secs_f64()),
            healthy,
            "{message}"
        ),
        LoggedAs::Probe => tracing::debug!(
            target: "squall_gateway::cooldown", group, deployment = name, "probe began"
        ),
        LoggedAs::Limit(limit) => tracing::debug!(
            target: "squall_gateway::limit", group, deployment = name, limit = limit.as_str(), "limit reached"
        ),
        LoggedAs::AttemptEnd { .. } | LoggedAs::Continued | LoggedAs::Elsewhere => {}
    }
}

/// A group's own strategy picked nobody, or a deployment that could not be picked.
pub(crate) fn pick_rejected(group: &str, problem: PickProblem) {
    tracing::warn!(
        target: "squall_gateway::strategy", group, problem = problem.as_str(), "pick rejected"
    );
}

/// The store of shared state has gone, or is there.
pub(crate) fn shared_state(event: SharedEvent) {
    match event {
        SharedEvent::StoreAway => tracing::warn!(
            target: "squall_gateway::shared_state",
            "the store is away: every limit is divided by the number of replicas"
        ),
        SharedEvent::StoreBack { members } => tracing::info!(
            target: "squall_gateway::shared_state", replicas = members, "the store is back"
        ),
    }
}

/// Another configuration holds.
pub(crate) fn reloaded(came: &[String], went: &[String]) {
    tracing::info!(
        target: "squall_gateway::reload",
        new = came.join(", ").as_str(),
        gone = went.join(", ").as_str(),
        "another configuration holds"
    );
}

/// An operator has asked for something, and got this status.
pub(crate) fn operated(action: &str, detail: &str, status: u16) {
    tracing::info!(target: "squall_gateway::admin", action, detail, status, "operator");
}

/// Weights that an operator set for a while have ended, or could not be.
pub(crate) fn weights_ended(problem: Option<StartError>) {
    match problem {
        None => tracing::info!(target: "squall_gateway::admin", "weights are as configured again"),
        Some(problem) => tracing::warn!(
            target: "squall_gateway::admin", %problem, "weights that have ended stay as they were"
        ),
    }
}

/// A request was refused before it came to the core.
pub(crate) fn refused(id: &RequestId, status: u16, why: &'static str) {
    tracing::info!(
        target: "squall_gateway::request",
        request_id = id.as_str(),
        status,
        outcome = "refused",
        why,
        "request"
    );
}

/// A request with a virtual key was refused before its body was read.
pub(crate) fn refused_key(id: &RequestId, status: u16, why: &'static str, key: &str) {
    tracing::info!(
        target: "squall_gateway::request",
        request_id = id.as_str(),
        key,
        status,
        outcome = "refused",
        why,
        "request"
    );
}

/// Clients without a key: whoever has none must not fill the log.
#[derive(Debug, Default)]
pub(crate) struct Unauthenticated {
    /// When the next line may be written, in nanoseconds of the run.
    next: AtomicU64,
    /// Those that were not written.
    silent: AtomicU64,
}

impl Unauthenticated {
    pub(crate) fn refused(&self, clock: Clock, id: &RequestId) {
        let now = clock.now().as_nanos();
        let next = self.next.load(Ordering::Relaxed);
        let later = now.saturating_add(nanos(UNAUTHENTICATED_EVERY));
        let mine = now >= next
            && self
                .next
                .compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !mine {
            self.silent.fetch_add(1, Ordering::Relaxed);
            return;
        }
        tracing::info!(
            target: "squall_gateway::request",
            request_id = id.as_str(),
            status = 401,
            outcome = "refused",
            why = "no valid key",
            not_written = self.silent.swap(0, Ordering::Relaxed),
            "request"
        );
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Milliseconds, to a microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _infallible = text.write_fmt(more);
}
