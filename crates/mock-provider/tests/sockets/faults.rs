//! Answers that go wrong while connections are taken.

use crate::client::{Client, End};
use crate::setup::{always, fault, fixed_ms, quick, request, setup, slow, start};
use squall_determinism::{Share, Timestamp};
use squall_failure::{Failure, FailureClass};
use squall_mock_provider::MockProvider;
use squall_provider::{
    BadAnswer, Capacity, ErrorAnswer, ErrorMix, FaultConfig, FaultKind, FaultTarget, Prefill,
    PromptCache, ProviderConfig, ProviderLimits, ProviderRateLimit, ProviderWindow, RetryAfter,
    name_hash,
};
use squall_record::AttemptOutcome;
use squall_wire::chat::{ResponseMode, StreamEvent};
use squall_wire::error::failure_from_response;
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

/// The provider of these tests lives in January 2026: a date in a header is by the clock of who reads it all the same.
#[expect(clippy::disallowed_methods, reason = "as a client reads it, by the clock of the machine")]
#[tokio::test]
async fn a_date_to_come_again_at_is_by_the_clock_of_the_machine() {
    let rpm = ProviderRateLimit { per_minute: 1, window: ProviderWindow::Gcra { burst: Some(1) } };
    let limits =
        ProviderLimits { rpm: Some(rpm), retry_after: RetryAfter::Date, ..ProviderLimits::NONE };
    let mock = start(ProviderConfig { limits, ..quick() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    assert_eq!(client.ask(&request(1, 1, ResponseMode::Whole)).await.status, 200);
    let answer = client.ask(&request(2, 1, ResponseMode::Whole)).await;
    let date = answer.header("retry-after").expect("a date");
    let headers = [(http::header::RETRY_AFTER, date.parse().expect("a value"))];
    let wait = squall_wire::read_retry_after(&headers.into_iter().collect(), SystemTime::now());
    let wait = wait.expect("a wait").as_secs();
    assert!((30..=61).contains(&wait), "{date}: {wait} s");
}

#[tokio::test]
async fn a_limit_answers_429_and_says_when_to_come_again() {
    let rpm = ProviderRateLimit { per_minute: 60, window: ProviderWindow::Gcra { burst: Some(1) } };
    let limits = ProviderLimits { rpm: Some(rpm), ..ProviderLimits::NONE };
    let mock = start(ProviderConfig { limits, ..quick() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    assert_eq!(client.ask(&request(1, 1, ResponseMode::Whole)).await.status, 200);
    let answer = client.ask(&request(2, 1, ResponseMode::Whole)).await;
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
        let mock = start(always(FaultKind::Error(ErrorAnswer {
            status: Some(status),
            class,
            retry_after,
        })));
        let mut client = Client::connect(mock.addr()).await.expect("it listens");
        let answer = client.ask(&request(1, 5, ResponseMode::Stream)).await;
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
    let mock = start(ProviderConfig { faults: vec![fault(0, 2_000, kind)], ..quick() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 1, ResponseMode::Whole)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    while client.ask(&request(1, 1, ResponseMode::Whole)).await.status == 429 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = mock.shutdown().await;
    let at: Vec<_> = log.notes.iter().map(|row| row.at.as_nanos() / 1_000_000).collect();
    assert_eq!(at, [0, 2_000]);
    let ended = log.attempts.last().expect("attempts").started.as_nanos();
    assert!(ended >= 2_000_000_000, "answered {ended} ns after the start");
}

#[tokio::test]
async fn a_black_hole_takes_the_request_and_stays_silent() {
    let mock = start(always(FaultKind::BlackHole));
    for delivery in [ResponseMode::Whole, ResponseMode::Stream] {
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
    let setup = setup(ProviderConfig {
        faults: vec![fault(2_000, 3_600_000, FaultKind::BlackHole)],
        ..slow()
    });
    let clock = setup.clock;
    let mock = MockProvider::start(setup).expect("a free port");
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.send(&request(1, 100_000, ResponseMode::Stream)).await;
    client.content(2).await;
    // Silence before the fault is the machine's.
    while !client.is_silent_for(Duration::from_millis(300)).await
        || clock.now() < Timestamp::from_millis(2_000)
    {}
    let log = mock.shutdown().await;
    assert_eq!(log.attempts[0].outcome, AttemptOutcome::Unfinished);
    assert_eq!(log.attempts[0].fault, Some(0));
}

#[tokio::test]
async fn a_slowdown_makes_everything_take_its_multiple() {
    let slowed = start(always(FaultKind::slowdown(200_000)));
    let plain = start(quick());
    let mut late = Client::connect(slowed.addr()).await.expect("it listens");
    let mut early = Client::connect(plain.addr()).await.expect("it listens");
    late.send(&request(1, 2, ResponseMode::Stream)).await;
    early.send(&request(1, 2, ResponseMode::Stream)).await;
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
        let answer = client.ask(&request(1, 10, ResponseMode::StreamWithUsage)).await;
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
    let answer = client.ask(&request(1, 10, ResponseMode::Whole)).await;
    assert_eq!((answer.status, answer.end), (200, End::Closed));
    assert!(answer.header("content-length").is_some());
    assert_eq!(answer.text(), "");
    let row = mock.shutdown().await.attempts[0];
    assert_eq!(row.outcome, AttemptOutcome::Failed { class: FailureClass::Cut });
    assert_eq!(row.output_tokens, 0);
}

#[tokio::test]
async fn a_list_of_models_is_there_while_completions_are_broken_and_lost_in_a_black_hole() {
    let (status, class) = (Some(500), FailureClass::Server);
    let broken = start(always(FaultKind::Error(ErrorAnswer { status, class, retry_after: None })));
    let mut client = Client::connect(broken.addr()).await.expect("it takes connections");
    assert_eq!(client.ask(&request(1, 1, ResponseMode::Whole)).await.status, 500);
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
    let answer = client.ask(&request(1, 5, ResponseMode::Whole)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains(r#""code":"context_length_exceeded""#), "{}", answer.text());
    let class = FailureClass::ContextWindow;
    assert_eq!(failure(&answer).class, class);
    assert_eq!(mock.shutdown().await.attempts[0].outcome, AttemptOutcome::Failed { class });
}

#[tokio::test]
async fn an_error_that_takes_its_time_comes_after_it() {
    let (status, class) = (Some(400), FailureClass::ContentPolicy);
    let config = always(FaultKind::Error(ErrorAnswer { status, class, retry_after: None }));
    let mock = start(ProviderConfig { error_latency: fixed_ms(150), ..config });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 5, ResponseMode::Stream)).await;
    assert!(answer.text().contains(r#""code":"content_policy_violation""#), "{}", answer.text());
    let row = mock.shutdown().await.attempts[0];
    assert!(row.ended >= row.started + Duration::from_millis(150), "{row:?}");
    assert_eq!(row.outcome, AttemptOutcome::Failed { class });
}

#[tokio::test]
async fn a_reset_before_the_answer_shows_nothing_and_one_in_it_comes_after_its_tokens() {
    for delivery in [ResponseMode::Whole, ResponseMode::StreamWithUsage] {
        let mock = start(always(FaultKind::Reset { after_tokens: 0 }));
        let mut client = Client::connect(mock.addr()).await.expect("it listens");
        let answer = client.ask(&request(1, 10, delivery)).await;
        assert_eq!((answer.status, answer.end), (0, End::Reset));
        let row = mock.shutdown().await.attempts[0];
        assert_eq!(row.outcome, AttemptOutcome::Failed { class: FailureClass::Cut });
    }
    let mock =
        start(ProviderConfig { itl: fixed_ms(30), ..always(FaultKind::Reset { after_tokens: 3 }) });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 10, ResponseMode::StreamWithUsage)).await;
    assert_eq!((answer.status, answer.end, answer.tokens()), (200, End::Reset, 3));
    mock.shutdown().await;
}

#[tokio::test]
async fn a_stalled_stream_has_its_tokens_and_then_nothing_and_a_whole_answer_never_comes() {
    let mock = start(always(FaultKind::Stall { after_tokens: 2, closes: None }));
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.send(&request(1, 10, ResponseMode::StreamWithUsage)).await;
    client.content(2).await;
    assert!(client.is_silent_for(Duration::from_millis(150)).await);
    let mut other = Client::connect(mock.addr()).await.expect("it listens");
    other.send(&request(2, 10, ResponseMode::Whole)).await;
    assert!(other.is_silent_for(Duration::from_millis(150)).await);
    let log = mock.shutdown().await;
    let rows: Vec<_> = log.attempts.iter().map(|row| (row.outcome, row.output_tokens)).collect();
    assert_eq!(rows, [(AttemptOutcome::Unfinished, 2), (AttemptOutcome::Unfinished, 0)]);
}

#[tokio::test]
async fn an_error_event_ends_a_stream_after_its_tokens_and_a_whole_answer_is_the_error() {
    let class = FailureClass::Overloaded;
    let mock = start(always(FaultKind::StreamError { after_tokens: 2, class }));
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 10, ResponseMode::StreamWithUsage)).await;
    assert_eq!((answer.status, answer.end, answer.tokens()), (200, End::Complete, 2));
    let last = answer.events().last().copied();
    assert!(
        matches!(last, Some(StreamEvent::Error(failure)) if failure.class == class),
        "{last:?}"
    );
    let answer = client.ask(&request(2, 10, ResponseMode::Whole)).await;
    assert_eq!((answer.status, failure(&answer).class), (503, class));
    for row in mock.shutdown().await.attempts {
        assert_eq!((row.outcome, row.fault), (AttemptOutcome::Failed { class }, Some(0)));
    }
}

#[tokio::test]
async fn a_mix_answers_each_with_one_of_its_errors() {
    let errors = [
        (Some(500), FailureClass::Server, Share::percent(50)),
        (Some(529), FailureClass::Overloaded, Share::percent(50)),
    ];
    let mix = ErrorMix::new(&errors).expect("two errors");
    let mock = start(always(FaultKind::Errors(mix)));
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let mut statuses = Vec::new();
    for number in 0..40 {
        statuses.push(client.ask(&request(number, 1, ResponseMode::Whole)).await.status);
    }
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [500, 529]);
    mock.shutdown().await;
}

#[tokio::test]
async fn a_delay_is_a_silence_before_an_answer_that_is_right() {
    let by = Duration::from_millis(200);
    let mock = start(always(FaultKind::Delay { by, early_head: false }));
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 3, ResponseMode::StreamWithUsage)).await;
    assert_eq!((answer.tokens(), answer.events().last()), (3, Some(&StreamEvent::Done)));
    let row = mock.shutdown().await.attempts[0];
    assert!(row.first_token.is_some_and(|first| first >= row.started + by), "{row:?}");
}

#[tokio::test]
async fn bad_answers_are_200_and_no_answers() {
    for (bad, stream_type, tokens) in [
        (BadAnswer::Empty, "text/event-stream; charset=utf-8", 0),
        (BadAnswer::Truncated, "text/event-stream; charset=utf-8", 5),
        (BadAnswer::Html, "text/html", 0),
        (BadAnswer::WrongType, "application/json", 0),
        (BadAnswer::NoEnd, "text/event-stream; charset=utf-8", 10),
    ] {
        let mock = start(always(FaultKind::BadAnswer(bad)));
        let mut client = Client::connect(mock.addr()).await.expect("it listens");
        let answer = client.ask(&request(1, 10, ResponseMode::StreamWithUsage)).await;
        assert_eq!((answer.status, answer.end), (200, End::Complete), "{bad:?}");
        assert_eq!(answer.header("content-type"), Some(stream_type), "{bad:?}");
        if tokens > 0 {
            assert_eq!(answer.tokens(), tokens, "{bad:?}");
        }
        let ended =
            answer.text().contains("[DONE]") || answer.text().contains("\"finish_reason\":\"");
        assert_eq!(ended, bad == BadAnswer::WrongType, "{bad:?}: {}", answer.text());
        let whole = client.ask(&request(2, 10, ResponseMode::Whole)).await;
        let is_answer = serde_json::from_slice::<serde_json::Value>(&whole.body).is_ok();
        assert_eq!((whole.status, is_answer), (200, bad == BadAnswer::NoEnd), "{bad:?}");
        mock.shutdown().await;
    }
}

#[tokio::test]
async fn cut_limits_and_cut_capacity_refuse_what_was_let_in_before() {
    let rpm = ProviderRateLimit { per_minute: 600, window: ProviderWindow::Fixed };
    let limits = ProviderLimits { rpm: Some(rpm), ..ProviderLimits::NONE };
    let to = Share::from_ppm(10_000).expect("1 %");
    let limited = start(ProviderConfig { limits, ..always(FaultKind::LimitCut { to }) });
    let mut client = Client::connect(limited.addr()).await.expect("it listens");
    let mut let_in = 0;
    for number in 0..20 {
        let answer = client.ask(&request(number, 1, ResponseMode::Whole)).await;
        let_in += usize::from(answer.status == 200);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("6"));
    }
    assert!((6..=12).contains(&let_in), "6 a minute, of which there may be two: {let_in}");
    limited.shutdown().await;

    let cut = always(FaultKind::CapacityCut { to, recovery: None });
    let small =
        start(ProviderConfig { capacity: Some(Capacity::of(100)), itl: fixed_ms(50), ..cut });
    let mut first = Client::connect(small.addr()).await.expect("it listens");
    first.send(&request(1, 1_000, ResponseMode::StreamWithUsage)).await;
    first.content(1).await;
    let mut second = Client::connect(small.addr()).await.expect("it listens");
    assert_eq!(second.ask(&request(2, 1, ResponseMode::Whole)).await.status, 503);
    small.shutdown().await;
}

