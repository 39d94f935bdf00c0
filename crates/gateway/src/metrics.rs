//! What is counted while a gateway runs, folded from what goes into the core and what comes out of it,
//! so that nothing is counted twice and nothing by another rule than the core's.

mod configured;
mod families;
mod histogram;
mod labels;
mod removed_series;
mod text_format;

use crate::decisions::DecisionLogCounts;
use crate::keys::KeyRefusal;
use crate::operator::ConfigReloads;
use crate::tls::TlsSnapshot;
use crate::upstream_registry::UpstreamRegistry;
use configured::ConfiguredDeployments;
use histogram::LatencyHistogram;
use labels::MetricLabels;
use removed_series::RemovedSeries;
use squall_determinism::Timestamp;
use squall_router::{
    AssignedIds, AttemptId, CancelReason, DeploymentId, DeploymentSnapshot, GroupId, GroupSnapshot,
    LimitScope, Money, Outcome, Price, RequestTag, Router, RouterConfig, RouterEvent, RouterInput,
    RouterOutput, SharedStoreSnapshot, SpendBudgetSnapshot, TokenUsage,
};
use std::collections::{BTreeMap, VecDeque};

/// Seconds over which shares of first attempts are taken, to be held against weights.
const SHARES_OVER: u64 = 60;

/// What goes on, and the counts of it.
#[derive(Debug, Default)]
pub(crate) struct GatewayMetrics {
    counts: RequestCounters,
    /// Requests by the tag of the driver, and tags by the slot of the core.
    requests: Vec<Option<OpenRequest>>,
    tags: Vec<usize>,
    /// Since when groups and deployments are not there any more.
    removed: RemovedSeries,
}

