//! What can happen in a run, as its recording tells it: one by one.

use crate::moves::traffic_moved;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_judge::{fault_windows, text};
use squall_record::{AttemptOutcome, RecordedEvent, Recording, RequestOutcome};
use squall_router::{CooldownCause, DeploymentId, GroupId, LimitScope, RouterEvent as Decision};
use squall_scenario::{MetricId, Scenario};
use std::time::Duration;

/// Something that happened once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Occurrence {
    pub(super) at: Timestamp,
    pub(super) topic: Topic,
    /// To whom: a deployment, a group, clients.
    pub(super) subject: String,
    /// What is told of one alone.
    pub(super) detail: String,
}

/// What it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Topic {
    FaultBegins,
    FaultEnds,
    FirstFailure,
    Ejected,
    ProbeFailed,
    Throttled,
    Recovered,
    Left,
    Back,
    Lost,
    Queued,
    QueueFull,
    Shed,
    RetryBudget,
    FellBack,
    Unavailable,
    Limited,
    LimitReached,
    BudgetSpent,
    Unhealthy,
    Healthy,
    Changed,
    Cut,
}

impl Topic {
    /// Whether several are told as one.
    pub(super) const fn joins(self) -> bool {
        !matches!(
            self,
            Self::FaultBegins
                | Self::FaultEnds
                | Self::Left
                | Self::Back
                | Self::Changed
                | Self::Cut
        )
    }
}

/// All that happened, by time.
pub(super) fn occurrences(scenario: &Scenario, recording: &Recording) -> Vec<Occurrence> {
    let mut all = Vec::new();
    let told = ToldRun { scenario, recording };
    told.faults(&mut all);
    told.first_failures(&mut all);
    told.decisions(&mut all);
    told.moves(&mut all);
    told.losses(&mut all);
    for change in &recording.header.changes {
        push(&mut all, change.at, Topic::Changed, String::new(), change.what.clone());
    }
    if let Some(at) = recording.header.ended.cut_at() {
        push(&mut all, at, Topic::Cut, String::new(), String::new());
    }
    all.sort_by_key(|occurrence| occurrence.at);
    all
}

fn push(all: &mut Vec<Occurrence>, at: Timestamp, topic: Topic, subject: String, detail: String) {
    all.push(Occurrence { at, topic, subject, detail });
}

/// A run and what it tells.
struct ToldRun<'r> {
    scenario: &'r Scenario,
    recording: &'r Recording,
}

