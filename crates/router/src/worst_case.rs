//! What one request can come to at most, whatever fails: by the same rules and settings that the router goes by.

use crate::admission::{AdmissionDenied, AdmissionLimiter};
use crate::fallback::FallbackPath;
use crate::{
    AttemptTimeouts, FallbackChoice, FallbackRule, GroupConfig, GroupId, MidStream, Money,
    OrderUse, RateLimits, RetryRule, RouterConfig,
};
use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Share, Timestamp};
use squall_failure::FailureClass;

/// The request whose worst case is asked for. What it asks for instead of what is configured is no part of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WorstCaseRequest {
    /// Whether tokens are wanted as they come.
    pub stream: bool,
    /// Tokens of its prompt.
    pub input_tokens: u32,
    /// Tokens of its answer.
    pub output_tokens: u32,
}

/// What one request can come to at most. Each figure is the worst by itself: they need not come together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WorstCase {
    /// Calls to providers.
    pub attempts: u64,
    /// The groups of the way with the most calls, each with its calls.
    pub way: Vec<(GroupId, u64)>,
    /// From the arrival until the answer begins, or the error: waits, time-outs and backoffs, cut by the deadline.
    pub first_token: Duration,
    /// From the arrival to the last byte or the error: waits, time-outs and backoffs, cut by the deadline.
    pub time: Duration,
    /// The same if no deadline cut it; `None` where nothing else bounds an answer.
    pub time_without_deadline: Option<Duration>,
    /// Tokens, if every call is billed in full.
    pub tokens: u64,
    /// What they cost.
    pub money: Money,
    /// False where there are so many ways through groups that only some were gone: there may be worse.
    pub complete: bool,
}

/// So many steps through groups are gone.
const STEPS_MAX: u32 = 100_000;

/// LiteLLM believes no longer Retry-After, and adds this at most.
const LITELLM_WAIT_MAX: Duration = Duration::from_millis(60_750);

impl RouterConfig {
    /// What a request for this group can come to at most, on the worst of its ways through groups.
    ///
    /// # Panics
    /// When there is no such group.
    #[must_use]
    pub fn worst_case(&self, group: GroupId, request: WorstCaseRequest) -> WorstCase {
        assert!(group.index() < self.groups.len(), "the group is one of the configuration");
        let deadline = self.groups[group.index()].deadline;
        let mut search = WorstCaseSearch {
            config: self,
            request,
            steps: 0,
            worst: WorstCase {
                attempts: 0,
                way: Vec::new(),
                first_token: Duration::ZERO,
                time: Duration::ZERO,
                time_without_deadline: Some(Duration::ZERO),
                tokens: 0,
                money: Money::default(),
                complete: true,
            },
        };
        search.go(FallbackPath::from(group), group, ExploredPath::default());
        let mut worst = search.worst;
        worst.first_token = worst.first_token.min(deadline);
        worst.time = worst.time_without_deadline.map_or(deadline, |time| time.min(deadline));
        let each = u64::from(request.input_tokens) + u64::from(request.output_tokens);
        worst.tokens = worst.attempts.saturating_mul(each);
        worst
    }

    /// Whether the retry budget allows no retry at all.
    fn allows_no_retry(&self) -> bool {
        let budget = self.retry_budget;
        budget.ratio == Share::NONE && budget.min_per_second == 0
    }
}

/// A way through groups, and what it comes to so far.
#[derive(Clone, Debug, Default)]
struct ExploredPath {
    groups: Vec<(GroupId, u64)>,
    attempts: u64,
    money: u64,
    /// Until the end of the last attempt, if none of them begins to answer.
    time: Duration,
    /// The same if each breaks off as late as it may, where its stream would go on elsewhere.
    broken: Duration,
}

struct WorstCaseSearch<'c> {
    config: &'c RouterConfig,
    request: WorstCaseRequest,
    steps: u32,
    worst: WorstCase,
}

