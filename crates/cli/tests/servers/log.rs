//! The log of servers: what it says, what it never says, and how it is asked for.

use crate::serve::{MOCK, Server, spawn, start, start_and_listen, until};
use crate::signals::{ended, send};
use crate::squall::Folder;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::mpsc::Receiver;

const CANARY: &str = "canary-of-the-prompt-7f3a";
const CLIENT_KEY: &str = "sk-canary-of-the-client-91c2";
const PROVIDER_KEY: &str = "sk-canary-of-the-provider-55d0";

const GATEWAY: &str = "
listen: 127.0.0.1:0
providers:
  one: { base_url: http://MOCK/v1, api_key: $LOG_TEST_KEY }
  dead: { base_url: http://127.0.0.1:9/v1 }
router:
  groups:
    chat: { deployments: [ { name: eu, provider: one } ] }
    down: { deployments: [ { name: off, provider: dead } ], retries: 0 }
  tenants:
    team: { key: sk-canary-of-the-client-91c2 }
";

/// A gateway before a mock, with these flags; what it says, and the mock.
fn servers(name: &str, flags: &[&str]) -> (Server, String, Receiver<String>, Server) {
    let folder = Folder::new(name);
    folder.write("mock.yaml", MOCK);
    let (mock, mock_addr) = start(&folder, &["mock", "--config", "mock.yaml", "--log", "trace"]);
    folder.write("gateway.yaml", &GATEWAY.replace("MOCK", &mock_addr));
    let arguments = [&["gateway", "--config", "gateway.yaml"], flags].concat();
    let mut command = folder.command(&arguments);
    command.env("LOG_TEST_KEY", PROVIDER_KEY);
    let (gateway, addr, said) = spawn(command);
    (gateway, addr, said, mock)
}

fn ask(addr: &str, model: &str, headers: &str) -> String {
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"{CANARY}"}}],"max_tokens":5}}"#
    );
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// The line of JSON about the request with this name.
fn line_of(all: &str, id: &str) -> Value {
    let lines = all.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let found = lines.into_iter().find(|line| line["request_id"] == id);
    found.unwrap_or_else(|| panic!("nothing of {id} in {all}"))
}

