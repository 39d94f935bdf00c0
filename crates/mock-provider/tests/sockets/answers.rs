//! Answers that come.

use crate::client::{Client, End};
use crate::setup::{quick, request, setup, slow, start};
use squall_failure::FailureClass;
use squall_mock_provider::{AttemptLog, MockProvider, UNKNOWN_DEPLOYMENT, serve};
use squall_provider::{
    Capacity, ProviderConfig, ProviderLimits, ProviderRateLimit, ProviderWindow,
};
use squall_record::AttemptOutcome;
use squall_wire::Usage;
use squall_wire::chat::{
    Chunk, Completion, FinishReason, ResponseMode, StreamEvent, read_completion,
};

const USAGE: Usage = Usage { input_tokens: 10, output_tokens: 3 };

#[tokio::test]
async fn an_answer_in_one_piece_has_the_size_that_its_token_asks_for() {
    let mock = start(quick());
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(12, 3, ResponseMode::Whole)).await;
    assert_eq!((answer.status, answer.end), (200, End::Complete));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-request-id"), Some("req_3_0"));
    let expected = Completion { finish: Some(FinishReason::Stop), usage: Some(USAGE) };
    assert_eq!(read_completion(&answer.body), Some(expected));
    assert!(answer.text().contains(r#""content":" the sea was""#), "{}", answer.text());

    let log = mock.shutdown().await;
    let [row] = log.attempts.as_slice() else { panic!("{log:?}") };
    assert_eq!((row.request, row.deployment, row.status), (Some(12), 1, 200));
    assert_eq!((row.input_tokens, row.output_tokens, row.stream), (10, 3, false));
    assert_eq!(row.outcome, AttemptOutcome::Succeeded);
    assert_eq!(row.first_token.map(|at| at <= row.ended), Some(true));
}

#[tokio::test]
async fn a_stream_is_role_tokens_finish_usage_and_end_mark() {
    let mock = start(quick());
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(12, 3, ResponseMode::StreamWithUsage)).await;
    assert_eq!((answer.status, answer.end), (200, End::Complete));
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let none = Chunk::default();
    let token = StreamEvent::Chunk(Chunk { content: true, ..none });
    let expected = [
        StreamEvent::Chunk(none),
        token,
        token,
        token,
        StreamEvent::Chunk(Chunk { finish: Some(FinishReason::Stop), ..none }),
        StreamEvent::Chunk(Chunk { usage: Some(USAGE), ..none }),
        StreamEvent::Done,
    ];
    assert_eq!(answer.events(), expected);

    let log = mock.shutdown().await;
    let [row] = log.attempts.as_slice() else { panic!("{log:?}") };
    assert_eq!((row.outcome, row.output_tokens), (AttemptOutcome::Succeeded, 3));
    assert!(row.started < row.first_token.expect("a token left"), "{row:?}");
    assert!(row.first_token < Some(row.ended), "{row:?}");
}

#[tokio::test]
async fn a_stream_tells_its_usage_only_when_asked() {
    let mock = start(quick());
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 2, ResponseMode::Stream)).await;
    assert_eq!(answer.tokens(), 2);
    assert!(!answer.text().contains("usage"), "{}", answer.text());
    assert_eq!(answer.events().last(), Some(&StreamEvent::Done));
}

