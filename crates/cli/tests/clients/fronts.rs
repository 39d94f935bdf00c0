//! The vendors' own clients in front of a gateway with providers of every format behind it.

use crate::{Server, python};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FORMATS: [&str; 4] = ["openai", "azure", "anthropic", "gemini"];

/// The fronts of the suite, by its names for them.
const FRONTS: [&str; 4] = ["anthropic", "responses", "azure", "gemini"];

/// What a provider does, as it stands in a file.
const CASES: [(&str, &str); 9] = [
    ("well", ""),
    ("throttled", "throttle: { retry_after: 7s }"),
    ("auth", "error: auth"),
    ("overloaded", "error: overloaded"),
    ("bad-request", "error: bad_request"),
    ("not-found", "error: not_found"),
    ("server", "error: 500"),
    ("cut", "cut: { after: 3 }"),
    ("stream-error", "stream_error: { after: 3, class: overloaded }"),
];

/// The file of a mock server with a provider of each format for each case.
fn mock_file() -> (String, Vec<String>) {
    let (mut text, mut names) = (String::from("providers:\n"), Vec::new());
    for format in FORMATS {
        for (case, fault) in CASES {
            let faults = match fault {
                "" => String::new(),
                fault => format!(", faults: [ {{ at: 0s, for: 10h, {fault} }} ]"),
            };
            text += &format!(
                "  {format}-{case}: {{ format: {format}, ttft: 5ms, itl: 2ms, output_tokens: 8{faults} }}\n"
            );
            names.push(format!("{format}-{case}"));
        }
        text += &format!(
            "  {format}-thinks: {{ format: {format}, ttft: 5ms, itl: 2ms, output_tokens: 8, reasoning: 5 }}\n"
        );
        names.push(format!("{format}-thinks"));
    }
    (text, names)
}

/// The file of a gateway with a group for each of those providers, and groups that move from one format to another.
fn gateway_file(names: &[String], urls: &[String]) -> String {
    let (mut providers, mut groups) = (String::new(), String::new());
    for (name, url) in names.iter().zip(urls) {
        let format = name.split('-').next().expect("a format");
        providers += &format!("  {name}: {{ format: {format}, base_url: {url}, api_key: sk-1 }}\n");
        // Only after a 429 is there a time at which to come again.
        let cooldown = if name.ends_with("throttled") { "{}" } else { "never" };
        groups += &format!(
            "    {name}: {{ cooldown: {cooldown}, deployments: [ {{ name: {name}, provider: {name}, model: model-1 }} ] }}\n"
        );
    }
    for (place, format) in FORMATS.iter().enumerate() {
        let other = FORMATS[(place + 2) % FORMATS.len()];
        groups += &format!(
            "    {format}-falls-back: {{ fallback: [{other}-well], deployments: [ {{ name: {format}-down, provider: \
             {format}-overloaded, model: model-1 }} ] }}\n    {format}-continued: {{ mid_stream: continue, fallback: \
             [{other}-well], deployments: [ {{ name: {format}-breaks, provider: {format}-cut, model: model-1 }} ] }}\n"
        );
    }
    // One that cools down does so for whoever asks next: each front has its own.
    for front in FRONTS {
        groups += &format!(
            "    cooling-{front}: {{ cooldown: {{ failure: {{ consecutive: 1, base: 60s, cap: 60s }} }}, deployments: [ \
             {{ name: cooling-{front}, provider: openai-server, model: model-1 }} ] }}\n"
        );
    }
    format!(
        "listen: 127.0.0.1:0\nproviders:\n{providers}router:\n  retries: 0\n  cooldown: never\n  tenants:\n    \
         team: {{ key: sk-team }}\n    slow: {{ key: sk-slow, limits: {{ rpm: 1, burst: 1 }} }}\n  groups:\n\
         {groups}"
    )
}

#[test]
fn each_vendors_own_client_is_served_by_providers_of_every_format() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (text, names) = mock_file();
    let mock_path = folder.join("fronts-mock.yaml");
    fs::write(&mock_path, text).expect("a folder of our own");
    let mock = Server::start("mock", &mock_path, names.len());
    let url = |line: &String| line.split_once(": ").expect("a name and a URL").1.to_owned();
    let urls: Vec<_> = mock.lines.iter().map(url).collect();
    let gateway_path = folder.join("fronts-gateway.yaml");
    fs::write(&gateway_path, gateway_file(&names, &urls)).expect("a folder of our own");
    let gateway = Server::start("gateway", &gateway_path, 1);
    let said = &gateway.lines[0];
    let url = said.split_whitespace().find(|word| word.starts_with("http://"));
    let url = url.unwrap_or_else(|| panic!("the gateway said: {said}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/fronts.py");
    let output = Command::new(python()).arg(script).arg(url).output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
