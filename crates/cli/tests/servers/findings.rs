//! `squall mock --findings`: what it tells of its clients, and how it ends.

use crate::serve::{Server, ask, start_and_listen};
use crate::signals::send;
use crate::squall::Folder;
use serde_json::Value;
use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

/// A mock with two providers, its admin API at a free port, and where each of these is.
struct Judged {
    server: Server,
    folder: Folder,
    well: String,
    throttled: String,
    admin: String,
}

const PROVIDERS: &str = "
providers:
  well: { listen: 127.0.0.1:0, format: openai, ttft: 10ms, itl: 1ms }
  throttled:
    listen: 127.0.0.1:0
    format: openai
    ttft: 10ms
    itl: 1ms
    faults: [ { at: 0s, for: 10h, throttle: { retry_after: 30s } } ]
";

fn judged(test: &str, more: &[&str]) -> Judged {
    let folder = Folder::new(test);
    folder.write("mock.yaml", PROVIDERS);
    let arguments = ["mock", "--config", "mock.yaml", "--log", "off", "--admin", "127.0.0.1:0"];
    let (server, well, said) = start_and_listen(&folder, &[&arguments, more].concat());
    let next = || {
        let line = said.recv_timeout(Duration::from_secs(60)).expect("where it listens");
        let (_, addr) = line.split_once("http://").expect("an address");
        addr.trim_end_matches('/').trim_end_matches("/v1").to_owned()
    };
    let (throttled, admin) = (next(), next());
    Judged { server, folder, well, throttled, admin }
}

impl Judged {
    /// Ends it; its exit code.
    fn end(mut self) -> (Option<i32>, Folder) {
        send(&self.server, "TERM");
        let status = self.server.0.wait().expect("it is a child");
        (status.code(), self.folder)
    }
}

fn rule<'a>(report: &'a Value, id: &str) -> &'a Value {
    let rules = report["rules"].as_array().expect("a list");
    rules.iter().find(|rule| rule["finding"] == id).expect("a row for every rule")
}

#[test]
fn an_error_of_a_client_is_exit_code_1_and_stands_in_the_file_with_its_evidence() {
    let mock = judged("findings-error", &["--findings", "findings.json"]);
    assert!(ask(&mock.throttled, "m").starts_with("HTTP/1.1 429"));
    assert!(ask(&mock.throttled, "m").starts_with("HTTP/1.1 429"));
    let (code, folder) = mock.end();
    assert_eq!(code, Some(1));
    let report: Value = serde_json::from_str(&folder.read("findings.json")).expect("JSON");
    assert_eq!((&report["verdict"], &report["errors"]), (&"missed".into(), &1.into()));
    let found = rule(&report, "retry_after_ignored");
    assert_eq!((&found["result"], &found["broken_calls"]), (&"found".into(), &1.into()));
    let finding = &found["findings"][0];
    assert!(finding["seen"].as_str().is_some_and(|seen| seen.contains("asked for 30 s")));
    assert_eq!(finding["attempts"][0]["provider"], "throttled");
    assert_eq!(finding["attempts"][0]["retry_after"], 30.0);
    assert_eq!(rule(&report, "no_read_timeout")["result"], "not tested");
}

#[test]
fn a_client_without_an_error_is_exit_code_0_an_allowed_one_too_and_none_is_3() {
    let mock = judged("findings-none", &["--findings"]);
    assert_eq!(mock.end().0, Some(3));
    let mock = judged("findings-well", &["--findings"]);
    assert!(ask(&mock.well, "m").starts_with("HTTP/1.1 200"));
    assert_eq!(mock.end().0, Some(0));
    let mock = judged("findings-allowed", &["--findings", "--allow", "retry_after_ignored"]);
    assert!(ask(&mock.throttled, "m").starts_with("HTTP/1.1 429"));
    assert!(ask(&mock.throttled, "m").starts_with("HTTP/1.1 429"));
    assert_eq!(mock.end().0, Some(0));
}

