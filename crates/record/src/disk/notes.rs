//! `notes.csv`: one line per note, with the columns that its event has.

use super::header::place;
use super::rows::{class, deployment};
use crate::{NoteRow, RecordedEvent, RunHeader};
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use squall_failure::CallFailureCause;
use squall_router::{
    AttemptId, CancelReason, ConfigId, ContinueBy, CooldownCause, DeploymentId, GroupId,
    LimitScope, PickProblem, RequestKey, RetryWait, RouterEvent as Decision, SharedEvent, TenantId,
};
use std::time::Duration;

const CLIENT_RETRIED: &str = "client_retried";
const HEALTHY: &str = "healthy";
const UNHEALTHY: &str = "unhealthy";

/// Events that have another word in recordings of form 2 and early ones of form 3, with their words today.
const FORM_2_EVENTS: [(&str, &str); 4] = [
    ("budget_spent", "retry_budget_exhausted"),
    ("budget_exceeded", "spend_budget_exceeded"),
    ("all_out", "group_unavailable"),
    ("held_back", "rate_limited"),
];

/// The columns of `notes.csv`.
pub(super) const NOTE_COLUMNS: [&str; 20] = [
    "at_ns",
    "event",
    "request",
    "slot",
    "generation",
    "nth",
    "deployment",
    "group",
    "to_group",
    "why",
    "until_ns",
    "retry",
    "ceiling_ns",
    "jitter_ns",
    "retry_after_ns",
    "delay_ns",
    "provider",
    "fault",
    "tenant",
    "config",
];

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct NoteLine {
    at_ns: u64,
    event: String,
    request: Option<u64>,
    /// The request's name in the router: slot and generation.
    slot: Option<u32>,
    generation: Option<u32>,
    nth: Option<u16>,
    deployment: Option<String>,
    group: Option<String>,
    to_group: Option<String>,
    /// A cause, a limit, a reason or a class, whichever the event has.
    why: Option<String>,
    until_ns: Option<u64>,
    retry: Option<u16>,
    ceiling_ns: Option<u64>,
    jitter_ns: Option<u64>,
    retry_after_ns: Option<u64>,
    delay_ns: Option<u64>,
    provider: Option<String>,
    fault: Option<u16>,
    /// The tenant's place in the configuration.
    tenant: Option<u16>,
    /// The configuration's number.
    config: Option<u16>,
}

/// Events that say of which request in which group they are, and nothing else but a problem.
const OF_REQUEST_IN_GROUP: [&str; 6] = [
    "retry_budget_exhausted",
    "group_unavailable",
    "queue_full",
    "shed",
    "too_late",
    "pick_rejected",
];

impl NoteLine {
    pub(super) fn of(row: &NoteRow, header: &RunHeader) -> Self {
        let line = match row.note {
            RecordedEvent::Router(decision) => Self::of_decision(decision, header),
            RecordedEvent::FaultStarted { provider, fault } => {
                Self::of_fault("fault_started", provider, fault, header)
            }
            RecordedEvent::FaultEnded { provider, fault } => {
                Self::of_fault("fault_ended", provider, fault, header)
            }
            RecordedEvent::ClientRetried { nth, cause, wait } => Self {
                event: CLIENT_RETRIED.to_owned(),
                nth: Some(nth),
                why: Some(cause.to_string()),
                delay_ns: Some(wait.as_nanos() as u64),
                ..Self::default()
            },
        };
        Self { at_ns: row.at.as_nanos(), request: row.request, ..line }
    }

    fn of_fault(event: &str, provider: u16, fault: u16, header: &RunHeader) -> Self {
        Self {
            event: event.to_owned(),
            provider: Some(header.providers[usize::from(provider)].clone()),
            fault: Some(fault),
            ..Self::default()
        }
    }

