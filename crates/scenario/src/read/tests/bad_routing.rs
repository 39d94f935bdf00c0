//! Mistakes in what a router and its traffic may ask for, as the person who made them sees them.

use crate::{Diagnostics, GatewayFile, Scenario};
use insta::assert_snapshot;

/// A good file; each test spoils it.
const GOOD: &str = "\
name: test
duration: 60s
traffic:
  group: chat
  rate: 20
  prompt_tokens: 400
  output_tokens: 60
  mix:
    paid: { share: 20%, tenant: team-a, tags: [paid], region: eu, fallback: [small] }
    free: { share: 80%, features: [tools] }
providers:
  eu: { ttft: 300ms, itl: 20ms }
router:
  tenants: { team-a: { limits: { rpm: 600 } } }
  budgets: { shared: { limit: $100, period: 1d } }
  groups:
    chat:
      strategy: least_busy
      retries: { default: 2, throttled: 3 }
      deployments:
        - { name: eu, provider: eu, tags: [paid], region: eu, budgets: [shared] }
        - { name: us, provider: eu, price: { input: $1, output: $2 } }
      fallback: [small]
    small: { deployments: [ { name: small, provider: eu } ] }
  changes:
    - { at: 10s, weights: { eu: 3 } }
    - { at: 20s, deployments: { small: [ { name: new, provider: eu } ] } }
expect: [ success_rate(paid) >= 99% ]
";

fn spoiled(replacements: &[(&str, &str)]) -> Diagnostics {
    let mut text = GOOD.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "`{from}` is not in the file");
        text = text.replacen(from, to, 1);
    }
    match Scenario::read("test.yaml", &text) {
        Ok(_) => panic!("the file was read without a word"),
        Err(diagnostics) => diagnostics,
    }
}

#[test]
fn the_good_file_is_good() {
    super::good::read(GOOD);
}

#[test]
fn a_word_that_is_none_is_told_the_nearest() {
    assert_snapshot!(spoiled(&[
        ("strategy: least_busy", "strategy: leastbusy"),
        ("throttled: 3", "throtled: 3"),
        ("features: [tools]", "features: [tool]"),
        ("retries: {", "when_unavailable: use_all\n      retries: {"),
    ]));
}

#[test]
fn a_name_that_nobody_defined_is_told_the_nearest() {
    assert_snapshot!(spoiled(&[
        ("tenant: team-a", "tenant: team-b"),
        ("tags: [paid], region: eu, fallback", "tags: [pay], region: us, fallback"),
        ("budgets: [shared]", "budgets: [share]"),
        ("weights: { eu: 3 }", "weights: { eu-1: 3 }"),
        ("success_rate(paid)", "success_rate(pay)"),
    ]));
}

#[test]
fn shares_of_a_mix_add_up() {
    assert_snapshot!(spoiled(&[("share: 80%", "share: 70%")]));
}

#[test]
fn a_change_lies_within_the_run_in_order_and_changes_something() {
    assert_snapshot!(spoiled(&[
        ("at: 20s, deployments", "at: 5s, deployments"),
        ("at: 10s, weights: { eu: 3 }", "at: 70s, weights: { eu: 1 }"),
    ]));
    assert_snapshot!("nothing", spoiled(&[("weights: { eu: 3 }", "weights: { eu: 1 }")]));
    assert_snapshot!("no_weight", spoiled(&[("weights: { eu: 3 }", "weights: { eu: 0, us: 0 }")]));
}

#[test]
fn a_deployment_keeps_its_provider_and_group() {
    assert_snapshot!(spoiled(&[("name: new, provider: eu", "name: us, provider: eu")]));
    assert_snapshot!(
        "model",
        spoiled(&[("name: new, provider: eu", "name: small, model: other, provider: eu")])
    );
}

#[test]
fn a_deployment_that_came_with_a_change_keeps_its_group_too() {
    assert_snapshot!(spoiled(&[(
        "    - { at: 20s, deployments: { small: [ { name: new, provider: eu } ] } }\n",
        "    - { at: 20s, deployments: { small: [ { name: new, provider: eu } ] } }\n    \
         - { at: 30s, deployments: { chat: [ { name: new, provider: eu } ] } }\n",
    )]));
}

#[test]
fn money_has_no_unit_but_dollars() {
    assert_snapshot!(spoiled(&[
        ("limit: $100", "limit: 100€"),
        ("input: $1", "input: -1"),
        ("period: 1d", "period: 1 day"),
    ]));
}

#[test]
fn a_period_is_a_time_or_one_of_the_calendar() {
    assert_snapshot!(spoiled(&[("period: 1d", "period: week, utc_offset: 2h")]));
    assert_snapshot!("offset", spoiled(&[("period: 1d", "period: 1d, utc_offset: +02:00")]));
}

#[test]
fn what_has_no_effect_is_said() {
    assert_snapshot!(spoiled(&[
        ("retries: {", "cooldown: { litellm: {}, throttled: {} }\n      retries: {"),
        ("team-a: { limits", "team-a: { key: $KEY, limits"),
    ]));
}

#[test]
fn a_gateway_has_no_changes_and_knows_all_tenants_by_keys_or_none() {
    let file = "providers: { eu: { base_url: http://127.0.0.1:9001/v1 } }
router:
  tenants: { a: { key: $A }, b: {} }
  groups: { chat: { deployments: [ { name: eu, provider: eu } ] } }
  changes: [ { at: 1s, profile: litellm-1.80 } ]
";
    match GatewayFile::read("gateway.yaml", file) {
        Ok(_) => panic!("the file was read without a word"),
        Err(diagnostics) => assert_snapshot!(diagnostics),
    }
}

#[test]
fn a_slow_start_a_threshold_and_a_silence_out_of_range_are_told_what_may_be() {
    assert_snapshot!(spoiled(&[
        (
            "strategy: least_busy",
            "strategy: least_busy\n      slow_start: { window: 0s, aggression: 0, least: 110%, warm: true }"
        ),
        ("small: {", "small: { panic_threshold: 150%, slow_start: off,"),
        (
            "retries: {",
            "cooldown: { silence: { concurrent: 101, concurrent_floor: 0s } }\n      retries: {"
        ),
    ]));
}

#[test]
fn a_slow_start_that_is_never_or_has_its_defaults_is_read() {
    let read = |text: &str| {
        let file = GOOD.replace("strategy: least_busy", &format!("slow_start: {text}"));
        let scenario = Scenario::read("test.yaml", &file).expect("it is good");
        scenario.router.groups[0].slow_start
    };
    assert_eq!(read("never"), None);
    assert_eq!(read("{}"), Some(squall_router::SlowStart::default()));
    let rule = read("{ window: 5s, aggression: 0.5, least: 1% }").expect("it is on");
    assert_eq!((rule.window.as_secs(), rule.aggression, rule.least.ppm()), (5, 500, 10_000));
}
