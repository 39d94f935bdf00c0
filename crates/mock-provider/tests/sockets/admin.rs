//! Live control over sockets: what the admin API does, and whom it refuses.

use crate::client::{Answer, Client};
use crate::setup::{quick, request, setup};
use serde_json::{Value, json};
use squall_determinism::Timestamp;
use squall_mock_provider::{
    Admin, AdminSetup, CallLog, CallsSeen, EventLog, FindingsApi, JudgeCalls, MockProvider,
    MockSetup,
};
use squall_provider::{
    FaultConfig, FaultKind, ProviderConfig, ProviderLimits, ProviderRateLimit, ProviderWindow,
};
use squall_wire::chat::ResponseMode;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Two words are enough here: what a fault's text means is another's business.
fn read_fault(text: &str, now: Timestamp) -> Result<FaultConfig, String> {
    let kind = match text {
        "refuse" => FaultKind::Refuse,
        "throttle" => FaultKind::Throttle { retry_after: None },
        _ => return Err(format!("`{text}` is no fault")),
    };
    Ok(FaultConfig::new(now, Duration::from_secs(600), kind))
}

/// Tells what it was given.
#[derive(Debug)]
struct TellingJudge;

impl JudgeCalls for TellingJudge {
    fn judge(&self, seen: &CallsSeen, client_done: bool) -> Value {
        json!({ "attempts": seen.attempts.len(), "open": seen.open, "client_done": client_done })
    }
}

struct Rig {
    eu: MockProvider,
    us: MockProvider,
    admin: Admin,
}

async fn rig(token: Option<&str>) -> Rig {
    let events = Arc::new(EventLog::default());
    let calls = Arc::<CallLog>::default();
    let start = |name: &str| {
        let rpm = ProviderRateLimit { per_minute: 60, window: ProviderWindow::Fixed };
        let limits = ProviderLimits { rpm: Some(rpm), ..ProviderLimits::NONE };
        let config = ProviderConfig { limits, ..quick() };
        let (provider, events) = (u16::from(name == "us"), Some(Arc::clone(&events)));
        let (name, calls) = (name.to_owned(), Some(Arc::clone(&calls)));
        MockProvider::start(MockSetup { name, provider, events, calls, ..setup(config) })
            .expect("a free port")
    };
    let providers = [start("eu"), start("us")];
    let setup = AdminSetup {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        token: token.map(str::to_owned),
        read_fault,
        events: Arc::clone(&events),
        // Whoever needs a token is not judged.
        findings: token.is_none().then(|| FindingsApi { calls, judge: Arc::new(TellingJudge) }),
    };
    let admin = Admin::start(setup, &providers).await.expect("a free port");
    let [eu, us] = providers;
    Rig { eu, us, admin }
}

impl Rig {
    /// Sends a request with these headers as well; the host is right unless they say otherwise.
    async fn send(&self, line: &str, headers: &str, body: &str) -> Answer {
        let addr = self.admin.addr();
        let mut client = Client::connect(addr).await.expect("it listens");
        let host =
            if headers.contains("host:") { String::new() } else { format!("host: {addr}\r\n") };
        let length = body.len();
        client
            .write(&format!(
                "{line} HTTP/1.1\r\n{host}{headers}content-length: {length}\r\n\r\n{body}"
            ))
            .await;
        client.answer().await
    }

