//! Clients that are slow, silent, many, too large, or nobody's: each is bounded, and told why.

use crate::answers::COMPLETION;
use crate::rig::{
    always, ask_with, gateway_of, get, provider, repeating_provider, send, stream, whole,
};
use squall_gateway::{Gateway, ServerSettings};
use squall_router::{RateLimits, TenantConfig};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(120);
const BODY: &str = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;

/// A gateway in front of one that answers.
async fn with(server: ServerSettings) -> Gateway {
    let addr = always(whole("200 OK", COMPLETION)).await;
    gateway_of(&[addr], |setup| setup.server = server).await
}

/// Says `first`, then nothing; gives the answer. An end is demanded, however it comes.
async fn answer_to(gateway: &Gateway, first: &[u8]) -> String {
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    connection.write_all(first).await.expect("it reads");
    let mut said = Vec::new();
    let read = tokio::time::timeout(LONG, connection.read_to_end(&mut said)).await;
    let _ = read.expect("it ends");
    String::from_utf8_lossy(&said).into_owned()
}

fn json(answer: &str) -> serde_json::Value {
    let body = answer.split_once("\r\n\r\n").expect("a head").1;
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[tokio::test]
async fn a_head_that_never_ends_is_hung_up_on() {
    let gateway = with(ServerSettings { head_timeout: SOON, ..ServerSettings::default() }).await;
    for first in [&b""[..], b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nx-a: "] {
        assert_eq!(answer_to(&gateway, first).await, "");
    }
    // One that trickles has no more time than one that is silent.
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    let trickle = async {
        while connection.write_all(b"GET / HTTP/1.1\r\nx: y\r\n").await.is_ok() {
            tokio::time::sleep(SOON / 10).await;
        }
    };
    tokio::time::timeout(LONG, trickle).await.expect("it is hung up on");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_told_so() {
    let slow = |body_timeout, request_timeout| ServerSettings {
        body_timeout,
        request_timeout,
        ..ServerSettings::default()
    };
    let head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: 100\r\n\r\n{";
    let gateway = with(slow(SOON, LONG)).await;
    let answer = answer_to(&gateway, head).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(json(&answer)["error"]["message"].is_string());
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");

    let gateway = with(slow(LONG, SOON)).await;
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    let head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: 1000000\r\n\r\n";
    connection.write_all(head).await.expect("it reads");
    let (mut reads, mut writes) = connection.into_split();
    let trickle = tokio::spawn(async move {
        while writes.write_all(b"{").await.is_ok() {
            tokio::time::sleep(SOON / 10).await;
        }
    });
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LONG, reads.read_to_end(&mut answer)).await.expect("it ends");
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    trickle.abort();
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_after_a_while() {
    let gateway = with(ServerSettings { idle_timeout: SOON, ..ServerSettings::default() }).await;
    let answer = answer_to(&gateway, b"GET /health HTTP/1.1\r\nhost: g\r\n\r\n").await;
    assert!(answer.ends_with(r#"{"status":"ok"}"#), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_hung_up_on_and_its_attempt_ends() {
    const PIECE: &str = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}]}\n\n",
    );
    let endless = repeating_provider(stream(&PIECE.repeat(100_000)), PIECE).await;
    let gateway = gateway_of(&[endless], |setup| {
        setup.server.unread_timeout = SOON;
        // Nothing else ends it within the test's patience.
        setup.router.groups[0].timeouts.total = LONG * 10;
        setup.router.groups[0].deadline = LONG * 10;
    })
    .await;
    let connection = send(&gateway, "chat", true).await;
    let ended = async {
        while gateway.view().status().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        while gateway.view().status().in_flight > 0 {
            tokio::time::sleep(SOON).await;
        }
    };
    tokio::time::timeout(LONG, ended).await.expect("it is hung up on");
    assert!(gateway.view().status().cooling.is_empty(), "no evidence against the provider");
    drop(connection);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_json_even_while_it_is_sent() {
    let limit = 100_000;
    let gateway =
        with(ServerSettings { max_request_size: limit, ..ServerSettings::default() }).await;
    let large = format!(
        r#"{{"model":"chat","messages":[{{"role":"user","content":"{}"}}]}}"#,
        "x".repeat(limit)
    );
    let chunked = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\n";
    for request in [
        format!("{head}content-length: {}\r\n\r\n{large}", large.len()),
        format!("{head}transfer-encoding: chunked\r\n\r\n{chunked}"),
        // It is sent though nobody reads it any more: the answer must not be lost in a reset.
        format!("{head}content-length: {}\r\n\r\n{}", limit * 100, "x".repeat(limit * 100)),
    ] {
        let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
        let sent = tokio::time::timeout(LONG, connection.write_all(request.as_bytes())).await;
        sent.expect("it is taken in").expect("and not reset");
        let mut answer = String::new();
        let read = tokio::time::timeout(LONG, connection.read_to_string(&mut answer)).await;
        read.expect("in time").expect("not reset");
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert_eq!(json(&answer)["error"]["code"], "request_too_large");
        assert!(answer.contains("100000 bytes"), "{answer}");
    }
    // One that fits is taken.
    let fits = large.replace(&"x".repeat(limit), &"x".repeat(limit / 2));
    assert!(ask_with(&gateway, "", &fits).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn bodies_share_one_memory_and_give_it_back() {
    let settings = ServerSettings { max_body_memory: 50_000, ..ServerSettings::default() };
    let gateway = with(settings).await;
    let body = format!(
        r#"{{"model":"chat","messages":[{{"role":"user","content":"{}"}}]}}"#,
        "x".repeat(30_000)
    );
    // It holds what has come of it, and not what it promises.
    let mut holds = TcpStream::connect(gateway.addr()).await.expect("it listens");
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: 40000\r\n\r\n";
    holds.write_all(head.as_bytes()).await.expect("it reads");
    assert!(ask_with(&gateway, "", &body).await.starts_with("HTTP/1.1 200"));
    holds.write_all(&[b'x'; 30_000]).await.expect("it reads");
    let refused = async {
        loop {
            let answer = ask_with(&gateway, "", &body).await;
            if !answer.starts_with("HTTP/1.1 200") {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(LONG, refused).await.expect("it is used up");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("max_body_memory"), "{answer}");
    assert!(ask_with(&gateway, "", BODY).await.starts_with("HTTP/1.1 200"), "small ones fit");
    drop(holds);
    let freed = async { while !ask_with(&gateway, "", &body).await.starts_with("HTTP/1.1 200") {} };
    tokio::time::timeout(LONG, freed).await.expect("it is given back");
}

#[tokio::test]
async fn a_key_is_asked_for_before_the_body_is_read() {
    let (addr, asked) = provider(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |setup| {
        setup.router.tenants =
            vec![TenantConfig { name: "team".to_owned(), limits: RateLimits::default() }];
        setup.name_tables.keys = BTreeMap::from([("team".to_owned(), "sk-team".to_owned())]);
    })
    .await;
    // Nothing of the body is sent, and the answer is there; nor is the client told to go on.
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ncontent-length: 1000000\r\n";
    for more in ["\r\n", "expect: 100-continue\r\n\r\n", "authorization: Bearer sk-other\r\n\r\n"] {
        let answer = answer_to(&gateway, format!("{head}{more}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(json(&answer)["error"]["message"].is_string());
    }
    assert!(!asked.is_finished());
    let answer = ask_with(&gateway, "Authorization: bEARER  sk-team \r\n", BODY).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_makes_room_for_another_and_the_rest_are_told() {
    let settings = ServerSettings { max_connections: 2, ..ServerSettings::default() };
    let gateway = with(settings).await;
    let health = b"GET /health HTTP/1.1\r\nhost: g\r\n\r\n";
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
        connection.write_all(health).await.expect("it reads");
        let mut piece = [0; 1_024];
        let length = connection.read(&mut piece).await.expect("it answers");
        assert!(piece[..length].starts_with(b"HTTP/1.1 200"));
        idle.push(connection);
    }
    // All places are taken by connections that want nothing: whoever comes is served.
    let answer = get(&gateway, "/health").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let gateway = with(ServerSettings { max_connections: 0, ..ServerSettings::default() }).await;
    let answer = get(&gateway, "/health").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(json(&answer)["error"]["message"].as_str().expect("text").contains("max_connections"));
}

#[tokio::test]
async fn pages_from_elsewhere_are_kept_from_a_gateway_on_the_loopback() {
    let addr = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway_of(&[addr], |_| {}).await;
    let ask = async |gateway: &Gateway, host: &str, more: &str| {
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        answer_to(gateway, request.as_bytes()).await
    };
    let own = gateway.addr().to_string();
    let same = format!("origin: http://{own}\r\n");
    for (host, more) in
        [(&*own, ""), ("localhost:1", ""), ("[::1]:80", ""), ("gateway", ""), (&own, &same)]
    {
        let answer = ask(&gateway, host, more).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{host} {more}: {answer}");
    }
    let foreign = "origin: http://evil.example\r\n";
    for (host, more) in [
        ("evil.example", ""),
        ("evil.example:8080", ""),
        ("127.0.0.1.evil.example", ""),
        ("10.0.0.1", ""),
        ("localhost\r\nhost: evil.example", ""),
        (&own, foreign),
        (&own, "origin: null\r\n"),
        ("localhost", "origin: https://localhost.evil.example\r\n"),
    ] {
        let answer = ask(&gateway, host, more).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{host} {more}: {answer}");
        assert!(
            json(&answer)["error"]["message"].as_str().expect("text").contains("allowed_hosts")
        );
    }
    let open = async |hosts: &[&str]| {
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        with(ServerSettings { allowed_hosts: hosts, ..ServerSettings::default() }).await
    };
    let named = open(&["llm.example"]).await;
    assert!(ask(&named, "llm.example:443", "").await.starts_with("HTTP/1.1 200"));
    assert!(
        ask(&named, "localhost", "origin: https://llm.example\r\n")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(ask(&named, "evil.example", "").await.starts_with("HTTP/1.1 403"));
    let all = open(&["*"]).await;
    assert!(ask(&all, "evil.example", foreign).await.starts_with("HTTP/1.1 200"));
}