impl WorstCaseSearch<'_> {
    /// Goes into `group`, and on from there by every list that may hold.
    fn go(&mut self, mut path: FallbackPath, mut group: GroupId, mut way: ExploredPath) {
        loop {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                self.worst.complete = false;
                return;
            }
            self.enter(group, &mut way);
            let mut next = self.next(&path, group).into_iter();
            let Some(first) = next.next() else { return };
            for (path, to) in next {
                self.go(path, to, way.clone());
            }
            (path, group) = first;
        }
    }

    /// Where a request may go from a group: one way for each list that may hold.
    fn next(&self, path: &FallbackPath, group: GroupId) -> Vec<(FallbackPath, GroupId)> {
        let config = self.config;
        let fallbacks = &config.groups[group.index()].fallbacks;
        let classes = [
            Some(None),
            fallbacks.context_window.as_ref().map(|_| Some(FailureClass::ContextWindow)),
            fallbacks.content_policy.as_ref().map(|_| Some(FailureClass::ContentPolicy)),
        ];
        let ways = classes.into_iter().flatten().filter_map(|class| {
            let mut path = *path;
            let of = |group: GroupId| &config.groups[group.index()].fallbacks;
            let asked = FallbackChoice::Configured;
            let rules = config.groups[group.index()].litellm.rules();
            let to = path.next(config.fallback_rule, group, class, &asked, rules, of)?;
            Some((path, to))
        });
        ways.collect()
    }

    /// Adds everything that may happen in a group.
    fn enter(&mut self, id: GroupId, way: &mut ExploredPath) {
        let group = &self.config.groups[id.index()];
        let retries = if self.config.allows_no_retry() { 0 } else { group.most_retries() };
        let rounds = group.rounds(self.config.fallback_rule);
        let attempts = (u64::from(retries) + 1).saturating_mul(rounds.into());
        let costs = group.deployments.iter().filter(|each| each.weight > 0);
        let cost = costs
            .map(|each| each.price.of(self.request.input_tokens, self.request.output_tokens).0);
        let cost = cost.max().unwrap_or(0);
        // What is held back may break off as late as it would have ended.
        let holds = self.request.stream && group.mid_stream == MidStream::Hold;
        let attempt = group.longest(|timeouts| {
            if holds { self.until_it_ends(timeouts) } else { self.until_it_begins(timeouts) }
        });
        way.attempts = way.attempts.saturating_add(attempts);
        way.money = way.money.saturating_add(cost.saturating_mul(attempts));
        way.groups.push((id, attempts));
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        let waits = group.most_waits(retries).saturating_mul(rounds);
        let waits = waits.saturating_add(group.wait_behind().saturating_mul(rounds - 1));
        let all = |each: Duration| waits.saturating_add(each.saturating_mul(attempts));
        let continues = self.request.stream && group.mid_stream == MidStream::Continue;
        let broken = group.longest(|timeouts| self.until_it_ends(timeouts));
        way.broken = way.broken.saturating_add(all(if continues { broken } else { attempt }));
        way.time = way.time.saturating_add(all(attempt));
        let answer = group.longest(|timeouts| self.until_it_ends(timeouts));
        let bounded =
            answer < Duration::MAX && attempt < Duration::MAX && way.broken < Duration::MAX;
        let last = if continues { answer } else { attempt };
        let whole = bounded.then(|| way.broken.saturating_sub(last).saturating_add(answer));
        way.time = way.time.saturating_add(group.wait_behind());
        way.broken = way.broken.saturating_add(group.wait_behind());
        let worst = &mut self.worst;
        worst.first_token = worst.first_token.max(way.time);
        let longest = whole.map(|whole| whole.max(way.time));
        worst.time_without_deadline =
            worst.time_without_deadline.zip(longest).map(|(so_far, now)| so_far.max(now));
        worst.money = worst.money.max(Money(way.money));
        if way.attempts > worst.attempts {
            worst.attempts = way.attempts;
            worst.way.clone_from(&way.groups);
        }
    }

    /// How long an attempt may take that never begins to answer.
    fn until_it_begins(&self, timeouts: &AttemptTimeouts) -> Duration {
        if self.request.stream {
            timeouts.first_token.min(timeouts.stream_total.unwrap_or(Duration::MAX))
        } else {
            timeouts.total
        }
    }

    /// How long an attempt may take in all.
    fn until_it_ends(&self, timeouts: &AttemptTimeouts) -> Duration {
        if self.request.stream {
            timeouts.stream_total.unwrap_or(Duration::MAX)
        } else {
            timeouts.total
        }
    }
}

