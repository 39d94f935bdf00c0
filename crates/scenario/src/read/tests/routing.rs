//! What a router and its traffic may ask for, as it is read.

use super::good::read;
use crate::{Argument, GatewayFile, Scenario};
use core::time::Duration;
use squall_determinism::Share;
use squall_failure::FailureClass;
use squall_router::{
    CooldownRule, CostTuning, DeploymentId, FallbackChoice, FallbackRule, Features, GroupId,
    LatencyTuning, LitellmStrategy, Money, Profile, RateWindow, Retries, RetryBudget, RetryRule,
    SpendBudgetId, Strategy, Tags, TenantId, UnavailablePolicy,
};

/// A scenario of three groups; `router` and `traffic` are put into it.
fn scenario(router: &str, chat: &str, traffic: &str, expect: &str) -> Scenario {
    read(&format!(
        "name: test
duration: 60s
traffic: {{ group: chat, rate: 20, prompt_tokens: 400, output_tokens: 60{traffic} }}
providers: {{ eu: {{ ttft: 1s, itl: 20ms }}, us: {{ ttft: 1s, itl: 20ms }} }}
router:
  groups:
    chat: {{ deployments: [ {{ name: eu, provider: eu }}, {{ name: us, provider: us }} ]{chat} }}
    small: {{ deployments: [ {{ name: small, provider: us }} ] }}
    long: {{ deployments: [ {{ name: long, provider: us }} ] }}
{router}
expect: [ {expect} ]
"
    ))
}

fn chat(keys: &str) -> squall_router::GroupConfig {
    let keys = if keys.is_empty() { String::new() } else { format!(", {keys}") };
    scenario("", &keys, "", "").router.groups.swap_remove(0)
}

#[test]
fn every_strategy_has_a_word() {
    let words = [
        ("smooth_weighted", Strategy::SmoothWeighted),
        ("weighted_random", Strategy::WeightedRandom),
        ("rpm_proportional", Strategy::RpmProportional),
        ("tpm_proportional", Strategy::TpmProportional),
        ("least_busy", Strategy::LeastBusy),
        ("two_choices", Strategy::TwoChoices),
        ("lowest_usage", Strategy::LowestUsage),
        ("lowest_latency", Strategy::LowestLatency(LatencyTuning::default())),
        ("lowest_cost", Strategy::LowestCost(CostTuning::DEFAULT)),
        ("{ litellm: simple-shuffle }", Strategy::Litellm(LitellmStrategy::SimpleShuffle)),
        ("{ litellm: least-busy }", Strategy::Litellm(LitellmStrategy::LeastBusy)),
        ("{ litellm: usage-based-routing }", Strategy::Litellm(LitellmStrategy::UsageBased)),
        ("{ litellm: usage-based-routing-v2 }", Strategy::Litellm(LitellmStrategy::UsageBasedV2)),
        ("{ litellm: cost-based-routing }", Strategy::Litellm(LitellmStrategy::CostBased)),
    ];
    for (word, strategy) in words {
        assert_eq!(chat(&format!("strategy: {word}")).strategy, strategy, "{word}");
    }
    let latency = chat("strategy: { lowest_latency: { buffer: 5% } }").strategy;
    let wanted = LatencyTuning { buffer: Share::percent(5), ..LatencyTuning::default() };
    assert_eq!(latency, Strategy::LowestLatency(wanted));
}

#[test]
fn retries_are_a_number_or_numbers_by_class() {
    assert_eq!(chat("retries: 4").retries, Retries::new(4));
    let by_class = Retries::new(1).with(FailureClass::Throttled, 5).with(FailureClass::Timeout, 0);
    assert_eq!(chat("retries: { default: 1, throttled: 5, timeout: 0 }").retries, by_class);
}

#[test]
fn a_cooldown_is_ours_or_litellms_or_none() {
    assert_eq!(chat("cooldown: never").cooldown, CooldownRule::Never);
    let CooldownRule::Litellm(litellm) =
        chat("cooldown: { litellm: { allowed_fails: 2 } }").cooldown
    else {
        panic!("another rule");
    };
    assert_eq!((litellm.allowed_fails, litellm.cooldown_time.as_secs()), (Some(2), 5));
    assert!(matches!(chat("backoff: { litellm: {} }").retry_rule, RetryRule::Litellm(_)));
}

