//! Three files with mistakes: between them every lint finds something, each at its place.

use squall_router::{Profile, WorstCaseRequest};
use squall_scenario::{CheckedConfig, ConfigCheckOptions, LINTS};
use std::collections::BTreeSet;

const FILES: [(&str, &str); 3] = [
    ("gateway.yaml", include_str!("lints/gateway.yaml")),
    ("scenario.yaml", include_str!("lints/scenario.yaml")),
    ("litellm.yaml", include_str!("lints/litellm.yaml")),
];

fn checked(name: &str, text: &str) -> CheckedConfig {
    let options = ConfigCheckOptions {
        allow: &[],
        client_retries: 2,
        most_calls: 20,
        request: WorstCaseRequest { stream: true, input_tokens: 1_000, output_tokens: 1_000 },
        profile: Profile::LITELLM_1_80,
        load: &|_| Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    CheckedConfig::read(name, text, &options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn findings_stand_at_their_lines_with_why_they_matter_and_what_to_do() {
    for (name, text) in FILES {
        let found = checked(name, text).diagnostics().expect("something is found");
        insta::assert_snapshot!(name, found);
    }
}

#[test]
fn every_lint_finds_something() {
    let files = FILES.iter().map(|(name, text)| checked(name, text));
    let found = files.flat_map(|checked| checked.findings).map(|finding| finding.lint.id);
    let found: BTreeSet<_> = found.collect();
    let all: BTreeSet<_> = LINTS.iter().map(|lint| lint.id).collect();
    assert_eq!(found, all);
}
