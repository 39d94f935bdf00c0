//! Targets: what is read, what is written back, and what is refused.

use crate::{Scenario, TargetConfig, TargetFormat, TargetStart, TargetStop};
use core::time::Duration;
use insta::assert_snapshot;

const WHOLE: &str = r#"
url: http://127.0.0.1:${port}/v1
format: anthropic
headers: { authorization: "Bearer ${env.KEY}", x-portkey-config: '{"provider":"openai"}' }
models: { chat: gpt-4o }
start:
  command: [litellm, --config, litellm.yaml, --port, "${port}"]
  files:
    litellm.yaml: |
      model_list:
        - { model_name: chat, litellm_params: { api_base: "${provider.eu.url}" } }

      price: $$${port}
  env: { KEY: "${provider.eu.key}" }
  ready: { get: /health/readiness, within: 2m }
  stop: SIGQUIT
  log: logs/out.log
"#;

fn read(text: &str) -> TargetConfig {
    TargetConfig::read("target.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_key_of_a_target_is_read() {
    let target = read(WHOLE);
    assert_eq!(target.url.to_string(), "http://127.0.0.1:${port}/v1");
    assert_eq!(target.format, TargetFormat::Anthropic);
    assert_eq!(target.headers[1].1.to_string(), r#"{"provider":"openai"}"#);
    assert_eq!(target.models[0], ("chat".to_owned(), "gpt-4o".into()));
    let start = target.start.expect("it is started");
    assert_eq!(start.command.len(), 5);
    assert!(start.files[0].1.to_string().ends_with("}\n\nprice: $$${port}\n"), "{:?}", start.files);
    assert_eq!(start.ready.get.as_deref(), Some("/health/readiness"));
    assert_eq!(start.ready.within, Duration::from_secs(120));
    assert_eq!((start.stop, start.log.as_str()), (TargetStop::Quit, "logs/out.log"));
}

#[test]
fn what_is_left_out_has_its_documented_default() {
    let target = read("url: http://127.0.0.1:4000/v1\nstart: { command: [gateway] }");
    let start = TargetStart { command: vec!["gateway".into()], ..TargetStart::default() };
    let url = "http://127.0.0.1:4000/v1".into();
    assert_eq!(target, TargetConfig { url, start: Some(start), ..TargetConfig::default() });
}

#[test]
fn what_is_written_reads_back() {
    for text in [WHOLE, "url: http://127.0.0.1:4000/v1"] {
        let target = read(text);
        assert_eq!(read(&target.to_yaml()), target, "{}", target.to_yaml());
    }
}

#[test]
fn a_program_is_a_target_as_well() {
    let text = "exec:\n  command: [python3, ask.py, '${provider.eu.url}']\n  files: { ask.py: pass }\nmodels: { chat: m }";
    let target = read(text);
    assert!(target.url.parts().is_empty() && target.start.is_none());
    assert_eq!(target.exec.as_ref().map(|exec| exec.command.len()), Some(3));
    assert_eq!(read(&target.to_yaml()), target, "{}", target.to_yaml());
}

#[test]
fn a_target_is_a_url_or_a_program_and_not_both() {
    assert_snapshot!(refused("models: { chat: m }\n"));
    assert_snapshot!(refused(
        "url: http://127.0.0.1:1/v1\nexec: { command: [ask] }\nheaders: { x: y }\nstart: { command: [a] }\n",
    ));
}

fn refused(text: &str) -> String {
    TargetConfig::read("target.yaml", text).expect_err("it is read").to_string()
}

#[test]
fn mistakes_are_told_together_with_their_places() {
    assert_snapshot!(refused(
        "url: https://gateway.test/v1\nheaders: { 'a b': x }\nmodels: { chat: '${prvider.eu.url}' }\n\
         start: { command: [], files: { ../x: y }, stop: SIGHUP }\n",
    ));
}

#[test]
fn a_port_of_its_own_is_for_a_target_that_is_started() {
    assert_snapshot!(refused("url: http://127.0.0.1:${port}/v1\n"));
}

#[test]
fn a_scenario_says_which_of_its_providers_a_target_means() {
    let text = |provider: &str| {
        format!(
            "name: test\nduration: 5s\ntraffic: {{ group: chat, rate: [ {{ at: 0s, rps: 1 }} ], prompt_tokens: 4, \
             output_tokens: 4 }}\nproviders: {{ eu: {{ ttft: 1ms, itl: 1ms }} }}\nrouter: {{ groups: {{ chat: \
             {{ deployments: [ {{ name: eu, provider: eu }} ] }} }} }}\ntarget:\n  url: \
             http://127.0.0.1:1/v1\n  headers: {{ x: '${{provider.{provider}.port}}' }}\n"
        )
    };
    let scenario = Scenario::read("test.yaml", &text("eu")).expect("it is read");
    assert!(scenario.gateway_target.is_some_and(|target| target.start.is_none()));
    assert_snapshot!(Scenario::read("test.yaml", &text("us")).expect_err("there is no us"));
}
