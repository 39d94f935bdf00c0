//! Bad files: each kind of mistake, as the person who made it sees it.

use crate::{Diagnostics, GatewayFile, MockFile, Scenario};
use insta::assert_snapshot;
use proptest::prelude::*;

/// A good file; each test spoils it.
const GOOD: &str = "\
name: test
seed: 7
phases: { calm: 0s..20s, spike: 20s..40s }
traffic:
  group: chat
  rate: [ { at: 0s, rps: 20 }, { at: 20s, ramp: { to: 100, over: 4s } } ]
  prompt_tokens: 400
  output_tokens: { lognormal: { median: 60, p95: 200 } }
  stream: 70%
  client: { timeout: 20s }
providers:
  openai-eu:
    ttft: { lognormal: { median: 350ms, p95: 700ms } }
    itl: 20ms
    limits: { rpm: 3000, window: 1s }
    faults: [ { at: 20s, for: 10s, error: 503 } ]
  openai-us: { ttft: 300ms, itl: 20ms }
router:
  groups:
    chat:
      deployments:
        - { name: eu, provider: openai-eu, weight: 6 }
        - { name: us, provider: openai-us, weight: 3 }
      fallback: [chat-small]
    chat-small:
      deployments: [ { name: small, provider: openai-us } ]
expect:
  - success_rate >= 99%
  - failover_time(eu) <= 2s
";

/// What is said about the good file after these replacements, each of which must apply.
pub(super) fn spoiled(replacements: &[(&str, &str)]) -> Diagnostics {
    let mut text = GOOD.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "`{from}` is not in the file");
        text = text.replacen(from, to, 1);
    }
    said(&text)
}

fn said(text: &str) -> Diagnostics {
    match Scenario::read("test.yaml", text) {
        Ok(_) => panic!("the file was read without a word"),
        Err(diagnostics) => diagnostics,
    }
}

#[test]
fn the_good_file_is_good() {
    super::good::read(GOOD);
}

#[test]
fn an_unknown_key_is_told_the_nearest_at_every_level() {
    assert_snapshot!(spoiled(&[
        ("seed: 7", "sede: 7"),
        ("weight: 6", "wieght: 6"),
        ("window: 1s", "windows: 1s"),
        ("ramp: { to: 100, over: 4s }", "ramp: { to: 100, over: 4s, banana: 1 }"),
    ]));
}

#[test]
fn a_duration_without_a_unit_is_told_what_to_write() {
    assert_snapshot!(spoiled(&[
        ("timeout: 20s", "timeout: 20"),
        ("itl: 20ms", "itl: 20"),
        ("20s..40s", "20s..40"),
        ("for: 10s", "for: 10sec"),
    ]));
}

#[test]
fn a_wrong_unit_is_told_the_right_one() {
    assert_snapshot!(spoiled(&[
        ("stream: 70%", "stream: 0.7"),
        ("rps: 20", "rps: 20s"),
        ("rpm: 3000", "rpm: 3000/min"),
        ("error: 503", "slowdown: 3"),
        (">= 99%", ">= 0.99"),
        ("<= 2s", "<= 2"),
    ]));
}

#[test]
fn a_value_out_of_range_is_told_the_range() {
    assert_snapshot!(spoiled(&[
        ("weight: 6", "weight: -1"),
        ("rps: 20", "rps: -5"),
        ("stream: 70%", "stream: 170%"),
        ("rpm: 3000", "rpm: 0"),
        ("error: 503", "error: 200"),
        ("itl: 20ms", "itl: -20ms"),
        ("openai-us: { ttft", "openai-us: { replicas: 0, ttft"),
        ("timeout: 20s", "timeout: 0s"),
    ]));
}

#[test]
fn a_wrong_type_is_told_what_it_should_be() {
    assert_snapshot!(spoiled(&[
        ("fallback: [chat-small]", "fallback: chat-small"),
        ("limits: { rpm: 3000, window: 1s }", "limits:"),
        ("client: { timeout: 20s }", "client: 20s"),
        ("seed: 7", "seed: [7]"),
        ("faults: [ { at: 20s, for: 10s, error: 503 } ]", "faults: { at: 20s }"),
    ]));
}

