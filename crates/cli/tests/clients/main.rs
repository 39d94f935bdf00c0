//! The official clients of the vendors, in Python, against `squall mock` and through `squall gateway`: what
//! each failure becomes for those who call. The clients are installed by `cargo xtask test`; LiteLLM and LangChain,
//! which judge our errors beside them, by `cargo xtask vendors`. And the pytest fixture of `clients/python`, with the same
//! clients under test.
//!
//! What they see stands in `expected.json`; `SQUALL_TELL_CLIENTS=1` writes it anew, to be read before it is
//! committed.

mod fronts;
mod keys;
mod manifests;
mod media;
mod retries;
mod traces;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const FORMATS: [&str; 4] = ["openai", "azure", "anthropic", "gemini"];

/// What goes wrong, as it stands in a file.
const CASES: [(&str, &str); 27] = [
    ("well", ""),
    ("throttled", "throttle: { retry_after: 7s }"),
    ("throttled-unsaid", "throttle: {}"),
    ("quota", "error: quota_spent"),
    ("quota-400", "error: { status: 400, class: quota_spent }"),
    ("overloaded", "error: overloaded"),
    ("overloaded-529", "error: 529"),
    ("server", "error: 500"),
    ("bad-gateway", "error: 502"),
    ("auth", "error: auth"),
    ("forbidden", "error: 403"),
    ("not-found", "error: not_found"),
    ("bad-request", "error: bad_request"),
    ("context", "error: context_window"),
    ("filter", "error: content_policy"),
    ("wrong-status", "error: { status: 400, class: server }"),
    ("blackhole", "outage: blackhole"),
    ("refuse", "outage: refuse"),
    ("reset", "reset: {}"),
    ("reset-later", "reset: { after: 3 }"),
    ("cut", "cut: { after: 3 }"),
    ("stall", "stall: { after: 3 }"),
    ("stream-error", "stream_error: { after: 3, class: overloaded }"),
    ("empty", "bad_answer: empty"),
    ("truncated", "bad_answer: truncated"),
    ("html", "bad_answer: html"),
    ("no-end", "bad_answer: no_end"),
];

/// A process that is stopped when it is dropped.
struct Server {
    child: Child,
    lines: Vec<String>,
}

impl Server {
    /// Starts one of ours, and reads so many lines of what it says.
    fn start(command: &str, file: &Path, lines: usize) -> Self {
        Self::start_with(command, file, lines, &[])
    }

    /// The same with more flags.
    fn start_with(command: &str, file: &Path, lines: usize, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args([command, "--config"])
            .arg(file)
            .args(flags)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary is there");
        let said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let lines = said.take(lines).map(|line| line.expect("text")).collect();
        Self { child, lines }
    }
}

