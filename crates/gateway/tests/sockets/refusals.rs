//! What is refused is refused in JSON, in the client's format, and says why.

use crate::answers::COMPLETION;
use crate::rig::{always, ask_at, ask_with, gateway_of, get, hanging_provider, picky, send, whole};
use serde_json::Value;
use squall_gateway::{Gateway, GatewaySetup, SavedSpend};
use squall_router::{
    Money, Price, Profile, RateLimit, RateLimits, RateWindow, SpendBudget, SpendBudgetId,
    SpendPeriod, TenantConfig, UtcOffset,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BODY: &str = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;

/// Says these bytes, and gives the whole answer.
async fn say(gateway: &Gateway, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    connection.write_all(bytes).await.expect("it reads");
    let mut answer = Vec::new();
    let read = connection.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(60), read).await.expect("it ends");
    String::from_utf8(answer).expect("text")
}

/// The one answer that this is: its status, its head in small letters, and the error in its body.
fn refusal(answer: &str) -> (u16, String, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/json"), "{answer}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    let body: Value =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let error = body["error"].clone();
    for field in ["message", "type"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {answer}");
    }
    for field in ["param", "code"] {
        assert!(
            error.get(field).is_some_and(|value| value.is_null() || value.is_string()),
            "{answer}"
        );
    }
    (status.expect("a status"), head, error)
}

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap_or_default()
}

/// The text by which LiteLLM's proxy, and clients that come from it, know the error.
#[tokio::test]
async fn by_litellms_profile_all_cooling_is_429_in_its_own_words() {
    let body = r#"{"error":{"message":"no such key","type":"invalid_request_error"}}"#;
    for (profile, why) in [
        (Profile::LITELLM_1_80, ""),
        (Profile::LITELLM_1_110, " All deployments for selected model are in cooldown."),
    ] {
        let dead = always(whole("401 Unauthorized", body)).await;
        let gateway = gateway_of(&[dead], |setup| {
            let router = std::mem::take(&mut setup.router);
            setup.router = router.with_profile(profile);
        })
        .await;
        ask_with(&gateway, "", BODY).await;
        let answer = ask_with(&gateway, "", BODY).await;
        let (status, head, error) = refusal(&answer);
        assert_eq!(status, 429, "{answer}");
        assert!(head.contains("retry-after: 5"), "{answer}");
        let wanted = format!(
            "No deployments available for selected model, Try again in 5 seconds.{why} Passed model=chat."
        );
        assert!(message(&error).starts_with(&wanted), "{answer}");
    }
}

async fn well() -> Gateway {
    gateway_of(&[always(whole("200 OK", COMPLETION)).await], |_| {}).await
}

#[tokio::test]
async fn every_refusal_of_http_itself_is_json() {
    let gateway = well().await;
    let get =
        |line: &str| format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let post = |headers: &str, body: &str| {
        let length = body.len();
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\
             content-length: {length}\r\n\r\n{body}"
        )
    };
    let many: String = (0..200).map(|nth| format!("x-{nth}: 1\r\n")).collect();
    let large = format!("x-large: {}\r\n", "a".repeat(300 << 10));
    let cases = [
        (get("GET /"), 404, "Invalid URL (GET /)"),
        (get("GET /v1/nothing?api_key=hidden"), 404, "Invalid URL (GET /v1/nothing)"),
        (get("POST /chat/nothing"), 404, "Invalid URL (POST /chat/nothing)"),
        (get(&format!("GET /{}", "a".repeat(5_000))), 404, "Invalid URL"),
        (get("GET /v1/chat/completions"), 405, "Not allowed to GET on /v1/chat/completions"),
        (get("DELETE /v1/models"), 405, "Not allowed to DELETE on /v1/models"),
        (get("POST /metrics"), 405, "Not allowed to POST on /metrics"),
        (post("content-type: text/plain\r\n", "hello"), 415, "Invalid Content-Type header"),
        (post("content-type: multipart/form-data\r\n", "--x"), 415, "expected a body of"),
        (post("content-encoding: gzip\r\n", "\u{1f}"), 415, "Unsupported Content-Encoding"),
        (post("content-type: application/json\r\n", "{"), 400, "as JSON"),
        (post(&many, BODY), 431, "head of the request"),
        (post(&large, BODY), 431, "head of the request"),
        ("GARBAGE\r\n\r\n".to_owned(), 400, "no HTTP/1.1 request"),
        ("GET / HTTP/1.1\r\nbad header\r\n\r\n".to_owned(), 400, "no HTTP/1.1 request"),
        (post("transfer-encoding: chunked, gzip\r\n", BODY), 400, "no HTTP/1.1 request"),
    ];
    for (request, status, text) in cases {
        let answer = say(&gateway, request.as_bytes()).await;
        let asked = &request[..request.len().min(80)];
        let (got, head, error) = refusal(&answer);
        assert_eq!(got, status, "{asked}: {answer}");
        assert!(message(&error).contains(text), "{asked}: {answer}");
        assert!(!answer.contains("hidden"), "{answer}");
        assert!(answer.len() < 2_000, "what was asked is not said back at length: {answer}");
        assert_eq!(head.contains("\r\nallow: "), status == 405, "{answer}");
    }
}