    fn of_decision(decision: Decision, header: &RunHeader) -> Self {
        let line = Self { event: event(&decision).to_owned(), ..Self::default() };
        let at = |id: DeploymentId| Some(header.deployments[id.index()].name.clone());
        let named = |id: GroupId| Some(header.groups[id.index()].clone());
        let line = line.keyed(&decision);
        match decision {
            Decision::CooldownStarted { deployment, cause, until } => Self {
                deployment: at(deployment),
                why: Some(cause.as_str().to_owned()),
                until_ns: Some(until.as_nanos()),
                ..line
            },
            Decision::CooldownEnded { deployment }
            | Decision::Recovered { deployment }
            | Decision::Probe { deployment, .. } => Self { deployment: at(deployment), ..line },
            Decision::RetryScheduled { wait, .. } => Self {
                retry: Some(wait.retry),
                ceiling_ns: Some(wait.ceiling.as_nanos() as u64),
                jitter_ns: Some(wait.jitter.as_nanos() as u64),
                retry_after_ns: wait.retry_after.map(|wait| wait.as_nanos() as u64),
                delay_ns: Some(wait.delay.as_nanos() as u64),
                ..line
            },
            Decision::RetryBudgetExhausted { group, .. }
            | Decision::GroupUnavailable { group, .. }
            | Decision::QueueFull { group, .. }
            | Decision::Shed { group, .. }
            | Decision::TooLate { group, .. } => Self { group: named(group), ..line },
            Decision::RateLimited { tenant, limit, .. } => Self {
                tenant: tenant.map(|tenant| tenant.0),
                why: Some(limit.as_str().to_owned()),
                ..line
            },
            Decision::SpendBudgetExceeded { deployment, until } => {
                Self { deployment: at(deployment), until_ns: Some(until.as_nanos()), ..line }
            }
            Decision::HealthChanged { deployment, healthy } => {
                let why = if healthy { HEALTHY } else { UNHEALTHY };
                Self { deployment: at(deployment), why: Some(why.to_owned()), ..line }
            }
            Decision::Shared(SharedEvent::StoreAway) => line,
            Decision::Shared(SharedEvent::StoreBack { members }) => {
                Self { why: Some(members.to_string()), ..line }
            }
            Decision::Reconfigured { config } => Self { config: Some(config.0), ..line },
            Decision::FellBack { from, to, .. } => {
                Self { group: named(from), to_group: named(to), ..line }
            }
            Decision::Queued { group, until, .. } => {
                Self { group: named(group), until_ns: Some(until.as_nanos()), ..line }
            }
            Decision::LimitReached { deployment, limit } => {
                Self { deployment: at(deployment), why: Some(limit.as_str().to_owned()), ..line }
            }
            Decision::TimedOut { deployment, reason, .. } => {
                Self { deployment: at(deployment), why: Some(reason.as_str().to_owned()), ..line }
            }
            Decision::PickRejected { group, problem, .. } => {
                Self { group: named(group), why: Some(problem.as_str().to_owned()), ..line }
            }
            Decision::Continued { deployment, by, .. } => {
                Self { deployment: at(deployment), why: Some(by.as_str().to_owned()), ..line }
            }
            Decision::NotSent { deployment, .. }
            | Decision::Hedged { deployment, .. }
            | Decision::Silent { deployment, .. } => Self { deployment: at(deployment), ..line },
            Decision::AttemptFailed { deployment, class, .. } => {
                Self { deployment: at(deployment), why: Some(class.as_str().to_owned()), ..line }
            }
        }
    }

    fn keyed(self, decision: &Decision) -> Self {
        let nth = match decision {
            Decision::Probe { attempt, .. }
            | Decision::TimedOut { attempt, .. }
            | Decision::NotSent { attempt, .. }
            | Decision::Silent { attempt, .. }
            | Decision::Hedged { attempt, .. }
            | Decision::Continued { attempt, .. }
            | Decision::AttemptFailed { attempt, .. } => Some(attempt.nth),
            _ => None,
        };
        let key = decision.request();
        Self {
            slot: key.map(|key| key.slot),
            generation: key.map(|key| key.generation),
            nth,
            ..self
        }
    }