#[test]
fn a_missing_key_is_named() {
    assert_snapshot!(spoiled(&[
        ("name: test\n", ""),
        ("prompt_tokens: 400", "stream: 10%"),
        ("  stream: 70%\n", ""),
        ("at: 20s, for: 10s, error: 503", "at: 20s, for: 10s"),
        ("provider: openai-eu, ", ""),
    ]));
}

#[test]
fn a_name_that_no_one_defined_is_told_the_nearest() {
    assert_snapshot!(spoiled(&[
        ("provider: openai-eu", "provider: openai-ue"),
        ("group: chat", "group: chta"),
        ("[chat-small]", "[chat-large]"),
        ("failover_time(eu) <= 2s", "failover_time(ue) <= 2s during clam"),
        ("success_rate", "sucess_rate"),
    ]));
}

#[test]
fn an_expectation_is_pointed_at_where_it_is_wrong() {
    assert_snapshot!(spoiled(&[(
        "\n  - failover_time(eu) <= 2s",
        "
  - failover_time <= 2s
  - failover_time(chat) <= 2s
  - weight_adherence(eu) >= 97%
  - 'throttled(eu) => 20'
  - throttled(eu >= 20
  - success_rate 99%
  - success_rate >=
  - success_rate >= 99% in calm
  - \"latency_p99 <= 100%\""
    )]));
}

#[test]
fn phases_lie_within_the_run_and_do_not_overlap() {
    assert_snapshot!(spoiled(&[(
        "phases: { calm: 0s..20s, spike: 20s..40s }",
        "duration: 40s\nphases: { calm: 0s..20s, spike: 15s..30s, late: 30s..50s, back: 9s..8s }",
    )]));
}

#[test]
fn faults_and_segments_lie_within_the_run_and_in_order() {
    assert_snapshot!(spoiled(&[
        (
            "{ at: 20s, for: 10s, error: 503 }",
            "{ at: 40s, for: 1s, error: 503 }, { at: 35s, for: 10s, outage: refuse }"
        ),
        ("{ at: 0s, rps: 20 }, { at: 20s,", "{ at: 5s, rps: 20 }, { at: 5s,"),
    ]));
}

#[test]
fn duplicates_are_shown_with_the_first() {
    assert_snapshot!(spoiled(&[
        ("seed: 7", "seed: 7\nseed: 8"),
        ("name: us", "name: eu"),
        ("window: 1s", "window: 1s, rpm: 4000"),
    ]));
}

#[test]
fn a_fault_has_one_kind_and_a_known_one() {
    assert_snapshot!(spoiled(&[(
        "[ { at: 20s, for: 10s, error: 503 } ]",
        "
      - { at: 20s, for: 1s, error: 503, outage: refuse }
      - { at: 20s, for: 1s, outage: refused }
      - { at: 20s, for: 1s, eror: 503 }
      - { at: 20s, for: 1s, error: {} }
      - { at: 20s, for: 1s, error: { class: timeout } }"
    )]));
}

#[test]
fn settings_that_contradict_each_other_are_shown_together() {
    assert_snapshot!(spoiled(&[
        ("limits: { rpm: 3000, window: 1s }", "limits: { rpm: 3000, window: fixed, burst: 5 }"),
        ("median: 350ms, p95: 700ms", "median: 350ms, p95: 70ms"),
        ("  client:", "  arrivals: { closed: { clients: 3, think: 1s } }\n  client:"),
        ("fallback: [chat-small]", "fallback: [chat]\n      backoff: { base: 9s }"),
    ]));
}

#[test]
fn a_group_needs_deployments_and_a_weight() {
    assert_snapshot!(spoiled(&[
        ("weight: 6", "weight: 0"),
        ("weight: 3", "weight: 0"),
        ("deployments: [ { name: small, provider: openai-us } ]", "deployments: []"),
    ]));
}

#[test]
fn what_is_no_yaml_is_one_problem() {
    assert_snapshot!("unclosed", spoiled(&[("fallback: [chat-small]", "fallback: [chat-small")]));
    assert_snapshot!("tab", spoiled(&[("  group: chat", "\tgroup: chat")]));
    assert_snapshot!("two_documents", said("name: a\n---\nname: b\n"));
    assert_snapshot!("unknown_alias", said("name: *nobody\n"));
}

#[test]
fn an_empty_file_is_one_problem() {
    assert_snapshot!("empty", said(""));
    assert_snapshot!("only_comments", said("# nothing\n\n"));
    assert_snapshot!("only_a_word", said("hello\n"));
}

#[test]
fn names_can_be_referred_to_and_the_scenarios_can_be_a_folder() {
    assert_snapshot!(spoiled(&[
        ("name: test", "name: ../../etc"),
        ("calm:", "'a calm':"),
        ("name: small", "name: 'small one'"),
    ]));
}

#[test]
fn copies_of_a_provider_have_names_of_their_own() {
    assert_snapshot!(spoiled(&[
        ("openai-us: { ttft", "openai-eu-2: { ttft"),
        ("    itl: 20ms\n", "    itl: 20ms\n    replicas: 2\n"),
        ("provider: openai-us, weight: 3", "provider: openai-eu-2, weight: 3"),
        ("provider: openai-us }", "provider: openai-eu-2 }"),
    ]));
}

#[test]
fn gateway_and_mock_files_are_held_to_the_same() {
    let gateway = "\
listen: localhost
providers:
  eu: { base_url: '127.0.0.1:9001', api_key: '$1KEY' }
router:
  groups: { chat: { deployments: [ { name: eu, provider: us } ] } }
expect: []
";
    assert_snapshot!("gateway", GatewayFile::read("gateway.yaml", gateway).unwrap_err());
    let mock = "\
providers:
  eu: { ttft: 300ms, itl: 20, listen: '127.0.0.1:9001' }
  us: { ttft: 300ms, itl: 20ms, listen: '127.0.0.1:9001', replicas: 2 }
";
    assert_snapshot!("mock", MockFile::read("mock.yaml", mock).unwrap_err());
}

#[test]
fn colours_change_nothing_but_colour() {
    let diagnostics = spoiled(&[("weight: 6", "wieght: 6")]);
    let styled = diagnostics.styled();
    let (mut plain, mut in_escape) = (String::new(), false);
    for c in styled.chars() {
        match (in_escape, c) {
            (false, '\u{1b}') => in_escape = true,
            (true, 'm') => in_escape = false,
            (false, c) => plain.push(c),
            (true, _) => {}
        }
    }
    assert_ne!(styled, plain);
    assert_eq!(plain, diagnostics.to_string());
}

#[test]
fn a_position_counts_lines_and_characters_from_one() {
    let diagnostics = spoiled(&[("weight: 6", "wieght: 6")]);
    let [problem] = diagnostics.problems() else { panic!("{diagnostics}") };
    assert_eq!(diagnostics.position(problem), (22, 44));
    assert!(diagnostics.to_string().contains("test.yaml:22:44"), "{diagnostics}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_file_with_a_piece_cut_out_never_panics(from in 0..GOOD.len(), length in 0_usize..60) {
        let to = (from + length).min(GOOD.len());
        let text = format!("{}{}", &GOOD[..from], &GOOD[to..]);
        if let Err(diagnostics) = Scenario::read("test.yaml", &text) {
            prop_assert!(!diagnostics.problems().is_empty());
            prop_assert!(!diagnostics.to_string().is_empty());
        }
    }

    #[test]
    fn any_text_is_read_or_explained(text in "[a-z{}\\[\\]:,\\-#&*!|>'\"% \n\tä0-9]{0,60}") {
        if let Err(diagnostics) = Scenario::read("test.yaml", &text) {
            prop_assert!(!diagnostics.problems().is_empty());
            drop(diagnostics.to_string());
        }
    }
}

/// The faults of the good file's first provider in place of its own.
fn with_faults(faults: &str) -> Diagnostics {
    spoiled(&[("faults: [ { at: 20s, for: 10s, error: 503 } ]", faults)])
}

#[test]
fn outages_that_contradict_each_other_are_shown_together() {
    assert_snapshot!(with_faults(
        "faults:\n      - { at: 5s, for: 10s, outage: refuse }\n      - { at: 10s, for: 10s, outage: blackhole }"
    ));
}

#[test]
fn a_fault_that_has_nothing_to_work_on_is_told_what_is_missing() {
    assert_snapshot!(with_faults(
        "faults:\n      - { at: 5s, for: 5s, capacity_cut: 50% }\n      - { at: 10s, for: 5s, cold_cache: {} }\n      \
         - { at: 15s, for: 5s, error: 503, model: gpt-9 }\n      - { at: 20s, for: 5s, key: team-b, error: 503 }"
    ));
}

#[test]
fn times_and_parts_of_a_fault_fit_together() {
    assert_snapshot!(with_faults(
        "faults:\n      - { at: 5s, for: 5s, onset: 4s, tail: 3s, error: 503 }\n      \
         - { at: 10s, for: 5s, repeat: { every: 5s, times: 2 }, error: 503 }\n      \
         - { at: 20s, for: 5s, health: lies, error: 503 }\n      - { at: 25s, for: 5s, slowdown: {} }\n      \
         - { at: 30s, for: 5s, errors: [] }\n      - { at: 35s, for: 5s, capacity_cut: { to: 10%, fails_again: true } }"
    ));
}

#[test]
fn first_attempts_are_counted_of_what_hits_attempts() {
    assert_snapshot!(with_faults(
        "faults:\n      - { at: 5s, for: 5s, first: 2, outage: refuse }\n      \
         - { at: 10s, for: 5s, first: { attempts: 1, of: user }, error: 503 }\n      \
         - { at: 15s, for: 5s, first: 0, error: 503 }\n      - { at: 20s, for: 5s, first: { of: key }, error: 503 }\n      \
         - { at: 25s, for: 5s, first: many, error: 503 }"
    ));
}

#[test]
fn random_faults_say_when_they_come() {
    assert_snapshot!(with_faults(
        "outages:\n      - { gap: 10s, error: 503 }\n      - { like: openai, from: 50s, error: 503 }\n      \
         - { like: azure, error: 503 }"
    ));
}

#[test]
fn a_fault_that_is_shared_is_shared_by_several_that_there_are() {
    assert_snapshot!(spoiled(&[(
        "router:\n",
        "faults:\n  - { providers: [openai-eu], at: 1s, for: 1s, error: 503 }\n  \
         - { providers: [openai-eu, openai-ap], at: 1s, for: 1s, error: 503 }\nrouter:\n"
    )]));
}

#[test]
fn a_provider_is_of_a_known_vendor_and_its_limits_are_above_zero() {
    assert_snapshot!(spoiled(&[
        (
            "    limits: { rpm: 3000, window: 1s }",
            "    format: antropic\n    limits: { rpm: 0, retry_after: soon, ramp: { growth: 50% } }"
        ),
        (
            "  openai-us: { ttft: 300ms, itl: 20ms }",
            "  openai-us: { itl: 20ms, like: gpt-9, capacity: { concurrent: 0, order: lifo } }"
        ),
    ]));
}

#[test]
fn what_orders_a_queue_is_told_where_there_is_none_the_default_included() {
    for said in ["order: fifo", "order: lifo", "max_wait: 2s"] {
        let capacity = format!("{{ itl: 20ms, capacity: {{ concurrent: 8, {said} }},");
        let problems =
            spoiled(&[("{ ttft: 300ms, itl: 20ms }", &format!("{capacity} ttft: 300ms }}"))]);
        let problems = problems.to_string();
        let (key, _) = said.split_once(':').unwrap();
        assert!(problems.contains(&format!("`{key}` without a queue")), "{said}: {problems}");
    }
}

#[test]
fn laws_are_possible() {
    assert_snapshot!(spoiled(&[
        (
            "ttft: { lognormal: { median: 350ms, p95: 700ms } }",
            "ttft: { gamma: { mean: 300ms, cv: 0 } }"
        ),
        (
            "prompt_tokens: 400",
            "prompt_tokens: { quantiles: { min: 10, p50: 400, p90: 300, max: 900 } }"
        ),
    ]));
}

#[test]
fn a_fault_by_hand_is_read_with_or_without_braces() {
    let now = squall_determinism::Timestamp::from_secs(100);
    let fault = crate::read_fault("error: 503, for: 30s, share: 40%", now).expect("a fault");
    assert_eq!(
        (fault.at, fault.lasts.as_secs(), fault.to_string()),
        (now, 30, "40% 503".to_owned())
    );
    let later = crate::read_fault("{ at: 5s, for: 1s, outage: refuse }", now).expect("a fault");
    assert_eq!(later.at, squall_determinism::Timestamp::from_secs(105));
    assert_snapshot!(crate::read_fault("errorr: 503", now).expect_err("a mistake"));
}

#[test]
fn an_expectation_that_bounds_the_good_runs_is_refused_with_the_quantile_that_bounds_the_bad_ones()
{
    assert_snapshot!(spoiled(&[
        ("success_rate >= 99%", "p95 of success_rate over seeds >= 99%"),
        ("failover_time(eu) <= 2s", "p5 of failover_time(eu) over seeds <= 2s"),
    ]));
}

#[test]
fn a_metric_within_a_latency_is_told_what_it_lacks() {
    assert_snapshot!(spoiled(&[
        ("success_rate >= 99%", "answered_within >= 99%"),
        ("failover_time(eu) <= 2s", "answered_within(chat) >= 99%"),
    ]));
    assert_snapshot!(spoiled(&[
        ("success_rate >= 99%", "answered_within(2s, chta) >= 99%"),
        ("failover_time(eu) <= 2s", "wasted_tokens(chat) <= 5%"),
    ]));
}

#[test]
fn a_soft_expectation_has_one_key_and_an_expectation_under_it() {
    let with = |item: &str| {
        let instead = format!("  - {item}\n  - failover_time(eu) <= 2s");
        spoiled(&[("  - failover_time(eu) <= 2s", &instead)])
    };
    assert_snapshot!(with("wran: success_rate >= 99%"));
    assert_snapshot!(with("{ warn: success_rate >= 99%, during: calm }"));
    assert_snapshot!(with("warn: succes_rate >= 99%"));
    assert_snapshot!(with("warn: { warn: success_rate >= 99% }"));
    assert_snapshot!(with("warn:"));
    assert_snapshot!(with("[ success_rate >= 99% ]"));
}

#[test]
fn a_warm_up_leaves_something_to_count() {
    let with = |warm_up: &str, expect: &str| {
        let instead = format!("seed: 7\nwarm_up: {warm_up}");
        let expected = format!("  - success_rate >= 99%\n  - {expect}");
        spoiled(&[("seed: 7", &instead), ("  - success_rate >= 99%", &expected)])
    };
    assert_snapshot!(with("40s", "success_rate >= 90% during spike"));
    assert_snapshot!(with("20s", "warn: success_rate >= 90% during calm"));
    assert_snapshot!(with("30", "success_rate >= 90%"));
}

#[test]
fn a_start_is_a_time_with_its_date_and_offset() {
    let with = |start: &str| {
        let instead = format!("seed: 7\nstart: {start}");
        spoiled(&[("seed: 7", &instead)])
    };
    assert_snapshot!(with("08:00"));
    assert_snapshot!(with("2026-11-29T08:00"));
    assert_snapshot!(with("1969-12-31T08:00Z"));
    assert_snapshot!(with("2200-12-31T23:59:30Z"));
}