#[tokio::test]
async fn a_body_of_json_is_served_under_any_name() {
    let gateway = well().await;
    for kind in
        ["application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain"]
    {
        let answer = ask_with(&gateway, &format!("content-type: {kind}\r\n"), BODY).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{kind}: {answer}");
    }
}

#[tokio::test]
async fn who_finds_everyone_cooling_down_is_told_whom_why_and_for_how_long() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 40\r\ncontent-length: 2\r\n\r\n{}";
    let key =
        r#"{"error":{"message":"no","type":"invalid_request_error","code":"invalid_api_key"}}"#;
    let throttled = always(busy.to_owned()).await;
    let refused = always(whole("401 Unauthorized", key)).await;
    let gateway = gateway_of(&[throttled, refused], |_| {}).await;
    // Until both are known for what they are.
    ask_with(&gateway, "", BODY).await;
    ask_with(&gateway, "", BODY).await;
    let (status, head, error) = refusal(&ask_with(&gateway, "", BODY).await);
    assert_eq!(status, 429, "{error}");
    let text = message(&error);
    assert!(text.contains("no deployment of group `chat` can take this request"), "{text}");
    assert!(text.contains("`d0` is rate limited by its provider (for another "), "{text}");
    assert!(text.contains("`d1` is refused by its provider: its key is wrong"), "{text}");
    let wait = head.lines().find_map(|line| line.strip_prefix("retry-after: "));
    let wait: u64 = wait.and_then(|wait| wait.parse().ok()).expect("a time in seconds");
    assert!((1..=40).contains(&wait), "{head}");
    assert!(text.ends_with(&format!("Try again in {wait} s")), "{text} {wait}");
    assert!(head.contains("x-squall-attempts: 0"), "{head}");
}

#[tokio::test]
async fn who_finds_a_hundred_cooling_down_is_told_of_some_and_of_how_many_more() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 40\r\ncontent-length: 2\r\n\r\n{}";
    let addr = always(busy.to_owned()).await;
    let gateway = gateway_of(&[addr; 20], |setup| {
        setup.router.groups[0].retries = squall_router::Retries { max: 20, ..Default::default() };
    })
    .await;
    let mut text = String::new();
    for _ in 0..40 {
        let (_, _, error) = refusal(&ask_with(&gateway, "", BODY).await);
        text = message(&error).to_owned();
        if text.contains(", and 12 more") {
            return;
        }
    }
    panic!("{text}");
}

/// A gateway whose only provider is busy with a request that never ends.
async fn busy(change: impl FnOnce(&mut GatewaySetup)) -> (Gateway, TcpStream) {
    let (addr, _gone): (SocketAddr, _) = hanging_provider(String::new()).await;
    let gateway = gateway_of(&[addr], change).await;
    let first = send(&gateway, "chat", true).await;
    while gateway.view().status().in_flight == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (gateway, first)
}