    pub(super) fn into_row(mut self, header: &RunHeader) -> Result<NoteRow, String> {
        if let Some((_, word)) = FORM_2_EVENTS.iter().find(|(old, _)| *old == self.event) {
            self.event = (*word).to_owned();
        }
        let note = match self.event.as_str() {
            "fault_started" => {
                let (provider, fault) = self.fault(header)?;
                RecordedEvent::FaultStarted { provider, fault }
            }
            "fault_ended" => {
                let (provider, fault) = self.fault(header)?;
                RecordedEvent::FaultEnded { provider, fault }
            }
            CLIENT_RETRIED => {
                let cause = self.why.as_deref().and_then(CallFailureCause::from_word);
                let wait = self.delay_ns.map(Duration::from_nanos);
                RecordedEvent::ClientRetried {
                    nth: self.nth.ok_or("`nth` is missing")?,
                    cause: cause.ok_or("`why` is no cause of a call that failed")?,
                    wait: wait.ok_or("`delay_ns` is missing")?,
                }
            }
            _ => RecordedEvent::Router(self.decision(header)?),
        };
        Ok(NoteRow { at: Timestamp::from_nanos(self.at_ns), request: self.request, note })
    }

    fn fault(&self, header: &RunHeader) -> Result<(u16, u16), String> {
        let provider = self.provider.as_deref().ok_or("a fault needs a provider")?;
        Ok((place(&header.providers, provider)?, self.fault.ok_or("a fault needs its number")?))
    }

    /// A note about a request in a group, and nothing else.
    fn of_request_in_group(&self, group: GroupId) -> Result<Decision, String> {
        let request = self.key()?;
        Ok(match self.event.as_str() {
            "retry_budget_exhausted" => Decision::RetryBudgetExhausted { request, group },
            "group_unavailable" => Decision::GroupUnavailable { request, group },
            "queue_full" => Decision::QueueFull { request, group },
            "shed" => Decision::Shed { request, group },
            "too_late" => Decision::TooLate { request, group },
            _ => {
                let problem = self.why.as_deref().and_then(PickProblem::from_word);
                let problem = problem.ok_or("`why` is no problem of a pick")?;
                Decision::PickRejected { request, group, problem }
            }
        })
    }

    /// A note about an attempt at a deployment.
    fn of_attempt(&self, deployment: DeploymentId) -> Result<Decision, String> {
        let attempt = self.attempt()?;
        let why = self.why.as_deref().unwrap_or_default();
        let unknown = || format!("`why` cannot be `{why}` here");
        Ok(match self.event.as_str() {
            "probe" => Decision::Probe { deployment, attempt },
            "silent" => Decision::Silent { attempt, deployment },
            "hedged" => Decision::Hedged { attempt, deployment },
            "timed_out" => {
                let reason = CancelReason::from_word(why).ok_or_else(unknown)?;
                Decision::TimedOut { attempt, deployment, reason }
            }
            "continued" => {
                let by = ContinueBy::from_word(why).ok_or_else(unknown)?;
                Decision::Continued { attempt, deployment, by }
            }
            "attempt_failed" => {
                let class = class(self.why.as_deref())?;
                Decision::AttemptFailed { attempt, deployment, class }
            }
            _ => Decision::NotSent { attempt, deployment },
        })
    }

