//! Every lint finds what it is for, at its place, and nothing in a file that has it not.

use super::*;
use squall_router::{Profile, WorstCaseRequest};
use std::io;

/// A gateway file: the router's settings, and the settings of the group `chat` of two deployments.
fn gateway(router: &str, group: &str) -> String {
    format!(
        "providers:
  eu: {{ base_url: 'https://eu.example/v1', api_key: $EU }}
  us: {{ base_url: 'https://us.example/v1', api_key: $US }}
router:
  {router}
  groups:
    chat:
      {group}
      deployments: [ {{ name: a, provider: eu }}, {{ name: b, provider: us }} ]
    spare: {{ deployments: [ {{ name: c, provider: us }}, {{ name: d, provider: eu }} ] }}
"
    )
}

/// The same with one deployment in `chat`, at `eu`.
fn alone(group: &str, deployment: &str) -> String {
    let one = format!("deployments: [ {{ name: a, provider: eu{deployment} }} ]");
    let two = "deployments: [ { name: a, provider: eu }, { name: b, provider: us } ]";
    gateway("retries: 2", group).replace(two, &one)
}

fn checked(text: &str, allow: &[&str]) -> Result<CheckedConfig, Diagnostics> {
    let request = WorstCaseRequest { stream: true, input_tokens: 1_000, output_tokens: 1_000 };
    let options = ConfigCheckOptions {
        allow,
        client_retries: 2,
        most_calls: 20,
        request,
        profile: Profile::Squall,
        load: &|_| Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    CheckedConfig::read("file.yaml", text, &options)
}

#[track_caller]
fn found(text: &str) -> Vec<&'static str> {
    let checked = checked(text, &[]).unwrap_or_else(|error| panic!("{error}"));
    checked.findings.iter().map(|finding| finding.lint.id).collect()
}

/// Streams that go on elsewhere, and the end of a line of a group's settings.
const GOES_ON: &str = "mid_stream: continue";
const LINE: &str = "\n      ";

/// A scenario of these requests a second for a minute, with the router of a gateway file; its providers pass 30.
fn traffic(rps: u32, gateway: &str) -> String {
    let (_, router) = gateway.split_once("router:").expect("it has a router");
    let provider = "{ ttft: 100ms, itl: 10ms, limits: { rpm: 900, burst: 10 } }";
    format!(
        "name: demand
duration: 60s
traffic: {{ group: chat, rate: {rps}, prompt_tokens: 10, output_tokens: 10, client: {{ timeout: 20s }} }}
providers: {{ eu: {provider}, us: {provider} }}
router:{router}"
    )
}

/// For each lint a file that has it and one that has not, which differ in what matters.
fn examples() -> Vec<(&'static str, String, String)> {
    let fallback = "fallback: [spare]";
    let plain = gateway("retries: 2", fallback);
    let budget = ", budget: { limit: $5, period: 1d }";
    let http = plain.replace("https://eu.example", "http://eu.example");
    let window = |of_spare: u32| {
        let spare = format!("{{ name: c, provider: us, max_input_tokens: {of_spare} }}");
        let text = alone("context_window_fallback: [spare]", ", max_input_tokens: 8000");
        text.replace("{ name: c, provider: us }, { name: d, provider: eu }", &spare)
    };
    let limits = |rpm: u32| {
        let limited = "deployments: [ { name: a, provider: eu, limits: { rpm: 100 } }, \
                       { name: b, provider: us, limits: { rpm: 100 } } ]";
        let two = "deployments: [ { name: a, provider: eu }, { name: b, provider: us } ]";
        gateway("retries: 2", &format!("limits: {{ rpm: {rpm} }}")).replace(two, limited)
    };
    let group = |settings: &str| gateway("retries: 2", &format!("{settings}\n      {fallback}"));
    let router = |settings: &str| gateway(settings, fallback);
    vec![
        ("multiplied-retries", router("retries: 6"), plain.clone()),
        ("no-fallback", alone("cooldown: never", ""), alone(fallback, "")),
        ("same-domain-fallback", alone(fallback, "").replace("eu }", "us }"), alone(fallback, "")),
        ("impossible-request", group("limits: { tpm: 1500 }"), group("limits: { tpm: 2500 }")),
        ("limit-never-reached", limits(500), limits(150)),
        (
            "deadline-before-fallback",
            group("deadline: 20s\n      deadline_sharing: never"),
            group("deadline: 90s\n      deadline_sharing: never"),
        ),
        (
            "queue-beyond-deadline",
            group("max_queue_wait: 60s\n      deadline: 60s"),
            group("max_queue_wait: 5s\n      deadline: 60s"),
        ),
        ("sole-deployment-ejected", alone("retries: 2", ""), alone("when_unavailable: panic", "")),
        (
            "weight-zero",
            plain.replace("provider: eu }", "provider: eu, weight: 0 }"),
            plain.replace("provider: eu }", "provider: eu, weight: 2 }"),
        ),
        (
            "first-token-beyond-total",
            group("timeouts: { first_token: 40s, total: 30s }"),
            group("timeouts: { first_token: 20s, total: 30s }"),
        ),
        ("smaller-window-fallback", window(8_000), window(32_000)),
        (
            "idle-affinity",
            alone(&format!("session_affinity: 5m\n      {fallback}"), ""),
            group("session_affinity: 5m"),
        ),
        ("nowhere-to-continue", alone(GOES_ON, ""), alone(&[GOES_ON, fallback].join(LINE), "")),
        (
            "retries-without-budget",
            router("retry_budget: { ratio: 100% }"),
            router("retry_budget: { ratio: 20% }"),
        ),
        (
            "slow-connect",
            group("timeouts: { connect: 20s, first_token: 20s }"),
            group("timeouts: { connect: 2s, first_token: 20s }"),
        ),
        (
            "checks-overlap",
            router("health_checks: { every: 5s, timeout: 10s }"),
            router("health_checks: { every: 10s, timeout: 5s }"),
        ),
        ("budget-stops-group", alone("retries: 2", budget), alone(fallback, budget)),
        ("limits-below-traffic", traffic(40, &plain), traffic(20, &plain)),
        ("plain-http", http, plain.replace("https://eu.example", "http://localhost:9000")),
    ]
}

