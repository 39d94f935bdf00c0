//! The states that a swarm has to reach: one that never does proves nothing about them.

use squall_record::{RecordedEvent as Row, Recording, RequestOutcome};
use squall_router::{RouterEvent, SharedEvent};
use std::collections::BTreeMap;

/// How often each state was reached.
#[derive(Debug, Default)]
pub(crate) struct States(BTreeMap<String, u64>);

/// Every state that has to be reached by some hundred seeds.
pub(crate) const WANTED: [&str; 35] = [
    "shared store away",
    "shared store back",
    "cooldown: throttled",
    "cooldown: consecutive_failures",
    "cooldown: failure_share",
    "cooldown: probe_failed",
    "cooldown: misconfigured",
    "cooldown: allowed_fails",
    "cooldown ended",
    "probe",
    "recovered",
    "retry scheduled",
    "retry budget spent",
    "fell back",
    "fallback chain exhausted",
    "queued",
    "queue full",
    "deployment limit reached",
    "group held back",
    "money spent",
    "health changed",
    "all out",
    "timed out",
    "client gave up",
    "client saw: throttled",
    "client saw: overloaded",
    "client saw: server",
    "client saw: auth",
    "client saw: bad_request",
    "client saw: content_policy",
    "client saw: timeout",
    "client saw: connect",
    "client saw: cut",
    "client saw: stalled",
    "configuration changed",
];

impl States {
    /// Counts what a run reached.
    pub(crate) fn count(&mut self, recording: &Recording) {
        for row in &recording.notes {
            if let Row::Router(note) = row.note
                && let Some(state) = of_note(note)
            {
                *self.0.entry(state).or_default() += 1;
            }
        }
        let mut last = BTreeMap::new();
        for row in &recording.attempts {
            if let Some(request) = row.request {
                last.insert(
                    request,
                    recording.header.deployments[usize::from(row.deployment)].group,
                );
            }
        }
        for row in &recording.requests {
            let state = match row.outcome {
                RequestOutcome::Failed { class, .. } => {
                    if last.get(&row.request).is_some_and(|&group| group != row.group) {
                        self.add("fallback chain exhausted");
                    }
                    format!("client saw: {}", class.as_str())
                }
                RequestOutcome::GaveUp => "client gave up".to_owned(),
                _ => continue,
            };
            *self.0.entry(state).or_default() += 1;
        }
        if !recording.header.changes.is_empty() {
            self.add("configuration changed");
        }
    }

    fn add(&mut self, state: &str) {
        *self.0.entry(state.to_owned()).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (state, count) in other.0 {
            *self.0.entry(state).or_default() += count;
        }
    }

    /// The states that were never reached.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        WANTED.into_iter().filter(|state| !self.0.contains_key(*state)).collect()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(state, count)| format!("{count:>9}  {state}")).collect()
    }
}

fn of_note(note: RouterEvent) -> Option<String> {
    Some(match note {
        RouterEvent::CooldownStarted { cause, .. } => format!("cooldown: {}", cause.as_str()),
        other => {
            let state = match other {
                RouterEvent::CooldownEnded { .. } => "cooldown ended",
                RouterEvent::Probe { .. } => "probe",
                RouterEvent::Recovered { .. } => "recovered",
                RouterEvent::RetryScheduled { .. } => "retry scheduled",
                RouterEvent::RetryBudgetExhausted { .. } => "retry budget spent",
                RouterEvent::FellBack { .. } => "fell back",
                RouterEvent::Queued { .. } => "queued",
                RouterEvent::QueueFull { .. } => "queue full",
                RouterEvent::Shed { .. } => "shed",
                RouterEvent::LimitReached { .. } => "deployment limit reached",
                RouterEvent::RateLimited { .. } => "group held back",
                RouterEvent::SpendBudgetExceeded { .. } => "money spent",
                RouterEvent::HealthChanged { .. } => "health changed",
                RouterEvent::GroupUnavailable { .. } => "all out",
                RouterEvent::TimedOut { .. } => "timed out",
                RouterEvent::TooLate { .. } => "too late for another attempt",
                RouterEvent::Hedged { .. } => "second attempt beside the first",
                RouterEvent::Continued { .. } => "stream went on elsewhere",
                RouterEvent::Shared(SharedEvent::StoreAway) => "shared store away",
                RouterEvent::Shared(SharedEvent::StoreBack { .. }) => "shared store back",
                _ => return None,
            };
            state.to_owned()
        }
    })
}