#[test]
fn the_admin_api_tells_so_far_and_a_reset_forgets() {
    let mock = judged("findings-admin", &["--findings", "--max-attempts", "2"]);
    let findings = |more: &[&str]| {
        let arguments = ["mock", "findings", "--admin", &mock.admin];
        mock.folder.squall(&[&arguments, more].concat())
    };
    assert_eq!(findings(&[]).code, 3, "nothing was seen");
    assert!(ask(&mock.throttled, "m").starts_with("HTTP/1.1 429"));
    let waiting = findings(&[]);
    assert_eq!(waiting.code, 0, "{}{}", waiting.out, waiting.err);
    assert!(
        waiting.out.contains("warning   gave_up                    waiting"),
        "{}",
        waiting.out
    );
    let done = findings(&["--client-done"]);
    assert!(done.out.contains("no attempt followed a 429 within"), "{}", done.out);
    for _ in 0..2 {
        assert!(ask(&mock.throttled, "m").starts_with("HTTP/1.1 429"));
    }
    let found = findings(&[]);
    assert_eq!(found.code, 1);
    assert!(found.out.contains("3 attempts in"), "{}", found.out);
    let json = findings(&["--json"]);
    let document: Value = serde_json::from_str(&json.out).expect("one document");
    assert_eq!((&document["exit_code"], &document["command"]), (&1.into(), &"mock".into()));
    assert_eq!(document["result"]["findings"]["attempts"], 3);
    let reset = mock.folder.squall(&["mock", "reset", "all", "--admin", &mock.admin]);
    assert_eq!(reset.code, 0, "{}", reset.err);
    assert_eq!(findings(&[]).code, 3);
    // A reset ends the faults too.
    assert!(ask(&mock.throttled, "m").starts_with("HTTP/1.1 200"));
    assert_eq!(mock.end().0, Some(0));
}

#[test]
fn for_programs_a_second_document_has_the_findings() {
    let folder = Folder::new("findings-json");
    folder.write("mock.yaml", PROVIDERS);
    let arguments = ["mock", "--config", "mock.yaml", "--log", "off", "--findings", "--json"];
    let mut command = folder.command(&arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut out = child.stdout.take().expect("it is piped");
    let mut said = Vec::new();
    let announced = loop {
        let mut bytes = [0; 1_024];
        let read = out.read(&mut bytes).expect("it says where it listens");
        assert!(read > 0, "it has ended");
        said.extend_from_slice(&bytes[..read]);
        if let Ok(document) = serde_json::from_slice::<Value>(&said) {
            break document;
        }
    };
    assert_eq!(announced["exit_code"], Value::Null);
    let url = announced["result"]["providers"][0]["url"].as_str().expect("an address");
    let addr = url.trim_start_matches("http://").trim_end_matches("/v1");
    assert!(ask(addr, "m").starts_with("HTTP/1.1 200"));
    let server = Server(child);
    send(&server, "TERM");
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    let document: Value = serde_json::from_str(&rest).expect("one more document");
    assert_eq!((&document["exit_code"], &document["command"]), (&0.into(), &"mock".into()));
    assert_eq!(document["result"]["findings"]["verdict"], "met");
}

#[test]
fn what_cannot_be_done_is_told_before_anything_listens() {
    let folder = Folder::new("findings-bad");
    folder.write("mock.yaml", PROVIDERS);
    let mock = |more: &[&str]| folder.squall(&[&["mock", "--config", "mock.yaml"], more].concat());
    let ended = mock(&["--findings", "no/such/folder.json"]);
    assert_eq!(ended.code, 4);
    assert!(ended.err.contains("cannot write `no/such/folder.json`"), "{}", ended.err);
    let ended = mock(&["--findings", "--allow", "no_bakoff"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("no_backoff"), "{}", ended.err);
    assert_eq!(mock(&["--allow", "no_backoff"]).code, 2, "without --findings");
    assert_eq!(mock(&["--findings", "--max-attempts", "0"]).code, 2);
}
