//! Whose formulas a router uses: ours, or LiteLLM's.

use super::{
    AfterTimeout, ConcurrencyRelease, Cooldown, CooldownRule, DeadlineSharing, Declared,
    DeploymentConfig, FailureCooldown, FallbackRule, GroupConfig, Hedge, LitellmCooldown,
    LitellmRetry, RateLimit, RateWindow, RetryBudget, RetryRule, RouterConfig, UnavailablePolicy,
};
use crate::{CostTuning, LatencyTuning, LitellmStrategy, ShareBasis, Strategy};
use core::time::Duration;
use squall_determinism::Share;

/// A choice of algorithms for a whole router.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Profile {
    /// Squall's own. The default.
    #[default]
    Squall,
    /// Those of LiteLLM 1.80, its faults included.
    Litellm180,
}

impl Profile {
    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Squall => "squall",
            Self::Litellm180 => "litellm-1.80",
        }
    }

    /// The profile that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Squall, Self::Litellm180].into_iter().find(|profile| profile.as_str() == word)
    }
}

impl RouterConfig {
    /// The same router by the formulas of `profile`: each policy of the other profile becomes the one of
    /// this that means the same, with what both can say (cooldown times, weights, limits); a policy of
    /// this profile stays as it is. Time-outs, deadlines, tags, budgets in money and lists of fallbacks
    /// mean the same in both.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        match profile {
            Profile::Squall => self.by_our_formulas(),
            Profile::Litellm180 => self.by_litellms_formulas(),
        }
        self
    }

    fn by_our_formulas(&mut self) {
        if let FallbackRule::LitellmNested { .. } = self.fallback_rule {
            self.fallback_rule = FallbackRule::default();
        }
        // No budget beside LiteLLM's loop is LiteLLM's, which has none; beside our retries somebody wants none.
        let loops = |group: &GroupConfig| matches!(group.retry_rule, RetryRule::Litellm(_));
        if self.retry_budget == RetryBudget::UNLIMITED && self.groups.iter().any(loops) {
            self.retry_budget = RetryBudget::default();
        }
        for group in &mut self.groups {
            ours_for_group(group);
        }
    }

    fn by_litellms_formulas(&mut self) {
        if let FallbackRule::DepthFirst { .. } = self.fallback_rule {
            self.fallback_rule = FallbackRule::LitellmNested { max_depth: 5 };
        }
        self.retry_budget = RetryBudget::UNLIMITED;
        for group in &mut self.groups {
            litellms_for_group(group);
        }
    }
}

fn ours_for_group(group: &mut GroupConfig) {
    if let Strategy::Litellm(strategy) = group.strategy {
        group.strategy = ours_for(strategy, &group.deployments);
        weigh_as_declared(&mut group.deployments);
    }
    let general = litellm_time(group.cooldown);
    group.cooldown = our_cooldown(group.cooldown);
    if let RetryRule::Litellm(_) = group.retry_rule {
        group.retry_rule = RetryRule::default();
        group.after_timeout = AfterTimeout::default();
        group.deadline_sharing = Some(DeadlineSharing::default());
        group.hedge = Some(Hedge::default());
    }
    if let UnavailablePolicy::FailStating(_) = group.when_unavailable {
        group.when_unavailable = UnavailablePolicy::Wait;
        let has_fallback = group.fallbacks.all().next().is_some();
        group.max_queue_wait = Duration::from_secs(if has_fallback { 0 } else { 10 });
    }
    for deployment in &mut group.deployments {
        let own = deployment.cooldown.filter(|own| litellm_time(*own) != general);
        deployment.cooldown = own.map(our_cooldown);
        let declared = deployment.declared;
        deployment.limits.release = ConcurrencyRelease::AtEnd;
        deployment.limits.rpm = deployment.limits.rpm.or_else(|| declared.rpm.map(per_minute));
        deployment.limits.tpm = deployment.limits.tpm.or_else(|| declared.tpm.map(per_minute));
    }
}

/// Where one deployment states a weight, those that do not weigh nothing; where all state 0, they weigh
/// the same.
fn weigh_as_declared(deployments: &mut [DeploymentConfig]) {
    if deployments.iter().all(|deployment| deployment.declared.weight.is_none()) {
        return;
    }
    for deployment in deployments.iter_mut() {
        deployment.weight = deployment.declared.weight.unwrap_or(0);
    }
    if deployments.iter().all(|deployment| deployment.weight == 0) {
        deployments.iter_mut().for_each(|deployment| deployment.weight = 1);
    }
}

const fn per_minute(per_minute: u64) -> RateLimit {
    RateLimit { per_minute, window: RateWindow::Gcra { burst: None } }
}

/// How long a cooldown of LiteLLM's lasts, if it is one.
fn litellm_time(rule: CooldownRule) -> Option<Duration> {
    match rule {
        CooldownRule::Litellm(litellm) => {
            Some(litellm.deployment_time.unwrap_or(litellm.cooldown_time))
        }
        CooldownRule::Breaker(_) | CooldownRule::Never => None,
    }
}