#[tokio::test]
async fn who_meets_a_limit_is_told_whose_and_which() {
    let one = RateLimits { concurrency: Some(1), ..RateLimits::default() };
    let per_minute = RateLimit { per_minute: 1, window: RateWindow::Sliding };
    let rpm = RateLimits { rpm: Some(per_minute), ..RateLimits::default() };
    let at_once = Duration::ZERO;

    let (gateway, _first) = busy(|setup| {
        setup.router.groups[0].max_queue_wait = at_once;
        setup.router.groups[0].deployments[0].limits = one;
    })
    .await;
    let (status, _, error) = refusal(&ask_with(&gateway, "", BODY).await);
    assert_eq!(
        (status, message(&error)),
        (
            429,
            "no deployment of group `chat` can take this request: `d0` is at its limit on concurrent requests. Try again in 1 s"
        )
    );

    let (gateway, _first) = busy(|setup| {
        setup.router.groups[0].max_queue_wait = at_once;
        setup.router.groups[0].limits = one;
    })
    .await;
    let (status, _, error) = refusal(&ask_with(&gateway, "", BODY).await);
    assert_eq!(
        (status, message(&error)),
        (429, "the limit of group `chat` on concurrent requests is reached. Try again in 1 s")
    );

    let addr = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.router.groups[0].max_queue_wait = at_once;
        setup.router.tenants = vec![TenantConfig { name: "team".to_owned(), limits: rpm }];
        setup.name_tables.keys = BTreeMap::from([("team".to_owned(), "sk-team".to_owned())]);
    })
    .await;
    let bearer = "authorization: Bearer sk-team\r\n";
    assert!(ask_with(&gateway, bearer, BODY).await.starts_with("HTTP/1.1 200"));
    let (status, head, error) = refusal(&ask_with(&gateway, bearer, BODY).await);
    assert_eq!(status, 429);
    let text = message(&error);
    assert!(
        text.starts_with(
            "the limit of tenant `team` on requests per minute is reached. Try again in "
        ),
        "{text}"
    );
    assert!(head.contains("retry-after: "), "{head}");
}

#[tokio::test]
async fn who_finds_the_queue_full_or_waits_in_it_too_long_is_told_so() {
    let one = RateLimits { concurrency: Some(1), ..RateLimits::default() };
    let (gateway, _first) = busy(|setup| {
        setup.router.groups[0].deployments[0].limits = one;
        setup.router.groups[0].max_queued = 1;
        setup.router.groups[0].max_queue_wait = Duration::from_secs(600);
    })
    .await;
    let _second = send(&gateway, "chat", true).await;
    while gateway.view().status().in_flight < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (status, _, error) = refusal(&ask_with(&gateway, "", BODY).await);
    assert_eq!(status, 429, "{error}");
    let expected = "the queue of group `chat` is full (waiting in it: 1). Try again in 1 s";
    assert_eq!(message(&error), expected);

    let (gateway, _first) = busy(|setup| {
        setup.router.groups[0].limits = one;
        setup.router.groups[0].max_queue_wait = Duration::from_millis(50);
    })
    .await;
    let (status, _, error) = refusal(&ask_with(&gateway, "", BODY).await);
    assert_eq!(status, 429, "{error}");
    let expected = "the limit of group `chat` on concurrent requests is reached. Try again in 1 s";
    assert_eq!(message(&error), expected);
}

