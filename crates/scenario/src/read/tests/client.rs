//! How clients behave: what it is read into, and what is said of mistakes.

use crate::Scenario;
use core::time::Duration;
use squall_workload::{ClientConfig, ClientJitter, Sdk};

fn read(client: &str) -> Result<ClientConfig, String> {
    let text = format!(
        "name: clients\nduration: 60s\ntraffic:\n  group: chat\n  rate: 1\n  prompt_tokens: 1\n  output_tokens: 1\n  {client}\n\
         providers: {{ one: {{ ttft: 200ms, itl: 1ms }} }}\n\
         router: {{ groups: {{ chat: {{ deployments: [ {{ name: a, provider: one }} ] }} }} }}\n"
    );
    let read = Scenario::read("clients.yaml", &text);
    read.map(|scenario| scenario.workload.sources[0].client)
        .map_err(|problems| problems.to_string())
}

fn good(client: &str) -> ClientConfig {
    read(client).unwrap_or_else(|problems| panic!("{problems}"))
}

fn assert_said(client: &str, words: &[&str]) {
    let said = read(client).expect_err("it is refused");
    for word in words {
        assert!(said.contains(word), "no `{word}` in\n{said}");
    }
}

#[test]
fn clients_call_once_and_wait_a_minute_unless_told_otherwise() {
    assert_eq!(good("stream: 0%"), ClientConfig::waiting(Duration::from_secs(60)));
    let patient = good("client: { timeout: 5s, first_token: 2s }");
    assert_eq!(patient.first_token, Some(Duration::from_secs(2)));
    assert_eq!((patient.call_timeout, patient.retries), (None, None));
}

#[test]
fn the_name_of_an_sdk_is_all_of_its_rules() {
    for sdk in Sdk::ALL {
        let client = good(&format!("client: {{ retries: {} }}", sdk.name));
        assert_eq!((client.retries, client.call_timeout), (Some(sdk.retries), sdk.call_timeout));
    }
    let shorter = good("client: { retries: openai-node, call_timeout: 5s }");
    assert_eq!(shorter.call_timeout, Some(Duration::from_secs(5)));
}

#[test]
fn settings_replace_those_of_the_sdk() {
    let client = good(
        "client: { retries: { sdk: google-genai-python, max: 7, base: 3s, cap: 9s, jitter: 10%, statuses: [429, 520], \
         honour_retry_after: true } }",
    );
    let retries = client.retries.expect("it retries");
    assert_eq!((retries.max, retries.backoff.initial), (7, Duration::from_secs(3)));
    assert_eq!(retries.backoff.max, Duration::from_secs(9));
    assert!(matches!(retries.backoff.jitter, ClientJitter::Less(share) if share.ppm() == 100_000));
    let retried = [429, 503, 520].map(|status| retries.statuses.contain(status));
    assert_eq!(retried, [true, false, true]);
    assert!(retries.retry_after.is_some());
    let deaf = good("client: { retries: { honour_retry_after: false } }").retries;
    assert_eq!(deaf.expect("it retries").retry_after, None);
}

#[test]
fn a_base_over_the_usual_cap_raises_it_and_one_over_a_stated_cap_is_a_mistake() {
    let slow = good("client: { retries: { base: 20s } }").retries.expect("it retries");
    assert_eq!(slow.backoff.max, Duration::from_secs(20));
    assert_said("client: { retries: { base: 20s, cap: 2s } }", &["clients.yaml:8", "cap"]);
}

#[test]
fn mistakes_are_told_with_what_was_meant() {
    assert_said("client: { retries: openai-pyton }", &["openai-pyton", "openai-python"]);
    assert_said("client: { retries: 3 }", &["clients.yaml:8", "3"]);
    assert_said("client: { retries: { statuses: [200] } }", &["400 to 599"]);
    assert_said("client: { retries: { max: 101 } }", &["0 to 100"]);
    assert_said("client: { retrys: openai-python }", &["retrys", "retries"]);
    assert_said("client: { call_timeout: 0s }", &["above zero"]);
}