impl RateLimits {
    /// Whether a request of so many tokens can ever pass, with nothing else under way.
    #[must_use]
    pub fn admits(&self, tokens: u64) -> bool {
        let closed = AdmissionLimiter::new(*self, 0).closed(Timestamp::ZERO, tokens);
        !matches!(closed, Some(AdmissionDenied::Never | AdmissionDenied::Full))
    }
}

impl GroupConfig {
    /// The most retries that any class of failure allows.
    #[must_use]
    pub fn most_retries(&self) -> u16 {
        let after = FailureClass::ALL.into_iter().map(|class| self.retries.after(class));
        after.max().unwrap_or(self.retries.max)
    }

    /// The longest of what the time-outs of its deployments come to.
    fn longest(&self, of: impl Fn(&AttemptTimeouts) -> Duration) -> Duration {
        let used = self.deployments.iter().filter(|each| each.weight > 0);
        used.map(|each| of(&each.timeouts.unwrap_or(self.timeouts))).max().unwrap_or_default()
    }

    /// How long a request may wait in the group between its attempts, the queue before the first counted.
    fn most_waits(&self, retries: u16) -> Duration {
        let queue = self.max_queue_wait;
        let mut waits = queue;
        for retry in 1..=retries {
            let backoff = match self.retry_rule {
                // Until a deployment is usable, then the jitter; and it may be unusable again by then.
                RetryRule::Untried(_) => {
                    // A short Retry-After is waited for before the first.
                    let asked = if retry == 1 { self.short_retry_after } else { Duration::ZERO };
                    let wait = queue.max(asked);
                    wait.saturating_add(self.retry_rule.ceiling(retry)).saturating_add(queue)
                }
                RetryRule::Litellm(_) => LITELLM_WAIT_MAX.saturating_add(queue),
            };
            waits = waits.saturating_add(backoff);
        }
        waits
    }

    /// How often a request has all its retries here: by LiteLLM's rules once for each order, and once for each failover.
    fn rounds(&self, rule: FallbackRule) -> u32 {
        let rules = self.litellm.rules();
        if !matches!(self.retry_rule, RetryRule::Litellm(_)) {
            return 1;
        }
        let mut orders: Vec<u8> = self.deployments.iter().map(|each| each.order).collect();
        orders.sort_unstable();
        orders.dedup();
        let orders = if rules.order == OrderUse::Fallbacks { orders.len() } else { 1 };
        let failovers = match rule {
            FallbackRule::LitellmNested { max_depth, weighted_failover: true }
                if rules.weighted_failover =>
            {
                usize::from(max_depth).min(self.deployments.len().saturating_sub(1))
            }
            FallbackRule::LitellmNested { .. } | FallbackRule::DepthFirst { .. } => 0,
        };
        u32::try_from(orders + failovers).unwrap_or(u32::MAX).max(1)
    }

    /// How long it may wait behind its last attempt, before it leaves.
    fn wait_behind(&self) -> Duration {
        match self.retry_rule {
            RetryRule::Untried(_) => Duration::ZERO,
            RetryRule::Litellm(_) => LITELLM_WAIT_MAX,
        }
    }
}