fn our_cooldown(rule: CooldownRule) -> CooldownRule {
    match litellm_time(rule) {
        Some(Duration::ZERO) => CooldownRule::Never,
        Some(base) => {
            let usual = FailureCooldown::default();
            let theirs = LitellmCooldown::default().cooldown_time;
            let base = if base == theirs { usual.base } else { base };
            let failure = FailureCooldown { base, cap: usual.cap.max(base), ..usual };
            CooldownRule::Breaker(Cooldown { failure, ..Cooldown::default() })
        }
        None => rule,
    }
}

fn ours_for(strategy: LitellmStrategy, deployments: &[DeploymentConfig]) -> Strategy {
    let any = |stated: fn(&Declared) -> bool| {
        deployments.iter().any(|deployment| stated(&deployment.declared))
    };
    match strategy {
        LitellmStrategy::SimpleShuffle if any(|declared| declared.weight.is_some()) => {
            Strategy::SmoothWeighted
        }
        LitellmStrategy::SimpleShuffle if any(|declared| declared.rpm.is_some()) => {
            Strategy::RpmProportional
        }
        LitellmStrategy::SimpleShuffle if any(|declared| declared.tpm.is_some()) => {
            Strategy::TpmProportional
        }
        LitellmStrategy::SimpleShuffle => Strategy::SmoothWeighted,
        LitellmStrategy::LeastBusy => Strategy::LeastBusy,
        LitellmStrategy::UsageBased | LitellmStrategy::UsageBasedV2 => Strategy::LowestUsage,
        LitellmStrategy::LatencyBased { buffer, .. } => {
            let usual = LatencyTuning::default();
            let buffer = if buffer.ppm() == 0 { usual.buffer } else { buffer };
            Strategy::LowestLatency(LatencyTuning { buffer, ..usual })
        }
        LitellmStrategy::CostBased => Strategy::LowestCost(CostTuning::DEFAULT),
    }
}

fn litellms_for_group(group: &mut GroupConfig) {
    let shares = group.strategy.shares();
    if let Some(info) = group.strategy.info() {
        group.strategy = Strategy::Litellm(info.in_litellm);
    }
    // Deployments behind a pattern never cool down there.
    let is_pattern = group.name.contains('*');
    group.cooldown = litellm_cooldown(group.cooldown);
    if is_pattern {
        group.cooldown = CooldownRule::Never;
    }
    let base = litellm_time(group.cooldown).unwrap_or(Duration::ZERO);
    if let RetryRule::Untried(_) = group.retry_rule {
        group.retry_rule = RetryRule::Litellm(LitellmRetry::default());
    }
    group.after_timeout = AfterTimeout::Retry;
    group.deadline_sharing = None;
    group.hedge = None;
    group.slow_start = None;
    group.panic_threshold = Share::percent(0);
    group.when_unavailable = UnavailablePolicy::FailStating(base);
    // Nobody waits there, but at the semaphore of a deployment.
    let has_semaphore = group.deployments.iter().any(|each| each.limits.concurrency.is_some());
    group.max_queue_wait = if has_semaphore { group.deadline } else { Duration::ZERO };
    for deployment in &mut group.deployments {
        deployment.cooldown = deployment.cooldown.map(|own| match litellm_cooldown(own) {
            CooldownRule::Litellm(own) => CooldownRule::Litellm(LitellmCooldown {
                cooldown_time: base,
                deployment_time: own.deployment_time.or(Some(own.cooldown_time)),
                ..own
            }),
            rule @ (CooldownRule::Breaker(_) | CooldownRule::Never) => rule,
        });
        declare(deployment, shares);
    }
}

/// Says to its formulas what our limits and weights say to ours.
fn declare(deployment: &mut DeploymentConfig, shares: ShareBasis) {
    let limits = &mut deployment.limits;
    let (rpm, tpm) = (limits.rpm.take(), limits.tpm.take());
    limits.release = ConcurrencyRelease::AtFirstToken;
    if deployment.declared != Declared::default() {
        return;
    }
    deployment.declared = Declared {
        weight: Some(deployment.weight),
        rpm: rpm.map(|limit| limit.per_minute),
        tpm: tpm.map(|limit| limit.per_minute),
    };
    match shares {
        ShareBasis::Rpm => deployment.declared.weight = None,
        ShareBasis::Tpm => {
            deployment.declared = Declared { weight: None, rpm: None, ..deployment.declared };
        }
        ShareBasis::Weight | ShareBasis::Declared | ShareBasis::Measured => {}
    }
}

fn litellm_cooldown(rule: CooldownRule) -> CooldownRule {
    match rule {
        CooldownRule::Breaker(breaker) => {
            let base = breaker.failure.base;
            let theirs = LitellmCooldown::default();
            // Each has a default of its own.
            let usual = base == FailureCooldown::default().base;
            let cooldown_time = if usual { theirs.cooldown_time } else { base };
            CooldownRule::Litellm(LitellmCooldown { cooldown_time, ..theirs })
        }
        CooldownRule::Litellm(_) | CooldownRule::Never => rule,
    }
}
