//! The timeline of a request: what happened and why.

use crate::attempts::{self, AttemptSummary};
use crate::names::TrailNames;
use crate::phrases;
use squall_determinism::Timestamp;
use squall_failure::ProviderLimitKind;
use squall_router::journal::{RequestTrace, TraceStepKind};
use squall_router::{
    AfterFailure, AttemptId, CancelReason, ContinueBy, CooldownCause, DeploymentId, FailureWeight,
    NextStep, NoneInTime, PickReasons, PickScope, RetryBudgetUse, RetryWait, RouterDecision,
    RouterEvent, RouterInput, RouterOutput, StartAttempt,
};

/// An entry of a timeline, with details.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub title: String,
    /// Its reasons, a line each.
    pub details: Vec<String>,
}

/// The limit of its provider that an attempt was over, by the provider's own log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitReached {
    /// The attempt's number, from 0.
    pub nth: u16,
    /// Which limit.
    pub limit: ProviderLimitKind,
}

/// The timeline of a request.
pub(crate) fn entries(
    trace: &RequestTrace,
    names: &TrailNames,
    limits: &[LimitReached],
) -> Vec<TimelineEntry> {
    let mut builder = TimelineBuilder {
        names,
        attempts: attempts::all(trace),
        limits,
        lines: Vec::new(),
        pick: None,
        none_told: false,
        budget: None,
        may_continue: false,
    };
    let arrived = format!("arrived for `{}`", names.group(trace.arrival.group));
    builder.line(trace.arrived, arrived);
    for step in &trace.steps {
        match &step.kind {
            TraceStepKind::Input(input) => builder.input(step.at, input),
            TraceStepKind::Decision(decision) => builder.decision(step.at, decision),
            TraceStepKind::Output(output) => builder.output(step.at, output),
        }
    }
    builder.lines
}

struct TimelineBuilder<'a> {
    names: &'a TrailNames,
    attempts: Vec<AttemptSummary>,
    limits: &'a [LimitReached],
    lines: Vec<TimelineEntry>,
    /// What was picked, until its attempt begins.
    pick: Option<&'a PickReasons>,
    /// It was told that nobody could be picked, and nothing has changed since.
    none_told: bool,
    /// What the retry budget said last.
    budget: Option<RetryBudgetUse>,
    /// The stream of the attempt that began last may go on elsewhere.
    may_continue: bool,
}

impl<'a> TimelineBuilder<'a> {
    fn line(&mut self, at: Timestamp, title: impl Into<String>) {
        self.lines.push(TimelineEntry { at, title: title.into(), details: Vec::new() });
    }

    /// More about the line before.
    fn detail(&mut self, detail: impl Into<String>) {
        if let Some(line) = self.lines.last_mut() {
            line.details.push(detail.into());
        }
    }

    fn deployment(&self, id: DeploymentId) -> String {
        format!("`{}`", self.names.deployment(id))
    }

    /// `attempt 1 at `eu``, and how long it had run.
    fn attempt(&self, attempt: AttemptId, at: Timestamp) -> (String, String) {
        let known = self.attempts.iter().rev().find(|each| each.nth == attempt.nth);
        let number = attempt.nth + 1;
        match known {
            Some(known) => (
                format!("attempt {number} at {}", self.deployment(known.deployment)),
                format!("after {}", phrases::lasted(at.since(known.started))),
            ),
            None => (format!("attempt {number}"), String::new()),
        }
    }

    fn input(&mut self, at: Timestamp, input: &RouterInput) {
        match *input {
            RouterInput::FirstToken { attempt } => {
                let (attempt, after) = self.attempt(attempt, at);
                self.line(at, format!("first token of {attempt}, {after}"));
                self.detail(if self.may_continue {
                    "the answer goes to the client: if it breaks off, another attempt may go on from it"
                } else {
                    "the answer goes to the client: from here on no other attempt is made"
                });
            }
            RouterInput::Finished { attempt, usage } => {
                let (attempt, after) = self.attempt(attempt, at);
                self.line(at, format!("{attempt} answered in full, {after}"));
                if let Some(usage) = usage {
                    let (input, output) = (usage.input_tokens, usage.output_tokens);
                    self.detail(format!("it used {input} + {output} tokens (prompt + answer)"));
                }
            }
            RouterInput::Failed { attempt, failure } => {
                let nth = attempt.nth;
                let (attempt, after) = self.attempt(attempt, at);
                self.line(at, format!("{attempt} failed {after}: {}", phrases::failure(&failure)));
                if let Some(reached) = self.limits.iter().find(|reached| reached.nth == nth) {
                    self.detail(format!("the provider's log: over `{}`", reached.limit.as_str()));
                }
            }
            RouterInput::Interrupted { attempt, failure, output_tokens } => {
                let (attempt, after) = self.attempt(attempt, at);
                self.line(
                    at,
                    format!("{attempt} broke off {after}: {}", phrases::failure(&failure)),
                );
                self.detail(format!(
                    "the client has {} of it, from which another attempt could go on",
                    phrases::counted(output_tokens as usize, "token")
                ));
            }
            RouterInput::Unread { attempt } => {
                let (attempt, _) = self.attempt(attempt, at);
                self.line(
                    at,
                    format!("the client does not read: {attempt} is not judged by its time"),
                );
            }
            RouterInput::ClientGone { .. } => self.line(at, "the client hung up"),
            RouterInput::LimitHeaders { .. }
            | RouterInput::Arrived(_)
            | RouterInput::Checked { .. }
            | RouterInput::SpendRestored { .. }
            | RouterInput::Reconfigure { .. }
            | RouterInput::Shared(_)
            | RouterInput::Tick => {}
        }
    }