#[test]
fn what_waits_and_what_is_limited() {
    let group = chat("limits: { rpm: 60, window: from_first, concurrency: 3 }, max_queued: 7");
    assert_eq!(group.limits.rpm.map(|limit| limit.window), Some(RateWindow::FromFirst));
    assert_eq!((group.limits.concurrency, group.max_queued), (Some(3), 7));
    assert_eq!(chat("when_unavailable: panic").when_unavailable, UnavailablePolicy::Panic);
    assert_eq!(chat("when_unavailable: fail").when_unavailable, UnavailablePolicy::Fail);
}

#[test]
fn fallbacks_have_lists_of_their_own_and_a_default_for_those_without() {
    let read = scenario(
        "  default_fallback: [small]\n  retry_budget: unlimited",
        ", context_window_fallback: [long], content_policy_fallback: []",
        "",
        "",
    );
    let fallbacks = |group: usize| &read.router.groups[group].fallbacks;
    assert_eq!(fallbacks(0).general, [GroupId(1)]);
    assert_eq!(fallbacks(0).context_window, Some(vec![GroupId(2)]));
    assert_eq!(fallbacks(0).content_policy, Some(Vec::new()));
    assert_eq!(fallbacks(1).general, []);
    assert_eq!(fallbacks(2).general, [GroupId(1)]);
    assert_eq!(read.router.retry_budget, RetryBudget::UNLIMITED);
    assert_eq!(read.router.groups[0].max_queue_wait, Duration::ZERO, "there is somewhere to go");
    let nested = scenario("  fallback_rule: { max_depth: 3 }", "", "", "");
    let three = FallbackRule::LitellmNested { max_depth: 3, weighted_failover: false };
    assert_eq!(nested.router.fallback_rule, three);
}

#[test]
fn a_profile_leaves_a_retry_budget_that_both_can_say_as_it_is_written() {
    let budget = |router: &str| scenario(router, "", "", "").router.retry_budget;
    assert_eq!(budget("  profile: squall\n  retry_budget: unlimited"), RetryBudget::UNLIMITED);
    let own = budget("  profile: squall\n  retry_budget: { ratio: 5% }");
    assert_eq!(own.ratio, Share::percent(5));
    // LiteLLM's loop has no budget, and its file says none.
    let loops = "  profile: squall\n  retry_budget: unlimited\n  backoff: { litellm: {} }";
    assert_eq!(budget(loops), RetryBudget::default());
}

#[test]
fn money_is_dollars_and_a_price_is_that_of_a_million_tokens() {
    let text = "
name: test
duration: 60s
traffic: { group: chat, rate: 20, prompt_tokens: 400, output_tokens: 60 }
providers: { eu: { ttft: 1s, itl: 20ms } }
router:
  budgets: { shared: { limit: $100, period: 1d } }
  groups:
    chat:
      deployments:
        - name: eu
          provider: eu
          price: { input: $0.15, output: 0.6 }
          budgets: [shared]
          budget: { limit: $2.50, period: 1h }
          order: 2
          features: [tools, vision]
          max_input_tokens: 4k
          default_pool: true
          tags: [paid, fast]
          region: eu
        - { name: us, provider: eu, tags: [fast], features: [] }
";
    let read = read(text);
    let [eu, us] = &read.router.groups[0].deployments[..] else { panic!("two deployments") };
    assert_eq!((eu.price.input, eu.price.output), (Money(150_000), Money(600_000)));
    assert_eq!(eu.spends_from, [SpendBudgetId(0), SpendBudgetId(1)]);
    let limits: Vec<_> = read.router.spend_budgets.iter().map(|budget| budget.limit).collect();
    assert_eq!(limits, [Money::dollars(100.0), Money::dollars(2.5)]);
    assert_eq!((eu.order, eu.default_pool, eu.max_input_tokens), (2, true, Some(4_000)));
    assert_eq!((eu.features, us.features), (Features(3), Features::NONE));
    assert_eq!((eu.tags, us.tags), (Tags(3), Tags(2)));
    assert_eq!(
        (read.tags.as_slice(), read.regions.as_slice()),
        (&["paid".to_owned(), "fast".to_owned()][..], &["eu".to_owned()][..])
    );
}