#[tokio::test]
async fn a_cold_cache_makes_every_prompt_cost_its_whole_prefill() {
    let cache = PromptCache { share: Share::ALL, warm_after: 1, lasts: Duration::from_secs(300) };
    let prefill = Prefill { per_token: Duration::from_millis(10), cache: Some(cache) };
    let warm = start(ProviderConfig { prefill, ..quick() });
    let cold = start(ProviderConfig { prefill, ..always(FaultKind::ColdCache) });
    for (mock, least) in [(warm, 5), (cold, 105)] {
        let mut client = Client::connect(mock.addr()).await.expect("it listens");
        for number in 0..2 {
            assert_eq!(client.ask(&request(number, 1, ResponseMode::Whole)).await.status, 200);
        }
        let row = mock.shutdown().await.attempts[1];
        let took = row.ended.since(row.started);
        assert!(took >= Duration::from_millis(least), "{took:?}");
    }
}

#[tokio::test]
async fn a_fault_of_one_key_leaves_the_others_alone() {
    let target = FaultTarget { key: Some(name_hash("sk-a")), ..FaultTarget::default() };
    let kind = FaultKind::Error(ErrorAnswer::of(FailureClass::QuotaSpent));
    let fault = FaultConfig { target, ..fault(0, 3_600_000, kind) };
    let mock = start(ProviderConfig { faults: vec![fault], ..quick() });
    for (key, status) in [("sk-a", 429), ("sk-b", 200)] {
        let mut client = Client::connect(mock.addr()).await.expect("it listens");
        let body = request(1, 1, ResponseMode::Whole);
        client.send_with_key(&body, key).await;
        assert_eq!(client.answer().await.status, status);
    }
    mock.shutdown().await;
}
