//! Whether a gateway lives and is ready, as those ask who send it requests.

use crate::answers::COMPLETION;
use crate::rig::{always, ask, gateway, gateway_of, get, whole};
use serde_json::Value;
use squall_gateway::{DrainPolicy, Gateway};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn state(answer: &str) -> (&str, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("content-type: application/json"), "{answer}");
    let status = head.split(' ').nth(1).expect("a status");
    (status, serde_json::from_str(body).expect("JSON"))
}

async fn head(gateway: &Gateway, path: &str) -> String {
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    let request = format!("HEAD {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("text");
    answer
}

#[tokio::test]
async fn one_that_serves_is_alive_and_ready() {
    let gateway = gateway(&[always(whole("200 OK", COMPLETION)).await]).await;
    assert_eq!(
        state(&get(&gateway, "/health").await),
        ("200", serde_json::json!({"status": "ok"}))
    );
    let answer = get(&gateway, "/ready").await;
    let (status, body) = state(&answer);
    assert_eq!(
        (status, &body["status"], &body["reason"]),
        ("200", &"ready".into(), &"ready".into())
    );
    for path in ["/health", "/ready"] {
        let answer = head(&gateway, path).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn one_without_a_deployment_that_is_usable_is_alive_and_not_ready_and_says_why() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 40\r\ncontent-length: 2\r\n\r\n{}";
    let addr = always(busy.to_owned()).await;
    let gateway = gateway_of(&[addr, addr], |_| {}).await;
    assert_eq!(state(&get(&gateway, "/ready").await).0, "200");
    ask(&gateway, "chat", false).await;
    ask(&gateway, "chat", false).await;
    assert_eq!(state(&get(&gateway, "/health").await).0, "200");
    let answer = get(&gateway, "/ready").await;
    let (status, body) = state(&answer);
    assert_eq!((status, &body["reason"]), ("503", &"no_deployment".into()), "{answer}");
    let message = body["message"].as_str().unwrap_or_default();
    assert!(message.contains("`d0` is rate limited by its provider (for another "), "{message}");
    assert!(message.contains("`d1` is rate limited"), "{message}");
}

#[tokio::test]
async fn one_that_stops_is_alive_and_says_that_it_drains() {
    let gateway = gateway_of(&[always(whole("200 OK", COMPLETION)).await], |setup| {
        setup.metrics_listen = Some("127.0.0.1:0".parse().expect("an address"));
    })
    .await;
    let operations = gateway.metrics_addr().expect("it has one");
    let drain = DrainPolicy { delay: Duration::from_secs(600), patience: Duration::ZERO };
    let (now, at_once) = tokio::sync::oneshot::channel::<()>();
    let draining = tokio::spawn(gateway.drain(drain, async {
        let _ = at_once.await;
    }));
    let get = async |path: &str| {
        let mut connection = TcpStream::connect(operations).await.expect("it listens");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("text");
        answer
    };
    let told = async {
        loop {
            let answer = get("/ready").await;
            let (status, body) = state(&answer);
            if status == "503" {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let body = tokio::time::timeout(Duration::from_secs(60), told).await.expect("it says so");
    assert_eq!(body["reason"], "draining");
    assert_eq!(state(&get("/health").await).0, "200");
    assert!(get("/metrics").await.contains("squall_requests_in_flight"), "until the end");
    assert!(get("/v1/models").await.starts_with("HTTP/1.1 404"), "nothing for clients here");
    now.send(()).expect("it waits");
    tokio::time::timeout(Duration::from_secs(60), draining).await.expect("it ends").expect("well");
}
