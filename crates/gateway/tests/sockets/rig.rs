//! A gateway in front of providers that say exactly the bytes they are told to.

use squall_clock::Clock;
use squall_determinism::Seed;
use squall_gateway::{
    DecisionSetup, Gateway, GatewaySetup, NameTables, Retention, ServerSettings, StartError,
    UpstreamConfig,
};
use squall_router::{DeploymentConfig, GroupConfig, RouterConfig};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const SEED: Seed = Seed::new(7);
pub(crate) const EPOCH_NANOS: u64 = 1_767_225_600_000_000_000;
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A provider that reads one request, says `answer` and hangs up. Gives its address and, when it is
/// done, the request it read.
pub(crate) async fn provider(answer: String) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let request = read_message(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.expect("the caller listens");
        request
    });
    (addr, served)
}

/// A provider that says `answer` to each who comes, as often as they come.
pub(crate) async fn always(answer: String) -> SocketAddr {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                read_message(&mut stream).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    addr
}

/// The same, and how many have come.
pub(crate) async fn counting(answer: String) -> (SocketAddr, Arc<AtomicUsize>) {
    picky("\u{0}", String::new(), answer).await
}

/// A provider that says `refusal` to requests that hold `word`, and `answer` to others; and how many have
/// come.
pub(crate) async fn picky(
    word: &'static str,
    refusal: String,
    answer: String,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_message(&mut stream).await;
            counted.fetch_add(1, Ordering::Relaxed);
            let answer = if request.contains(word) { &refusal } else { &answer };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (addr, seen)
}

/// A provider whose connections answer once, stay open, and end without a word when a second request has
/// come over them; and how many requests were answered.
pub(crate) async fn closing_after_one(answer: String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, counted) = (answer.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                read_message(&mut stream).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                counted.fetch_add(1, Ordering::Relaxed);
                read_message(&mut stream).await;
            });
        }
    });
    (addr, seen)
}

/// A provider that says this, compressed.
pub(crate) async fn gzipping(
    status: &'static str,
    kind: &'static str,
    plain: &'static str,
) -> (SocketAddr, JoinHandle<()>) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain.as_bytes()).expect("a Vec takes all");
    let body = encoder.finish().expect("a Vec takes all");
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let served = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_message(&mut stream).await;
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-encoding: gzip\r\n\
                 content-length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
        }
    });
    (addr, served)
}

/// A request with these headers and this body, and the whole answer.
pub(crate) async fn ask_with(gateway: &Gateway, headers: &str, body: &str) -> String {
    ask_at(gateway, "/v1/chat/completions", headers, body).await
}

/// The same at another path.
pub(crate) async fn ask_at(gateway: &Gateway, path: &str, headers: &str, body: &str) -> String {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(gateway, &request).await
}

/// What a path of the gateway shows.
pub(crate) async fn get(gateway: &Gateway, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n");
    exchange(gateway, &request).await
}

pub(crate) async fn exchange(gateway: &Gateway, request: &str) -> String {
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    connection.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("text");
    answer
}

/// A provider that says `answer`, then nothing, and tells when its caller has hung up.
pub(crate) async fn hanging_provider(answer: String) -> (SocketAddr, oneshot::Receiver<()>) {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let (gone, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        read_message(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.expect("the caller listens");
        // Nothing more to read is the end of the connection, however it came.
        while matches!(stream.read(&mut [0; 64]).await, Ok(1..)) {}
        let _ = gone.send(());
    });
    (addr, told)
}

/// A provider that says `first`, and `rest` when it is told to.
pub(crate) async fn pausing_provider(
    first: String,
    rest: &'static str,
) -> (SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let (go_on, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        read_message(&mut stream).await;
        stream.write_all(first.as_bytes()).await.expect("the caller listens");
        if told.await.is_ok() {
            stream.write_all(rest.as_bytes()).await.expect("the caller listens");
        }
    });
    (addr, go_on)
}

/// A provider that says `first`, and then `again` and again until it is hung up on.
pub(crate) async fn repeating_provider(first: String, again: &'static str) -> SocketAddr {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        read_message(&mut stream).await;
        let mut written = stream.write_all(first.as_bytes()).await;
        while written.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
            written = stream.write_all(again.as_bytes()).await;
        }
    });
    addr
}

/// An address that nobody listens on.
pub(crate) async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a free port");
    listener.local_addr().expect("it is bound")
}

/// The group `chat`, with a deployment at each address: `d0`, `d1`, …; the first is picked first.
pub(crate) fn router(providers: usize) -> RouterConfig {
    let mut group = GroupConfig::new("chat");
    group.deployments = (0..providers)
        .map(|place| DeploymentConfig {
            weight: if place == 0 { 9 } else { 1 },
            ..DeploymentConfig::new(format!("d{place}"))
        })
        .collect();
    RouterConfig { groups: vec![group], ..RouterConfig::default() }
}

pub(crate) async fn gateway(providers: &[SocketAddr]) -> Gateway {
    gateway_of(providers, |_| {}).await
}

/// A gateway whose set-up is changed before it starts.
pub(crate) async fn gateway_of(
    providers: &[SocketAddr],
    change: impl FnOnce(&mut GatewaySetup),
) -> Gateway {
    start_of(providers, change).await.expect("it starts")
}

pub(crate) async fn start_of(
    providers: &[SocketAddr],
    change: impl FnOnce(&mut GatewaySetup),
) -> Result<Gateway, StartError> {
    let upstreams = providers.iter().enumerate().map(|(place, addr)| UpstreamConfig {
        provider: "mock".to_owned(),
        api_key: Some("secret".to_owned()),
        ..UpstreamConfig::new(
            format!("d{place}"),
            format!("http://{addr}/v1"),
            format!("model-{place}"),
        )
    });
    let mut setup = GatewaySetup {
        router: router(providers.len()),
        changes: Vec::new(),
        name_tables: NameTables::default(),
        upstreams: upstreams.collect(),
        seed: SEED,
        epoch_nanos: EPOCH_NANOS,
        clock: Clock::start_now(),
        listen: LOOPBACK,
        retention: Retention::Everything,
        decisions: DecisionSetup::default(),
        spent: Vec::new(),
        metrics_listen: None,
        server: ServerSettings::default(),
        shared_state: None,
        telemetry: None,
        keys: None,
        tls: None,
    };
    change(&mut setup);
    Gateway::start(setup).await
}

/// A request for the group `model`, open to be read from.
pub(crate) async fn send(gateway: &Gateway, model: &str, stream: bool) -> TcpStream {
    let body = format!(
        r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#
    );
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\
         x-squall-token: squall-7-10-20\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    connection.write_all(request.as_bytes()).await.expect("it reads");
    connection
}

/// The whole answer to a request for `chat`: head, and body with its chunks put together.
pub(crate) async fn ask(gateway: &Gateway, model: &str, stream: bool) -> (String, String) {
    let mut connection = send(gateway, model, stream).await;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let head = head.to_ascii_lowercase();
    let body =
        if head.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_owned() };
    (head, body)
}

/// An answer in one piece with this status.
pub(crate) fn whole(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A stream that ends with its connection, after these events.
pub(crate) fn stream(events: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}"
    )
}

async fn read_message(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return text;
            }
        }
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            Ok(length @ 1..) => read.extend_from_slice(&piece[..length]),
            _ => return text,
        }
    }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a chunk's length");
        whole.push_str(&rest[..length]);
        body = &rest[(length + 2).min(rest.len())..];
    }
    whole
}