    fn decision(&self, header: &RunHeader) -> Result<Decision, String> {
        let at = || self.deployment.as_deref().ok_or("`deployment` is missing");
        let at = || Ok::<_, String>(DeploymentId(deployment(header, at()?)?));
        let group = |name: &Option<String>| {
            let name = name.as_deref().ok_or("`group` is missing")?;
            Ok::<_, String>(GroupId(place(&header.groups, name)?))
        };
        let until = || self.until_ns.map(Timestamp::from_nanos).ok_or("`until_ns` is missing");
        let why = self.why.as_deref().unwrap_or_default();
        let unknown = || format!("`why` cannot be `{why}` here");
        Ok(match self.event.as_str() {
            "cooldown_started" => Decision::CooldownStarted {
                deployment: at()?,
                cause: CooldownCause::from_word(why).ok_or_else(unknown)?,
                until: until()?,
            },
            "cooldown_ended" => Decision::CooldownEnded { deployment: at()? },
            "recovered" => Decision::Recovered { deployment: at()? },
            "probe" | "silent" | "hedged" | "not_sent" | "timed_out" | "continued"
            | "attempt_failed" => self.of_attempt(at()?)?,
            "retry_scheduled" => {
                Decision::RetryScheduled { request: self.key()?, wait: self.wait()? }
            }
            event if OF_REQUEST_IN_GROUP.contains(&event) => {
                self.of_request_in_group(group(&self.group)?)?
            }
            "rate_limited" => Decision::RateLimited {
                request: self.key()?,
                tenant: self.tenant.map(TenantId),
                limit: LimitScope::from_word(why).ok_or_else(unknown)?,
            },
            "spend_budget_exceeded" => {
                Decision::SpendBudgetExceeded { deployment: at()?, until: until()? }
            }
            "health_changed" => Decision::HealthChanged {
                deployment: at()?,
                healthy: healthy(why).ok_or_else(unknown)?,
            },
            "store_away" => Decision::Shared(SharedEvent::StoreAway),
            "store_back" => Decision::Shared(SharedEvent::StoreBack {
                members: why.parse().map_err(|_| unknown())?,
            }),
            "reconfigured" => Decision::Reconfigured {
                config: ConfigId(self.config.ok_or("`config` is missing")?),
            },
            "fell_back" => Decision::FellBack {
                request: self.key()?,
                from: group(&self.group)?,
                to: group(&self.to_group)?,
            },
            "queued" => Decision::Queued {
                request: self.key()?,
                group: group(&self.group)?,
                until: until()?,
            },
            "limit_reached" => Decision::LimitReached {
                deployment: at()?,
                limit: LimitScope::from_word(why).ok_or_else(unknown)?,
            },
            other => return Err(format!("no event `{other}`")),
        })
    }

    fn key(&self) -> Result<RequestKey, String> {
        let key = self.slot.zip(self.generation);
        let key = key.map(|(slot, generation)| RequestKey { slot, generation });
        key.ok_or_else(|| "`slot` and `generation` are missing".to_owned())
    }

    fn attempt(&self) -> Result<AttemptId, String> {
        Ok(AttemptId { request: self.key()?, nth: self.nth.ok_or("`nth` is missing")? })
    }

    fn wait(&self) -> Result<RetryWait, String> {
        let time =
            |nanos: Option<u64>| nanos.map(Duration::from_nanos).ok_or("a retry needs its wait");
        Ok(RetryWait {
            retry: self.retry.ok_or("`retry` is missing")?,
            ceiling: time(self.ceiling_ns)?,
            jitter: time(self.jitter_ns)?,
            retry_after: self.retry_after_ns.map(Duration::from_nanos),
            delay: time(self.delay_ns)?,
        })
    }
}

fn healthy(word: &str) -> Option<bool> {
    [(HEALTHY, true), (UNHEALTHY, false)]
        .into_iter()
        .find(|&(known, _)| known == word)
        .map(|it| it.1)
}

const fn event(decision: &Decision) -> &'static str {
    match decision {
        Decision::CooldownStarted { .. } => "cooldown_started",
        Decision::CooldownEnded { .. } => "cooldown_ended",
        Decision::Probe { .. } => "probe",
        Decision::Recovered { .. } => "recovered",
        Decision::RetryScheduled { .. } => "retry_scheduled",
        Decision::RetryBudgetExhausted { .. } => "retry_budget_exhausted",
        Decision::FellBack { .. } => "fell_back",
        Decision::Queued { .. } => "queued",
        Decision::GroupUnavailable { .. } => "group_unavailable",
        Decision::RateLimited { .. } => "rate_limited",
        Decision::QueueFull { .. } => "queue_full",
        Decision::Shed { .. } => "shed",
        Decision::TooLate { .. } => "too_late",
        Decision::SpendBudgetExceeded { .. } => "spend_budget_exceeded",
        Decision::HealthChanged { .. } => "health_changed",
        Decision::Shared(SharedEvent::StoreAway) => "store_away",
        Decision::Shared(SharedEvent::StoreBack { .. }) => "store_back",
        Decision::Reconfigured { .. } => "reconfigured",
        Decision::LimitReached { .. } => "limit_reached",
        Decision::TimedOut { .. } => "timed_out",
        Decision::PickRejected { .. } => "pick_rejected",
        Decision::NotSent { .. } => "not_sent",
        Decision::Silent { .. } => "silent",
        Decision::Hedged { .. } => "hedged",
        Decision::Continued { .. } => "continued",
        Decision::AttemptFailed { .. } => "attempt_failed",
    }
}
