//! The table of faults: what each kind says of itself holds.

use crate::{Scenario, fault_samples};

/// A provider with these keys beside its times and its fault.
fn read(provider: &str, fault: &str) -> Result<Scenario, String> {
    let text = format!(
        "name: test
duration: 60s
traffic: {{ group: chat, rate: 1, prompt_tokens: 400, output_tokens: 60 }}
providers:
  a: {{ ttft: 300ms, itl: 20ms, {provider} faults: [ {{ at: 1s, for: 9s, {fault} }} ] }}
router: {{ groups: {{ chat: {{ deployments: [ {{ name: a, provider: a, weight: 1 }} ] }} }} }}
expect: []
"
    );
    Scenario::read("test.yaml", &text).map_err(|problems| problems.to_string())
}

#[test]
fn every_sample_is_read_by_a_provider_that_has_what_it_needs_and_by_no_other() {
    for sample in fault_samples() {
        let fault = format!("{}: {}", sample.kind, sample.value);
        let needed = match sample.needs {
            None => "",
            Some("limits") => "limits: { rpm: 600 },",
            Some("capacity") => "capacity: { concurrent: 100 },",
            Some("prefill") => "prefill: { per_token: 1ms, cache: { share: 50%, warm_after: 9 } },",
            Some(other) => panic!("{fault}: nothing is known of `{other}`"),
        };
        let scenario =
            read(needed, &fault).unwrap_or_else(|problems| panic!("{fault}\n{problems}"));
        assert!(!scenario.providers[0].config.faults[0].kind.to_string().is_empty(), "{fault}");
        if sample.needs.is_some() {
            let problems = read("", &fault).expect_err("it has no effect");
            assert!(problems.contains("of no effect here"), "{problems}");
        }
    }
}
