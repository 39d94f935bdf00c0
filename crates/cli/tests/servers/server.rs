//! What a gateway's file says of its clients and their keys, and what becomes of a bad file.

use crate::serve::{GATEWAY, MOCK, Server, ask, spawn, start, until};
use crate::signals::{ended, send, wait_until};
use crate::squall::{BINARY, Folder};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::mpsc::Receiver;

/// A gateway in front of a mock, with more in its file and its environment.
fn gateway(
    folder: &Folder,
    more: &str,
    environment: &[(&str, &str)],
) -> ([Server; 2], String, Receiver<String>) {
    folder.write("mock.yaml", MOCK);
    let (mock, upstream) = start(folder, &["mock", "--config", "mock.yaml"]);
    let file = GATEWAY.replace("MOCK", &upstream).replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &format!("{file}{more}"));
    let mut command = folder.command(&["gateway", "--config", "gateway.yaml"]);
    command.envs(environment.iter().copied());
    let (server, addr, said) = spawn(command);
    ([mock, server], addr, said)
}

fn send_raw(addr: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn limits_of_the_file_hold() {
    let folder = Folder::new("server-limits");
    let (_servers, addr, _) = gateway(&folder, "server: { max_request_size: 1kB }\n", &[]);
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    let answer = ask(&addr, &"x".repeat(1_000));
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("at most 1000 bytes (`server.max_request_size`)"), "{answer}");
}

#[test]
fn a_key_with_a_line_end_is_one_and_is_asked_for_in_any_header() {
    let folder = Folder::new("server-keys");
    let tenants = "  tenants: { team: { key: $TEAM_KEY } }\n";
    let (_servers, addr, _) = gateway(&folder, tenants, &[("TEAM_KEY", " sk-team\n")]);
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#;
    let with = |header: &str| {
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
        let length = body.len();
        send_raw(&addr, &format!("{head}{header}\r\ncontent-length: {length}\r\n\r\n{body}"))
    };
    for header in [
        "authorization: bearer sk-team",
        "Authorization: BEARER sk-team",
        "x-api-key: sk-team",
        "api-key: sk-team",
    ] {
        let answer = with(header);
        assert!(answer.starts_with("HTTP/1.1 200"), "{header}: {answer}");
    }
    assert!(with("x-api-key: sk-other").starts_with("HTTP/1.1 401"));
}

#[test]
fn a_key_that_cannot_be_sent_is_told_at_the_start_with_its_variable() {
    let folder = Folder::new("server-bad-keys");
    let file = GATEWAY.replace("MOCK", "127.0.0.1:9").replace("LISTEN", "127.0.0.1:0");
    folder.write("upstream.yaml", &file.replace("/v1 }", "/v1, api_key: $UP_KEY }"));
    let tenants = "  tenants: { a: { key: $A_KEY }, b: { key: $B_KEY } }\n";
    folder.write("tenants.yaml", &format!("{file}{tenants}"));
    let start = |file: &str, environment: &[(&str, &str)]| {
        let mut command = folder.command(&["gateway", "--config", file]);
        let output = command.envs(environment.iter().copied()).output();
        let output = output.expect("the binary can be run");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for key in ["sk\nsecond-line", "schl\u{fc}ssel", " \n"] {
        let (code, said) = start("upstream.yaml", &[("UP_KEY", key)]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("`UP_KEY` is not a valid API key"), "{said}");
        assert!(!said.contains("second-line"), "the key itself is not told: {said}");
    }
    let (_, said) = start("tenants.yaml", &[("A_KEY", "sk-same"), ("B_KEY", "sk-same\n")]);
    assert!(said.contains("the tenants `a` and `b` have the same key"), "{said}");
    assert!(!said.contains("sk-same"), "{said}");
}

#[test]
fn a_second_signal_ends_a_gateway_that_waits_for_a_request() {
    let folder = Folder::new("server-second-signal");
    let (servers, addr, said) = gateway(&folder, "", &[]);
    let [mock, server] = servers;
    // A provider that stands still answers nothing, and the request is under way for ever.
    send(&mock, "STOP");
    let mut waits = TcpStream::connect(&addr).expect("it listens");
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    waits.write_all(request.as_bytes()).expect("it reads");
    let metrics = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    wait_until("the request is under way", || {
        let text = send_raw(&addr, metrics);
        text.lines().any(|line| line == "squall_requests_in_flight 1")
    });
    send(&server, "TERM");
    until(&said, "a second signal stops immediately");
    send(&server, "TERM");
    let told = until(&said, "stopped:");
    assert!(told.contains("1 requests were cut"), "{told}");
    assert_eq!(ended(server), Some(0));
    let mut answer = String::new();
    waits.read_to_string(&mut answer).expect("it is told");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    send(&mock, "CONT");
}

#[test]
#[cfg(target_os = "linux")]
fn too_few_files_for_what_is_asked_are_told_at_the_start() {
    let folder = Folder::new("server-files");
    let file = GATEWAY.replace("MOCK", "127.0.0.1:9").replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &format!("{file}server: {{ max_connections: 5000 }}\n"));
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 256 && exec \"$0\" gateway --config gateway.yaml"]);
    shell.arg(BINARY).current_dir(folder.path(""));
    let (server, _, said) = spawn(shell);
    let told = until(&said, "ulimit -n 10064");
    assert!(
        told.contains("connections are limited to 96 by the limit of 256 open files"),
        "{told}"
    );
    send(&server, "TERM");
    assert_eq!(ended(server), Some(0));
}

#[test]
#[cfg(unix)]
fn a_file_that_another_names_is_a_plain_file() {
    let folder = Folder::new("server-plain-file");
    let scenario = "name: t\nphases: { all: 0s..5s }\ntraffic: { group: a, rate: 1, prompt_tokens: 1, \
                    output_tokens: 1 }\nproviders: { a: { ttft: 1ms, itl: 1ms } }\nrouter: { litellm: FILE }\n";
    let pipe = folder.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("it is there").success());
    std::fs::write(folder.path("large.yaml"), vec![b'#'; (16 << 20) + 1])
        .expect("it can be written");
    for (file, said) in [
        ("/dev/zero", "a device or a pipe, not a regular file"),
        ("pipe", "a device or a pipe, not a regular file"),
        (".", "a folder, not a regular file"),
        ("large.yaml", "larger than 16 MiB"),
        ("nothing.yaml", "No such file"),
    ] {
        folder.write("scenario.yaml", &scenario.replace("FILE", file));
        let ended = folder.squall(&["run", "scenario.yaml", "--sim"]);
        assert_eq!(ended.code, 2, "{file}: {}", ended.err);
        assert!(ended.err.contains(said), "{file}: {}", ended.err);
    }
    let ended = folder.squall(&["run", "/dev/zero", "--sim"]);
    assert!(ended.code == 2 && ended.err.contains("larger than 16 MiB"), "{}", ended.err);
}
