//! What a server keeps of attempts for a judgement of their callers.

use crate::client::Client;
use crate::setup::{always, quick, request, setup, slow};
use squall_mock_provider::{CallLog, MockProvider, MockSetup};
use squall_provider::{BadAnswer, FaultKind, ProviderConfig};
use squall_record::{AttemptOutcome, BrokenAnswer, CallAttempt, CallKey};
use squall_wire::Format;
use squall_wire::chat::ResponseMode;
use std::sync::Arc;
use std::time::Duration;

const STREAM: ResponseMode = ResponseMode::Stream;

fn start(setup: MockSetup) -> (MockProvider, Arc<CallLog>) {
    let calls = Arc::<CallLog>::default();
    let setup = MockSetup { calls: Some(Arc::clone(&calls)), ..setup };
    (MockProvider::start(setup).expect("a free port"), calls)
}

/// What is kept once the server has ended.
async fn kept(mock: MockProvider, calls: &CallLog) -> Vec<CallAttempt> {
    mock.shutdown().await;
    calls.seen(0, squall_determinism::Timestamp::MAX).attempts
}

/// One request to a provider that behaves so.
async fn one(config: ProviderConfig, body: &str) -> CallAttempt {
    let (mock, calls) = start(setup(config));
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.ask(body).await;
    let kept = kept(mock, &calls).await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    kept[0]
}

#[tokio::test]
async fn how_a_stream_lacked_its_end_is_kept() {
    let body = request(9, 6, STREAM);
    let broken = async |kind| one(always(kind), &body).await.broken;
    let bad = |answer| FaultKind::BadAnswer(answer);
    assert_eq!(broken(bad(BadAnswer::NoEnd)).await, Some(BrokenAnswer::NoFinish));
    assert_eq!(broken(bad(BadAnswer::Truncated)).await, Some(BrokenAnswer::NoFinish));
    assert_eq!(broken(bad(BadAnswer::Empty)).await, Some(BrokenAnswer::NoFinish));
    assert_eq!(broken(bad(BadAnswer::Html)).await, None);
    assert_eq!(broken(FaultKind::Cut { after_tokens: 2 }).await, Some(BrokenAnswer::Closed));
    assert_eq!(broken(FaultKind::NoEndMark).await, None, "it has its finish reason");
    let whole = one(quick(), &body).await;
    assert_eq!((whole.broken, whole.call, whole.provider), (None, CallKey::Token(9), 3));
    let in_one_piece = request(9, 6, ResponseMode::Whole);
    let short = one(always(bad(BadAnswer::Truncated)), &in_one_piece).await;
    assert_eq!(short.broken, None, "half of a JSON document is no stream");
}

#[tokio::test]
async fn the_silence_before_a_caller_left_or_did_not_is_kept() {
    let closes = Some(Duration::from_millis(300));
    let stall = FaultKind::Stall { after_tokens: 2, closes };
    let stayed = one(always(stall), &request(1, 6, STREAM)).await;
    assert_eq!(stayed.broken, Some(BrokenAnswer::Closed));
    // It is counted from when the last token really left.
    let silence = stayed.silence.expect("it fell silent");
    assert!(silence > Duration::ZERO && silence <= stayed.row.ended.since(stayed.row.started));

    let (mock, calls) = start(setup(always(FaultKind::BlackHole)));
    let mut gone = Client::connect(mock.addr()).await.expect("it listens");
    gone.send(&request(2, 6, STREAM)).await;
    assert!(gone.is_silent_for(Duration::from_millis(50)).await);
    drop(gone);
    while calls.seen(0, squall_determinism::Timestamp::ZERO).attempts.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let left = kept(mock, &calls).await[0];
    assert_eq!((left.row.outcome, left.broken), (AttemptOutcome::Abandoned, None));
    assert_eq!(left.silence, Some(left.row.ended.since(left.row.started)));
    assert_eq!(one(quick(), &request(1, 6, STREAM)).await.silence, None);
}

#[tokio::test]
async fn when_a_malformed_event_left_is_kept() {
    let kind = FaultKind::MalformedEvent { after_tokens: 3 };
    let attempt = one(always(kind), &request(1, 6, STREAM)).await;
    let at = attempt.malformed_event.expect("it left");
    assert!(at >= attempt.row.started && at <= attempt.row.ended);
    assert_eq!(attempt.row.outcome, AttemptOutcome::Succeeded);
}

#[tokio::test]
async fn without_a_token_attempts_are_joined_by_their_body_and_refused_ones_too() {
    let (mock, calls) = start(MockSetup { only_listed: true, ..setup(quick()) });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let body = |model: &str| {
        format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]}}"#)
    };
    assert_eq!(client.ask(&body("gpt-eu")).await.status, 200);
    assert_eq!(client.ask(&body("gpt-us")).await.status, 200);
    assert_eq!(client.ask(&body("gpt-none")).await.status, 404);
    assert_eq!(client.ask("{").await.status, 400);
    assert_eq!(client.ask("{").await.status, 400);
    let kept = kept(mock, &calls).await;
    let of = |place: usize| (kept[place].call, kept[place].row.status);
    assert!(matches!(kept[0].call, CallKey::Body(_)));
    assert_eq!(
        kept.iter().map(|each| each.row.status).collect::<Vec<_>>(),
        [200, 200, 404, 400, 400]
    );
    assert_eq!((kept[1].call, kept[2].call), (kept[0].call, kept[0].call));
    assert_ne!(kept[1].target, kept[0].target);
    assert_eq!(of(4), of(3));
    assert_ne!(kept[3].call, kept[0].call);
}

#[tokio::test]
async fn a_wait_is_kept_where_a_header_tells_it() {
    let kind = FaultKind::Throttle { retry_after: Some(Duration::from_secs(7)) };
    let told = one(always(kind), &request(1, 6, STREAM)).await;
    assert_eq!(told.row.retry_after, Some(Duration::from_secs(7)));
    let gemini = MockSetup { format: Format::Gemini, ..setup(always(kind)) };
    let (mock, calls) = start(gemini);
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let path = "/v1beta/models/gemini-2.5-flash:generateContent";
    let body = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#;
    assert_eq!(client.post(path, body).await.status, 429);
    assert_eq!(kept(mock, &calls).await[0].row.retry_after, None);
}

#[tokio::test]
async fn an_attempt_under_way_is_kept_when_the_server_ends() {
    let (mock, calls) = start(setup(slow()));
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.send(&request(1, 1_000, STREAM)).await;
    client.content(2).await;
    assert!(calls.seen(0, squall_determinism::Timestamp::ZERO).attempts.is_empty());
    let kept = kept(mock, &calls).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].row.outcome, AttemptOutcome::Unfinished);
}
