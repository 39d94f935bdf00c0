//! OpenAI's own client in front of a gateway, for sound and pictures: what is spoken, written down, drawn and changed.

use crate::{Server, python};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The mock providers: their names, and what they are.
const PROVIDERS: [(&str, &str); 9] = [
    ("openai-well", "format: openai"),
    ("azure-well", "format: azure"),
    ("anthropic-well", "format: anthropic"),
    ("openai-down", "format: openai, faults: [ { at: 0s, for: 10h, error: 503 } ]"),
    (
        "openai-throttled",
        "format: openai, faults: [ { at: 0s, for: 10h, throttle: { retry_after: 7s } } ]",
    ),
    ("openai-bad-request", "format: openai, faults: [ { at: 0s, for: 10h, error: bad_request } ]"),
    ("openai-auth", "format: openai, faults: [ { at: 0s, for: 10h, error: auth } ]"),
    ("openai-cut", "format: openai, faults: [ { at: 0s, for: 10h, cut: { after: 3 } } ]"),
    ("openai-html", "format: openai, faults: [ { at: 0s, for: 10h, bad_answer: html } ]"),
];

#[test]
fn sound_and_pictures_pass_through_and_fall_back_as_other_requests_do() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut text = String::from("providers:\n");
    for (name, is) in PROVIDERS {
        text += &format!("  {name}: {{ {is}, ttft: 5ms, itl: 2ms, output_tokens: 8 }}\n");
    }
    let path = folder.join("media-mock.yaml");
    fs::write(&path, text).expect("a folder of our own");
    let mock = Server::start("mock", &path, PROVIDERS.len());
    let (mut providers, mut groups) = (String::new(), String::new());
    for ((name, _), line) in PROVIDERS.iter().zip(&mock.lines) {
        let url = line.split_once(": ").expect("a name and a URL").1;
        let format = name.split('-').next().expect("a format");
        providers += &format!("  {name}: {{ format: {format}, base_url: {url}, api_key: sk-1 }}\n");
        // A group that honours Retry-After tells its clients of it.
        let cooldown = if name.ends_with("throttled") { "{}" } else { "never" };
        groups += &format!(
            "    {name}: {{ cooldown: {cooldown}, deployments: [ {{ name: {name}, provider: {name}, model: model-1 }} ] }}\n"
        );
    }
    groups += "    falls-back: { fallback: [openai-well], deployments: [ { name: down, provider: openai-down, \
               model: model-1 } ] }\n    retries: { retries: 2, deployments: [ { name: first, provider: openai-down, \
               model: model-1, weight: 1000000 }, { name: second, provider: openai-well, model: model-2 } ] }\n";
    let file = format!(
        "listen: 127.0.0.1:0\nproviders:\n{providers}router:\n  retries: 0\n  cooldown: never\n  groups:\n{groups}"
    );
    let path = folder.join("media-gateway.yaml");
    fs::write(&path, file).expect("a folder of our own");
    let gateway = Server::start("gateway", &path, 1);
    let said = &gateway.lines[0];
    let url = said.split_whitespace().find(|word| word.starts_with("http://"));
    let url = url.unwrap_or_else(|| panic!("the gateway said: {said}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/media.py");
    let output = Command::new(python()).arg(script).arg(url).output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
