//! The end of a gateway: nothing is cut that can end by itself, and nothing holds it up for ever.

use crate::answers::COMPLETION;
use crate::rig::{
    always, gateway, gateway_of, get, hanging_provider, pausing_provider, repeating_provider, send,
    stream, whole,
};
use squall_gateway::{DrainPolicy, DrainReport, Gateway};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than any machine needs.
const LONG: Duration = Duration::from_secs(120);

const DELTA: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
const LAST: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn drain(gateway: Gateway, delay: Duration, patience: Duration) -> JoinHandle<DrainReport> {
    let drain = DrainPolicy { delay, patience };
    tokio::spawn(gateway.drain(drain, std::future::pending()))
}

/// Reads until this has been said; gives all that was.
async fn read_until(connection: &mut TcpStream, wanted: &str) -> String {
    let mut said = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&said).into_owned();
        if text.contains(wanted) {
            return text;
        }
        let read = tokio::time::timeout(LONG, connection.read(&mut piece)).await;
        let length = read.expect("in time").expect("it is not reset");
        assert!(length > 0, "no `{wanted}` in {text}");
        said.extend_from_slice(&piece[..length]);
    }
}

/// Reads to the end, which must be one and no reset.
async fn read_to_end(connection: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(LONG, connection.read_to_end(&mut said)).await;
    read.expect("in time").expect("it is not reset");
    String::from_utf8_lossy(&said).into_owned()
}