#[tokio::test]
async fn without_a_token_the_provider_draws_and_max_tokens_caps() {
    let mock = start(quick());
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let usage = |body: &[u8]| read_completion(body).and_then(|answer| answer.usage);
    let free = client.ask(r#"{"model":"gpt-eu","messages":[{"role":"user","content":"why?"}]}"#);
    let free = free.await;
    assert_eq!(usage(&free.body), Some(Usage { input_tokens: 1, output_tokens: 20 }));
    let capped = r#"{"model":"x","max_tokens":5,"messages":[{"role":"user","content":"why?"}]}"#;
    let capped = client.ask(capped).await;
    assert_eq!(usage(&capped.body), Some(Usage { input_tokens: 1, output_tokens: 5 }));
    assert!(capped.text().contains(r#""finish_reason":"length""#));

    let log = mock.shutdown().await;
    let deployments: Vec<_> = log.attempts.iter().map(|row| row.deployment).collect();
    assert_eq!((deployments, log.unknown_models), (vec![0, UNKNOWN_DEPLOYMENT], 1));
    assert!(log.attempts.iter().all(|row| row.request.is_none()));
}

#[tokio::test]
async fn the_token_in_the_header_goes_before_the_one_in_the_body() {
    let mock = start(quick());
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.send_with(&request(1, 2, ResponseMode::Stream), "squall-77-9-4").await;
    assert_eq!(client.answer().await.tokens(), 4);
    assert_eq!(mock.shutdown().await.attempts[0].request, Some(77));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_400_that_says_why() {
    let mock = start(quick());
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    for (body, reason) in [("{", "failed to parse"), (r#"{"messages":[{}]}"#, "model parameter")] {
        let answer = client.ask(body).await;
        assert_eq!((answer.status, answer.end), (400, End::Complete));
        assert!(answer.text().contains(reason), "{}", answer.text());
    }
    let log = mock.shutdown().await;
    let failed = AttemptOutcome::Failed { class: FailureClass::BadRequest };
    assert!(log.attempts.iter().all(|row| row.outcome == failed), "{log:?}");
}

#[tokio::test]
async fn models_and_health_are_no_attempts() {
    let mock = start(quick());
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let models = client.get("/v1/models").await;
    assert_eq!(models.status, 200);
    assert!(models.text().contains(r#""id":"gpt-eu""#), "{}", models.text());
    assert_eq!(client.get("/health").await.text(), r#"{"status":"ok"}"#);
    assert_eq!(client.get("/v2").await.status, 404);
    assert_eq!(mock.shutdown().await.attempts, []);
}

#[tokio::test]
async fn limits_stand_in_the_headers_of_every_answer() {
    let rpm = ProviderRateLimit { per_minute: 60, window: ProviderWindow::Gcra { burst: None } };
    let limits = ProviderLimits { rpm: Some(rpm), ..ProviderLimits::NONE };
    let mock = start(ProviderConfig { limits, ..quick() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    let answer = client.ask(&request(1, 1, ResponseMode::Whole)).await;
    assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("60"));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("59"));
    assert!(answer.header("x-ratelimit-reset-requests").is_some());
    assert_eq!(answer.header("x-ratelimit-limit-tokens"), None);
}

#[tokio::test]
async fn attempts_wait_for_a_place_in_their_order() {
    let capacity = Some(Capacity { queue: 1, ..Capacity::of(1) });
    let mock = start(ProviderConfig { capacity, ..slow() });
    let mut first = Client::connect(mock.addr()).await.expect("it listens");
    first.send(&request(0, 20, ResponseMode::Stream)).await;
    first.content(1).await;
    let mut second = Client::connect(mock.addr()).await.expect("it listens");
    second.send(&request(1, 20, ResponseMode::Stream)).await;
    let mut third = Client::connect(mock.addr()).await.expect("it listens");
    // By the time of its answer the server has read what was sent before it.
    assert_eq!(third.get("/health").await.status, 200);
    third.send(&request(2, 20, ResponseMode::Stream)).await;
    let shed = third.answer().await;
    assert_eq!(shed.status, 503);
    assert!(shed.text().contains("server_is_overloaded"), "{}", shed.text());
    assert_eq!(first.answer().await.tokens(), 20);
    assert_eq!(second.answer().await.tokens(), 20);
    let log = mock.shutdown().await;
    let order: Vec<_> = log.attempts.iter().filter_map(|row| row.request).collect();
    assert_eq!(order, [2, 0, 1]);
}

#[tokio::test]
async fn a_caller_that_hangs_up_gives_its_place_back() {
    let capacity = Some(Capacity { queue: 5, ..Capacity::of(1) });
    let mock = start(ProviderConfig { capacity, ..slow() });
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.send(&request(1, 100_000, ResponseMode::Stream)).await;
    client.content(1).await;
    drop(client);
    let mut next = Client::connect(mock.addr()).await.expect("it listens");
    assert_eq!(next.ask(&request(2, 1, ResponseMode::Stream)).await.tokens(), 1);
    let log = mock.shutdown().await;
    let outcomes: Vec<_> = log.attempts.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Abandoned, AttemptOutcome::Succeeded]);
    assert!(log.attempts[0].output_tokens >= 1);
}

#[tokio::test]
async fn what_is_open_at_the_end_is_unfinished() {
    let mock = start(slow());
    let mut client = Client::connect(mock.addr()).await.expect("it listens");
    client.send(&request(1, 100_000, ResponseMode::Stream)).await;
    client.content(1).await;
    let log = mock.shutdown().await;
    let [row] = log.attempts.as_slice() else { panic!("{log:?}") };
    assert_eq!((row.outcome, row.status), (AttemptOutcome::Unfinished, 200));
    assert!(row.first_token.is_some());
    assert_ne!(client.answer().await.end, End::Complete);
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_it() {
    let mock = start(quick());
    let second = MockProvider::start(squall_mock_provider::MockSetup {
        listen: mock.addr(),
        ..setup(quick())
    });
    let error = second.expect_err("the port is taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    let text = error.to_string();
    assert!(text.contains(&mock.addr().to_string()) && text.contains("openai-eu"), "{text}");
}

#[tokio::test]
async fn several_are_served_until_they_are_no_longer_wanted() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let setups = vec![
        setup(quick()),
        squall_mock_provider::MockSetup { rows: AttemptLog::Dropped, ..setup(quick()) },
    ];
    let ready = async |providers: &[MockProvider]| {
        let named = |mock: &MockProvider| (mock.name().to_owned(), mock.addr());
        tell.send(providers.iter().map(named).collect::<Vec<_>>()).expect("the test waits");
        Ok(())
    };
    let until = async { stopped.await.unwrap_or_default() };
    let visit = async {
        let names = told.await.expect("both listen");
        for (name, addr) in names {
            assert_eq!(name, "openai-eu");
            let mut client = Client::connect(addr).await.expect("it listens");
            assert_eq!(client.ask(&request(1, 1, ResponseMode::Whole)).await.status, 200);
        }
        stop.send(()).expect("it still serves");
    };
    let (logs, ()) = tokio::join!(serve(setups, ready, until), visit);
    let rows: Vec<_> = logs.expect("free ports").iter().map(|log| log.attempts.len()).collect();
    assert_eq!(rows, [1, 0]);
}
