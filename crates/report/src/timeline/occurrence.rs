//! What can happen in a run, as its recording tells it: one by one.

use crate::moves::traffic_moved;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;
use squall_judge::{fault_windows, text};
use squall_record::{
    AttemptOutcome, AttemptRow, NoteRow, RecordedEvent, Recording, RequestOutcome, RequestRow,
    RunHeader,
};
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

impl Topic {
    /// Whether a line of several tells what is told of each.
    pub(super) const fn tells_kinds(self) -> bool {
        matches!(
            self,
            Self::FaultBegins | Self::FaultEnds | Self::FirstFailure | Self::Lost | Self::Changed
        )
    }
}

/// All that happened, by time.
pub(super) fn occurrences(scenario: &Scenario, recording: &Recording) -> Vec<Occurrence> {
    let Recording { header, notes, attempts, requests, .. } = recording;
    let mut all = Vec::new();
    let mut told = ToldRun::new(scenario, header);
    let mut ended: Vec<_> = attempts.iter().collect();
    ended.sort_by_key(|row| row.ended);
    let mut ended = ended.into_iter().peekable();
    for note in notes {
        while let Some(row) = ended.next_if(|row| row.ended < note.at) {
            told.attempt(row, &mut all);
        }
        told.note(note, &mut all);
    }
    ended.for_each(|row| told.attempt(row, &mut all));
    let mut lost: Vec<_> = requests.iter().collect();
    lost.sort_by_key(|row| row.ended);
    lost.into_iter().for_each(|row| told.request(row, &mut all));
    moves(scenario, recording, &mut all);
    for change in &header.changes {
        push(&mut all, change.at, Topic::Changed, String::new(), change.what.clone());
    }
    if let Some(at) = header.ended.cut_at() {
        push(&mut all, at, Topic::Cut, String::new(), String::new());
    }
    all.sort_by_key(|occurrence| occurrence.at);
    all
}

fn push(all: &mut Vec<Occurrence>, at: Timestamp, topic: Topic, subject: String, detail: String) {
    all.push(Occurrence { at, topic, subject, detail });
}

/// A run and what it tells, from rows in the order in which they came to be.
#[derive(Debug)]
pub(super) struct ToldRun<'r> {
    scenario: &'r Scenario,
    header: &'r RunHeader,
    state: ToldState,
}

/// What was told so far, as far as it matters for what follows. All of it is by deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct ToldState {
    /// Failed attempts since the beginning of a fault, or a deployment's return.
    failed: Vec<u64>,
    out_since: Vec<Option<Timestamp>>,
    /// Whether a fault has begun whose first failure has not come yet.
    awaits_failure: Vec<bool>,
}

impl ToldState {
    /// Nothing was told of a run with so many deployments.
    pub(super) fn new(deployments: usize) -> Self {
        Self {
            failed: vec![0; deployments],
            out_since: vec![None; deployments],
            awaits_failure: vec![false; deployments],
        }
    }
}

impl<'r> ToldRun<'r> {
    fn new(scenario: &'r Scenario, header: &'r RunHeader) -> Self {
        Self::resumed(scenario, header, ToldState::new(header.deployments.len()))
    }

    /// A run of which some was told.
    pub(super) const fn resumed(
        scenario: &'r Scenario,
        header: &'r RunHeader,
        state: ToldState,
    ) -> Self {
        Self { scenario, header, state }
    }

    /// What was told.
    pub(super) fn into_state(self) -> ToldState {
        self.state
    }

    /// Something was noted.
    pub(super) fn note(&mut self, row: &NoteRow, all: &mut Vec<Occurrence>) {
        let (topic, provider, fault) = match row.note {
            RecordedEvent::Router(decision) => return self.decision(row.at, decision, all),
            RecordedEvent::FaultStarted { provider, fault } => {
                self.fault_begins(provider);
                (Topic::FaultBegins, provider, fault)
            }
            RecordedEvent::FaultEnded { provider, fault } => (Topic::FaultEnds, provider, fault),
            RecordedEvent::ClientRetried { .. } => return,
        };
        push(all, row.at, topic, self.provider(provider), self.fault(provider, fault));
    }