    fn decision(&mut self, at: Timestamp, decision: &'a RouterDecision) {
        match decision {
            RouterDecision::Picked(pick) if pick.picked.is_some() => self.pick = Some(pick),
            RouterDecision::Picked(pick) => self.nobody(at, pick),
            RouterDecision::WaitsItsTurn { group, waiting } => {
                let group = self.names.group(*group);
                let waiting = phrases::counted(*waiting, "request");
                self.line(at, format!("`{group}` has {waiting} waiting: nobody overtakes them"));
            }
            RouterDecision::FailureWeighed(weight) => self.weighed(weight),
            RouterDecision::AfterFailure(after) => self.after_failure(after),
            RouterDecision::RetryBudgetAsked(asked) => self.budget(at, asked),
            RouterDecision::NoneInTime(why) => {
                let group = self.names.group(why.group);
                self.line(at, format!("no deployment of `{group}` can take it in time"));
                self.detail(none_in_time(why, self.names));
            }
            RouterDecision::SlowStart { group } => {
                let group = self.names.group(*group);
                let had = "has returned of late and has had its share for now (slow start)";
                self.line(at, format!("every available deployment of `{group}` {had}"));
            }
            RouterDecision::LeavesGroup { from, to } => {
                let from = self.names.group(*from);
                match to {
                    Some(to) => {
                        let to = self.names.group(*to);
                        self.line(at, format!("falls back from `{from}` to `{to}`"));
                    }
                    None => self.line(at, format!("leaves `{from}`: no fallback is left")),
                }
            }
        }
    }

    fn nobody(&mut self, at: Timestamp, pick: &PickReasons) {
        if core::mem::replace(&mut self.none_told, true) {
            return;
        }
        let group = self.names.group(pick.group);
        self.line(at, format!("no deployment of `{group}` can take it now{}", scope(pick.scope)));
        self.candidates(pick);
        if let Some(problem) = pick.problem {
            self.detail(format!("the custom strategy picked {}", problem.as_str()));
        }
    }

    fn candidates(&mut self, pick: &PickReasons) {
        /// More deployments than this are counted.
        const SHOWN: usize = 24;
        let width = pick.candidates.iter().take(SHOWN);
        let width = width.map(|view| self.names.deployment(view.deployment).chars().count());
        let width = width.max().unwrap_or(0);
        for view in pick.candidates.iter().take(SHOWN) {
            let name = self.names.deployment(view.deployment);
            let picked = pick.picked.is_some_and(|(id, _)| id == view.deployment);
            let how = if picked { "picked" } else { "" };
            let found = phrases::eligibility(view, pick, self.names);
            let found = if picked { found.replacen("candidate", how, 1) } else { found };
            let mut facts = vec![format!("weight {}", view.weight)];
            facts.extend(phrases::figure(view).filter(|_| view.eligibility.is_candidate()));
            if view.running > 0 {
                facts.push(format!("{} running", view.running));
            }
            self.detail(format!("{name:<width$}  {found} ({})", facts.join(", ")));
        }
        let more = pick.candidates.len().saturating_sub(SHOWN) + pick.left_out as usize;
        if more > 0 {
            self.detail(format!("and {} more", phrases::counted(more, "deployment")));
        }
    }

