//! The status of an error: what the file says, or its vendor's own.

use crate::client::Client;
use crate::setup::{always, setup};
use squall_failure::FailureClass;
use squall_mock_provider::{MockProvider, MockSetup};
use squall_provider::{ErrorAnswer, FaultKind, ProviderConfig, RetryAfter, VendorErrors};
use squall_wire::chat::ChatRequest;
use squall_wire::{Format, dialect, server};
use std::time::Duration;

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"?"}],"max_tokens":3}"#;

/// A path at which a format serves, and a body that it takes: what a caller of ours sends.
fn question(format: Format) -> (String, String) {
    let chat = ChatRequest::parse(CHAT.into()).expect("a chat");
    let body = dialect(format).body(&chat, "m", false).expect("every format can ask so");
    let path = format!("{}{}", format.base_path(), dialect(format).chat_path("m", false));
    (path, String::from_utf8(body.to_vec()).expect("JSON"))
}

/// The answer of a provider of this format with this fault, and the status in its log.
async fn answered(format: Format, kind: FaultKind) -> (crate::client::Answer, u16) {
    let form =
        if server(format).tells_seconds_only() { RetryAfter::Seconds } else { RetryAfter::Exact };
    let vendor = VendorErrors::new(|class| server(format).status(class), form);
    let config = ProviderConfig { vendor, ..always(kind) };
    let mock = MockProvider::start(MockSetup { format, ..setup(config) }).expect("a free port");
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let (path, body) = question(format);
    let answer = client.post(&path, &body).await;
    let row = mock.shutdown().await.attempts[0];
    (answer, row.status)
}

#[tokio::test]
async fn a_status_that_the_file_names_is_on_the_wire_and_in_the_log_in_every_format() {
    for format in Format::ALL {
        for (status, class) in [
            (503, FailureClass::Overloaded),
            (529, FailureClass::Overloaded),
            (400, FailureClass::ContentPolicy),
            (401, FailureClass::Auth),
            (429, FailureClass::QuotaSpent),
            (413, FailureClass::BadRequest),
            (418, FailureClass::BadRequest),
            (520, FailureClass::Server),
        ] {
            let answer = ErrorAnswer { status: Some(status), class, retry_after: None };
            let (answer, logged) = answered(format, FaultKind::Error(answer)).await;
            assert_eq!((answer.status, logged), (status, status), "{format:?}, {class:?}");
        }
    }
}

#[tokio::test]
async fn the_word_of_a_class_has_the_vendors_own_status() {
    for (format, class, status) in [
        (Format::OpenAi, FailureClass::Overloaded, 503),
        (Format::Azure, FailureClass::Overloaded, 503),
        (Format::Anthropic, FailureClass::Overloaded, 529),
        (Format::Gemini, FailureClass::Overloaded, 503),
        (Format::OpenAi, FailureClass::Auth, 401),
        (Format::Gemini, FailureClass::Auth, 400),
        (Format::OpenAi, FailureClass::QuotaSpent, 429),
        (Format::Anthropic, FailureClass::QuotaSpent, 402),
        (Format::Gemini, FailureClass::ContentPolicy, 200),
    ] {
        let (answer, logged) = answered(format, FaultKind::Error(ErrorAnswer::of(class))).await;
        assert_eq!((answer.status, logged), (status, status), "{format:?}, {class:?}");
    }
}

#[tokio::test]
async fn each_vendor_says_in_its_own_way_when_to_come_again() {
    let wait = Some(Duration::from_millis(6_400));
    for (format, seconds, millis, in_body) in [
        (Format::OpenAi, Some("7"), Some("6400"), "Please try again in 6.4s."),
        (Format::Azure, Some("7"), Some("6400"), "Please retry after 7 seconds."),
        (Format::Anthropic, Some("7"), None, "rate_limit_error"),
        (Format::Gemini, None, None, r#""retryDelay":"6.4s""#),
    ] {
        let (answer, _) = answered(format, FaultKind::Throttle { retry_after: wait }).await;
        assert_eq!(answer.header("retry-after"), seconds, "{format:?}");
        assert_eq!(answer.header("retry-after-ms"), millis, "{format:?}");
        assert!(answer.text().contains(in_body), "{format:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_wrong_key_is_shown_by_its_ends_alone() {
    let kind = FaultKind::Error(ErrorAnswer::of(FailureClass::Auth));
    let mock = MockProvider::start(setup(always(kind))).expect("a free port");
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let key = "sk-abcdefghijklmnopqrstuvwxyz0123";
    client.send_with_key(CHAT, key).await;
    let text = client.answer().await.text().to_owned();
    assert!(
        text.contains("Incorrect API key provided: sk-abcde*********************0123."),
        "{text}"
    );
    assert!(!text.contains(key));
    mock.shutdown().await;
}
