//! Real processes as targets: small Python servers that misbehave, each in its own way.

use squall_scenario::TargetConfig;
use squall_target::{ProviderAddress, RunningTarget, TargetError, TargetSetup};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A server that answers every request as `ANSWER` says: status, content type, body, and a header more.
const SERVER: &str = r#"
import http.server, os, subprocess, sys
port, kind = int(sys.argv[1]), sys.argv[2]
COMPLETION = b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
print("starting as", kind, flush=True)
if kind == "children":
    subprocess.Popen(["sleep", "300"])
    subprocess.Popen(["setsid", "sleep", "300"])
if kind == "deaf":
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        status, mime, out, more = 200, "application/json", COMPLETION, {}
        if kind == "html":
            mime, out = "text/html", b"<html>welcome</html>"
        if kind == "redirect":
            status, out, more = 302, b"", {"location": "https://elsewhere.test/login"}
        if kind == "unauthorised" and self.headers.get("authorization") != "Bearer right":
            status, out = 401, b'{"error":{"message":"No api key passed in."}}'
        if kind == "check" and self.command == "GET":
            out = b"ok" if self.path == "/health" else b"?"
            status = 200 if self.path == "/health" else 404
        self.send_response(status)
        self.send_header("content-type", mime)
        self.send_header("content-length", str(len(out)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(out)
    do_GET = do_POST = answer
    def log_message(self, *args):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100
Server(("127.0.0.1", port), Handler).serve_forever()
"#;

/// A target that is `SERVER`, as of `kind`.
fn target(kind: &str, more: &str) -> TargetConfig {
    target_within(kind, more, 30)
}

/// The same, which must be ready within so many seconds.
fn target_within(kind: &str, more: &str, seconds: u32) -> TargetConfig {
    let indented = SERVER.replace('\n', "\n      ").replace("${", "$${");
    let text = format!(
        "url: http://127.0.0.1:${{port}}/v1\n{more}\nstart:\n  command: [python3, server.py, \"${{port}}\", {kind}]\n  \
         ready: {{ within: {seconds}s, get: /health }}\n  files:\n    server.py: |{indented}\n"
    );
    TargetConfig::read("target.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn start_in(config: &TargetConfig, folder: &Path) -> Result<RunningTarget, TargetError> {
    let setup = TargetSetup {
        config,
        providers: &[] as &[ProviderAddress],
        folder,
        path: &[],
        groups: &["chat".to_owned()],
    };
    RunningTarget::start(&setup, &|| false)
}

fn start(config: &TargetConfig) -> Result<RunningTarget, TargetError> {
    let folder = TempDir::new().expect("a folder");
    start_in(config, &folder.path().join("target"))
}

/// What is said of a target that cannot be tested.
fn refused(config: &TargetConfig) -> String {
    start(config).expect_err("it is no gateway").to_string()
}

/// What is said of `SERVER` as of a kind that is never ready. On a busy machine it listens late, and has more time then.
fn never_ready(kind: &str) -> String {
    let told = refused(&target_within(kind, "", 3));
    match told.contains("Connection refused") {
        true => refused(&target_within(kind, "", 30)),
        false => told,
    }
}

#[test]
fn a_target_that_answers_chats_is_ready_and_is_measured() {
    let running = start(&target("check", "")).expect("it is well");
    assert!(running.base_url().starts_with("http://127.0.0.1:"));
    assert_eq!(running.ended(), None);
    if cfg!(target_os = "linux") {
        let usage = running.usage().expect("Linux tells");
        assert!(usage.cpu > Duration::ZERO && usage.peak_memory > 1 << 20, "{usage:?}");
    }
    running.stop();
}

#[test]
fn a_redirect_and_a_page_are_told_as_what_they_are() {
    let told = never_ready("redirect");
    assert!(told.contains("302: a redirect to https://elsewhere.test/login"), "{told}");
    let told = never_ready("html");
    assert!(told.contains("200 with an HTML page"), "{told}");
    assert!(told.contains("the end of its log") && told.contains("| starting as html"), "{told}");
}

#[test]
fn headers_of_the_file_go_with_every_request() {
    let told = never_ready("unauthorised");
    // Its own check is unauthorised as well: it is the first that is asked.
    assert!(told.contains("401") && told.contains("No api key passed in."), "{told}");
    let with = target("check", "headers: { authorization: Bearer right }");
    start(&with).expect("it is well").stop();
}

#[test]
fn a_target_that_ends_at_once_is_told_with_its_status_and_the_end_of_its_log() {
    let text = "url: http://127.0.0.1:${port}/v1\nstart: { command: [sh, -c, 'echo no such file: models.yaml; exit 3'] }";
    let config = TargetConfig::read("target.yaml", text).expect("a target");
    let told = refused(&config);
    assert!(
        told.starts_with("the target ended before it was ready: it exited with code 3"),
        "{told}"
    );
    assert!(told.contains("| no such file: models.yaml"), "{told}");
}

#[test]
fn a_target_that_listens_elsewhere_is_not_ready() {
    let text = "url: http://127.0.0.1:${port}/v1\nstart: { command: [sleep, '60'], ready: { within: 1s } }";
    let config = TargetConfig::read("target.yaml", text).expect("a target");
    let told = refused(&config);
    assert!(
        told.starts_with("the target was not ready within 1 s: a chat of `chat` at 127.0.0.1:"),
        "{told}"
    );
    assert!(told.contains("refused"), "{told}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let text = "url: http://127.0.0.1:${port}/v1\nstart: { command: [no-such-gateway] }";
    let config = TargetConfig::read("target.yaml", text).expect("a target");
    let told = refused(&config);
    assert!(told.contains("no program `no-such-gateway` in PATH"), "{told}");
}

#[test]
fn a_port_that_is_taken_is_not_mistaken_for_the_target() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let text = format!("url: http://127.0.0.1:{port}/v1\nstart: {{ command: [sleep, '60'] }}");
    let config = TargetConfig::read("target.yaml", &text).expect("a target");
    let told = refused(&config);
    assert!(told.contains(&format!("something listens at 127.0.0.1:{port} already")), "{told}");
}

#[test]
fn an_interrupt_ends_the_wait() {
    let config = target("html", "");
    let folder = TempDir::new().expect("a folder");
    let setup = TargetSetup {
        config: &config,
        providers: &[],
        folder: &folder.path().join("target"),
        path: &[],
        groups: &["chat".to_owned()],
    };
    let error = RunningTarget::start(&setup, &|| true).expect_err("it was interrupted");
    assert!(matches!(error, TargetError::Interrupted), "{error}");
}

/// Processes whose command line holds `text`, which nobody waits for in vain.
#[cfg(target_os = "linux")]
fn running_with(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").expect("Linux");
    let lines = all.filter_map(|entry| std::fs::read(entry.ok()?.path().join("environ")).ok());
    lines.filter(|bytes| String::from_utf8_lossy(bytes).contains(text)).count()
}

#[cfg(target_os = "linux")]
#[test]
fn everything_that_a_target_started_is_stopped_with_it() {
    for kind in ["children", "deaf"] {
        let folder = TempDir::new().expect("a folder");
        // A mark that children inherit, and nobody else has.
        let mark = format!("SQUALL_MARK_{}", folder.path().display());
        let mut config = target(kind, "");
        let start = config.start.as_mut().expect("it is started");
        start.ready.get = None;
        start.env.push(("SQUALL_MARK".to_owned(), mark.as_str().into()));
        let running = start_in(&config, &folder.path().join("target")).expect("it is well");
        let processes = if kind == "children" { 3 } else { 1 };
        assert_eq!(running_with(&mark), processes, "{kind}");
        running.stop();
        assert_eq!(running_with(&mark), 0, "{kind}");
    }
}

#[test]
fn a_folder_that_is_somebody_elses_is_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let theirs = folder.path().join("target");
    std::fs::create_dir(&theirs).expect("a folder");
    std::fs::write(theirs.join("precious"), "").expect("a file");
    let error = start_in(&target("check", ""), &theirs).expect_err("it is theirs").to_string();
    assert!(error.contains("is not the folder of a target"), "{error}");
    assert!(theirs.join("precious").exists());
}

/// What is said of a program that is no target.
fn refused_program(command: &str) -> String {
    let config = TargetConfig::read("target.yaml", &format!("exec: {{ command: [{command}] }}\n"));
    refused(&config.unwrap_or_else(|problems| panic!("{problems}")))
}

#[test]
fn a_program_that_writes_anything_but_answers_is_refused_with_a_line_of_it() {
    let said = refused_program(r#""yes""#);
    assert!(said.contains("writes no answers, which are lines of JSON"), "{said}");
    assert!(said.contains("is no answer: y"), "{said}");
}

#[test]
fn a_line_without_an_end_is_not_kept() {
    let said = refused_program(r#"cat, "/dev/zero""#);
    assert!(said.contains("the target ended before it was ready"), "{said}");
}