impl Server {
    /// Ends it as an orchestrator does, and waits until it has ended.
    fn terminate(&mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(sent.success());
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every provider: its name in files, its name in the suite, and what it is.
fn providers() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for format in FORMATS {
        let mut add = |case: &str, more: &str| {
            // A reset that is read together with the first token is one before it, and a gateway answers 502 then:
            // on a busy machine both are read at once unless there is time between them.
            let itl = if case == "reset-later" { "150ms" } else { "15ms" };
            let is = format!("format: {format}, ttft: 20ms, itl: {itl}, output_tokens: 8{more}");
            all.push((format!("{format}-{case}"), format!("{format}/{case}"), is));
        };
        for (case, fault) in CASES {
            let faults = format!(", faults: [ {{ at: 0s, for: 10h, {fault} }} ]");
            add(case, if fault.is_empty() { "" } else { &faults });
        }
        add("limited", ", limits: { rpm: 20, burst: 1, retry_after: seconds }");
        add("thinks", ", reasoning: 5");
    }
    all
}

/// The Python that has the vendors' clients, or that which has more judges beside them.
fn python() -> PathBuf {
    if let Some(python) = judges() {
        return python;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let python = target.join("clients/bin/python");
    assert!(
        python.exists(),
        "the vendors' clients are not installed: `cargo xtask test` makes {}",
        target.join("clients").display()
    );
    python
}

/// The Python of `cargo xtask vendors`.
#[expect(clippy::disallowed_methods, reason = "a task says which Python has more judges")]
fn judges() -> Option<PathBuf> {
    std::env::var_os("SQUALL_JUDGES").map(PathBuf::from)
}

/// A mock server with every provider, which is stopped when it is dropped, and the address of each.
fn mock(file: &str) -> (Server, serde_json::Map<String, serde_json::Value>) {
    let providers = providers();
    let mut text = String::from("providers:\n");
    for (name, _, is) in &providers {
        text += &format!("  {name}: {{ {is} }}\n");
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
    fs::write(&path, text).expect("a folder of our own");
    let mock = Server::start("mock", &path, providers.len());
    let addresses = providers.iter().zip(&mock.lines).map(|((_, suite_name, _), line)| {
        let (_, url) = line.split_once(": ").expect("a name and a URL");
        let host = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        (suite_name.clone(), host.into())
    });
    let addresses = addresses.collect();
    (mock, addresses)
}

/// How often what failed is tried once more by itself: clients are judged by their waits, and those of a machine that
/// stands still are not their own.
const TRIES: u32 = 3;

#[test]
fn the_pytest_fixture_finds_what_clients_do_wrong_and_nothing_else() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/python");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pytest-cache");
    // What failed in an earlier run does not narrow this one.
    let _ = fs::remove_dir_all(&cache);
    let mut said = String::new();
    for _ in 0..TRIES {
        let output = Command::new(python())
            .args(["-m", "pytest", "-q", "--color", "no", "-p", "squall_pytest.plugin"])
            .args(["--last-failed", "-o", &format!("cache_dir={}", cache.display())])
            .current_dir(&package)
            .envs([("SQUALL", env!("CARGO_BIN_EXE_squall")), ("PYTHONPATH", ".")])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .expect("python runs");
        if output.status.success() {
            return;
        }
        said = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    panic!("{said}");
}

#[test]
fn our_errors_raise_in_every_client_what_the_vendors_own_bytes_raise() {
    let (_mock, direct) = mock("vendors-mock.yaml");
    let addresses = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("vendors-addresses.json");
    let text = serde_json::json!({ "direct": direct }).to_string();
    fs::write(&addresses, text).expect("a folder of our own");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/vendors.py");
    let mut command = Command::new(python());
    command.arg(script).arg(addresses).args(judges().map(|_| "--all"));
    let output = command.output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_vendors_own_clients_see_what_their_vendors_would_show_them() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let providers = providers();
    let (mock, direct) = mock("clients-mock.yaml");
    let mut gateway_text = String::from("listen: 127.0.0.1:0\nproviders:\n");
    let mut groups = String::new();
    for ((name, suite_name, _), line) in providers.iter().zip(&mock.lines) {
        let (_, url) = line.split_once(": ").expect("a name and a URL");
        let format = suite_name.split('/').next().expect("a format");
        gateway_text +=
            &format!("  {name}: {{ format: {format}, base_url: {url}, api_key: sk-1 }}\n");
        groups += &format!(
            "    {suite_name}: {{ deployments: [ {{ name: {name}, provider: {name}, model: model-1 }} ] }}\n"
        );
    }
    for format in FORMATS {
        groups += &format!(
            "    {format}/continued: {{ mid_stream: continue, fallback: [{format}/well], deployments: [ {{ name: \
             {format}-continued, provider: {format}-cut, model: model-1 }} ] }}\n"
        );
    }
    gateway_text += "router:\n  retries: 0\n  cooldown: never\n  timeouts: { first_token: 2s, \
                     between_tokens: 2s, total: 3s, stream_total: 10s }\n  groups:\n";
    gateway_text += &groups;
    let gateway_file = folder.join("clients-gateway.yaml");
    fs::write(&gateway_file, gateway_text).expect("a folder of our own");
    let gateway = Server::start("gateway", &gateway_file, 1);
    let said = &gateway.lines[0];
    let url = said.split_whitespace().find(|word| word.starts_with("http://"));
    let url = url.unwrap_or_else(|| panic!("the gateway said: {said}"));
    let addresses = serde_json::json!({ "direct": direct, "gateway": url });
    let addresses_file = folder.join("clients-addresses.json");
    fs::write(&addresses_file, addresses.to_string()).expect("a folder of our own");
    run(&addresses_file);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a variable asks for the expected table to be written anew"
)]
fn run(addresses: &Path) {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/suite.py");
    let tell = std::env::var_os("SQUALL_TELL_CLIENTS").is_some();
    let mut command = Command::new(python());
    command.arg(&suite).arg(addresses).args(tell.then_some("--tell"));
    let output = command.output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    if tell {
        fs::write(suite.with_file_name("expected.json"), &output.stdout)
            .expect("it can be written");
    }
    assert!(output.status.success(), "{said}");
}