    fn weighed(&mut self, weight: &FailureWeight) {
        self.detail(format!("it is evidence of {}", phrases::evidence(weight.evidence)));
        let deployment = self.deployment(weight.deployment);
        match (weight.ejected, &weight.breaker) {
            (Some((CooldownCause::Throttled, until)), _) => {
                let until = self.names.time(until);
                self.detail(format!("{deployment} is left alone until {until}, as it asked"));
            }
            (Some((cause, until)), _) => {
                let (cause, until) = (phrases::cause(cause), self.names.time(until));
                self.detail(format!("{deployment} is ejected until {until}: {cause}"));
            }
            (None, Some(figures)) if weight.evidence == squall_failure::Evidence::Failed => {
                self.detail(format!("{deployment}: {}", phrases::breaker(figures)));
            }
            (None, _) => self.detail(format!("{deployment} is not ejected for it")),
        }
    }

    fn after_failure(&mut self, after: &AfterFailure) {
        let AfterFailure { retries, max_retries, .. } = *after;
        let text = match after.next {
            NextStep::Fails => "no other attempt could succeed: the request fails".to_owned(),
            NextStep::LeavesForAnotherModel => {
                "only another model could serve it: it leaves the group".to_owned()
            }
            NextStep::LeavesForWantOfRetries => {
                format!("{retries} of {max_retries} retries are used: it leaves the group")
            }
            NextStep::LeavesAfter(wait) => {
                format!("it leaves the group after {}", phrases::lasted(wait))
            }
            NextStep::RetriesElsewhere => format!(
                "retry {} of {max_retries} in this group, where it was not tried",
                retries + 1
            ),
            NextStep::RetriesElsewhereOrLeaves => format!(
                "retry {} of {max_retries} in this group where it was not tried and nobody is silent, \
                 else its fallback",
                retries + 1
            ),
            NextStep::RetriesAfter(wait) => format!(
                "retry {} of {max_retries} in this group, after {}",
                retries + 1,
                phrases::lasted(wait)
            ),
        };
        self.detail(text);
    }

    fn budget(&mut self, at: Timestamp, asked: &RetryBudgetUse) {
        let RetryBudgetUse { allowed, retries, requests, most } = *asked;
        let figures = format!("{retries} of {most} retries in its window, for {requests} requests");
        // It is asked before a retry is planned and once more before it begins.
        if self.budget.replace(*asked) == Some(*asked) {
            return;
        }
        if allowed {
            self.detail(format!("the retry budget allows it: {figures}"));
        } else {
            self.line(at, format!("the retry budget refuses another attempt: {figures}"));
        }
    }

    fn output(&mut self, at: Timestamp, output: &RouterOutput) {
        match output {
            RouterOutput::StartAttempt(start) => self.started(at, start),
            RouterOutput::CancelAttempt { attempt, reason, .. } => {
                self.cancelled(at, *attempt, *reason);
            }
            RouterOutput::Done { outcome, .. } => {
                self.line(at, format!("ended: {}", phrases::outcome(outcome, self.names)));
            }
            RouterOutput::Note(event) => self.noted(at, event),
            // That a stream begins was said with its first token.
            RouterOutput::Accepted { .. }
            | RouterOutput::Commit { .. }
            | RouterOutput::Check { .. }
            | RouterOutput::Shared(_) => {}
        }
    }

    fn started(&mut self, at: Timestamp, start: &StartAttempt) {
        self.none_told = false;
        self.may_continue = start.may_continue;
        let (attempt, _) = self.attempt(start.attempt, at);
        let Some(pick) = self.pick.take() else {
            self.line(at, format!("{attempt} begins"));
            return;
        };
        let by = if pick.by_session {
            "its session was served there".to_owned()
        } else {
            format!("picked by {}{}", pick.strategy, scope(pick.scope))
        };
        let provider = self.names.provider(start.deployment).unwrap_or("its provider");
        self.line(at, format!("{attempt} ({provider}) begins: {by}"));
        if let Some(by) = start.continues {
            self.detail(format!(
                "it is to go on from what the client has of the answer, told as {}",
                match by {
                    ContinueBy::Prefill => "the beginning of the model's own message",
                    ContinueBy::Instruction => "a quotation in a message of the user's",
                }
            ));
        }
        self.candidates(pick);
    }

    fn cancelled(&mut self, at: Timestamp, attempt: AttemptId, reason: CancelReason) {
        let (attempt, after) = self.attempt(attempt, at);
        let why = match reason {
            CancelReason::FirstTokenTimeout => "no first token in time",
            CancelReason::TotalTimeout => "no end in time",
            CancelReason::Deadline => "the deadline of the request has passed",
            CancelReason::ClientGone => "its client is gone",
            CancelReason::LostRace => "the answer of the other attempt began first",
        };
        self.line(at, format!("{attempt} is stopped {after}: {why} (`{}`)", reason.as_str()));
    }

