//! Callers that send what is no request: garbage, far too much, or nothing. Each gets its vendor's error or a
//! bounded wait, and memory stays flat.

use crate::client::{Answer, Client, End};
use crate::setup::{quick, setup};
use squall_mock_provider::{MockProvider, MockSetup, ServerTimeouts};
use squall_wire::{Format, dialect};
use std::time::Duration;

/// Where each format takes requests.
fn paths() -> impl Iterator<Item = (Format, String)> {
    Format::ALL.into_iter().map(|format| {
        let path = dialect(format).chat_path("gpt-us", false);
        (format, format!("{}{path}", format.base_path()))
    })
}

/// Longer than any machine takes, and shorter than the mock waits if nobody tells it for how long.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(format: Format) -> MockProvider {
    start_with(format, ServerTimeouts::default())
}

/// One that waits only for a moment.
fn hasty(format: Format) -> MockProvider {
    let soon = Duration::from_millis(200);
    start_with(format, ServerTimeouts { head: soon, body: soon })
}

fn start_with(format: Format, patience: ServerTimeouts) -> MockProvider {
    MockProvider::start(MockSetup { format, patience, ..setup(quick()) }).expect("a free port")
}

/// Sends these bytes, and reads what comes.
async fn send(mock: &MockProvider, bytes: &str) -> Answer {
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.write(bytes).await;
    client.answer().await
}

/// Whether the body is an error as this vendor writes it.
fn is_error_of(format: Format, answer: &Answer) -> bool {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(&answer.body) else { return false };
    let error = &body["error"];
    let message = error["message"].as_str().is_some_and(|message| !message.is_empty());
    message
        && match format {
            Format::Anthropic => body["type"] == "error" && body["request_id"].is_string(),
            Format::Gemini => error["code"] == answer.status && error["status"].is_string(),
            _ => true,
        }
}

#[tokio::test]
async fn garbage_in_a_body_is_answered_in_the_vendors_words() {
    for (format, path) in paths() {
        let mock = start(format);
        for body in ["", "{", "\u{0}\u{1}", "[1,2]", "{\"model\":7}", "null"] {
            let length = body.len();
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: mock\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let answer = send(&mock, &request).await;
            assert_eq!(answer.status, 400, "{format:?}, {body:?}");
            assert!(is_error_of(format, &answer), "{format:?}, {body:?}: {}", answer.text());
        }
        let log = mock.shutdown().await;
        assert_eq!(log.attempts.len(), 6, "each is written down");
    }
}

#[tokio::test]
async fn a_path_that_is_not_there_is_told_so() {
    for (format, _) in paths() {
        let mock = start(format);
        for request in ["POST /nothing", "GET /v1/chat/completions", "DELETE /v1/models"] {
            let answer = send(&mock, &format!("{request} HTTP/1.1\r\nhost: mock\r\n\r\n")).await;
            assert_eq!(answer.status, 404, "{format:?}, {request}");
            assert!(is_error_of(format, &answer), "{format:?}: {}", answer.text());
        }
        mock.shutdown().await;
    }
}

#[tokio::test]
async fn bytes_that_are_no_http_end_the_connection() {
    let mock = start(Format::OpenAi);
    for garbage in ["\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n", "GET\r\n\r\n", "POST / HTTP/9.9\r\n\r\n"]
    {
        let answer = send(&mock, garbage).await;
        assert!(matches!(answer.status, 0 | 400), "{garbage:?}: {}", answer.status);
    }
    let answer = send(&mock, "GET /health HTTP/1.1\r\nhost: mock\r\n\r\n").await;
    assert_eq!(answer.status, 200, "and others are served all the same");
    mock.shutdown().await;
}

#[tokio::test]
async fn a_caller_that_sends_nothing_or_half_a_head_is_not_waited_for() {
    let mock = hasty(Format::OpenAi);
    for beginning in ["", "POST /v1/chat/completions HTTP/1.1\r\nhost: mo"] {
        let mut client = Client::connect(mock.addr()).await.expect("it listens");
        client.write(beginning).await;
        let ended = tokio::time::timeout(PATIENCE, client.answer()).await;
        let answer = ended.expect("the connection ends");
        assert!(matches!(answer.status, 0 | 408), "{}", answer.status);
    }
    mock.shutdown().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    for (format, path) in paths() {
        let mock = hasty(format);
        let head = format!("POST {path} HTTP/1.1\r\nhost: mock\r\ncontent-length: 1000\r\n\r\n{{");
        let answer = tokio::time::timeout(PATIENCE, send(&mock, &head)).await;
        let answer = answer.expect("an answer in time");
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
        assert!(is_error_of(format, &answer), "{format:?}: {}", answer.text());
        mock.shutdown().await;
    }
}

#[tokio::test]
async fn a_hundred_megabytes_are_refused_before_they_are_read() {
    for (format, path) in paths() {
        let mock = start(format);
        let announced =
            format!("POST {path} HTTP/1.1\r\nhost: mock\r\ncontent-length: 104857600\r\n\r\n");
        let answer = send(&mock, &announced).await;
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
        assert!(is_error_of(format, &answer), "{format:?}: {}", answer.text());
        mock.shutdown().await;
    }
}

/// A caller that does not say how much comes is cut off at the bound: it cannot send 100 MB.
#[tokio::test]
async fn a_hundred_megabytes_that_are_not_announced_are_cut_off_and_memory_stays_flat() {
    let mock = start(Format::OpenAi);
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\ntransfer-encoding: chunked\r\n\r\n";
    client.write(head).await;
    let before = resident();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut sent = 0;
    while sent < 100 << 20 && client.try_write(&chunk).await {
        sent += 0x10000;
    }
    assert!(sent < 60 << 20, "{} MB were taken", sent >> 20);
    let grown = resident().saturating_sub(before);
    assert!(grown < 80 << 20, "{} MB more in memory", grown >> 20);
    let mut other = Client::connect(mock.addr()).await.expect("it listens");
    assert_eq!(other.get("/health").await.end, End::Complete);
    mock.shutdown().await;
}

/// Memory of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}