#[test]
fn each_request_is_a_line_that_never_holds_its_prompt_or_a_key() {
    let (gateway, addr, said, _mock) = servers("log-json", &["--log", "trace"]);
    let bearer = format!("authorization: Bearer {CLIENT_KEY}\r\n");
    let named = |id: &str| format!("{bearer}x-request-id: {id}\r\n");
    assert!(ask(&addr, "chat", &named("good")).starts_with("HTTP/1.1 200"));
    assert!(ask(&addr, "down", &named("bad")).starts_with("HTTP/1.1 502"));
    assert!(ask(&addr, "noth\\ning", &named("unknown")).starts_with("HTTP/1.1 404"));
    for _ in 0..50 {
        let key = format!("authorization: Bearer {PROVIDER_KEY}\r\nx-request-id: none\r\n");
        assert!(ask(&addr, "chat", &key).starts_with("HTTP/1.1 401"));
    }
    ask(&addr, "chat", &named("last"));
    let all = until(&said, r#""request_id":"last""#);
    for secret in [CANARY, CLIENT_KEY, PROVIDER_KEY] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    let good = line_of(&all, "good");
    for (field, value) in [
        ("tenant", Value::from("team")),
        ("group", "chat".into()),
        ("model", "chat".into()),
        ("operation", "/chat/completions".into()),
        ("stream", false.into()),
        ("status", 200.into()),
        ("outcome", "succeeded".into()),
        ("tokens_out", 5.into()),
        ("level", "INFO".into()),
        ("target", "squall_gateway::request".into()),
    ] {
        assert_eq!(good[field], value, "{field}: {good}");
    }
    assert!(good["attempts"].as_str().is_some_and(|text| text.starts_with("eu succeeded 200 ")));
    assert!(good["duration_ms"].as_f64().is_some_and(|time| time > 0.0), "{good}");
    assert!(good["tokens_in"].as_u64().is_some_and(|tokens| tokens > 0), "{good}");
    let bad = line_of(&all, "bad");
    assert_eq!((&bad["status"], &bad["outcome"]), (&502.into(), &"failed".into()), "{bad}");
    assert_eq!(bad["error_class"], "connect", "{bad}");
    assert!(bad["attempts"].as_str().is_some_and(|text| text.starts_with("off connect ")), "{bad}");
    assert_eq!(line_of(&all, "unknown")["status"], 404);
    // Within a second or two of fifty that have no key.
    let none = all.matches(r#""request_id":"none""#).count();
    assert!((1..=10).contains(&none), "{none} lines: {all}");
    drop(gateway);
}

#[test]
fn a_log_is_text_where_it_is_asked_for_and_says_nothing_where_that_is() {
    let bearer = format!("authorization: Bearer {CLIENT_KEY}\r\nx-request-id: mine\r\n");
    let (_gateway, addr, said, _mock) = servers("log-text", &["--log-format", "text"]);
    ask(&addr, "chat", &bearer);
    let all = until(&said, "duration_ms=");
    let line = all.lines().find(|line| line.contains("duration_ms=")).expect("it is there");
    assert!(line.contains("INFO squall_gateway::request: request request_id=\"mine\""), "{line}");
    assert!(line.contains("attempts=\"eu succeeded 200 "), "{line}");
    assert!(!line.contains('\u{1b}'), "no colour where nobody looks: {line}");

    let (mut gateway, addr, said, _mock) = servers("log-off", &["--log", "off"]);
    ask(&addr, "chat", &bearer);
    gateway.0.kill().expect("it runs");
    let lines: Vec<String> = said.iter().filter(|line| line.starts_with('{')).collect();
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn in_json_that_was_asked_for_every_line_is_json_and_metrics_have_an_address_of_their_own() {
    let folder = Folder::new("log-all-json");
    folder.write("gateway.yaml", &GATEWAY.replace("MOCK", "127.0.0.1:9"));
    let arguments = [
        "gateway",
        "--config",
        "gateway.yaml",
        "--log-format",
        "json",
        "--metrics-listen",
        "127.0.0.1:0",
    ];
    let mut command = folder.command(&arguments);
    command.env("LOG_TEST_KEY", PROVIDER_KEY).env("RUST_LOG", "debug");
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    let (_gateway, first, said) = spawn(command);
    let second = said.recv().expect("it says where metrics are");
    let second: Value = serde_json::from_str(&second).expect("JSON");
    let second = second["message"].as_str().expect("text").to_owned();
    let metrics = second.trim_start_matches("metrics: http://").trim_end_matches("/metrics");
    let main = first.split("/v1").next().expect("an address");
    let get = |addr: &str| {
        let mut stream = TcpStream::connect(addr).expect("it listens");
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    assert!(get(main).starts_with("HTTP/1.1 404"), "{}", get(main));
    assert!(get(metrics).contains("squall_requests_in_flight 0"), "{}", get(metrics));
}

#[test]
fn no_line_is_lost_or_split_when_a_signal_ends_the_server() {
    assert_eq!(ends_with_all_its_lines("log-end", 1), Some(0));
}

#[test]
fn no_line_is_lost_or_split_when_a_third_signal_ends_the_server_at_once() {
    // It may have ended before the third one came.
    let code = ends_with_all_its_lines("log-end-at-once", 3);
    assert!(matches!(code, Some(0 | 143)), "{code:?}");
}

/// Sends so many signals to a gateway with lines that are yet to be written; how it ended.
fn ends_with_all_its_lines(name: &str, signals: usize) -> Option<i32> {
    const CLIENTS: usize = 8;
    const EACH: usize = 40;
    let (gateway, addr, said, _mock) = servers(name, &[]);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let addr = &addr;
            scope.spawn(move || {
                for nth in 0..EACH {
                    let headers = format!(
                        "authorization: Bearer {CLIENT_KEY}\r\nx-request-id: r{client}-{nth}\r\n"
                    );
                    assert!(ask(addr, "nothing", &headers).starts_with("HTTP/1.1 404"));
                }
            });
        }
    });
    for _ in 0..signals {
        send(&gateway, "TERM");
    }
    let code = ended(gateway);
    // The pipe has ended: this is all that was written.
    let all: Vec<String> = said.iter().collect();
    let all = all.join("\n");
    for client in 0..CLIENTS {
        for nth in 0..EACH {
            assert_eq!(line_of(&all, &format!("r{client}-{nth}"))["status"], 404);
        }
    }
    code
}

#[test]
fn requests_are_served_while_nobody_reads_the_log() {
    // More lines than a pipe takes by far.
    const REQUESTS: usize = 1_500;
    let folder = Folder::new("log-blocked");
    folder.write("gateway.yaml", &GATEWAY.replace("MOCK", "127.0.0.1:9"));
    let mut command = folder.command(&["gateway", "--config", "gateway.yaml"]);
    command.env("LOG_TEST_KEY", PROVIDER_KEY).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut gateway = Server(command.spawn().expect("the binary can be run"));
    let stderr = gateway.0.stderr.take().expect("it is piped");
    let mut said = BufReader::with_capacity(256, stderr);
    let mut line = String::new();
    said.read_line(&mut line).expect("it says where it listens");
    let addr = line.trim().rsplit_once("http://").expect("an address").1.trim_end_matches("/v1");
    let bearer = format!("authorization: Bearer {CLIENT_KEY}\r\n");
    for _ in 0..REQUESTS {
        assert!(ask(addr, "nothing", &bearer).starts_with("HTTP/1.1 404"));
    }
    drop(gateway);
}

#[test]
fn a_level_that_is_none_is_refused_with_what_was_expected() {
    let folder = Folder::new("log-level");
    folder.write("gateway.yaml", &GATEWAY.replace("MOCK", "127.0.0.1:9"));
    folder.write("mock.yaml", MOCK);
    for command in ["gateway", "mock"] {
        let file = format!("{command}.yaml");
        for level in ["loud", "squall=loud", "=", ",,=,"] {
            let ended = folder.squall(&[command, "--config", &file, "--log", level]);
            assert_eq!(ended.code, 2, "{level}: {}", ended.err);
            assert!(ended.err.contains("cannot log at `"), "{level}: {}", ended.err);
        }
    }
    let ended = folder.squall(&["gateway", "--config", "gateway.yaml", "--log-format", "xml"]);
    assert!(ended.code == 2 && ended.err.contains("text, json"), "{}", ended.err);
}

#[test]
fn a_mock_writes_a_line_for_each_request_with_the_gateways_fields() {
    let folder = Folder::new("log-mock");
    let broken = "  two: { listen: 127.0.0.1:0, format: openai, ttft: 10ms, itl: 1ms, faults: [ { at: 0s, for: 1h, error: 503 } ] }\n";
    folder.write("mock.yaml", &format!("{MOCK}{broken}"));
    let arguments = ["mock", "--config", "mock.yaml", "--log", "trace", "--log-format", "json"];
    let (_mock, one, said) = start_and_listen(&folder, &arguments);
    let one = one.split("/v1").next().expect("an address").to_owned();
    let two = said.recv().expect("where the second listens");
    let two =
        two.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
    let named = |id: &str| format!("authorization: Bearer {CLIENT_KEY}\r\nx-request-id: {id}\r\n");
    assert!(ask(&one, "m", &named("good")).starts_with("HTTP/1.1 200"));
    assert!(ask(two, "m", &named("bad")).starts_with("HTTP/1.1 503"));
    let wrong = format!("x-wrong: yes\r\nx-client-request-id: refused\r\n{}", named("other"));
    let mut stream = TcpStream::connect(&one).expect("it listens");
    let body = format!(r#"{{"model": "{CANARY}"#);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {one}\r\nconnection: close\r\n{wrong}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");

    let all = until(&said, r#""client_request_id":"refused""#);
    for secret in [CANARY, CLIENT_KEY] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    let line = |id: &str| {
        let found =
            all.lines().find(|line| line.contains(&format!(r#""client_request_id":"{id}""#)));
        serde_json::from_str::<Value>(found.expect("a line")).expect("a line of JSON")
    };
    let good = line("good");
    for (field, value) in [
        ("request_id", Value::from("req_0_0")),
        ("provider", "one".into()),
        ("model", "m".into()),
        ("operation", "/chat/completions".into()),
        ("stream", false.into()),
        ("status", 200.into()),
        ("outcome", "succeeded".into()),
        ("tokens_out", 5.into()),
        ("target", "squall_mock_provider::request".into()),
    ] {
        assert_eq!(good[field], value, "{field}: {good}");
    }
    assert!(good["duration_ms"].as_f64().is_some_and(|time| time > 0.0), "{good}");
    let bad = line("bad");
    assert_eq!((&bad["status"], &bad["outcome"]), (&503.into(), &"failed".into()), "{bad}");
    assert_eq!(
        (&bad["error_class"], &bad["fault_number"]),
        (&"overloaded".into(), &0.into()),
        "{bad}"
    );
    let refused = line("refused");
    assert_eq!((&refused["status"], &refused["outcome"]), (&400.into(), &"refused".into()));
    assert_eq!(refused["why"], "a bad request", "{refused}");
}
