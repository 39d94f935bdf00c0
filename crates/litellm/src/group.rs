//! What of a LiteLLM file concerns one group, by either profile.

use super::read::{Policy, Settings};
use core::time::Duration;
use squall_failure::FailureClass;
use squall_router::{
    Cooldown, CooldownRule, CostTuning, FailureCooldown, LatencyTuning, LitellmCooldown,
    LitellmStrategy, PolicyClasses, Profile, Retries, Strategy,
};

/// Retries in a group.
pub(super) fn retries(settings: &Settings, group: &str, profile: Profile) -> Retries {
    use FailureClass as Class;
    let own = settings.group_policies.iter().find(|(name, _)| name == group);
    let policy = own.map_or(settings.retry_policy, |(_, policy)| *policy);
    let Policy {
        bad_request,
        authentication,
        timeout,
        rate_limit,
        content_policy,
        internal_server,
        service_unavailable,
        not_found,
        other,
    } = policy;
    let reads_all = profile.litellm().is_none_or(|rules| rules.policy == PolicyClasses::All);
    let others = other.filter(|_| reads_all).unwrap_or(settings.num_retries);
    let mut retries = Retries::new(small(others));
    let mut set = |number: Option<u32>, classes: &[Class]| {
        for &class in classes {
            retries = number.map_or(retries, |number| retries.with(class, small(number)));
        }
    };
    // Both are bad requests in 1.80, and that is asked first.
    set(content_policy, &[Class::ContentPolicy]);
    set(bad_request, &[Class::BadRequest, Class::ContextWindow, Class::ContentPolicy]);
    set(authentication, &[Class::Auth]);
    set(timeout, &[Class::Timeout, Class::Stalled]);
    set(rate_limit, &[Class::Throttled, Class::QuotaSpent]);
    if reads_all {
        set(content_policy, &[Class::ContentPolicy]);
        let as_500 = if profile == Profile::Squall { Class::Overloaded } else { Class::Connect };
        set(internal_server, &[Class::Server, as_500]);
        set(service_unavailable, &[Class::Overloaded]);
        set(not_found, &[Class::NotFound]);
    }
    retries
}

fn small(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// How the deployments of a group are picked by our formulas.
pub(super) fn our_strategy(
    strategy: LitellmStrategy,
    weighs: bool,
    has_rpm: bool,
    has_tpm: bool,
) -> Strategy {
    match strategy {
        LitellmStrategy::SimpleShuffle if weighs => Strategy::SmoothWeighted,
        LitellmStrategy::SimpleShuffle if has_rpm => Strategy::RpmProportional,
        LitellmStrategy::SimpleShuffle if has_tpm => Strategy::TpmProportional,
        LitellmStrategy::LeastBusy => Strategy::LeastBusy,
        LitellmStrategy::UsageBased | LitellmStrategy::UsageBasedV2 => Strategy::LowestUsage,
        LitellmStrategy::LatencyBased { buffer, .. } if buffer.ppm() > 0 => {
            Strategy::LowestLatency(LatencyTuning { buffer, ..LatencyTuning::default() })
        }
        LitellmStrategy::LatencyBased { .. } => Strategy::LowestLatency(LatencyTuning::default()),
        LitellmStrategy::CostBased => Strategy::LowestCost(CostTuning::DEFAULT),
        LitellmStrategy::SimpleShuffle => Strategy::SmoothWeighted,
    }
}

/// The cooldown of a group, or of a deployment with its own time.
pub(super) fn cooldown(
    settings: &Settings,
    group: &str,
    own: Option<Duration>,
    profile: Profile,
) -> CooldownRule {
    let time = own.or(settings.cooldown_time);
    if settings.disable_cooldowns {
        return CooldownRule::Never;
    }
    if profile.litellm().is_some() {
        // Deployments behind a pattern never cool down there.
        if group.contains('*') {
            return CooldownRule::Never;
        }
        return CooldownRule::Litellm(LitellmCooldown {
            cooldown_time: settings.cooldown_time.unwrap_or(Duration::from_secs(5)),
            deployment_time: own,
            allowed_fails: settings.allowed_fails,
            policy: settings.allowed_fails_policy,
            counts: None,
        });
    }
    if time == Some(Duration::ZERO) {
        return CooldownRule::Never;
    }
    let usual = FailureCooldown::default();
    let base = time.unwrap_or(usual.base);
    let consecutive =
        settings.allowed_fails.map_or(usual.consecutive, |allowed| allowed.saturating_add(1));
    let failure = FailureCooldown { base, cap: usual.cap.max(base), consecutive, ..usual };
    CooldownRule::Breaker(Cooldown { failure, ..Cooldown::default() })
}
