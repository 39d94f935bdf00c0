//! The admin API: what operators see and do while requests are served, and who is kept out.

use crate::answers::COMPLETION;
use crate::rig::{always, ask, gateway, gateway_of, get, hanging_provider, send, whole};
use serde_json::{Value, json};
use squall_gateway::{
    Gateway, KeyStore, NameTables, OperatorApi, OperatorApiError, OperatorApiSetup, OperatorToken,
    Reload,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const TOKEN: &str = "0123456789abcdef";

/// Longer than any machine takes: what it bounds is a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn start(gateway: &Gateway) -> OperatorApi {
    start_with(gateway, None)
}

/// An admin API that keeps virtual keys there.
pub(crate) fn start_with(gateway: &Gateway, keys: Option<Arc<dyn KeyStore>>) -> OperatorApi {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let token = Some(OperatorToken::new(TOKEN).expect("it is long enough"));
    OperatorApi::start(OperatorApiSetup { listen, token, keys }, gateway.view())
        .expect("a free port")
}

/// The status, the head and the body of an answer of the admin API.
pub(crate) async fn raw(
    admin: &OperatorApi,
    request: &str,
    headers: &str,
    body: &str,
) -> (u16, String, Value) {
    let mut connection = TcpStream::connect(admin.addr()).await.expect("it listens");
    let request = format!(
        "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

pub(crate) fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

async fn state(admin: &OperatorApi) -> Value {
    let (status, _, state) = raw(admin, "GET /admin/v1/state", &bearer(TOKEN), "").await;
    assert_eq!(status, 200, "{state}");
    state
}

/// Does something, and returns the status and the answer.
pub(crate) async fn act(admin: &OperatorApi, what: &str, body: Value) -> (u16, Value) {
    let headers = format!("{}content-type: application/json\r\n", bearer(TOKEN));
    let request = format!("POST /admin/v1/{what}");
    let (status, _, answer) = raw(admin, &request, &headers, &body.to_string()).await;
    (status, answer)
}

/// Does something that has to work.
pub(crate) async fn done(admin: &OperatorApi, what: &str, body: Value) -> Value {
    let (status, answer) = act(admin, what, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn served_by(gateway: &Gateway) -> String {
    let (head, _) = ask(gateway, "chat", false).await;
    let line = head.lines().find_map(|line| line.strip_prefix("x-squall-deployment: "));
    line.unwrap_or_default().to_owned()
}

/// A gateway in front of two providers that answer; the first has nine parts of ten.
async fn two() -> (Gateway, OperatorApi) {
    let answer = || always(whole("200 OK", COMPLETION));
    let gateway = gateway(&[answer().await, answer().await]).await;
    let admin = start(&gateway);
    (gateway, admin)
}

fn weights(state: &Value) -> Vec<u64> {
    let deployments = state["groups"][0]["deployments"].as_array().expect("a list");
    deployments.iter().map(|each| each["weight"].as_u64().expect("a weight")).collect()
}

#[tokio::test]
async fn a_drained_deployment_takes_nothing_new_and_ends_what_it_has() {
    let (slow, hung_up) = hanging_provider(String::new()).await;
    let other = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[slow, other]).await;
    let admin = start(&gateway);
    let waiting = send(&gateway, "chat", false).await;
    let under_way = async {
        while state(&admin).await["groups"][0]["deployments"][0]["in_flight"] != 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, under_way).await.expect("it is sent to the first");
    let drained = done(&admin, "drain", json!({ "deployment": "d0" })).await;
    let d0 = &drained["groups"][0]["deployments"][0];
    assert_eq!(
        (&d0["drained"], &d0["weight"], &d0["configured_weight"]),
        (&json!(true), &json!(0), &json!(9))
    );
    assert_eq!(d0["in_flight"], 1, "what it has goes on: {d0}");
    for _ in 0..20 {
        assert_eq!(served_by(&gateway).await, "d1");
    }
    drop(waiting);
    tokio::time::timeout(PATIENCE, hung_up).await.expect("in time").expect("it was called");
    let back = done(&admin, "undrain", json!({ "deployment": "d0" })).await;
    assert_eq!(weights(&back), [9, 1]);
}

#[tokio::test]
async fn the_last_deployment_of_a_group_is_not_drained_and_unknown_names_are_told() {
    let (gateway, admin) = two().await;
    done(&admin, "drain", json!({ "deployment": "d0" })).await;
    let (status, refused) = act(&admin, "drain", json!({ "deployment": "d1" })).await;
    assert_eq!(status, 409, "{refused}");
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(message.contains("group `chat` would have no deployment left"), "{message}");
    assert_eq!(served_by(&gateway).await, "d1", "nothing has changed");
    for (what, body) in [
        ("drain", json!({ "deployment": "d7" })),
        ("undrain", json!({ "deployment": "d7" })),
        ("pin", json!({ "group": "chat", "deployment": "d7" })),
        ("weights", json!({ "weights": { "d7": 1 } })),
    ] {
        let (status, refused) = act(&admin, what, body).await;
        assert_eq!(status, 404, "{what}: {refused}");
        let message = refused["error"]["message"].as_str().expect("a message");
        assert_eq!(message, "no deployment is called `d7`; known: d0, d1", "{what}");
    }
    let (status, _) = act(&admin, "unpin", json!({ "group": "nothing" })).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_pinned_group_is_served_by_one_deployment_until_it_is_unpinned() {
    let (gateway, admin) = two().await;
    let pinned = done(&admin, "pin", json!({ "group": "chat", "deployment": "d1" })).await;
    assert_eq!(pinned["groups"][0]["pinned"], "d1");
    for _ in 0..20 {
        assert_eq!(served_by(&gateway).await, "d1");
    }
    let back = done(&admin, "unpin", json!({ "group": "chat" })).await;
    assert_eq!((&back["groups"][0]["pinned"], weights(&back)), (&Value::Null, vec![9, 1]));
    assert_eq!(served_by(&gateway).await, "d0");
}

#[tokio::test]
async fn weights_for_a_while_end_by_themselves_and_others_with_the_next_reload() {
    let (gateway, admin) = two().await;
    let body = json!({ "weights": { "d0": 0 }, "for": "1s" });
    let changed = done(&admin, "weights", body).await;
    assert_eq!(weights(&changed), [0, 1]);
    let ends = changed["groups"][0]["deployments"][0]["weight_ends_in_seconds"].as_f64();
    assert!(ends.is_some_and(|ends| ends > 0.0 && ends <= 1.0), "{ends:?}");
    let over = async {
        while weights(&state(&admin).await) != [9, 1] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.expect("they end");
    let changed = done(&admin, "weights", json!({ "weights": { "d0": 2, "d1": 5 } })).await;
    assert_eq!(weights(&changed), [2, 5]);
    let one = done(&admin, "weights", json!({ "weights": { "d0": null } })).await;
    assert_eq!(weights(&one), [9, 5], "the file's weight again");
    done(&admin, "drain", json!({ "deployment": "d0" })).await;
    let upstreams = [0, 1].map(|place| {
        squall_gateway::UpstreamConfig::new(format!("d{place}"), "http://127.0.0.1:9/v1", "model")
    });
    let router = crate::rig::router(2);
    let name_tables = NameTables::default();
    let reload = Reload { router, upstreams: upstreams.into(), name_tables };
    gateway.view().reload(reload).expect("it is taken");
    assert_eq!(weights(&state(&admin).await), [0, 1], "what is drained stays so");
}

#[tokio::test]
async fn a_paused_gateway_refuses_requests_and_is_not_ready_until_it_is_resumed() {
    let (gateway, admin) = two().await;
    let paused = done(&admin, "pause", json!({})).await;
    assert_eq!(
        (&paused["paused"], &paused["ready"], &paused["reason"]),
        (&json!(true), &json!(false), &json!("paused"))
    );
    let (head, body) = ask(&gateway, "chat", false).await;
    assert!(head.starts_with("http/1.1 503") && head.contains("retry-after: 5"), "{head}");
    assert!(body.contains("paused by an operator"), "{body}");
    let ready = get(&gateway, "/ready").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains(r#""reason":"paused""#), "{ready}");
    assert!(get(&gateway, "/health").await.starts_with("HTTP/1.1 200"));
    assert!(get(&gateway, "/metrics").await.contains("squall_ready 0"));
    done(&admin, "resume", json!({})).await;
    assert_eq!(served_by(&gateway).await, "d0");
    assert!(get(&gateway, "/ready").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn who_has_no_token_or_a_wrong_one_learns_nothing_and_after_ten_has_to_wait() {
    let (_gateway, admin) = two().await;
    for request in ["GET /admin/v1/state", "POST /admin/v1/pause", "GET /"] {
        let (status, head, answer) = raw(&admin, request, "", "").await;
        assert_eq!(status, 401, "{answer}");
        assert!(head.to_ascii_lowercase().contains("www-authenticate: bearer"), "{head}");
        assert_eq!(answer["error"]["code"], "invalid_api_key", "{answer}");
    }
    for _ in 0..10 {
        let (status, ..) =
            raw(&admin, "GET /admin/v1/state", &bearer("0123456789abcdeX"), "").await;
        assert_eq!(status, 401);
    }
    let (status, head, _) = raw(&admin, "GET /admin/v1/state", &bearer(TOKEN), "").await;
    assert_eq!(status, 429, "not even the right one is looked at");
    assert!(head.to_ascii_lowercase().contains("retry-after: "), "{head}");
}

#[tokio::test]
async fn a_token_is_changed_while_it_serves_and_never_taken_away_where_others_can_ask() {
    let (gateway, admin) = two().await;
    let next = "fedcba9876543210";
    let token = OperatorToken::new(next).expect("it is long enough");
    admin.set_token(Some(token)).expect("it is one");
    let ask = async |token| raw(&admin, "GET /admin/v1/state", &bearer(token), "").await.0;
    assert_eq!((ask(TOKEN).await, ask(next).await), (401, 200));
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let token = OperatorToken::new(TOKEN).ok();
    let setup = OperatorApiSetup { listen, token, keys: None };
    let open = OperatorApi::start(setup, gateway.view()).expect("it has a token");
    assert!(matches!(open.set_token(None), Err(OperatorApiError::Open(_))));
}

#[tokio::test]
async fn bodies_that_are_none_are_refused_with_a_reason() {
    let (_gateway, admin) = two().await;
    for (what, body, status, reason) in [
        ("drain", json!({}), 400, "missing field `deployment`"),
        ("drain", json!({ "deployment": "d0", "force": true }), 400, "unknown field `force`"),
        ("weights", json!({ "weights": { "d0": -1 } }), 400, "the body: invalid value"),
        ("weights", json!({ "weights": { "d0": 1_000_001 } }), 400, "expected at most 1000000"),
        (
            "weights",
            json!({ "weights": { "d0": 1 }, "for": "soon" }),
            400,
            "expected a time such as `10m`",
        ),
        ("pause", json!("now"), 400, "the body: invalid type"),
        ("nothing", json!({}), 404, "there is no POST /admin/v1/nothing"),
    ] {
        let (given, answer) = act(&admin, what, body).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(given, status, "{what}: {message}");
        assert!(message.contains(reason), "{what}: {message}");
    }
    let (status, _, answer) = raw(&admin, "POST /admin/v1/pause", &bearer(TOKEN), "{}").await;
    assert_eq!(status, 415, "a page of another site could send it: {answer}");
    assert_eq!(weights(&state(&admin).await), [9, 1], "nothing has changed");
}

#[tokio::test]
async fn an_address_that_others_can_reach_needs_a_token() {
    let (gateway, _) = two().await;
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let open =
        OperatorApi::start(OperatorApiSetup { listen, token: None, keys: None }, gateway.view());
    let refused = open.expect_err("anybody could drain it");
    assert!(matches!(refused, OperatorApiError::Open(_)), "{refused}");
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let own =
        OperatorApi::start(OperatorApiSetup { listen, token: None, keys: None }, gateway.view());
    let own = own.expect("this machine's programs may ask");
    assert_eq!(raw(&own, "GET /admin/v1/state", "", "").await.0, 200);
}

#[tokio::test]
async fn the_state_tells_cooldowns_limits_and_budgets_and_no_secret() {
    let failing = always(whole("503 Service Unavailable", "{}")).await;
    let other = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[failing, other], |setup| {
        let group = &mut setup.router.groups[0];
        group.limits.concurrency = Some(7);
        setup.upstreams[0].api_key = Some("sk-very-secret".to_owned());
    })
    .await;
    let admin = start(&gateway);
    let cools = async {
        loop {
            ask(&gateway, "chat", false).await;
            let state = state(&admin).await;
            if state["groups"][0]["deployments"][0]["state"] == "cooling" {
                return state;
            }
        }
    };
    let state = tokio::time::timeout(PATIENCE, cools).await.expect("it cools down");
    let d0 = &state["groups"][0]["deployments"][0];
    assert_eq!(d0["cooldown"]["cause"], "server", "{d0}");
    assert!(d0["cooldown"]["ends_in_seconds"].as_f64().is_some_and(|ends| ends > 0.0), "{d0}");
    let expected = json!({ "used": 0, "allowed": 7 });
    assert_eq!(state["groups"][0]["limits"]["concurrency"], expected, "{state}");
    let told = state.to_string();
    assert!(!told.contains("secret") && !told.contains("127.0.0.1"), "{told}");
}
