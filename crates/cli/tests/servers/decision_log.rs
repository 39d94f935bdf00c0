//! The decision log of `squall gateway`: a file that is rotated, a disk that is full, and the log of the process.

use crate::admin::page;
use crate::serve::{GATEWAY, MOCK, Server, ask, spawn, start, until};
use crate::squall::Folder;
use serde_json::Value;
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// A gateway with this decision log in front of a mock that is never down.
fn gateway(folder: &Folder, log: &str) -> ([Server; 2], String, Receiver<String>) {
    folder.write("mock.yaml", MOCK);
    let (mock, upstream) = start(folder, &["mock", "--config", "mock.yaml"]);
    let file = GATEWAY.replace("MOCK", &upstream).replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &format!("decision_log: {log}\n{file}"));
    let (server, addr, said) = spawn(folder.command(&["gateway", "--config", "gateway.yaml"]));
    ([mock, server], addr, said)
}

/// The lines of a file, once there are so many.
fn lines(folder: &Folder, name: &str, number: usize) -> Vec<Value> {
    for _ in 0..600 {
        let text = std::fs::read_to_string(folder.path(name)).unwrap_or_default();
        if text.matches('\n').count() >= number {
            return text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{name} has no {number} lines");
}

#[test]
fn a_file_has_a_line_for_each_request_and_is_opened_anew_on_sighup() {
    let folder = Folder::new("decision-log");
    let ([_mock, server], addr, said) = gateway(&folder, "{ sample: 100%, path: decisions.jsonl }");
    ask(&addr, "chat");
    let told = lines(&folder, "decisions.jsonl", 1);
    let line = &told[0];
    assert_eq!(
        (&line["group"], &line["outcome"], &line["model"]),
        (&"chat".into(), &"succeeded".into(), &"chat".into())
    );
    assert_eq!(line["attempts"][0]["deployment"], "one", "{line}");
    assert!(!line.to_string().contains("\"hi\""), "no prompt: {line}");
    std::fs::rename(folder.path("decisions.jsonl"), folder.path("decisions.1"))
        .expect("it is there");
    let hung_up = Command::new("kill").args(["-HUP", &server.0.id().to_string()]).status();
    assert!(hung_up.expect("kill runs").success());
    until(&said, "reloaded");
    ask(&addr, "chat");
    assert_eq!(lines(&folder, "decisions.jsonl", 1).len(), 1);
    assert_eq!(lines(&folder, "decisions.1", 1).len(), 1, "what was moved away stays");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_hurts_no_request_is_said_once_and_counted() {
    let folder = Folder::new("decision-log-full");
    let (_servers, addr, said) = gateway(&folder, "{ sample: 100%, path: /dev/full }");
    for _ in 0..20 {
        assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    }
    let wanted = "squall_decision_log_lines_total{outcome=\"failed\"} 20\n";
    let counted = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        page(&addr, "/metrics").contains(wanted)
    });
    assert!(counted, "{}", page(&addr, "/metrics"));
    let told = until(&said, "the decision log cannot be written");
    std::thread::sleep(Duration::from_millis(300));
    let all = told + &said.try_iter().collect::<Vec<_>>().join("\n");
    assert_eq!(all.matches("the decision log cannot be written").count(), 1, "{all}");
}

#[test]
fn without_a_path_decisions_are_lines_of_the_log() {
    let folder = Folder::new("decision-log-tracing");
    let (_servers, addr, said) = gateway(&folder, "{ sample: 100% }");
    ask(&addr, "chat");
    let told = until(&said, "squall_gateway::decisions");
    let line =
        told.lines().find(|line| line.contains("squall_gateway::decisions")).expect("it was said");
    let line: Value = serde_json::from_str(line).expect("JSON");
    let decisions = line["decisions"].as_str().expect("a text");
    let decisions: Value = serde_json::from_str(decisions).expect("JSON in it");
    assert_eq!(decisions["attempts"][0]["deployment"], "one", "{decisions}");
}

#[test]
fn a_log_that_cannot_be_opened_is_a_usage_error_at_the_start() {
    let folder = Folder::new("decision-log-refused");
    let file = GATEWAY.replace("MOCK", "127.0.0.1:9").replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &format!("decision_log: {{ path: nowhere/log }}\n{file}"));
    let ended = folder.squall(&["gateway", "--config", "gateway.yaml"]);
    assert!(
        ended.code == 2 && ended.err.contains("`nowhere/log` cannot be written"),
        "{}",
        ended.err
    );
    folder.write("gateway.yaml", &format!("decision_log: {{ sample: 200% }}\n{file}"));
    let ended = folder.squall(&["gateway", "--config", "gateway.yaml"]);
    assert!(ended.code == 2 && ended.err.contains("gateway.yaml:1:"), "{}", ended.err);
}
