//! Decisions about requests that have ended: what is kept for operators, and what goes to the decision log.

use crate::admin::{TOKEN, bearer, raw, start};
use crate::answers::COMPLETION;
use crate::rig::{always, ask, gateway_of, get, hanging_provider, whole};
use serde_json::{Value, json};
use squall_determinism::Share;
use squall_gateway::{
    DecisionLogCounts, DecisionSampling, DecisionSetup, DecisionSink, Gateway, KeptTrail,
    OperatorApi,
};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Longer than any machine takes: what it bounds is a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A decision log in memory.
#[derive(Debug, Default)]
struct DecisionsInMemory(Mutex<Vec<String>>);

impl DecisionSink for DecisionsInMemory {
    fn write(&self, trail: &Arc<KeptTrail>) {
        self.0.lock().expect("no panic").push(trail.to_line());
    }

    fn counts(&self) -> DecisionLogCounts {
        let written = self.0.lock().expect("no panic").len() as u64;
        DecisionLogCounts { written, dropped: 2, failed: 3 }
    }
}

async fn keeping(providers: &[SocketAddr], recent: usize) -> (Gateway, OperatorApi) {
    let decisions = DecisionSetup { recent, log: None };
    let gateway = gateway_of(providers, |setup| setup.decisions = decisions).await;
    let admin = start(&gateway);
    (gateway, admin)
}

async fn get_json(admin: &OperatorApi, what: &str) -> (u16, Value) {
    let request = format!("GET /admin/v1/{what}");
    let (status, _, answer) = raw(admin, &request, &bearer(TOKEN), "").await;
    (status, answer)
}

fn id_of(head: &str) -> String {
    let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: "));
    id.expect("every answer has one").to_owned()
}