    async fn post(&self, what: &str, body: &Value) -> (u16, Value) {
        let line = format!("POST /api/v1/{what}");
        let answer =
            self.send(&line, "content-type: application/json\r\n", &body.to_string()).await;
        (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
    }

    async fn get(&self, what: &str) -> Value {
        let answer = self.send(&format!("GET /api/v1/{what}"), "", "").await;
        assert_eq!(answer.status, 200);
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    async fn stop(self) {
        drop(self.admin);
        self.eu.shutdown().await;
        self.us.shutdown().await;
    }
}

async fn takes_connections(provider: &MockProvider) -> bool {
    match Client::connect(provider.addr()).await {
        Ok(mut client) => client.get("/health").await.status == 200,
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_plug_is_pulled_and_put_in_again_for_one_provider() {
    let rig = rig(None).await;
    let (status, told) =
        rig.post("inject", &json!({ "providers": ["eu"], "fault": "refuse" })).await;
    assert_eq!(
        (status, &told),
        (200, &json!([{ "provider": "eu", "fault": 0, "what": "refused" }]))
    );
    assert!(!takes_connections(&rig.eu).await && takes_connections(&rig.us).await);
    let providers = rig.get("providers").await;
    assert_eq!(providers[0]["faults"][0]["active"], json!(true));
    assert_eq!(providers[1]["faults"], json!([]));
    let (status, told) = rig.post("end", &json!({ "providers": ["eu"], "fault": 0 })).await;
    assert_eq!((status, &told[0]["faults"]), (200, &json!([])));
    while !takes_connections(&rig.eu).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let events = rig.get("events").await;
    let told: Vec<_> = events.as_array().expect("a list").iter().map(|e| &e["event"]).collect();
    assert_eq!(told, ["fault_started", "fault_ended"]);
    assert_eq!(rig.get("events?from=1").await.as_array().map(Vec::len), Some(1));
    rig.stop().await;
}

#[tokio::test]
async fn without_names_all_are_meant_and_hits_and_limits_are_counted() {
    let rig = rig(None).await;
    let (status, told) = rig.post("inject", &json!({ "fault": "throttle" })).await;
    assert_eq!((status, told.as_array().map(Vec::len)), (200, Some(2)));
    let mut client = Client::connect(rig.us.addr()).await.expect("it listens");
    assert_eq!(client.ask(&request(1, 1, ResponseMode::Whole)).await.status, 429);
    rig.post("end", &json!({ "providers": ["us"] })).await;
    assert_eq!(client.ask(&request(2, 1, ResponseMode::Whole)).await.status, 200);
    let us = &rig.get("providers").await[1];
    let sum = |kind: &str| -> u64 {
        us["seconds"].as_array().expect("a list").iter().filter_map(|s| s[kind].as_u64()).sum()
    };
    assert_eq!((sum("answered"), sum("throttled"), sum("failed")), (1, 1, 0));
    assert_eq!(us["limits"]["requests"]["remaining"], json!(59));
    assert_eq!((&us["name"], &us["format"]), (&json!("us"), &json!("openai")));
    let eu = &rig.get("providers").await[0];
    assert_eq!(eu["faults"][0]["hits"], json!(0));
    rig.stop().await;
}

#[tokio::test]
async fn a_script_stands_still_goes_on_and_is_over() {
    let rig = rig(None).await;
    let (_, told) = rig.post("pause", &json!({ "providers": ["eu"] })).await;
    assert_eq!((&told[0]["paused"], &told[1]["paused"]), (&json!(true), &json!(false)));
    let (_, told) = rig.post("resume", &json!({})).await;
    assert_eq!(told[0]["paused"], json!(false));
    rig.post("inject", &json!({ "fault": "refuse" })).await;
    let (status, told) = rig.post("reset", &json!({})).await;
    assert_eq!((status, &told[0]["faults"], &told[1]["faults"]), (200, &json!([]), &json!([])));
    rig.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_nothing_is_touched() {
    let rig = rig(None).await;
    for (what, body, status, words) in [
        (
            "inject",
            json!({ "providers": ["eu", "ap"], "fault": "refuse" }),
            404,
            "no provider is called `ap`",
        ),
        ("inject", json!({ "fault": "refuze" }), 422, "`refuze` is no fault"),
        ("inject", json!({ "providers": ["eu"] }), 422, "missing field `fault`"),
        ("inject", json!({ "provider": "eu", "fault": "refuse" }), 422, "unknown field `provider`"),
        ("end", json!({ "providers": ["eu"], "fault": 7 }), 404, "`eu` has no fault 7"),
        ("explode", json!({}), 404, "there is nothing at /api/v1/explode"),
    ] {
        let (told, body) = rig.post(what, &body).await;
        let error = body["error"].as_str().unwrap_or_default();
        assert!(told == status && error.contains(words), "{what}: {told} {error}");
    }
    for (line, body) in [("POST /api/v1/inject", "{"), ("GET /nothing", "")] {
        let answer = rig.send(line, "content-type: application/json\r\n", body).await;
        assert!((400..500).contains(&answer.status), "{line}: {}", answer.status);
    }
    let large = format!("{{\"fault\":\"{}\"}}", "x".repeat(100_000));
    let answer =
        rig.send("POST /api/v1/inject", "content-type: application/json\r\n", &large).await;
    assert_eq!(answer.status, 413);
    assert!(takes_connections(&rig.eu).await, "no fault has begun");
    rig.stop().await;
}

#[tokio::test]
async fn pages_from_elsewhere_are_kept_out() {
    let rig = rig(None).await;
    let addr = rig.admin.addr();
    let json = "content-type: application/json\r\n";
    let body = r#"{"fault":"refuse"}"#;
    let inject = "POST /api/v1/inject";
    for (headers, status) in [
        (format!("{json}host: evil.example\r\n"), 403),
        (format!("{json}origin: http://evil.example\r\n"), 403),
        (format!("{json}origin: null\r\n"), 403),
        ("content-type: text/plain\r\n".to_owned(), 415),
        (String::new(), 415),
    ] {
        let answer = rig.send(inject, &headers, body).await;
        assert_eq!(answer.status, status, "{headers}");
    }
    assert!(takes_connections(&rig.us).await, "none of them was obeyed");
    let own = rig.send(inject, &format!("{json}origin: http://{addr}\r\n"), body).await;
    assert_eq!(own.status, 200);
    let page = rig.send("GET /", "", "").await;
    assert!(
        page.header("content-security-policy")
            .is_some_and(|policy| policy.contains("default-src 'none'"))
    );
    rig.stop().await;
}

#[tokio::test]
async fn a_token_is_asked_for_where_there_is_one_and_needed_where_others_can_come() {
    let rig = rig(Some("secret")).await;
    for (headers, status) in [
        ("", 401),
        ("authorization: Bearer wrong\r\n", 401),
        ("authorization: Bearer secret\r\n", 200),
    ] {
        assert_eq!(rig.send("GET /api/v1/providers", headers, "").await.status, status);
    }
    assert_eq!(rig.send("GET /", "", "").await.status, 200, "the page asks for it");
    let open = AdminSetup {
        listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        token: None,
        read_fault,
        events: Arc::default(),
        findings: None,
    };
    let error = Admin::start(open, &[]).await.expect_err("open to other machines");
    assert!(error.to_string().contains("needs a token"), "{error}");
    rig.stop().await;
}

#[tokio::test]
async fn callers_are_judged_by_all_attempts_since_the_reset_of_their_provider() {
    let rig = rig(None).await;
    for (provider, number) in [(&rig.eu, 1), (&rig.us, 2), (&rig.us, 3)] {
        let mut client = Client::connect(provider.addr()).await.expect("it listens");
        assert_eq!(client.ask(&request(number, 2, ResponseMode::Whole)).await.status, 200);
    }
    let mut open = Client::connect(rig.eu.addr()).await.expect("it listens");
    open.send(&request(4, 100_000, ResponseMode::Stream)).await;
    open.content(1).await;
    let told = rig.get("findings").await;
    assert_eq!(told, json!({ "attempts": 3, "open": 1, "client_done": false }));
    rig.post("reset", &json!({ "providers": ["us"] })).await;
    let told = rig.get("findings?client_done=true").await;
    assert_eq!(told, json!({ "attempts": 1, "open": 1, "client_done": true }));
    let odd = rig.send("GET /api/v1/findings?client_done=perhaps", "", "").await;
    assert_eq!(odd.status, 400);
    assert!(odd.text().contains("client_done"), "{}", odd.text());
    rig.stop().await;
}

#[tokio::test]
async fn where_callers_are_not_judged_the_answer_says_how_to_have_it() {
    let rig = rig(Some("secret")).await;
    let headers = "authorization: Bearer secret\r\n";
    let answer = rig.send("GET /api/v1/findings", headers, "").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("start `squall mock` with `--findings`"), "{}", answer.text());
    rig.stop().await;
}
