//! What is held against an upstream and what is not, over sockets.

use crate::answers::COMPLETION;
use crate::rig::{always, ask_at, ask_with, gateway_of, get, nobody, whole};
use serde_json::json;
use squall_gateway::{GatewaySetup, NameTables};
use squall_wire::Format;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const EMBED: &str = r#"{"model":"chat","input":"a"}"#;

fn at_anthropic(setup: &mut GatewaySetup, places: &[usize], addr: SocketAddr) {
    for &place in places {
        setup.upstreams[place].format = Format::Anthropic;
        setup.upstreams[place].base_url = format!("http://{addr}");
    }
}

#[tokio::test]
async fn what_no_upstream_can_be_told_is_refused_once_and_at_once() {
    let dead = nobody().await;
    let gateway = gateway_of(&[dead, dead], |setup| at_anthropic(setup, &[0, 1], dead)).await;
    for _ in 0..20 {
        let answer = ask_at(&gateway, "/v1/embeddings", "", EMBED).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("x-squall-attempts: 0"), "{answer}");
        assert!(!answer.contains("retry-after"), "{answer}");
    }
    let page = get(&gateway, "/metrics").await;
    for nothing in ["squall_attempts_total{", "squall_retries_total{", "squall_cooldowns_total{"] {
        assert!(!page.contains(nothing), "{nothing} in {page}");
    }
    let ended =
        r#"squall_requests_total{group="chat",outcome="failed",error_class="bad_request"} 20"#;
    assert!(page.contains(ended), "{page}");
}

#[tokio::test]
async fn the_one_that_can_be_told_is_asked_first_of_all_as_far_as_anyone_sees() {
    let dead = nobody().await;
    let vectors = r#"{"object":"list","data":[],"usage":{"prompt_tokens":2,"total_tokens":2}}"#;
    let well = always(whole("200 OK", vectors)).await;
    let gateway = gateway_of(&[dead, well], |setup| at_anthropic(setup, &[0], dead)).await;
    let answer = ask_at(&gateway, "/v1/embeddings", "", EMBED).await;
    assert!(answer.contains("x-squall-deployment: d1"), "{answer}");
    assert!(answer.contains("x-squall-attempts: 1"), "{answer}");
    let page = get(&gateway, "/metrics").await;
    assert!(!page.contains("squall_retries_total{"), "{page}");
    assert!(!page.contains(r#"deployment="d0",provider="mock",outcome="#), "{page}");
}

/// A provider that has the model `real` and no other.
async fn one_model() -> SocketAddr {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(loopback).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let missing = json!({ "error": {
        "message": "The model does not exist", "type": "invalid_request_error", "param": "model",
        "code": "model_not_found",
    }});
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"}") {
                let mut some = [0; 4_096];
                let read = stream.read(&mut some).await.expect("a request");
                bytes.extend_from_slice(&some[..read]);
            }
            let is_there = String::from_utf8_lossy(&bytes).contains(r#""model":"real""#);
            let answer = match is_there {
                true => whole("200 OK", COMPLETION),
                false => whole("404 Not Found", &missing.to_string()),
            };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    addr
}

/// Asks for this model; returns the status.
async fn status_of(gateway: &squall_gateway::Gateway, model: &str) -> String {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    let answer = ask_with(gateway, "", &body.to_string()).await;
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_typo_below_a_pattern_is_told_and_takes_nobody_out() {
    let provider = one_model().await;
    let gateway = gateway_of(&[provider], |setup| {
        setup.router.groups[0].name = "any/*".to_owned();
        setup.upstreams[0].model = "*".to_owned();
        setup.name_tables = NameTables::default();
    })
    .await;
    for _ in 0..5 {
        assert_eq!(status_of(&gateway, "any/typo").await, "404");
        assert_eq!(status_of(&gateway, "any/real").await, "200");
    }
}

#[tokio::test]
async fn a_model_that_the_file_names_wrongly_is_told_to_the_second_client_as_to_the_first() {
    let provider = one_model().await;
    let gateway = gateway_of(&[provider], |setup| {
        setup.router.groups[0].name = "any/*".to_owned();
        setup.upstreams[0].model = "unreal".to_owned();
        setup.name_tables = NameTables::default();
    })
    .await;
    assert_eq!(status_of(&gateway, "any/real").await, "404");
    assert_eq!(gateway.view().status().cooling, ["d0"], "the pattern's star is not in its model");
    assert_eq!(status_of(&gateway, "any/real").await, "404");
}