#[test]
fn each_lint_finds_what_it_is_for_and_nothing_else() {
    let examples = examples();
    for lint in LINTS {
        let example = examples.iter().find(|(id, ..)| *id == lint.id);
        let (id, with, without) = example.unwrap_or_else(|| panic!("no example of {}", lint.id));
        assert!(found(with).contains(id), "{id} is not found in\n{with}");
        assert!(!found(without).contains(id), "{id} is found in\n{without}");
    }
    assert_eq!(examples.len(), LINTS.len(), "an example of a lint that there is not");
}

#[test]
fn a_lint_points_at_its_line_and_says_how_to_allow_it() {
    let text = gateway("retries: 2", "deadline: 60s\n      max_queue_wait: 60s");
    let checked = checked(&text, &[]).expect("it can be read");
    let diagnostics = checked.diagnostics().expect("there is a finding");
    let (line, column) = diagnostics.position(&diagnostics.problems()[0]);
    assert_eq!((line, column), (9, 7), "{diagnostics}");
    let told = diagnostics.to_string();
    assert!(told.starts_with("warning: "), "{told}");
    assert!(told.contains("[queue-beyond-deadline]"), "{told}");
    assert!(told.contains("--allow queue-beyond-deadline"), "{told}");
}

#[test]
fn a_lint_is_allowed_by_the_file_or_by_whoever_checks() {
    let with = |router: &str| gateway(router, "deadline: 60s\n      max_queue_wait: 60s");
    let in_file = checked(&with("allow: [queue-beyond-deadline]"), &[]).expect("it can be read");
    assert_eq!((in_file.findings.len(), in_file.allowed), (0, 1));
    let by_hand = checked(&with("retries: 2"), &["queue-beyond-deadline"]).expect("it can be read");
    assert_eq!((by_hand.findings.len(), by_hand.allowed), (0, 1));
    let typo = checked(&with("allow: [queue-beyond-dedline]"), &[]).expect_err("no such lint");
    assert!(typo.to_string().contains("did you mean `queue-beyond-deadline`?"), "{typo}");
    assert!(checked(&with("allow: 5"), &[]).is_err(), "it is a list");
}

#[test]
fn a_litellm_file_is_checked_at_its_own_lines() {
    let text = "model_list:
  - model_name: chat
    litellm_params: { model: openai/gpt-4o, api_key: sk-1, rpm: 100 }
router_settings: { num_retries: 12 }
";
    let checked = checked(text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let ids: Vec<_> = checked.findings.iter().map(|each| each.lint.id).collect();
    assert!(ids.contains(&"multiplied-retries") && ids.contains(&"no-fallback"), "{ids:?}");
    let diagnostics = checked.diagnostics().expect("there are findings");
    let line_of = |id: &str| {
        let found = checked.findings.iter().find(|each| each.lint.id == id);
        diagnostics.position(&found.expect("it is found").problem).0
    };
    assert_eq!((line_of("no-fallback"), line_of("multiplied-retries")), (2, 4), "{diagnostics}");
    assert!(!diagnostics.to_string().contains("at the router"), "{diagnostics}");
}

#[test]
fn what_is_shipped_has_none() {
    let text = include_str!("../../../../scenarios/viral-spike.yaml");
    assert_eq!(found(text), [""; 0]);
}

#[test]
fn a_file_without_a_router_is_refused() {
    let mock = "providers: { one: { ttft: 100ms, itl: 10ms } }\n";
    let error = checked(mock, &[]).expect_err("it has no router");
    assert!(error.to_string().contains("no file with a router"), "{error}");
    assert!(checked("router: [", &[]).is_err());
    assert!(checked("", &[]).is_err());
}

#[test]
fn every_lint_is_written_about() {
    let page = include_str!("../../../../docs/CONFIG_CHECK.md");
    let sentence = |text: &str| {
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        format!("{}{}.", first.unwrap_or_default(), letters.as_str())
    };
    for Lint { id, about, why, help, .. } in LINTS {
        let row = format!("| `{id}` | {about} | {} | {} |", sentence(why), sentence(help));
        assert!(page.contains(&row), "docs/CONFIG_CHECK.md has no line\n{row}");
    }
}
