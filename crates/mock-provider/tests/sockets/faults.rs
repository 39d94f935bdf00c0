//! Answers that go wrong while connections are taken.

use crate::client::{Client, End};
use crate::setup::{always, fault, fixed_ms, quick, request, slow, start};
use squall_failure::{Failure, FailureClass};
use squall_provider::{FaultKind, Limits, ProviderConfig, RateLimit, Window};
use squall_record::AttemptOutcome;
use squall_wire::openai::{Delivery, StreamEvent, failure_from_response};
use std::time::{Duration, SystemTime};

/// What a gateway makes of an answer.
fn failure(answer: &crate::client::Answer) -> Failure {
    let headers = answer
        .headers
        .iter()
        .map(|(name, value)| (name.parse().expect("a header"), value.parse().expect("a value")));
    let now = SystemTime::UNIX_EPOCH;
    failure_from_response(answer.status, &headers.collect(), &answer.body, now)
}

#[tokio::test]
async fn a_limit_answers_429_and_says_when_to_come_again() {
    let rpm = RateLimit { per_minute: 60, window: Window::Gcra { burst: Some(1) } };
    let limits = Limits { rpm: Some(rpm), tpm: None };
    let mock = start(ProviderConfig { limits, ..quick() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    assert_eq!(client.ask(&request(1, 1, Delivery::Whole)).await.status, 200);
    let answer = client.ask(&request(2, 1, Delivery::Whole)).await;
    assert_eq!((answer.status, answer.end), (429, End::Complete));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("0"));
    assert!(answer.text().contains("Please try again in"), "{}", answer.text());
    let failure = failure(&answer);
    assert_eq!(failure.class, FailureClass::Throttled);
    let wait = failure.retry_after.expect("a wait");
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");

    let log = mock.shutdown().await;
    let row = log.attempts.last().expect("two attempts");
    assert_eq!(row.outcome, AttemptOutcome::Failed { class: FailureClass::Throttled });
    assert_eq!((row.status, row.retry_after, row.fault), (429, Some(wait), None));
}

#[tokio::test]
async fn an_error_is_answered_at_once_and_its_body_tells_the_class() {
    for (status, class) in [
        (503, FailureClass::Overloaded),
        (500, FailureClass::Server),
        (400, FailureClass::ContextWindow),
        (429, FailureClass::QuotaSpent),
    ] {
        let retry_after = Some(Duration::from_millis(2_500));
        let mock = start(always(FaultKind::Error { status, class, retry_after }));
        let mut client = Client::connect(mock.addr()).await.expect("it listens");
        let answer = client.ask(&request(1, 5, Delivery::Stream)).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("retry-after"), Some("3"));
        assert_eq!(answer.header("retry-after-ms"), Some("2500"));
        let failure = failure(&answer);
        assert_eq!((failure.status, failure.class), (status, class));
        let row = mock.shutdown().await.attempts[0];
        assert_eq!((row.status, row.fault), (status, Some(0)));
        assert_eq!(row.outcome, AttemptOutcome::Failed { class });
    }
}