/// Counts of everything, by who it was.
#[derive(Clone, Debug, Default)]
struct RequestCounters {
    names: MetricLabels,
    configured: ConfiguredDeployments,
    ended: BTreeMap<(GroupId, RequestEnding), u64>,
    durations: BTreeMap<GroupId, LatencyHistogram>,
    first_tokens: BTreeMap<GroupId, LatencyHistogram>,
    attempts: BTreeMap<(DeploymentId, &'static str), u64>,
    attempt_durations: BTreeMap<DeploymentId, LatencyHistogram>,
    first_attempts: BTreeMap<DeploymentId, u64>,
    tokens: BTreeMap<DeploymentId, TokenCounters>,
    /// Of deployments that have a price.
    cost: BTreeMap<DeploymentId, Money>,
    retries: BTreeMap<GroupId, u64>,
    fallbacks: BTreeMap<(GroupId, GroupId), u64>,
    cooldowns: BTreeMap<(DeploymentId, &'static str), u64>,
    timeouts: BTreeMap<(DeploymentId, &'static str), u64>,
    limits_reached: BTreeMap<(DeploymentId, &'static str), u64>,
    group_unavailable: BTreeMap<GroupId, u64>,
    queued: BTreeMap<GroupId, u64>,
    queue_full: BTreeMap<GroupId, u64>,
    shed: BTreeMap<GroupId, u64>,
    picks_rejected: BTreeMap<GroupId, u64>,
    retry_budget_exhausted: BTreeMap<GroupId, u64>,
    too_late: BTreeMap<GroupId, u64>,
    hedges: BTreeMap<(DeploymentId, &'static str), u64>,
    continued: BTreeMap<(DeploymentId, &'static str), u64>,
    rate_limited: BTreeMap<(bool, &'static str), u64>,
    reconfigurations: u64,
    /// First attempts of each of the last seconds.
    firsts: VecDeque<(u64, BTreeMap<DeploymentId, u64>)>,
}

/// Tokens since the start: more than 32 bits hold, within days.
#[derive(Clone, Copy, Debug, Default)]
struct TokenCounters {
    input: u64,
    output: u64,
}

/// How a request ended, with the class of its failure.
type RequestEnding = (&'static str, &'static str);

/// A request that has not ended.
#[derive(Clone, Copy, Debug)]
struct OpenRequest {
    group: GroupId,
    stream: bool,
    arrived: Timestamp,
    /// Tokens of its prompt, with what there is of an answer that is to go on.
    input_tokens: u32,
    /// Its client has the beginning of an answer that broke off.
    begun: bool,
    /// It has moved to another group since its last attempt: the next one is no retry.
    moved: bool,
    /// It has been sent somewhere.
    called: bool,
    /// The attempts that run: a second one may run beside the first.
    running: [Option<OpenAttempt>; 2],
}

impl OpenRequest {
    /// Takes an attempt out of those that run.
    fn take(&mut self, nth: u16) -> Option<OpenAttempt> {
        let is_it = |running: &mut OpenAttempt| running.nth == nth;
        self.running.iter_mut().find_map(|place| place.take_if(is_it))
    }
}

/// An attempt that runs.
#[derive(Clone, Copy, Debug)]
struct OpenAttempt {
    nth: u16,
    deployment: DeploymentId,
    began: Timestamp,
    what: OpenAttemptKind,
}

/// What an attempt is to its request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum OpenAttemptKind {
    First,
    Retry,
    /// The first in the group that the request fell back to.
    AfterMove,
    /// It runs beside another.
    Hedge,
}

impl GatewayMetrics {
    /// Says what groups and deployments are called from now on. Those that are gone keep their names, and
    /// their counts for a while.
    pub(crate) fn set_names(
        &mut self,
        now: Timestamp,
        registry: &UpstreamRegistry,
        config: &RouterConfig,
        numbers: &AssignedIds,
    ) {
        self.counts.names.add(registry, config, numbers);
        self.counts.configured.set(config, numbers);
        self.removed.changed(now, &self.counts.names, numbers);
    }

    /// The name of a deployment.
    pub(crate) fn deployment(&self, id: DeploymentId) -> &str {
        self.counts.names.deployment(id)
    }

    /// The names of a deployment's group and of itself.
    pub(crate) fn names_of(&self, id: DeploymentId) -> (&str, &str) {
        let names = &self.counts.names;
        (names.of(id).map_or("", |named| names.group(named.group)), names.deployment(id))
    }

    /// What a token of a deployment costs, if the file states it.
    pub(crate) fn price(&self, id: DeploymentId) -> Option<Price> {
        self.counts.configured.price(id)
    }

    /// The name of a group.
    pub(crate) fn group(&self, id: GroupId) -> &str {
        self.counts.names.group(id)
    }

    /// Takes in what the core was told, and what it answered.
    pub(crate) fn see(&mut self, now: Timestamp, input: &RouterInput, outputs: &[RouterOutput]) {
        match *input {
            RouterInput::Arrived(arrival) => {
                let request = OpenRequest {
                    group: arrival.group,
                    stream: arrival.stream,
                    arrived: now,
                    input_tokens: arrival.input_tokens,
                    begun: false,
                    moved: false,
                    called: false,
                    running: [None; 2],
                };
                put(&mut self.requests, arrival.tag.0 as usize, Some(request), None);
            }
            RouterInput::FirstToken { attempt } => self.first_token(now, attempt),
            RouterInput::Finished { attempt, usage } => self.finished(now, attempt, usage),
            RouterInput::Interrupted { attempt, output_tokens, .. } => {
                self.interrupted(attempt, output_tokens);
            }
            _ => {}
        }
        outputs.iter().for_each(|output| self.output(now, output));
    }

    fn request(&mut self, slot: u32) -> Option<&mut OpenRequest> {
        let tag = *self.tags.get(slot as usize)?;
        self.requests.get_mut(tag)?.as_mut()
    }

    fn first_token(&mut self, now: Timestamp, attempt: AttemptId) {
        let Some(&mut OpenRequest { group, arrived, stream: true, begun: false, .. }) =
            self.request(attempt.request.slot)
        else {
            return;
        };
        self.counts.first_tokens.entry(group).or_default().add(now.since(arrived));
    }

    fn finished(&mut self, now: Timestamp, attempt: AttemptId, usage: Option<TokenUsage>) {
        let request = self.request(attempt.request.slot);
        let Some(running) = request.and_then(|request| request.take(attempt.nth)) else { return };
        let deployment = running.deployment;
        self.attempt_ended(now, &running, "succeeded");
        self.count_tokens(deployment, usage.unwrap_or_default());
    }

    /// A stream broke off behind so many tokens, which were used.
    fn interrupted(&mut self, attempt: AttemptId, output_tokens: u32) {
        let Some(request) = self.request(attempt.request.slot) else { return };
        let runs = request.running.iter().flatten().find(|running| running.nth == attempt.nth);
        let Some(&OpenAttempt { deployment, .. }) = runs else { return };
        let usage = TokenUsage { input_tokens: request.input_tokens, output_tokens };
        request.begun = true;
        request.input_tokens = request.input_tokens.saturating_add(output_tokens);
        self.count_tokens(deployment, usage);
    }

    fn count_tokens(&mut self, deployment: DeploymentId, usage: TokenUsage) {
        let tokens = self.counts.tokens.entry(deployment).or_default();
        tokens.input = tokens.input.saturating_add(usage.input_tokens.into());
        tokens.output = tokens.output.saturating_add(usage.output_tokens.into());
        if let Some(price) = self.counts.configured.price(deployment) {
            let Money(cost) = price.of(usage.input_tokens, usage.output_tokens);
            let sum = self.counts.cost.entry(deployment).or_default();
            *sum = Money(sum.0.saturating_add(cost));
        }
    }

    /// Only now is it known that it was one: what could not be sent is none.
    fn attempt_ended(&mut self, now: Timestamp, running: &OpenAttempt, outcome: &'static str) {
        let OpenAttempt { deployment, began, what, .. } = *running;
        *self.counts.attempts.entry((deployment, outcome)).or_default() += 1;
        self.counts.attempt_durations.entry(deployment).or_default().add(now.since(began));
        if what == OpenAttemptKind::First {
            *self.counts.first_attempts.entry(deployment).or_default() += 1;
        }
        if what == OpenAttemptKind::Retry
            && let Some(named) = self.counts.names.of(deployment)
        {
            *self.counts.retries.entry(named.group).or_default() += 1;
        }
        if what == OpenAttemptKind::Hedge {
            *self.counts.hedges.entry((deployment, outcome)).or_default() += 1;
        }
    }

    fn output(&mut self, now: Timestamp, output: &RouterOutput) {
        match *output {
            RouterOutput::Accepted { tag, request } => {
                put(&mut self.tags, request.slot as usize, tag.0 as usize, usize::MAX);
            }
            RouterOutput::StartAttempt(start) => self.started(now, start.attempt, start.deployment),
            RouterOutput::CancelAttempt { attempt, reason, .. } => match reason {
                // These fail: a note tells of it.
                CancelReason::FirstTokenTimeout | CancelReason::TotalTimeout => {}
                CancelReason::Deadline | CancelReason::ClientGone | CancelReason::LostRace => {
                    let request = self.request(attempt.request.slot);
                    if let Some(running) = request.and_then(|each| each.take(attempt.nth)) {
                        self.attempt_ended(now, &running, reason.as_str());
                    }
                }
            },
            RouterOutput::Done { tag, outcome, .. } => self.done(now, tag, &outcome),
            RouterOutput::Note(note) => self.note(now, &note),
            RouterOutput::Commit { .. } | RouterOutput::Check { .. } | RouterOutput::Shared(_) => {}
        }
    }

    fn started(&mut self, now: Timestamp, attempt: AttemptId, deployment: DeploymentId) {
        let Some(request) = self.request(attempt.request.slot) else { return };
        let moved = std::mem::take(&mut request.moved);
        let what = match (std::mem::replace(&mut request.called, true), moved) {
            (false, _) => OpenAttemptKind::First,
            (true, true) => OpenAttemptKind::AfterMove,
            (true, false) => OpenAttemptKind::Retry,
        };
        let place = request.running.iter_mut().find(|place| place.is_none());
        if let Some(place) = place {
            *place = Some(OpenAttempt { nth: attempt.nth, deployment, began: now, what });
        }
        if what == OpenAttemptKind::First {
            self.first_attempt(now, deployment);
        }
    }

    /// The attempt was none: nobody was called, and the next one takes its place.
    fn not_sent(&mut self, attempt: AttemptId) {
        let Some(request) = self.request(attempt.request.slot) else { return };
        let Some(running) = request.take(attempt.nth) else { return };
        let OpenAttempt { deployment, began, what, .. } = running;
        match what {
            OpenAttemptKind::First => {
                request.called = false;
                let second = began.as_nanos() / 1_000_000_000;
                let counts = self.counts.firsts.iter_mut().find(|(each, _)| *each == second);
                if let Some(count) = counts.and_then(|(_, counts)| counts.get_mut(&deployment)) {
                    *count = count.saturating_sub(1);
                }
            }
            OpenAttemptKind::AfterMove => request.moved = true,
            OpenAttemptKind::Retry | OpenAttemptKind::Hedge => {}
        }
    }

    fn first_attempt(&mut self, now: Timestamp, deployment: DeploymentId) {
        let second = now.as_nanos() / 1_000_000_000;
        if self.counts.firsts.back().is_none_or(|(last, _)| *last != second) {
            self.counts.firsts.push_back((second, BTreeMap::new()));
            self.forget(second);
        }
        if let Some((_, counts)) = self.counts.firsts.back_mut() {
            *counts.entry(deployment).or_default() += 1;
        }
    }

    fn forget(&mut self, second: u64) {
        while self.counts.firsts.front().is_some_and(|(first, _)| first + SHARES_OVER <= second) {
            self.counts.firsts.pop_front();
        }
    }

    fn done(&mut self, now: Timestamp, tag: RequestTag, outcome: &Outcome) {
        let request = self.requests.get_mut(tag.0 as usize).and_then(Option::take);
        let Some(OpenRequest { group, arrived, .. }) = request else { return };
        let ending = match outcome {
            Outcome::Succeeded { .. } => ("succeeded", ""),
            Outcome::Failed { failure, .. } => ("failed", failure.class.as_str()),
            Outcome::ClientGone => ("client_gone", ""),
        };
        *self.counts.ended.entry((group, ending)).or_default() += 1;
        self.counts.durations.entry(group).or_default().add(now.since(arrived));
    }

    fn note(&mut self, now: Timestamp, note: &RouterEvent) {
        match *note {
            RouterEvent::NotSent { attempt, .. } => self.not_sent(attempt),
            RouterEvent::AttemptFailed { attempt, class, .. } => {
                let request = self.request(attempt.request.slot);
                if let Some(running) = request.and_then(|request| request.take(attempt.nth)) {
                    self.attempt_ended(now, &running, class.as_str());
                }
            }
            RouterEvent::FellBack { request, from, to } => {
                *self.counts.fallbacks.entry((from, to)).or_default() += 1;
                if let Some(request) = self.request(request.slot) {
                    request.moved = true;
                }
            }
            RouterEvent::Hedged { attempt, .. } => {
                let request = self.request(attempt.request.slot);
                let mut running =
                    request.into_iter().flat_map(|each| each.running.iter_mut().flatten());
                if let Some(running) = running.find(|running| running.nth == attempt.nth) {
                    running.what = OpenAttemptKind::Hedge;
                }
            }
            RouterEvent::Continued { deployment, by, .. } => {
                *self.counts.continued.entry((deployment, by.as_str())).or_default() += 1;
            }
            RouterEvent::CooldownStarted { deployment, cause, .. } => {
                *self.counts.cooldowns.entry((deployment, cause.as_str())).or_default() += 1;
            }
            RouterEvent::TimedOut { deployment, reason, .. } => {
                *self.counts.timeouts.entry((deployment, reason.as_str())).or_default() += 1;
            }
            RouterEvent::Silent { deployment, .. } => {
                *self.counts.timeouts.entry((deployment, "silent")).or_default() += 1;
            }
            RouterEvent::LimitReached { deployment, limit } => {
                *self.counts.limits_reached.entry((deployment, limit.as_str())).or_default() += 1;
            }
            RouterEvent::SpendBudgetExceeded { deployment, .. } => {
                let limit = LimitScope::Money.as_str();
                *self.counts.limits_reached.entry((deployment, limit)).or_default() += 1;
            }
            RouterEvent::RateLimited { tenant, limit, .. } => {
                *self.counts.rate_limited.entry((tenant.is_some(), limit.as_str())).or_default() +=
                    1;
            }
            RouterEvent::GroupUnavailable { group, .. } => {
                *self.counts.group_unavailable.entry(group).or_default() += 1
            }
            RouterEvent::PickRejected { group, .. } => {
                *self.counts.picks_rejected.entry(group).or_default() += 1;
            }
            RouterEvent::Queued { group, .. } => *self.counts.queued.entry(group).or_default() += 1,
            RouterEvent::QueueFull { group, .. } => {
                *self.counts.queue_full.entry(group).or_default() += 1
            }
            RouterEvent::Shed { group, .. } => *self.counts.shed.entry(group).or_default() += 1,
            RouterEvent::RetryBudgetExhausted { group, .. } => {
                *self.counts.retry_budget_exhausted.entry(group).or_default() += 1;
            }
            RouterEvent::TooLate { group, .. } => {
                *self.counts.too_late.entry(group).or_default() += 1;
            }
            RouterEvent::Reconfigured { .. } => self.counts.reconfigurations += 1,
            RouterEvent::CooldownEnded { .. }
            | RouterEvent::Probe { .. }
            | RouterEvent::Recovered { .. }
            | RouterEvent::RetryScheduled { .. }
            | RouterEvent::Shared(_)
            | RouterEvent::HealthChanged { .. } => {}
        }
    }

    /// Everything as it is now. Its text is written where nobody waits for it.
    pub(crate) fn snapshot(&mut self, now: Timestamp, router: &mut Router) -> MetricsSnapshot {
        self.forget(now.as_nanos() / 1_000_000_000);
        self.removed.forget(now, &mut self.counts);
        MetricsSnapshot {
            counts: self.counts.clone(),
            in_flight: router.in_flight(),
            deployments: router.deployment_snapshots().collect(),
            groups: router.group_snapshots().collect(),
            spend_budgets: router.spend_budget_snapshots().collect(),
            spend_budget_names: router.spend_budget_names().map(str::to_owned).collect(),
            shared_store: router.shared_store(),
        }
    }
}

/// Everything at one moment.
#[derive(Debug)]
pub(crate) struct MetricsSnapshot {
    counts: RequestCounters,
    in_flight: usize,
    deployments: Vec<DeploymentSnapshot>,
    groups: Vec<GroupSnapshot>,
    spend_budgets: Vec<SpendBudgetSnapshot>,
    spend_budget_names: Vec<String>,
    /// `None` where nothing is shared.
    shared_store: Option<SharedStoreSnapshot>,
}

impl MetricsSnapshot {
    /// As Prometheus reads it. `is_ready` is what `/ready` says at that time.
    pub(crate) fn text(&self, is_ready: bool, tls: Option<&TlsSnapshot>) -> String {
        families::text(self, is_ready, tls)
    }
}

/// What is counted beside the core.
#[derive(Debug)]
pub(crate) struct OperationFacts {
    pub(crate) paused: bool,
    /// How many there are of each kind.
    pub(crate) overrides: [(&'static str, usize); 3],
    /// How many requests were refused, by the reason.
    pub(crate) key_refusals: [(&'static str, u64); KeyRefusal::COUNT],
    pub(crate) reloads: ConfigReloads,
    /// What the decision log has written, where there is one.
    pub(crate) decision_log: Option<DecisionLogCounts>,
}

impl OperationFacts {
    /// As Prometheus reads it.
    pub(crate) fn text(&self) -> String {
        families::operations(self)
    }
}

/// Sets a place of a list, which grows with `nothing` as far as needed.
fn put<T: Clone>(list: &mut Vec<T>, place: usize, value: T, nothing: T) {
    if list.len() <= place {
        list.resize(place + 1, nothing);
    }
    list[place] = value;
}
