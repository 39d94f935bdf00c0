//! What the limits pass at most, worked out by hand.

use crate::Scenario;

fn excess(rate: &str, limits: &str, more: &str) -> Option<String> {
    let text = format!(
        "
name: demand
duration: 120s
traffic: {{ group: chat, rate: {rate}, prompt_tokens: 100, output_tokens: 50, client: {{ timeout: 20s }} }}
providers:
  one: {{ ttft: 100ms, itl: 10ms, limits: {limits} }}
  two: {{ ttft: 100ms, itl: 10ms{more} }}
router:
  groups:
    chat: {{ deployments: [ {{ name: one, provider: one }} ], fallback: [other] }}
    other: {{ deployments: [ {{ name: two, provider: two }} ] }}
"
    );
    let scenario =
        Scenario::read("demand.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    scenario.excess_demand().map(|excess| excess.to_string())
}

#[test]
fn a_constant_rate_above_all_limits_is_too_much_from_the_first_second_to_the_last() {
    // 20 a second for 120 s are 2,400; 600 + 300 a minute are 15 a second, 1,800, and 10 + 20 at once.
    let found = excess("20", "{ rpm: 600, burst: 10 }", ", limits: { rpm: 300, burst: 20 }");
    assert_eq!(
        found.as_deref(),
        Some(
            "from 0 s to 120 s traffic asks for about 2400 requests, and the limits of `one` (rpm 600), `two` (rpm 300) \
             pass 1830 at most"
        )
    );
}

#[test]
fn only_the_stretch_of_a_spike_is_told() {
    let spike = "[ { at: 0s, rps: 5 }, { at: 40s, rps: 30 }, { at: 60s, rps: 5 } ]";
    let found = excess(spike, "{ rpm: 600, burst: 10 }", ", limits: { rpm: 300, burst: 20 }");
    assert!(
        found.is_some_and(|text| text.starts_with("from 40 s to 60 s traffic asks for about 600 "))
    );
}

#[test]
fn a_bucket_that_is_full_takes_a_short_spike() {
    let spike = "[ { at: 0s, rps: 5 }, { at: 40s, rps: 30 }, { at: 60s, rps: 5 } ]";
    // 300 more than 15 a second, and 600 at once.
    assert_eq!(
        excess(spike, "{ rpm: 600, burst: 600 }", ", limits: { rpm: 300, burst: 20 }"),
        None
    );
}

#[test]
fn tokens_are_counted_in_requests_and_the_tightest_limit_holds() {
    // 90,000 tokens a minute are 600 requests of 150 tokens.
    let limits = "{ rpm: 6000, tpm: 90000, window: 1s }";
    let found = excess("20", limits, ", limits: { rpm: 300, burst: 20 }");
    assert!(found.is_some_and(|text| text.contains("`one` (tpm 90000)")));
}

#[test]
fn a_provider_without_limits_that_requests_fall_back_to_takes_everything() {
    assert_eq!(excess("2000", "{ rpm: 600 }", ""), None);
}

#[test]
fn limits_that_are_enough_are_not_told_of() {
    assert_eq!(excess("15", "{ rpm: 600, burst: 10 }", ", limits: { rpm: 300, burst: 20 }"), None);
}