#[tokio::test]
async fn a_429_without_headers_caps_its_deployment() {
    let throttled = whole("429 Too Many Requests", "{}");
    let (addr, seen) = picky("too much", throttled, whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        let group = &mut setup.router.groups[0];
        group.max_queue_wait = Duration::ZERO;
        group.retries = squall_router::Retries { max: 0, ..Default::default() };
        // What is refused is refused by the cap.
        group.cooldown = squall_router::CooldownRule::Never;
        group.deployments[0].limits = RateLimits { from_429s: true, ..RateLimits::default() };
    })
    .await;
    for _ in 0..3 {
        assert!(ask_with(&gateway, "", BODY).await.starts_with("HTTP/1.1 200"));
    }
    assert!(!get(&gateway, "/metrics").await.contains(r#"limit="requests""#));
    let body = BODY.replace("hi", "too much");
    assert!(ask_with(&gateway, "", &body).await.starts_with("HTTP/1.1 429"));
    assert!(get(&gateway, "/metrics").await.contains(r#"limit="requests""#));
    // About two a second pass from now on, and one at once: whatever the machine, one of these is too much.
    let mut refused = String::new();
    let mut passed = 4;
    for _ in 0..100 {
        if refused.starts_with("HTTP/1.1 429") {
            break;
        }
        refused = ask_with(&gateway, "", BODY).await;
        passed += usize::from(refused.starts_with("HTTP/1.1 200"));
    }
    assert!(
        refused.contains("`d0` is at its limit on requests per minute. Try again"),
        "{refused}"
    );
    assert_eq!(seen.load(Ordering::Relaxed), passed, "it was refused here");
}

#[tokio::test]
async fn what_was_spent_before_a_restart_counts_in_the_next_gateway() {
    let addr = always(whole("200 OK", COMPLETION)).await;
    let start = async |spent: Vec<SavedSpend>| {
        gateway_of(&[addr], |setup| {
            let group = &mut setup.router.groups[0];
            group.max_queue_wait = Duration::ZERO;
            group.deployments[0].price = Price { input: Money::DOLLAR, output: Money::DOLLAR };
            group.deployments[0].spends_from = vec![SpendBudgetId(0)];
            let period = SpendPeriod::Month(UtcOffset::default());
            let team = SpendBudget::rolling(Money::DOLLAR, Duration::ZERO);
            setup.router.spend_budgets = vec![SpendBudget { name: "team".into(), period, ..team }];
            setup.spent = spent;
        })
        .await
    };
    let gateway = start(Vec::new()).await;
    assert!(ask_with(&gateway, "", BODY).await.starts_with("HTTP/1.1 200"));
    assert!(ask_with(&gateway, "", BODY).await.starts_with("HTTP/1.1 429"));
    let saved = gateway.view().spend();
    assert_eq!(saved.len(), 1);
    assert!(saved[0].spent >= Money::DOLLAR && saved[0].budget == "team", "{saved:?}");
    // The first of February: the clock of these tests begins with 2026.
    assert_eq!(saved[0].until_nanos, 1_769_904_000_000_000_000);

    let gateway = start(saved).await;
    let (status, _, error) = refusal(&ask_with(&gateway, "", BODY).await);
    assert_eq!(status, 429);
    assert!(message(&error).contains("`d0` has exhausted its spend budget"), "{error}");
}

#[tokio::test]
async fn who_asks_for_what_no_deployment_has_is_told_so() {
    let addr = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.name_tables.tags = vec!["paid".to_owned()];
        setup.router.groups[0].deployments[0].features = squall_router::Features::NONE;
    })
    .await;
    let (status, _, error) =
        refusal(&ask_with(&gateway, "x-squall-features: vision\r\n", BODY).await);
    assert_eq!(status, 400);
    assert!(
        message(&error).starts_with("no deployment of group `chat` has the features"),
        "{error}"
    );
}

#[tokio::test]
async fn every_answer_bears_the_name_of_its_request() {
    let gateway = well().await;
    let answer = ask_with(&gateway, "x-request-id: mine-1\r\n", BODY).await;
    assert!(answer.contains("\r\nx-request-id: mine-1\r\n"), "{answer}");
    for (path, headers) in [("/v1/chat/completions", ""), ("/nowhere", "x-request-id: a b\r\n")] {
        let answer = ask_at(&gateway, path, headers, BODY).await;
        let name = answer.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        assert_eq!(name.map(str::len), Some(32), "{path}: {answer}");
    }
}
