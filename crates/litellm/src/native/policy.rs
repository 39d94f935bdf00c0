//! The policies of a group or a deployment as our files write them.

use super::value::{braces, duration, share};
use core::time::Duration;
use squall_failure::FailureClass;
use squall_router::{
    AttemptTimeouts, Cooldown, CooldownRule, LitellmCooldown, LitellmCounts, LitellmStrategy,
    RateLimit, RateLimits, RateWindow, Retries, RetryRule, Strategy,
};

pub(super) fn strategy(strategy: &Strategy) -> String {
    match strategy {
        Strategy::LowestLatency(latency) => {
            let (buffer, decay) = (share(latency.buffer), duration(latency.decay));
            braces(&[(strategy.name(), braces(&[("buffer", buffer), ("decay", decay)]))])
        }
        Strategy::Litellm(reference) => braces(&[("litellm", theirs(*reference))]),
        other => other.name().to_owned(),
    }
}

fn theirs(strategy: LitellmStrategy) -> String {
    match strategy {
        LitellmStrategy::LatencyBased { buffer, ttl } => {
            let arguments = braces(&[("buffer", share(buffer)), ("ttl", duration(ttl))]);
            braces(&[(strategy.as_str(), arguments)])
        }
        other => other.as_str().to_owned(),
    }
}

/// Retries, where they are not the default.
pub(super) fn retries(retries: &Retries) -> Option<String> {
    if *retries == Retries::default() {
        return None;
    }
    let own = FailureClass::ALL.into_iter().filter_map(|class| {
        let number = retries.by_class[usize::from(class.code())]?;
        Some((class.as_str(), number.to_string()))
    });
    let own: Vec<_> = own.collect();
    if own.is_empty() {
        return Some(retries.max.to_string());
    }
    let all: Vec<_> = core::iter::once(("default", retries.max.to_string())).chain(own).collect();
    Some(braces(&all))
}

/// The backoff, where it is not the default.
pub(super) fn backoff(rule: RetryRule) -> Option<String> {
    match rule {
        rule if rule == RetryRule::default() => None,
        RetryRule::Untried(backoff) => {
            Some(braces(&[("base", duration(backoff.base)), ("cap", duration(backoff.cap))]))
        }
        RetryRule::Litellm(loop_) => {
            let cut = loop_.cut_is_success.to_string();
            let inner = braces(&[("least", duration(loop_.least)), ("cut_is_success", cut)]);
            Some(braces(&[("litellm", inner)]))
        }
    }
}

/// A cooldown, where it is not the default.
pub(super) fn cooldown(rule: CooldownRule) -> Option<String> {
    match rule {
        rule if rule == CooldownRule::default() => None,
        CooldownRule::Never => Some("never".to_owned()),
        CooldownRule::Breaker(breaker) => Some(breaks(&breaker)),
        CooldownRule::Litellm(reference) => {
            Some(braces(&[("litellm", litellm_cooldown(&reference))]))
        }
    }
}

fn breaks(breaker: &Cooldown) -> String {
    let failure = breaker.failure;
    let failure = braces(&[
        ("consecutive", failure.consecutive.to_string()),
        ("base", duration(failure.base)),
        ("cap", duration(failure.cap)),
    ]);
    braces(&[("failure", failure)])
}

fn litellm_cooldown(reference: &LitellmCooldown) -> String {
    let time = reference.deployment_time.unwrap_or(reference.cooldown_time);
    let mut pairs = vec![("cooldown_time", duration(time))];
    if let Some(fails) = reference.allowed_fails {
        pairs.push(("allowed_fails", fails.to_string()));
    }
    if reference.policy.is_set() {
        let policy = reference.policy;
        let all = [
            ("bad_request", policy.bad_request),
            ("authentication", policy.authentication),
            ("timeout", policy.timeout),
            ("rate_limit", policy.rate_limit),
            ("content_policy", policy.content_policy),
        ];
        let set = all.into_iter().filter_map(|(key, fails)| Some((key, fails?.to_string())));
        pairs.push(("policy", braces(&set.collect::<Vec<_>>())));
    }
    if reference.counts == LitellmCounts::EveryAttempt {
        pairs.push(("counts", "every_attempt".to_owned()));
    }
    braces(&pairs)
}

/// Time-outs, where they are not `usual`.
pub(super) fn timeouts(timeouts: AttemptTimeouts, usual: AttemptTimeouts) -> Option<String> {
    let mut pairs = Vec::new();
    let mut push = |key, time: Duration, usual: Duration| {
        if time != usual {
            pairs.push((key, duration(time)));
        }
    };
    push("connect", timeouts.connect, usual.connect);
    push("first_token", timeouts.first_token, usual.first_token);
    push("between_tokens", timeouts.between_tokens, usual.between_tokens);
    push("total", timeouts.total, usual.total);
    if let Some(total) =
        timeouts.stream_total.filter(|_| timeouts.stream_total != usual.stream_total)
    {
        pairs.push(("stream_total", duration(total)));
    }
    (!pairs.is_empty()).then(|| braces(&pairs))
}

/// Limits, where there are any.
pub(super) fn limits(limits: &RateLimits) -> Option<String> {
    let mut pairs = Vec::new();
    let rate = |limit: Option<RateLimit>| limit.map(|limit| limit.per_minute.to_string());
    pairs.extend(rate(limits.rpm).map(|rpm| ("rpm", rpm)));
    pairs.extend(rate(limits.tpm).map(|tpm| ("tpm", tpm)));
    if limits.rpm.or(limits.tpm).is_some_and(|limit| limit.window == RateWindow::FromFirst) {
        pairs.push(("window", "from_first".to_owned()));
    }
    pairs.extend(limits.concurrency.map(|cap| ("concurrency", cap.to_string())));
    (!pairs.is_empty()).then(|| braces(&pairs))
}
