//! What a file means to LiteLLM 1.110 and not to 1.80: the changes between them that are the reader's.

use squall_failure::FailureClass;
use squall_litellm::LitellmFile;
use squall_router::{
    ConcurrencyRelease, CooldownRule, FallbackRule, GroupConfig, GroupId, LitellmAllowedFails,
    LitellmVersion, Profile,
};

/// The first group of a file by 1.80 and by 1.110.
fn both(text: &str) -> [GroupConfig; 2] {
    let file = LitellmFile::read("config.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    [Profile::LITELLM_1_80, Profile::LITELLM_1_110]
        .map(|profile| file.router(profile).groups.swap_remove(0))
}

/// A file of two deployments with these parameters each, and of a group to fall back to.
fn two(params: [&str; 2], router: &str) -> String {
    let entry = |group: &str, params: &str| {
        format!(
            "  - model_name: {group}\n    litellm_params: {{ model: openai/m, api_key: k, {params} }}\n"
        )
    };
    format!(
        "model_list:\n{}{}{}router_settings:\n  routing_strategy: simple-shuffle\n{router}",
        entry("chat", params[0]),
        entry("chat", params[1]),
        entry("spare", "weight: 1")
    )
}

#[test]
fn each_version_is_told_to_the_router() {
    let [old, new] = both(&two(["weight: 1", "weight: 1"], ""));
    assert_eq!((old.litellm, new.litellm), (LitellmVersion::V1_80, LitellmVersion::V1_110));
}

/// 115: 20 of 20 to order 1 without pre-call checks, where 1.80 had 13 to 7.
#[test]
fn order_holds_without_pre_call_checks() {
    let [old, new] = both(&two(["order: 1", "order: 2"], ""));
    let orders = |group: &GroupConfig| [0, 1].map(|place: usize| group.deployments[place].order);
    assert_eq!((orders(&old), orders(&new)), ([0, 0], [1, 2]));
}

/// 94: rpm 5 let 14 of 14 through with `enable_pre_call_checks`, where 1.80 let 5.
#[test]
fn pre_call_checks_do_not_hold_rpm() {
    let text = two(["rpm: 5", "rpm: 5"], "  enable_pre_call_checks: true\n");
    let [old, new] = both(&text);
    assert_eq!(old.deployments[0].limits.rpm.map(|rpm| rpm.per_minute), Some(5));
    assert_eq!(new.deployments[0].limits.rpm, None);
    assert_eq!(new.deployments[0].declared.rpm, Some(5), "it is a weight");
}

/// 95: of 40 at once rpm 3 served 3, tpm 6,000 36, tpm 20 one.
#[test]
fn places_are_rpm_or_six_for_a_thousand_tokens_and_held_to_the_end() {
    for (stated, old_places, new_places) in
        [("rpm: 3", 3, 3), ("tpm: 6000", 1, 36), ("tpm: 600", 1, 3), ("tpm: 20", 1, 1)]
    {
        let [old, new] = both(&two([stated, stated], ""));
        let places = |group: &GroupConfig| group.deployments[0].limits.concurrency;
        assert_eq!((places(&old), places(&new)), (Some(old_places), Some(new_places)), "{stated}");
        assert_eq!(new.deployments[0].limits.release, ConcurrencyRelease::AtEnd);
        assert!(old.max_queue_wait > new.max_queue_wait, "{stated}: callers wait in 1.80 only");
    }
}

/// 80: a prompt too long, and `context_window_fallbacks` name other groups only: the general list, which 1.80 did not
/// use. Of the content policy's the same is raised by both.
#[test]
fn lists_for_long_prompts_of_other_groups_leave_the_general_one() {
    let router = "  fallbacks: [{ chat: [spare] }]\n  context_window_fallbacks: [{ spare: [chat] }]\n  \
                  content_policy_fallbacks: [{ spare: [chat] }]\n";
    let [old, new] = both(&two(["weight: 1", "weight: 1"], router));
    assert_eq!(old.fallbacks.context_window, Some(Vec::new()));
    assert_eq!(new.fallbacks.context_window, None);
    for group in [&old, &new] {
        assert_eq!(group.fallbacks.general, [GroupId(1)]);
        assert_eq!(group.fallbacks.content_policy, Some(Vec::new()));
    }
}

/// 48: InternalServer 2 is 3 calls and Default 1 is 2, which 1.80 did not read.
#[test]
fn all_of_a_retry_policy_is_read() {
    let router = "  retry_policy: { InternalServerErrorRetries: 2, ServiceUnavailableErrorRetries: 0, \
                  DefaultRetries: 1 }\n  num_retries: 3\n";
    let [old, new] = both(&two(["weight: 1", "weight: 1"], router));
    use FailureClass::{Overloaded, Server, Timeout};
    let after =
        |group: &GroupConfig| [Server, Overloaded, Timeout].map(|of| group.retries.after(of));
    assert_eq!((after(&old), after(&new)), ([3, 3, 3], [2, 0, 1]));
}

/// Whatever a policy names: that it is there is what counts.
#[test]
fn a_policy_of_unknown_keys_is_a_policy() {
    let policy = |router: &str| {
        both(&two(["weight: 1", "weight: 1"], router)).map(|group| match group.cooldown {
            CooldownRule::Litellm(rule) => rule.policy,
            other => panic!("{other:?}"),
        })
    };
    let unknown = policy("  allowed_fails_policy: { SomethingElse: 1 }\n");
    assert_eq!(unknown, [Some(LitellmAllowedFails::default()); 2]);
    let known = policy("  allowed_fails_policy: { InternalServerErrorAllowedFails: 5 }\n");
    let five = LitellmAllowedFails { internal_server: Some(5), ..LitellmAllowedFails::default() };
    assert_eq!(known, [Some(five); 2]);
    assert_eq!(policy(""), [None; 2]);
}

#[test]
fn weighted_failover_is_read() {
    let text = two(["weight: 1", "weight: 1"], "  enable_weighted_failover: true\n");
    let file = LitellmFile::read("config.yaml", &text).expect("it is valid");
    let rule = FallbackRule::LitellmNested { max_depth: 5, weighted_failover: true };
    assert_eq!(file.router(Profile::LITELLM_1_110).fallback_rule, rule);
}