/// A provider whose streams all go on until they are told to end.
async fn streams() -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let (end, told) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut told = told.clone();
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4_096]).await;
                let _ = socket.write_all(stream(DELTA).as_bytes()).await;
                let ended = async {
                    while !*told.borrow() {
                        let _ = told.changed().await;
                    }
                };
                tokio::pin!(ended);
                // A token now and then, as under load.
                while tokio::time::timeout(Duration::from_millis(200), &mut ended).await.is_err() {
                    let _ = socket.write_all(DELTA.as_bytes()).await;
                }
                let _ = socket.write_all(LAST.as_bytes()).await;
            });
        }
    });
    (addr, end)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_500_streams_under_way_none_is_cut_and_no_new_one_is_taken() {
    let _ = squall_net::raise_file_limit();
    let (addr, end) = streams().await;
    let gateway = gateway(&[addr]).await;
    let mut open = Vec::new();
    for _ in 0..500 {
        open.push(send(&gateway, "chat", true).await);
    }
    for connection in &mut open {
        read_until(connection, "\"x\"").await;
    }
    // One that is open and has asked for nothing, and one that has had its answer.
    let mut silent = TcpStream::connect(gateway.addr()).await.expect("it listens");
    let mut idle = TcpStream::connect(gateway.addr()).await.expect("it listens");
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: gateway\r\n\r\n").await.expect("it reads");
    read_until(&mut idle, r#"{"status":"ok"}"#).await;
    let listens = gateway.addr();
    let view = gateway.view();

    let drained = drain(gateway, Duration::ZERO, LONG);
    assert_eq!(read_to_end(&mut silent).await, "", "closed, since it has nothing to lose");
    assert_eq!(read_to_end(&mut idle).await, "", "closed, since it has had its answer");
    // The listener may still be open for a moment; then what is asked is refused.
    loop {
        let Ok(mut late) = TcpStream::connect(listens).await else { break };
        let _ = late.write_all(b"GET /health HTTP/1.1\r\nhost: gateway\r\n\r\n").await;
        let mut answer = String::new();
        let _ = late.read_to_string(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503"), "{answer}");
    }
    assert_eq!(view.status().in_flight, 500);
    let _ = end.send(true);
    for connection in &mut open {
        let rest = read_to_end(connection).await;
        assert!(rest.contains("[DONE]") && rest.ends_with("0\r\n\r\n"), "cut: {rest}");
    }
    assert_eq!(drained.await.expect("no panic").cut, 0);
}

#[tokio::test]
async fn it_is_not_ready_first_and_takes_requests_until_that_was_heard() {
    let addr = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[addr]).await;
    assert!(get(&gateway, "/ready").await.starts_with("HTTP/1.1 200"));
    let mut idle = TcpStream::connect(gateway.addr()).await.expect("it listens");
    let listens = gateway.addr();
    let drain = DrainPolicy { delay: LONG, patience: LONG };
    let (hurry, hurried) = tokio::sync::oneshot::channel::<()>();
    let drained = tokio::spawn(gateway.drain(drain, async { drop(hurried.await) }));
    let ready = b"GET /ready HTTP/1.1\r\nhost: gateway\r\n\r\n";
    loop {
        let mut asked = TcpStream::connect(listens).await.expect("it still listens");
        asked.write_all(ready).await.expect("it reads");
        let answer = read_until(&mut asked, "\r\n\r\n").await;
        if answer.starts_with("HTTP/1.1 503") {
            break;
        }
    }
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    idle.write_all(request.as_bytes()).await.expect("it reads");
    let answer = read_to_end(&mut idle).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    hurry.send(()).expect("it waits");
    assert_eq!(drained.await.expect("no panic").cut, 0);
}

#[tokio::test]
async fn an_idle_connection_is_closed_once_the_delay_is_over() {
    let addr = always(whole("200 OK", COMPLETION)).await;
    let gateway = gateway(&[addr]).await;
    let mut idle = TcpStream::connect(gateway.addr()).await.expect("it listens");
    idle.write_all(b"GET /ready HTTP/1.1\r\nhost: gateway\r\n\r\n").await.expect("it reads");
    assert!(read_until(&mut idle, "}").await.starts_with("HTTP/1.1 200"));
    let drained = drain(gateway, Duration::from_millis(50), LONG);
    assert_eq!(read_to_end(&mut idle).await, "");
    assert_eq!(drained.await.expect("no panic").cut, 0);
}

#[tokio::test]
async fn a_request_that_was_begun_is_answered_and_the_next_on_its_connection_is_not_taken() {
    let (addr, go_on) =
        pausing_provider(String::new(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let gateway = gateway(&[addr]).await;
    let view = gateway.view();
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // Both at once: the second waits in the socket.
    connection.write_all(request.repeat(2).as_bytes()).await.expect("it reads");
    while view.status().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let drained = drain(gateway, Duration::ZERO, LONG);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let _ = go_on.send(());
    let answers = read_to_end(&mut connection).await.to_ascii_lowercase();
    assert_eq!(answers.matches("http/1.1 ").count(), 1, "{answers}");
    assert!(answers.contains("connection: close"), "{answers}");
    assert_eq!(drained.await.expect("no panic").cut, 0);
}

#[tokio::test]
async fn what_is_cut_is_told_so() {
    let (silent, _told) = hanging_provider(String::new()).await;
    let (speaks, _also) = hanging_provider(stream(DELTA)).await;
    let mut answers = Vec::new();
    for (addr, streamed) in [(silent, false), (speaks, true)] {
        let gateway = gateway(&[addr]).await;
        let mut connection = send(&gateway, "chat", streamed).await;
        if streamed {
            read_until(&mut connection, "\"x\"").await;
        } else {
            while gateway.view().status().in_flight == 0 {
                tokio::task::yield_now().await;
            }
        }
        let drained = drain(gateway, Duration::ZERO, Duration::from_millis(50));
        answers.push(read_to_end(&mut connection).await);
        assert_eq!(drained.await.expect("no panic").cut, 1);
    }
    assert!(answers[0].starts_with("HTTP/1.1 503"), "{}", answers[0]);
    assert!(answers[0].contains("this gateway has stopped before the answer was there"));
    let body = answers[0].split_once("\r\n\r\n").expect("a head").1;
    let error: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert!(error["error"]["message"].is_string(), "{error}");
    assert!(answers[1].contains("data: {\"error\":"), "{}", answers[1]);
    assert!(answers[1].ends_with("0\r\n\r\n"), "a whole body: {}", answers[1]);
}

#[tokio::test]
async fn a_response_that_is_cut_is_told_so_in_its_own_events() {
    const FIRST: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"delta\":\"x\"}\n\n";
    let (speaks, _told) = hanging_provider(stream(FIRST)).await;
    let gateway = gateway(&[speaks]).await;
    let body = r#"{"model":"chat","input":"hi","stream":true}"#;
    let request = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(gateway.addr()).await.expect("it listens");
    connection.write_all(request.as_bytes()).await.expect("it reads");
    read_until(&mut connection, "\"x\"").await;
    let drained = drain(gateway, Duration::ZERO, Duration::from_millis(50));
    let rest = read_to_end(&mut connection).await;
    assert_eq!(drained.await.expect("no panic").cut, 1);
    let event = "event: error\ndata: {\"type\":\"error\",\"sequence_number\":5,";
    assert!(rest.contains(event) && rest.contains("this gateway has stopped"), "{rest}");
    assert!(rest.ends_with("0\r\n\r\n"), "a whole body: {rest}");
}

#[tokio::test]
async fn a_client_that_never_reads_does_not_hold_it_up() {
    const PIECE: &str = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}]}\n\n",
    );
    let endless = repeating_provider(stream(&PIECE.repeat(100_000)), PIECE).await;
    let gateway = gateway(&[endless]).await;
    let connection = send(&gateway, "chat", true).await;
    while gateway.view().status().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let drained = drain(gateway, Duration::ZERO, Duration::from_millis(300));
    let drained = tokio::time::timeout(LONG, drained).await.expect("it ends").expect("no panic");
    assert_eq!(drained.cut, 1);
    drop(connection);
}

#[tokio::test]
async fn a_second_wish_ends_it_at_once() {
    let (silent, told) = hanging_provider(String::new()).await;
    let gateway = gateway_of(&[silent], |_| {}).await;
    let mut connection = send(&gateway, "chat", false).await;
    while gateway.view().status().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let drain = DrainPolicy { delay: LONG, patience: LONG };
    let drained = gateway.drain(drain, std::future::ready(())).await;
    assert_eq!(drained.cut, 1);
    assert!(read_to_end(&mut connection).await.starts_with("HTTP/1.1 503"));
    // The attempt has ended with it.
    tokio::time::timeout(LONG, told).await.expect("in time").expect("it hangs up");
}