#[test]
fn a_mix_says_what_each_kind_asks_for() {
    let mix = ", mix: { paid: { share: 20%, group: small, priority: 1, tenant: team, retries: 0, \
               timeout: 5s, fallback: [long], sessions: 9 }, free: { share: 80%, fallback: none, \
               prompt_tokens: 9 } }";
    let tenants = "  tenants: { team: { limits: { rpm: 60 } } }";
    let read = scenario(tenants, "", mix, "success_rate(paid) >= 99%, success_rate(chat) >= 9%");
    let [paid, free] = &read.kinds[..] else { panic!("two kinds") };
    assert_eq!((paid.group, paid.priority, paid.tenant), (GroupId(1), 1, Some(TenantId(0))));
    assert_eq!(paid.overrides.retries, Some(0));
    assert_eq!(paid.overrides.timeout, Some(Duration::from_secs(5)));
    assert!(
        matches!(paid.overrides.fallbacks, FallbackChoice::These(list) if list.get(0) == Some(GroupId(2)))
    );
    assert_eq!((free.group, free.overrides.fallbacks), (GroupId(0), FallbackChoice::None));
    let weights: Vec<_> =
        read.workload.sources[0].kinds.iter().map(|kind| (kind.weight, kind.sessions)).collect();
    assert_eq!(weights, [(200_000, 9), (800_000, 0)]);
    let arguments: Vec<_> = read.expectations.iter().map(|each| each.argument).collect();
    assert_eq!(arguments, [Some(Argument::Kind(0)), Some(Argument::Group(GroupId(0)))]);
}

#[test]
fn changes_are_whole_configurations_each_over_the_one_before() {
    let changes = "  changes:
    - { at: 10s, weights: { eu: 3, us: 1 } }
    - { at: 20s, limits: { us: { rpm: 60 } } }
    - { at: 30s, deployments: { chat: [ { name: us, provider: us }, { name: ap, provider: eu } ] } }
    - { at: 30s, profile: litellm-1.80 }";
    let read = scenario(changes, "", "", "success_rate >= 99%");
    let [weights, limits, deployments, profile] = &read.changes[..] else { panic!("four changes") };
    assert_eq!(weights.router.groups[0].deployments[0].weight, 3);
    assert_eq!(limits.router.groups[0].deployments[0].weight, 3, "as before");
    assert!(limits.router.groups[0].deployments[1].limits.rpm.is_some());
    let names: Vec<_> =
        deployments.router.groups[0].deployments.iter().map(|each| each.name.as_str()).collect();
    assert_eq!(names, ["us", "ap"]);
    assert_eq!(profile.router, deployments.router.clone().with_profile(Profile::LITELLM_1_80));
    let said: Vec<_> = read.changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "weights eu 3, us 1",
            "limits of us",
            "deployments of chat: us, ap",
            "profile litellm-1.80"
        ]
    );
    let all: Vec<_> =
        read.deployments().map(|(id, group, each)| (id, group, each.name.clone())).collect();
    assert_eq!(all[4], (DeploymentId(4), GroupId(0), "ap".to_owned()));
    assert_eq!((read.deployments.len(), read.deployments[4].provider), (5, 0));
}

#[test]
fn new_deployments_are_served_by_their_own_providers_in_whatever_order_a_change_is_written() {
    let changes = "  changes: [ { at: 10s, deployments: { small: [ { name: new-s, provider: us } ], \
                   chat: [ { name: new-c, provider: eu } ] } } ]";
    let read = scenario(changes, "", "", "success_rate >= 99%");
    let named = |wanted: &str| {
        let (id, ..) = read.deployments().find(|(_, _, each)| each.name == wanted).unwrap();
        read.deployments[id.index()].provider
    };
    assert_eq!((named("new-c"), named("new-s")), (0, 1));
}

#[test]
fn a_group_may_be_a_pattern_and_a_gateway_knows_tenants_by_their_keys() {
    let file = GatewayFile::read(
        "gateway.yaml",
        "
providers: { openai: { base_url: http://127.0.0.1:9001/v1 } }
router:
  tenants: { a: { key: $TEAM_A }, b: { key: secret, limits: { rpm: 60 } } }
  groups:
    openai/*: { aliases: [gpt-*], deployments: [ { name: o, provider: openai, model: '*' } ] }
",
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(file.router.groups[0].name, "openai/*");
    assert_eq!(file.router.groups[0].aliases, ["gpt-*"]);
    assert_eq!(file.tenants.iter().filter(|key| key.is_some()).count(), 2);
    assert_eq!(file.deployments[0].model, "*");
}