impl ToldRun<'_> {
    fn deployment(&self, id: DeploymentId) -> String {
        let info = self.recording.header.deployments.get(usize::from(id.0));
        info.map_or_else(|| format!("deployment {}", id.0), |info| info.name.clone())
    }

    fn group(&self, id: GroupId) -> String {
        let name = self.recording.header.groups.get(usize::from(id.0));
        name.cloned().unwrap_or_else(|| format!("group {}", id.0))
    }

    /// A provider and the deployments behind it, where they have other names.
    fn provider(&self, provider: u16) -> String {
        let header = &self.recording.header;
        let name = header.providers.get(usize::from(provider)).map_or("a provider", String::as_str);
        let of_it = header.deployments.iter().filter(|info| info.provider == provider);
        let names: Vec<_> = of_it.map(|info| info.name.as_str()).collect();
        match &names[..] {
            [] => name.to_owned(),
            [one] if *one == name => name.to_owned(),
            [one] => format!("{one} ({name})"),
            all => format!("{name} (behind {})", all.join(", ")),
        }
    }

    fn fault(&self, provider: u16, fault: u16) -> String {
        let provider = self.scenario.providers.get(usize::from(provider));
        let fault = provider.and_then(|it| it.config.faults.get(usize::from(fault)));
        fault.map_or_else(|| "a random fault".to_owned(), ToString::to_string)
    }

    fn faults(&self, all: &mut Vec<Occurrence>) {
        for row in &self.recording.notes {
            let (topic, provider, fault) = match row.note {
                RecordedEvent::FaultStarted { provider, fault } => {
                    (Topic::FaultBegins, provider, fault)
                }
                RecordedEvent::FaultEnded { provider, fault } => {
                    (Topic::FaultEnds, provider, fault)
                }
                RecordedEvent::Router(_) => continue,
            };
            push(all, row.at, topic, self.provider(provider), self.fault(provider, fault));
        }
    }

    /// The first attempt of each deployment that failed, or was throttled, after each beginning of a fault.
    fn first_failures(&self, all: &mut Vec<Occurrence>) {
        let mut rows: Vec<_> = self.recording.attempts.iter().collect();
        rows.sort_by_key(|row| row.ended);
        for (number, info) in (0_u16..).zip(&self.recording.header.deployments) {
            let begins = self.recording.notes.iter().filter_map(|row| match row.note {
                RecordedEvent::FaultStarted { provider, .. } if provider == info.provider => {
                    Some(row.at)
                }
                _ => None,
            });
            for begun in begins {
                let first = rows[rows.partition_point(|row| row.ended < begun)..].iter();
                let mut first = first.filter(|row| row.deployment == number && row.fault.is_some());
                let failed = first.find_map(|row| match row.outcome {
                    AttemptOutcome::Failed { class } => Some((row, class)),
                    _ => None,
                });
                let Some((row, class)) = failed else { continue };
                let detail = format!("{}{}", words(class), status(row.status));
                push(all, row.ended, Topic::FirstFailure, info.name.clone(), detail);
            }
        }
    }

    /// What the router decided. Failed attempts are counted from the beginning of a fault on, or a deployment's return.
    fn decisions(&self, all: &mut Vec<Occurrence>) {
        let mut failed = vec![0_u64; self.recording.header.deployments.len()];
        let mut out_since = vec![None; failed.len()];
        for row in &self.recording.notes {
            let decision = match row.note {
                RecordedEvent::Router(decision) => decision,
                RecordedEvent::FaultStarted { provider, .. } => {
                    let infos = self.recording.header.deployments.iter().enumerate();
                    let hit = infos.filter(|(place, info)| {
                        info.provider == provider && out_since[*place].is_none()
                    });
                    hit.for_each(|(place, _)| failed[place] = 0);
                    continue;
                }
                RecordedEvent::FaultEnded { .. } => continue,
            };
            let mut push = |topic, subject, detail| push(all, row.at, topic, subject, detail);
            match decision {
                Decision::AttemptFailed { deployment, class, .. } => {
                    let throttled = class == FailureClass::Throttled;
                    if let Some(count) = failed.get_mut(usize::from(deployment.0)) {
                        *count += u64::from(!throttled);
                    }
                }
                Decision::Silent { deployment, .. } => {
                    if let Some(count) = failed.get_mut(usize::from(deployment.0)) {
                        *count += 1;
                    }
                }
                Decision::CooldownStarted { deployment, cause, until } => {
                    let name = self.deployment(deployment);
                    let place = usize::from(deployment.0);
                    let count = failed.get(place).copied().unwrap_or(0);
                    match cause {
                        CooldownCause::Throttled => push(Topic::Throttled, name, String::new()),
                        CooldownCause::ProbeFailed => push(Topic::ProbeFailed, name, String::new()),
                        _ => {
                            push(Topic::Ejected, name, ejected(count, cause, until));
                        }
                    }
                    let since = out_since.get_mut(place);
                    if let Some(since) = since.filter(|_| cause != CooldownCause::Throttled) {
                        since.get_or_insert(row.at);
                    }
                }
                Decision::Recovered { deployment } => {
                    let place = usize::from(deployment.0);
                    if let Some(count) = failed.get_mut(place) {
                        *count = 0;
                    }
                    let since = out_since.get_mut(place).and_then(Option::take);
                    let out =
                        since.map(|since: Timestamp| text::duration(tenths(row.at.since(since))));
                    let out = out.map(|out| format!(", after {out} without traffic"));
                    push(Topic::Recovered, self.deployment(deployment), out.unwrap_or_default());
                }
                _ => {
                    if let Some((topic, subject, detail)) = self.of_traffic(decision) {
                        push(topic, subject, detail);
                    }
                }
            }
        }
    }

    /// Queues, limits and fallbacks.
    fn of_traffic(&self, decision: Decision) -> Option<(Topic, String, String)> {
        let of = |topic, subject| Some((topic, subject, String::new()));
        match decision {
            Decision::Queued { group, .. } => of(Topic::Queued, self.group(group)),
            Decision::QueueFull { group, .. } => of(Topic::QueueFull, self.group(group)),
            Decision::Shed { group, .. } => of(Topic::Shed, self.group(group)),
            Decision::GroupUnavailable { group, .. } => of(Topic::Unavailable, self.group(group)),
            Decision::RetryBudgetExhausted { group, .. } => {
                of(Topic::RetryBudget, self.group(group))
            }
            Decision::FellBack { from, to, .. } => {
                of(Topic::FellBack, format!("from {} to {}", self.group(from), self.group(to)))
            }
            Decision::RateLimited { limit, .. } => {
                of(Topic::Limited, limit_words(limit).to_owned())
            }
            Decision::LimitReached { deployment, limit } => {
                let name = self.deployment(deployment);
                of(Topic::LimitReached, format!("{name} ({})", limit_words(limit)))
            }
            Decision::SpendBudgetExceeded { deployment, .. } => {
                of(Topic::BudgetSpent, self.deployment(deployment))
            }
            Decision::HealthChanged { deployment, healthy } => {
                let topic = if healthy { Topic::Healthy } else { Topic::Unhealthy };
                of(topic, self.deployment(deployment))
            }
            _ => None,
        }
    }

    /// When traffic had left a deployment that fails, and was back, by the metrics of the verdict.
    fn moves(&self, all: &mut Vec<Occurrence>) {
        for (number, info) in self.recording.header.deployments.iter().enumerate() {
            for fault in fault_windows(self.scenario, number) {
                let ends = [
                    (MetricId::FailoverTime, fault.start, Topic::Left),
                    (MetricId::RecoveryTime, fault.end, Topic::Back),
                ];
                for (metric, since, topic) in ends {
                    let moved = traffic_moved(self.scenario, self.recording, number, metric, since);
                    let Some(time) = moved else { continue };
                    let (at, detail) = match time {
                        Duration::MAX => (since, String::new()),
                        _ => (since + time, text::duration(time)),
                    };
                    push(all, at, topic, info.name.clone(), detail);
                }
            }
        }
    }

    /// Requests that failed for their clients, or that these gave up.
    fn losses(&self, all: &mut Vec<Occurrence>) {
        let mut rows: Vec<_> = self.recording.requests.iter().collect();
        rows.sort_by_key(|row| row.ended);
        for row in rows {
            let detail = match row.outcome {
                RequestOutcome::Failed { class, .. } => words(class),
                RequestOutcome::GaveUp => "abandoned".to_owned(),
                RequestOutcome::Succeeded | RequestOutcome::Unfinished => continue,
            };
            push(all, row.ended, Topic::Lost, String::new(), detail);
        }
    }
}

