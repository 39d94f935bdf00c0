//! Whose formulas a router uses: ours, or LiteLLM's.

use super::{
    AfterTimeout, ConcurrencyRelease, Cooldown, CooldownRule, DeadlineSharing, Declared,
    DeploymentConfig, FailureCooldown, FallbackRule, GroupConfig, Hedge, LitellmCooldown,
    LitellmRetry, LitellmRules, LitellmVersion, RateLimit, RateWindow, RetryBudget, RetryRule,
    RouterConfig, UnavailablePolicy, WhenFull,
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
    /// Those of a version of LiteLLM, its faults included.
    Litellm(LitellmVersion),
}

impl Profile {
    /// LiteLLM 1.80's.
    pub const LITELLM_1_80: Self = Self::Litellm(LitellmVersion::V1_80);
    /// LiteLLM 1.110's.
    pub const LITELLM_1_110: Self = Self::Litellm(LitellmVersion::V1_110);

    /// Every profile, ours first.
    pub const ALL: [Self; LitellmVersion::ALL.len() + 1] = {
        let mut all = [Self::Squall; LitellmVersion::ALL.len() + 1];
        let mut place = 0;
        while place < LitellmVersion::ALL.len() {
            all[place + 1] = Self::Litellm(LitellmVersion::ALL[place]);
            place += 1;
        }
        all
    };

    /// The word in files for LiteLLM's newest version.
    pub const NEWEST_LITELLM: &str = "litellm";

    /// Every word in files: one for each profile in the order of [`ALL`](Self::ALL), then the one for the newest of
    /// LiteLLM's.
    pub const WORDS: [&str; Self::ALL.len() + 1] = {
        let mut words = [Self::NEWEST_LITELLM; Self::ALL.len() + 1];
        let mut place = 0;
        while place < Self::ALL.len() {
            words[place] = Self::ALL[place].as_str();
            place += 1;
        }
        words
    };

    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Squall => "squall",
            Self::Litellm(version) => version.rules().word,
        }
    }

    /// What it is, in a sentence.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Squall => "Squall's own policies, with the intended meaning of the configuration",
            Self::Litellm(version) => version.rules().about,
        }
    }

    /// The profile that [`as_str`](Self::as_str) writes as `word`, or the newest of LiteLLM's.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if word == Self::NEWEST_LITELLM {
            return Some(Self::Litellm(LitellmVersion::NEWEST));
        }
        Self::ALL.into_iter().find(|profile| profile.as_str() == word)
    }

    /// What the version of LiteLLM's does, if it is one.
    #[must_use]
    pub const fn litellm(self) -> Option<&'static LitellmRules> {
        match self {
            Self::Squall => None,
            Self::Litellm(version) => Some(version.rules()),
        }
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
            Profile::Litellm(version) => self.by_litellms_formulas(version),
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

    fn by_litellms_formulas(&mut self, version: LitellmVersion) {
        if let FallbackRule::DepthFirst { .. } = self.fallback_rule {
            self.fallback_rule = FallbackRule::LITELLM;
        }
        self.retry_budget = RetryBudget::UNLIMITED;
        for group in &mut self.groups {
            litellms_for_group(group, version);
        }
    }
}

fn ours_for_group(group: &mut GroupConfig) {
    group.litellm = LitellmVersion::default();
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

fn litellms_for_group(group: &mut GroupConfig, version: LitellmVersion) {
    group.litellm = version;
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
    let rules = version.rules();
    let has_semaphore = rules.when_full == WhenFull::Wait
        && group.deployments.iter().any(|each| each.limits.concurrency.is_some());
    group.max_queue_wait = if has_semaphore { group.deadline } else { Duration::ZERO };
    let states_any = group.deployments.iter().any(|each| each.declared != Declared::default());
    for deployment in &mut group.deployments {
        deployment.cooldown = deployment.cooldown.map(|own| match litellm_cooldown(own) {
            CooldownRule::Litellm(own) => CooldownRule::Litellm(LitellmCooldown {
                cooldown_time: base,
                deployment_time: own.deployment_time.or(Some(own.cooldown_time)),
                ..own
            }),
            rule @ (CooldownRule::Breaker(_) | CooldownRule::Never) => rule,
        });
        declare(deployment, shares, rules, states_any);
    }
}

/// Says to its formulas what our limits and weights say to ours, unless one of the group says it by itself.
fn declare(
    deployment: &mut DeploymentConfig,
    shares: ShareBasis,
    rules: &LitellmRules,
    states_any: bool,
) {
    let limits = &mut deployment.limits;
    let (rpm, tpm) = (limits.rpm.take(), limits.tpm.take());
    limits.release = rules.release;
    if states_any {
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