    /// An attempt has ended: it may be the first of its deployment that failed, or was throttled, by a fault.
    pub(super) fn attempt(&mut self, row: &AttemptRow, all: &mut Vec<Occurrence>) {
        let AttemptOutcome::Failed { class } = row.outcome else { return };
        let place = usize::from(row.deployment);
        let awaited = self.state.awaits_failure.get_mut(place).filter(|_| row.fault.is_some());
        if awaited.is_some_and(std::mem::take) {
            let detail = format!("{}{}", words(class), status(row.status));
            let name = self.header.deployments[place].name.clone();
            push(all, row.ended, Topic::FirstFailure, name, detail);
        }
    }

    /// A request has ended: it may have failed for its client, or been given up.
    pub(super) fn request(&mut self, row: &RequestRow, all: &mut Vec<Occurrence>) {
        let detail = match row.outcome {
            RequestOutcome::Failed { class, .. } => words(class),
            RequestOutcome::GaveUp => "abandoned".to_owned(),
            RequestOutcome::Succeeded | RequestOutcome::Unfinished => return,
        };
        push(all, row.ended, Topic::Lost, String::new(), detail);
    }

    fn fault_begins(&mut self, provider: u16) {
        for (place, info) in self.header.deployments.iter().enumerate() {
            if info.provider == provider {
                self.state.awaits_failure[place] = true;
                if self.state.out_since[place].is_none() {
                    self.state.failed[place] = 0;
                }
            }
        }
    }

    fn deployment(&self, id: DeploymentId) -> String {
        let info = self.header.deployments.get(usize::from(id.0));
        info.map_or_else(|| format!("deployment {}", id.0), |info| info.name.clone())
    }

    fn group(&self, id: GroupId) -> String {
        let name = self.header.groups.get(usize::from(id.0));
        name.cloned().unwrap_or_else(|| format!("group {}", id.0))
    }

    /// A provider and the deployments behind it, where they have other names.
    pub(super) fn provider(&self, provider: u16) -> String {
        let header = &self.header;
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

    pub(super) fn fault(&self, provider: u16, fault: u16) -> String {
        let provider = self.scenario.providers.get(usize::from(provider));
        let fault = provider.and_then(|it| it.config.faults.get(usize::from(fault)));
        fault.map_or_else(|| "a random fault".to_owned(), ToString::to_string)
    }

    /// What the router decided.
    fn decision(&mut self, at: Timestamp, decision: Decision, all: &mut Vec<Occurrence>) {
        let mut push = |topic, subject, detail| push(all, at, topic, subject, detail);
        match decision {
            Decision::AttemptFailed { class: FailureClass::Throttled, .. } => {}
            Decision::AttemptFailed { deployment, .. } | Decision::Silent { deployment, .. } => {
                if let Some(count) = self.state.failed.get_mut(usize::from(deployment.0)) {
                    *count += 1;
                }
            }
            Decision::CooldownStarted { deployment, cause, until } => {
                let name = self.deployment(deployment);
                let place = usize::from(deployment.0);
                let count = self.state.failed.get(place).copied().unwrap_or(0);
                match cause {
                    CooldownCause::Throttled => push(Topic::Throttled, name, String::new()),
                    CooldownCause::ProbeFailed => push(Topic::ProbeFailed, name, String::new()),
                    _ => push(Topic::Ejected, name, ejected(count, cause, until)),
                }
                let since = self.state.out_since.get_mut(place);
                if let Some(since) = since.filter(|_| cause != CooldownCause::Throttled) {
                    since.get_or_insert(at);
                }
            }
            Decision::Recovered { deployment } => {
                let place = usize::from(deployment.0);
                if let Some(count) = self.state.failed.get_mut(place) {
                    *count = 0;
                }
                let since = self.state.out_since.get_mut(place).and_then(Option::take);
                let out = since.map(|since: Timestamp| text::duration(tenths(at.since(since))));
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
}

/// When traffic had left a deployment that fails, and was back, by the metrics of the verdict.
fn moves(scenario: &Scenario, recording: &Recording, all: &mut Vec<Occurrence>) {
    for (number, info) in recording.header.deployments.iter().enumerate() {
        for fault in fault_windows(scenario, number) {
            let ends = [
                (MetricId::FailoverTime, fault.start, Topic::Left),
                (MetricId::RecoveryTime, fault.end, Topic::Back),
            ];
            for (metric, since, topic) in ends {
                let moved = traffic_moved(scenario, recording, number, metric, since);
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
        CooldownCause::Peer => "another replica put it out",
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