#[tokio::test]
async fn a_storm_of_429_ends_when_the_script_says() {
    let kind = FaultKind::Throttle { retry_after: Some(Duration::from_secs(7)) };
    let mock = start(ProviderConfig { faults: vec![fault(0, 800, kind)], ..quick() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 1, Delivery::Whole)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    while client.ask(&request(1, 1, Delivery::Whole)).await.status == 429 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = mock.shutdown().await;
    let at: Vec<_> = log.notes.iter().map(|row| row.at.as_nanos() / 1_000_000).collect();
    assert_eq!(at, [0, 800]);
    let ended = log.attempts.last().expect("attempts").started.as_nanos();
    assert!(ended >= 800_000_000, "answered {ended} ns after the start");
}

#[tokio::test]
async fn a_black_hole_takes_the_request_and_stays_silent() {
    let mock = start(always(FaultKind::BlackHole));
    for delivery in [Delivery::Whole, Delivery::Stream] {
        let mut client = Client::connect(mock.addr()).await.expect("it takes connections");
        client.send(&request(1, 2, delivery)).await;
        assert!(client.is_silent_for(Duration::from_millis(100)).await);
    }
    // Both have hung up; the server has seen it once it has answered somebody who came later.
    let mut later = Client::connect(mock.addr()).await.expect("it takes connections");
    assert_eq!(later.get("/health").await.status, 200);
    let log = mock.shutdown().await;
    let rows: Vec<_> =
        log.attempts.iter().map(|row| (row.outcome, row.status, row.fault)).collect();
    assert_eq!(rows, [(AttemptOutcome::Abandoned, 0, Some(0)); 2]);
}

#[tokio::test]
async fn a_black_hole_swallows_the_rest_of_a_stream() {
    let faults = vec![fault(800, 3_600_000, FaultKind::BlackHole)];
    let mock = start(ProviderConfig { faults, ..slow() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.send(&request(1, 100_000, Delivery::Stream)).await;
    client.content(2).await;
    while !client.is_silent_for(Duration::from_millis(300)).await {}
    let log = mock.shutdown().await;
    assert_eq!(log.attempts[0].outcome, AttemptOutcome::Unfinished);
    assert_eq!(log.attempts[0].fault, Some(0));
}

#[tokio::test]
async fn a_slowdown_makes_everything_take_its_multiple() {
    let slowed = start(always(FaultKind::Slowdown { factor_milli: 200_000 }));
    let plain = start(quick());
    let mut late = Client::connect(slowed.addr()).await.expect("it listens");
    let mut early = Client::connect(plain.addr()).await.expect("it listens");
    late.send(&request(1, 2, Delivery::Stream)).await;
    early.send(&request(1, 2, Delivery::Stream)).await;
    tokio::select! {
        biased;
        end = late.next() => panic!("the slow one was first: {end:?}"),
        answer = early.answer() => assert_eq!(answer.tokens(), 2),
    }
    assert_eq!(late.answer().await.tokens(), 2);
    let row = slowed.shutdown().await.attempts[0];
    assert!(row.ended.since(row.started) >= Duration::from_millis(5 * 200 + 2 * 200));
    assert_eq!(row.fault, Some(0));
}

#[tokio::test]
async fn a_cut_stream_has_its_tokens_and_no_end() {
    for after_tokens in [0, 1, 3] {
        let mock = start(always(FaultKind::Cut { after_tokens }));
        let mut client = Client::connect(mock.addr()).await.expect("it listens");
        let answer = client.ask(&request(1, 10, Delivery::StreamWithUsage)).await;
        assert_eq!((answer.status, answer.end), (200, End::Closed));
        assert_eq!(answer.tokens(), after_tokens as usize);
        assert!(!answer.events().contains(&StreamEvent::Done));
        let row = mock.shutdown().await.attempts[0];
        assert_eq!(row.outcome, AttemptOutcome::Failed { class: FailureClass::Cut });
        assert_eq!((row.output_tokens, row.fault), (after_tokens, Some(0)));
        assert_eq!(row.first_token.is_some(), after_tokens > 0);
    }
}

#[tokio::test]
async fn a_cut_answer_in_one_piece_has_a_head_and_no_body() {
    let mock = start(always(FaultKind::Cut { after_tokens: 3 }));
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 10, Delivery::Whole)).await;
    assert_eq!((answer.status, answer.end), (200, End::Closed));
    assert!(answer.header("content-length").is_some());
    assert_eq!(answer.text(), "");
    let row = mock.shutdown().await.attempts[0];
    assert_eq!(row.outcome, AttemptOutcome::Failed { class: FailureClass::Cut });
    assert_eq!(row.output_tokens, 0);
}

#[tokio::test]
async fn a_list_of_models_is_there_while_completions_are_broken_and_lost_in_a_black_hole() {
    let (status, class) = (500, FailureClass::Server);
    let broken = start(always(FaultKind::Error { status, class, retry_after: None }));
    let mut client = Client::connect(broken.addr()).await.expect("it takes connections");
    assert_eq!(client.ask(&request(1, 1, Delivery::Whole)).await.status, 500);
    assert_eq!(client.get("/v1/models").await.status, 200);
    broken.shutdown().await;

    let hole = start(always(FaultKind::BlackHole));
    let mut client = Client::connect(hole.addr()).await.expect("it takes connections");
    let models = tokio::time::timeout(Duration::from_millis(100), client.get("/v1/models"));
    assert!(models.await.is_err(), "nothing comes");
    hole.shutdown().await;
}

#[tokio::test]
async fn a_prompt_longer_than_the_context_window_is_refused_as_openai_does() {
    let mock = start(ProviderConfig { context_window: Some(9), ..quick() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 5, Delivery::Whole)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains(r#""code":"context_length_exceeded""#), "{}", answer.text());
    let class = FailureClass::ContextWindow;
    assert_eq!(failure(&answer).class, class);
    assert_eq!(mock.shutdown().await.attempts[0].outcome, AttemptOutcome::Failed { class });
}

#[tokio::test]
async fn an_error_that_takes_its_time_comes_after_it() {
    let (status, class) = (400, FailureClass::ContentPolicy);
    let config = always(FaultKind::Error { status, class, retry_after: None });
    let mock = start(ProviderConfig { error_latency: fixed_ms(150), ..config });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 5, Delivery::Stream)).await;
    assert!(answer.text().contains(r#""code":"content_filter""#), "{}", answer.text());
    let row = mock.shutdown().await.attempts[0];
    assert!(row.ended >= row.started + Duration::from_millis(150), "{row:?}");
    assert_eq!(row.outcome, AttemptOutcome::Failed { class });
}
