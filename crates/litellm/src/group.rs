//! What of a LiteLLM file concerns one group, by either profile.

use super::read::{Policy, Settings};
use core::time::Duration;
use squall_failure::FailureClass;
use squall_router::{
    Cooldown, CooldownRule, CostTuning, FailureCooldown, LatencyTuning, LitellmCooldown,
    LitellmCounts, LitellmStrategy, Profile, Retries, Strategy,
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
    } = policy;
    let mut retries = Retries::new(small(settings.num_retries));
    let mut set = |number: Option<u32>, classes: &[Class]| {
        for &class in classes {
            retries = number.map_or(retries, |number| retries.with(class, small(number)));
        }
    };
    // Both are bad requests there, and that is asked first.
    set(content_policy, &[Class::ContentPolicy]);
    set(bad_request, &[Class::BadRequest, Class::ContextWindow, Class::ContentPolicy]);
    set(authentication, &[Class::Auth]);
    set(timeout, &[Class::Timeout, Class::Stalled]);
    set(rate_limit, &[Class::Throttled, Class::QuotaSpent]);
    if profile == Profile::Squall {
        set(content_policy, &[Class::ContentPolicy]);
        set(internal_server, &[Class::Server, Class::Overloaded]);
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
    if profile == Profile::Litellm180 {
        // Deployments behind a pattern never cool down there.
        if group.contains('*') {
            return CooldownRule::Never;
        }
        return CooldownRule::Litellm(LitellmCooldown {
            cooldown_time: settings.cooldown_time.unwrap_or(Duration::from_secs(5)),
            deployment_time: own,
            allowed_fails: settings.allowed_fails,
            policy: settings.allowed_fails_policy,
            counts: LitellmCounts::OncePerRequest,
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
