//! Settings whose support hangs on others, or on their own values.

use super::{FoundSetting, Kept, Support};
use crate::LitellmFile;
use crate::upstream::NOT_SPOKEN;
use squall_router::{LitellmRules, LitellmStrategy, OrderUse, PolicyClasses, Profile};

use Support::{Approximate, Exact, NotSupported};

pub(super) fn kept(file: &LitellmFile, profile: Profile, found: &FoundSetting) -> Option<Kept> {
    let of_entry = matches!(found.section, "litellm_params" | "model_list" | "model_info");
    if of_entry && let Some(kept) = of_deployment(file, found) {
        return Some(kept);
    }
    match found.section {
        "litellm_params" | "model_list" | "model_info" => {
            of_limits(file, profile, found).or_else(|| of_address(file, found))
        }
        "router_settings" | "litellm_settings" => of_settings(file, profile, found),
        "retry_policy" | "allowed_fails_policy" => of_policy(profile, found),
        _ => None,
    }
}

/// A deployment that LiteLLM drops, or whose provider is not spoken to.
fn of_deployment(file: &LitellmFile, found: &FoundSetting) -> Option<Kept> {
    let at = place_of(&found.path)?;
    if file.dropped.contains(&at) {
        return Some(Kept(Exact, "LiteLLM drops this deployment, and so is it here"));
    }
    let entry = file.entries.iter().find(|entry| entry.item == at)?;
    let is_call = matches!(
        found.key.as_str(),
        "model" | "api_base" | "base_url" | "api_key" | "api_version" | "custom_llm_provider"
    );
    (!entry.is_spoken && found.section == "litellm_params" && is_call)
        .then_some(Kept(NotSupported, NOT_SPOKEN))
}

fn of_limits(file: &LitellmFile, profile: Profile, found: &FoundSetting) -> Option<Kept> {
    let settings = &file.settings;
    let theirs = profile != Profile::Squall;
    let by_usage = [LitellmStrategy::UsageBased, LitellmStrategy::UsageBasedV2];
    let by_usage = by_usage.contains(&settings.strategy);
    let shuffles = settings.strategy == LitellmStrategy::SimpleShuffle;
    let at = place_of(&found.path)?;
    let entry = file.entries.iter().find(|entry| entry.item == at)?;
    let kept = match (found.section, found.key.as_str()) {
        ("model_info", "rpm" | "tpm") if !by_usage => {
            Kept(Exact, "LiteLLM reads it only with the strategies by usage: ignored, as there")
        }
        ("litellm_params" | "model_info", "order")
            if is(profile, |rules| rules.order == OrderUse::FilterWithChecks)
                && !settings.pre_call_checks =>
        {
            Kept(Exact, "ignored without `enable_pre_call_checks`, as in 1.80")
        }
        (_, "rpm" | "tpm") if theirs => theirs_of_limit(file, profile, found, by_usage),
        (_, "rpm" | "tpm") if by_usage => {
            Kept(Approximate, "a limit there too, in minutes of the clock; here refilled evenly")
        }
        (_, "rpm" | "tpm") if entry.weight.is_some() || !shuffles => Kept(
            Approximate,
            "without effect on the choice there, as here; here it is also an enforced limit",
        ),
        ("litellm_params", "weight") if !shuffles => {
            Kept(Exact, "of no effect with this strategy, in LiteLLM and here")
        }
        ("litellm_params", "tags") if !settings.tag_filtering => {
            Kept(Exact, "tags are ignored without `enable_tag_filtering`")
        }
        _ => return None,
    };
    Some(kept)
}

fn theirs_of_limit(
    file: &LitellmFile,
    profile: Profile,
    found: &FoundSetting,
    by_usage: bool,
) -> Kept {
    if by_usage {
        Kept(Exact, "a limit enforced by the strategy, which admits one request less than `rpm`")
    } else if file.settings.pre_call_checks
        && found.key == "rpm"
        && is(profile, |rules| rules.checks_hold_rpm)
    {
        Kept(Exact, "a weight, a concurrency limit, and a limit enforced by pre-call checks")
    } else {
        Kept(Exact, "a weight and a concurrency limit, not a rate limit, as in LiteLLM")
    }
}

/// Addresses and keys.
fn of_address(file: &LitellmFile, found: &FoundSetting) -> Option<Kept> {
    let at = place_of(&found.path)?;
    let entry = file.entries.iter().find(|entry| entry.item == at)?;
    let upstream = &file.upstreams[entry.upstream];
    let caveat = match (found.section, found.key.as_str()) {
        ("litellm_params", "api_base" | "base_url" | "model") => upstream.caveat,
        ("litellm_params", "api_key") => upstream.key_caveat,
        _ => None,
    };
    caveat.map(|caveat| Kept(Approximate, caveat))
}

fn of_settings(file: &LitellmFile, profile: Profile, found: &FoundSetting) -> Option<Kept> {
    let settings = &file.settings;
    let kept = match (found.section, found.key.as_str()) {
        ("litellm_settings", key) if file.overridden.iter().any(|known| known == key) => {
            Kept(Exact, "also set in `router_settings`, which takes precedence")
        }
        (_, "allowed_fails")
            if is(profile, |rules| rules.allowed_fails_unset == Some(3))
                && settings.allowed_fails == Some(3) =>
        {
            Kept(Exact, "3 is treated as not set, as in 1.80")
        }
        ("router_settings", "enable_weighted_failover")
            if is(profile, |rules| !rules.weighted_failover) =>
        {
            Kept(Exact, "not known to 1.80")
        }
        ("router_settings", "routing_strategy") if found.value == "lar1" => {
            Kept(NotSupported, "this strategy is not there: `simple-shuffle` is used instead")
        }
        (_, "fallbacks" | "context_window_fallbacks" | "content_policy_fallbacks")
            if !found.value.starts_with('[') =>
        {
            Kept(Exact, "not a list: LiteLLM takes no fallback from it, and neither is any here")
        }
        _ => return None,
    };
    Some(kept)
}

/// Settings of policies that 1.80 declares and does not read, or reads in its own way.
fn of_policy(profile: Profile, found: &FoundSetting) -> Option<Kept> {
    let first = is(profile, |rules| rules.policy == PolicyClasses::First);
    let late = [
        "InternalServerErrorRetries",
        "ServiceUnavailableErrorRetries",
        "NotFoundErrorRetries",
        "DefaultRetries",
    ];
    match found.section {
        "retry_policy" if first && late.contains(&found.key.as_str()) => {
            Some(Kept(Exact, "declared and not read, as in 1.80"))
        }
        "allowed_fails_policy" if first && found.key.ends_with("AllowedFails") => {
            Some(Kept(Exact, "a threshold of 0 is treated as not set, as in 1.80"))
        }
        _ => None,
    }
}

/// Whether a rule holds in the profile's version of LiteLLM.
fn is(profile: Profile, rule: fn(&LitellmRules) -> bool) -> bool {
    profile.litellm().is_some_and(rule)
}

/// The place in `model_list` that a path names.
pub(super) fn place_of(path: &str) -> Option<usize> {
    path.strip_prefix("model_list[")?.split_once(']')?.0.parse().ok()
}