#[tokio::test]
async fn a_request_that_failed_over_is_listed_and_explained() {
    let failing =
        always(whole("503 Service Unavailable", r#"{"error":{"message":"sk-said"}}"#)).await;
    let other = always(whole("200 OK", COMPLETION)).await;
    let (gateway, admin) = keeping(&[failing, other], 10).await;
    let (head, _) = ask(&gateway, "chat", false).await;
    let id = id_of(&head);
    assert!(head.contains("x-squall-attempts: 2"), "{head}");

    let (status, list) = get_json(&admin, "requests").await;
    assert_eq!(status, 200, "{list}");
    let row = &list["requests"][0];
    assert_eq!(list["requests"].as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(
        (&row["id"], &row["group"], &row["outcome"], &row["status"], &row["attempts"]),
        (&json!(id), &json!("chat"), &json!("succeeded"), &json!(200), &json!(2)),
    );
    assert_eq!(row["deployments"], json!(["d0", "d1"]));
    assert!(row["time"].as_str().is_some_and(|time| time.starts_with("2026-01-01T")), "{row}");

    let (status, told) = get_json(&admin, &format!("requests/{id}")).await;
    assert_eq!(status, 200, "{told}");
    let attempts = told["attempts"].as_array().expect("a list");
    let ends: Vec<_> =
        attempts.iter().map(|each| (&each["deployment"], &each["end"], &each["why"])).collect();
    assert_eq!(
        ends,
        [
            (&json!("d0"), &json!("failed"), &json!("server")),
            (&json!("d1"), &json!("finished"), &Value::Null),
        ]
    );
    let second = &told["picks"][1];
    assert_eq!(
        (&second["picked"], &second["candidates"][0]["is"]),
        (&json!("d1"), &json!("tried"))
    );
    let text = told["text"].as_str().expect("words");
    for said in [
        "attempt 1 at `d0`",
        "failed after",
        "excluded: the request was tried there",
        "attempt 2 at `d1`",
        "ended: succeeded by `d1`",
    ] {
        assert!(text.contains(said), "no `{said}` in {text}");
    }
    // Neither what was asked, nor what was answered, nor a key, nor where providers are.
    for secret in ["\"hi\"", "sk-said", "secret", "127.0.0.1"] {
        assert!(!told.to_string().contains(secret), "{secret}: {told}");
    }
    let headers = format!("{}accept: text/plain\r\n", bearer(TOKEN));
    let (status, head, _) =
        raw(&admin, &format!("GET /admin/v1/requests/{id}"), &headers, "").await;
    assert!(
        status == 200 && head.to_ascii_lowercase().contains("content-type: text/plain"),
        "{head}"
    );
}

#[tokio::test]
async fn a_cooldown_that_a_request_brought_about_is_told_with_it() {
    let failing = always(whole("500 Internal Server Error", "{}")).await;
    let (gateway, admin) = keeping(&[failing], 100).await;
    let cooled = async {
        loop {
            let (head, _) = ask(&gateway, "chat", false).await;
            let (_, told) = get_json(&admin, &format!("requests/{}", id_of(&head))).await;
            if told["cooldowns"].as_array().is_some_and(|all| !all.is_empty()) {
                return told;
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, cooled).await.expect("it cools down");
    assert_eq!(told["cooldowns"][0]["deployment"], "d0", "{told}");
    assert_eq!((&told["outcome"], &told["error_class"]), (&json!("failed"), &json!("server")));
    assert!(
        told["waits"].is_array()
            && told["text"].as_str().is_some_and(|text| text.contains("is ejected until")),
        "{told}"
    );
    let (_, failed) = get_json(&admin, "requests?outcome=failed&limit=1").await;
    assert_eq!(failed["requests"].as_array().map(Vec::len), Some(1), "{failed}");
    let (_, none) = get_json(&admin, "requests?outcome=succeeded").await;
    assert_eq!(none["requests"], json!([]));
}

#[tokio::test]
async fn only_so_many_are_kept_and_what_is_not_there_says_why() {
    let provider = always(whole("200 OK", COMPLETION)).await;
    let (gateway, admin) = keeping(&[provider], 2).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(id_of(&ask(&gateway, "chat", false).await.0));
    }
    let (_, list) = get_json(&admin, "requests").await;
    let listed: Vec<_> =
        list["requests"].as_array().into_iter().flatten().map(|row| row["id"].clone()).collect();
    assert_eq!(listed, [json!(ids[2]), json!(ids[1])], "the latest first");
    let (status, gone) = get_json(&admin, &format!("requests/{}", ids[0])).await;
    let message = gone["error"]["message"].as_str().unwrap_or_default();
    assert!(
        status == 404 && message.contains("the last 2 requests are there, of 2 at most"),
        "{gone}"
    );
    for (what, said) in [
        ("requests?limit=many", "expected `limit` and `outcome`"),
        ("requests?outcome=good", "expected one of succeeded, failed"),
        ("requests?since=1", "unknown field `since`"),
    ] {
        let (status, refused) = get_json(&admin, what).await;
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(status == 400 && message.contains(said), "{what}: {refused}");
    }
    gateway.view().set_decisions(0, DecisionSampling::default());
    let (status, none) = get_json(&admin, "requests").await;
    assert!(status == 404 && none.to_string().contains("`recent_requests` is 0"), "{none}");
}

#[tokio::test]
async fn a_request_under_way_is_explained_as_far_as_it_has_come() {
    let (slow, hung_up) = hanging_provider(String::new()).await;
    let (gateway, admin) = keeping(&[slow], 10).await;
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nx-request-id: a/b?c\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut waiting = TcpStream::connect(gateway.addr()).await.expect("it listens");
    waiting.write_all(request.as_bytes()).await.expect("it reads");
    let found = async {
        loop {
            // The client's own name for it, as a part of a path.
            let (status, told) = get_json(&admin, "requests/a%2Fb%3Fc").await;
            if status == 200 && told["attempts"][0]["deployment"] == "d0" {
                return told;
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, found).await.expect("it is under way");
    assert_eq!((&told["outcome"], &told["status"]), (&json!("under_way"), &Value::Null), "{told}");
    let (_, list) = get_json(&admin, "requests").await;
    assert_eq!(list["requests"], json!([]), "it has not ended");
    drop(waiting);
    tokio::time::timeout(PATIENCE, hung_up).await.expect("in time").expect("it was called");
    let gone = async {
        loop {
            let (_, list) = get_json(&admin, "requests?outcome=client_gone").await;
            if list["requests"].as_array().is_some_and(|rows| rows.len() == 1) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("it is told as gone");
}

#[tokio::test]
async fn the_decision_log_has_a_sample_by_id_and_every_request_that_failed() {
    let failing = always(whole("400 Bad Request", r#"{"error":{"message":"no"}}"#)).await;
    let well = always(whole("200 OK", COMPLETION)).await;
    for (sample, failed, provider, lines) in
        [(0, true, failing, 3), (0, false, failing, 0), (0, true, well, 0), (100, false, well, 3)]
    {
        let log = Arc::new(DecisionsInMemory::default());
        let sampling = DecisionSampling { sample: Share::percent(sample), failed };
        let decisions = DecisionSetup { recent: 0, log: Some((sampling, Arc::clone(&log) as _)) };
        let gateway = gateway_of(&[provider], |setup| setup.decisions = decisions).await;
        for _ in 0..3 {
            ask(&gateway, "chat", false).await;
        }
        let written = log.0.lock().expect("no panic").clone();
        assert_eq!(written.len(), lines, "{sample} {failed}");
        for line in &written {
            let told: Value = serde_json::from_str(line).expect("a line is JSON");
            assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
            assert_eq!(told["attempts"].as_array().map(Vec::len), Some(1), "{line}");
            assert_eq!(told["picks"][0]["candidates"][0]["is"], "candidate", "{line}");
        }
        let page = get(&gateway, "/metrics").await;
        let counted = format!("squall_decision_log_lines_total{{outcome=\"written\"}} {lines}\n");
        assert!(page.contains(&counted), "{page}");
        assert!(page.contains("squall_decision_log_lines_total{outcome=\"failed\"} 3\n"));
    }
}