/// Why a deployment was ejected, and until when at least.
fn ejected(failed: u64, cause: CooldownCause, until: Timestamp) -> String {
    let after = match failed {
        0 => String::new(),
        1 => " after 1 failed attempt".to_owned(),
        _ => format!(" after {} failed attempts", text::count(failed)),
    };
    format!("{after}: {}; until {} at least", cause_words(cause), text::moment(until))
}

/// To a tenth of a second.
fn tenths(duration: Duration) -> Duration {
    Duration::from_millis((duration.as_millis() as u64 + 50) / 100 * 100)
}

fn words(class: FailureClass) -> String {
    class.as_str().replace('_', " ")
}

fn status(status: u16) -> String {
    if status == 0 { String::new() } else { format!(" ({status})") }
}

const fn cause_words(cause: CooldownCause) -> &'static str {
    match cause {
        CooldownCause::Throttled => "it was throttled",
        CooldownCause::ConsecutiveFailures => "too many in a row",
        CooldownCause::FailureShare => "too large a share of its attempts",
        CooldownCause::ProbeFailed => "its probe failed",
        CooldownCause::Misconfigured => "its key, model or quota needs a person",
        CooldownCause::AllowedFails => "more than allowed",
    }
}

const fn limit_words(limit: LimitScope) -> &'static str {
    match limit {
        LimitScope::Requests => "requests per minute",
        LimitScope::Tokens => "tokens per minute",
        LimitScope::Concurrency => "attempts at once",
        LimitScope::Money => "money",
    }
}