    fn noted(&mut self, at: Timestamp, event: &RouterEvent) {
        match event {
            RouterEvent::RetryScheduled { wait, .. } => self.backoff(wait),
            RouterEvent::Queued { group, until, .. } => {
                let (group, until) = (self.names.group(*group), self.names.time(*until));
                self.line(at, format!("waits in `{group}` until {until} at most"));
            }
            RouterEvent::GroupUnavailable { group, .. } => {
                let group = self.names.group(*group);
                self.detail(format!("every deployment of `{group}` that could serve it is ejected"));
            }
            RouterEvent::RateLimited { tenant, limit, .. } => {
                let whose = match tenant {
                    Some(tenant) => format!("tenant `{}`", self.names.tenant(*tenant)),
                    None => "its group".to_owned(),
                };
                let limit = phrases::limit_words(*limit);
                self.line(at, format!("not admitted: {whose} has reached its limit of {limit}"));
            }
            RouterEvent::QueueFull { group, .. } => {
                let group = self.names.group(*group);
                self.line(at, format!("the queue of `{group}` is full: it has no place there"));
            }
            RouterEvent::Shed { group, .. } => {
                let group = self.names.group(*group);
                self.line(at, format!("the queue of `{group}` would not serve it in time, at its pace of late"));
            }
            RouterEvent::TooLate { group, .. } => {
                let group = self.names.group(*group);
                self.line(at, format!("too late for another attempt in `{group}`: it could not answer before the deadline"));
            }
            RouterEvent::NotSent { .. } => {
                self.detail("nothing was sent: the request cannot be expressed there");
            }
            RouterEvent::Probe { deployment, .. } => {
                let deployment = self.deployment(*deployment);
                self.detail(format!("it is the probe of {deployment}: one attempt, to see whether it has recovered"));
            }
            RouterEvent::Continued { deployment, .. } => {
                let deployment = self.deployment(*deployment);
                self.detail(format!("the client's stream goes on with what {deployment} answers"));
            }
            RouterEvent::Hedged { deployment, .. } => {
                let deployment = self.deployment(*deployment);
                self.detail(format!("it runs at {deployment} beside the attempt that keeps the request waiting"));
            }
            RouterEvent::Silent { deployment, .. } => {
                let deployment = self.deployment(*deployment);
                self.detail(format!("the silence was longer than is usual: held against {deployment}"));
            }
            // Said by an input, a decision or another output.
            RouterEvent::RetryBudgetExhausted { .. }
            | RouterEvent::FellBack { .. }
            | RouterEvent::TimedOut { .. }
            | RouterEvent::PickRejected { .. }
            | RouterEvent::AttemptFailed { .. }
            // About deployments.
            | RouterEvent::CooldownStarted { .. }
            | RouterEvent::CooldownEnded { .. }
            | RouterEvent::Recovered { .. }
            | RouterEvent::LimitReached { .. }
            | RouterEvent::SpendBudgetExceeded { .. }
            | RouterEvent::HealthChanged { .. }
            | RouterEvent::Reconfigured { .. }
            | RouterEvent::Shared(_) => {}
        }
    }

    fn backoff(&mut self, wait: &RetryWait) {
        let delay = phrases::lasted(wait.delay);
        let jitter = phrases::lasted(wait.jitter);
        let ceiling = phrases::lasted(wait.ceiling);
        let mut text = format!("it waits {delay}: a backoff of {jitter} (drawn below {ceiling})");
        if wait.delay > wait.jitter {
            let until = phrases::lasted(wait.delay - wait.jitter);
            text.push_str(&format!(", behind {until} until a deployment can be used"));
        }
        if let Some(asked) = wait.retry_after {
            text.push_str(&format!("; the provider asked for {}", phrases::lasted(asked)));
        }
        self.detail(text);
    }
}

const fn scope(scope: PickScope) -> &'static str {
    match scope {
        PickScope::All => "",
        PickScope::Untried => ", where it was not tried",
        PickScope::IgnoringCircuits => ", as if no circuit were open (panic mode)",
    }
}

fn none_in_time(why: &NoneInTime, names: &TrailNames) -> String {
    let patience = phrases::lasted(why.max_queue_wait);
    match (why.possible, why.earliest) {
        (false, _) => "no wait would change that: it does not fit any of them".to_owned(),
        (true, Some(at)) => {
            format!("the first is back at {}, and it may wait {patience}", names.time(at))
        }
        (true, None) => {
            format!("none says when it is back, and it may wait {patience}")
        }
    }
}
