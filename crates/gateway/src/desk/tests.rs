//! A core that fails.

use super::*;
use crate::gateway::Gateway;
use crate::serving::ServerSettings;
use crate::setup::{GatewaySetup, Upstream, Wording};
use squall_determinism::Seed;
use squall_router::{DeploymentConfig, GroupConfig};
use squall_wire::Format;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn gateway() -> Gateway {
    let mut group = GroupConfig::new("chat");
    group.deployments = vec![DeploymentConfig::new("d")];
    let setup = GatewaySetup {
        router: RouterConfig { groups: vec![group], ..RouterConfig::default() },
        changes: Vec::new(),
        wording: Wording::default(),
        upstreams: vec![Upstream {
            name: "d".to_owned(),
            provider: "mock".to_owned(),
            format: Format::OpenAi,
            base_url: "http://127.0.0.1:9/v1".to_owned(),
            trusted: None,
            stream_usage: crate::setup::StreamUsage::Auto,
            answer_max: Upstream::ANSWER_MAX,
            model: "m".to_owned(),
            api_key: None,
        }],
        seed: Seed::new(1),
        epoch_nanos: 0,
        clock: Clock::start_now(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        keep: Keep::Nothing,
        server: ServerSettings::default(),
    };
    Gateway::start(setup).await.expect("it starts")
}

async fn ask(gateway: &Gateway, request: &str) -> String {
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    connection.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("text");
    answer
}

#[tokio::test]
async fn a_panic_in_the_core_is_told_and_health_does_not_lie_about_it() {
    let gateway = gateway().await;
    let view = gateway.view();
    let get = |path| format!("GET {path} HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n");
    assert!(ask(&gateway, &get("/health")).await.starts_with("HTTP/1.1 200"));
    let desk = gateway.desk();
    let waits = tokio::spawn(async move { view.core_failed().await });

    let failed = tokio::spawn(async move { desk.arrive(None, |_| panic!("planted")) }).await;
    assert!(failed.is_err(), "it panicked");

    tokio::time::timeout(Duration::from_secs(60), waits).await.expect("told").expect("no panic");
    assert!(ask(&gateway, &get("/health")).await.starts_with("HTTP/1.1 500"));
    assert!(ask(&gateway, &get("/ready")).await.starts_with("HTTP/1.1 503"));
    assert!(ask(&gateway, &get("/metrics")).await.starts_with("HTTP/1.1 500"));
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
    let post = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nconnection: close\r\ncontent-length: \
         {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(&gateway, &post).await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(answer.contains("{\"error\":"), "{answer}");
    // It still ends.
    gateway.shutdown(Duration::from_secs(60)).await;
}
