//! The driver against a mock provider: what it sends, and what it writes down of the answers.

use squall_clock::Clock;
use squall_determinism::{Distribution, Seed, Shard, Share, Timestamp};
use squall_failure::{CallFailureCause, FailureClass, FailureSource};
use squall_mock_provider::{AttemptLog, MockProvider, MockSetup, Rules, ServerTimeouts};
use squall_provider::{ErrorAnswer, FaultConfig, FaultKind, ProviderConfig};
use squall_record::{AttemptOutcome, AttemptRow, RecordedEvent, RequestOutcome, RequestRow};
use squall_traffic::{ApiTarget, DriveProgress, DriverLog, TrafficKind, TrafficSetup, drive};
use squall_wire::Format;
use squall_workload::{
    Arrivals, ClientConfig, ClientRetries, KindConfig, Rate, RateSegment, Sdk, SourceConfig,
    WorkloadConfig,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SEED: Seed = Seed::new(7);

/// First token after 5 ms, then one every millisecond.
fn quick() -> ProviderConfig {
    let millis = |millis: u64| Distribution::Fixed { value: millis * 1_000_000 };
    ProviderConfig {
        output_tokens: Distribution::Fixed { value: 8 },
        ..ProviderConfig::new(millis(5), millis(1))
    }
}

fn always(kind: FaultKind) -> ProviderConfig {
    let lasts = Duration::from_secs(3_600);
    let fault = FaultConfig::new(Timestamp::ZERO, lasts, kind);
    ProviderConfig { faults: vec![fault], ..quick() }
}

fn mock(config: ProviderConfig, clock: Clock) -> MockProvider {
    mock_in(Format::OpenAi, config, clock)
}

fn mock_in(format: Format, config: ProviderConfig, clock: Clock) -> MockProvider {
    MockProvider::start(MockSetup {
        name: "mock".to_owned(),
        provider: 0,
        format,
        config,
        seed: SEED,
        clock,
        epoch_nanos: 1_767_225_600_000_000_000,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        models: vec![("chat".to_owned(), 0)],
        default_deployment: None,
        only_listed: false,
        rules: Rules::default(),
        rows: AttemptLog::Kept,
        patience: ServerTimeouts::default(),
        events: None,
        calls: None,
    })
    .expect("a free port")
}

/// 20 requests within 0.2 s, all or none of them streams of 8 tokens.
fn traffic(addr: SocketAddr, clock: Clock, stream: Share, timeout: Duration) -> TrafficSetup {
    let segment = RateSegment::Constant { at: Timestamp::ZERO, rps: 100.0 };
    TrafficSetup {
        workload: WorkloadConfig::of(
            SourceConfig {
                key: 0,
                arrivals: Arrivals::Even { rate: Rate { segments: vec![segment] } },
                prompt_tokens: Distribution::Fixed { value: 40 },
                output_tokens: Distribution::Fixed { value: 8 },
                stream,
                client: ClientConfig::waiting(timeout),
                kinds: Vec::new(),
                shifts: Vec::new(),
            },
            Timestamp::from_millis(200),
        ),
        seed: SEED,
        shard: Shard::WHOLE,
        clock,
        targets: vec![format!("http://{addr}/v1").parse().expect("a base URL")],
        kinds: vec![TrafficKind::new("chat", 3)],
        program: None,
        headers: http::HeaderMap::new(),
        models: Vec::new(),
        rows: None,
    }
}

const PATIENT: Duration = Duration::from_secs(20);

async fn run(
    config: ProviderConfig,
    stream: Share,
    timeout: Duration,
) -> (DriverLog, DriveProgress) {
    let clock = Clock::start_now();
    let mock = mock(config, clock);
    let progress = Arc::new(DriveProgress::default());
    let setup = traffic(mock.addr(), clock, stream, timeout);
    let log = drive(setup, std::future::pending(), Arc::clone(&progress)).await;
    mock.shutdown().await;
    (log, Arc::into_inner(progress).expect("the driver is gone"))
}

fn all_end(rows: &[RequestRow], outcome: RequestOutcome, status: u16) {
    assert_eq!(rows.len(), 20);
    for row in rows {
        assert_eq!((row.outcome, row.status, row.group), (outcome, status, 3), "{row:?}");
    }
}

#[tokio::test]
async fn every_request_is_one_row_with_its_tokens_and_times() {
    for stream in [Share::ALL, Share::NONE] {
        let (log, progress) = run(quick(), stream, PATIENT).await;
        all_end(&log.requests, RequestOutcome::Succeeded, 200);
        let mut ordinals: Vec<_> = log.requests.iter().map(|row| row.request).collect();
        ordinals.sort_unstable();
        assert_eq!(ordinals, (0..20).collect::<Vec<_>>());
        for row in &log.requests {
            assert_eq!((row.received_tokens, row.stream), (8, stream == Share::ALL), "{row:?}");
            let first = row.first_token.expect("it was answered");
            assert!(row.intended <= row.sent && row.sent < first && first <= row.ended, "{row:?}");
        }
        let lag = squall_record::Lag::of(&log.requests).expect("some were sent");
        assert!(lag.p50 <= lag.p99 && lag.p99 <= lag.max);
        let counts = progress.counts();
        assert_eq!((counts.offered, counts.succeeded, counts.in_flight()), (20, 20, 0));
    }
}

/// A drive of a provider that speaks Anthropic's format.
async fn in_anthropics(config: ProviderConfig, stream: Share) -> Vec<RequestRow> {
    let clock = Clock::start_now();
    let mock = mock_in(Format::Anthropic, config, clock);
    let target = ApiTarget::new(&mock.base_url(), Format::Anthropic).expect("a base URL");
    let setup =
        TrafficSetup { targets: vec![target], ..traffic(mock.addr(), clock, stream, PATIENT) };
    let log = drive(setup, std::future::pending(), Arc::default()).await;
    let seen = mock.shutdown().await;
    assert!(seen.attempts.iter().all(|row| row.request.is_some()), "the token rides there too");
    log.requests
}

#[tokio::test]
async fn answers_in_anthropics_format_are_read_to_the_last_token() {
    for stream in [Share::ALL, Share::NONE] {
        let rows = in_anthropics(quick(), stream).await;
        all_end(&rows, RequestOutcome::Succeeded, 200);
        for row in &rows {
            assert_eq!(row.received_tokens, 8, "{row:?}");
            assert!(row.answer.whole && row.answer.usage, "{row:?}");
            assert!(row.first_token.is_some_and(|first| row.sent < first && first <= row.ended));
        }
    }
}

#[tokio::test]
async fn a_cut_and_an_overload_are_read_in_anthropics_format_as_in_openais() {
    let rows = in_anthropics(always(FaultKind::Cut { after_tokens: 3 }), Share::ALL).await;
    let (class, source) = (FailureClass::Cut, FailureSource::Gateway);
    all_end(&rows, RequestOutcome::Failed { class, source }, 200);
    assert!(rows.iter().all(|row| row.received_tokens == 3), "{rows:?}");
    let overloaded = ErrorAnswer { status: Some(529), ..ErrorAnswer::of(FailureClass::Overloaded) };
    for row in in_anthropics(always(FaultKind::Error(overloaded)), Share::ALL).await {
        let RequestOutcome::Failed { class, .. } = row.outcome else { panic!("{row:?}") };
        assert_eq!((class, row.status), (FailureClass::Overloaded, 529));
    }
}

#[tokio::test]
async fn a_stream_without_its_end_is_cut_however_many_tokens_came() {
    let (log, progress) =
        run(always(FaultKind::Cut { after_tokens: 3 }), Share::ALL, PATIENT).await;
    let (class, source) = (FailureClass::Cut, FailureSource::Gateway);
    all_end(&log.requests, RequestOutcome::Failed { class, source }, 200);
    assert!(log.requests.iter().all(|row| row.received_tokens == 3 && row.first_token.is_some()));
    assert_eq!(progress.counts().failed[usize::from(FailureClass::Cut.code())], 20);
}

#[tokio::test]
async fn a_client_without_an_answer_in_time_gives_up_and_hangs_up() {
    let clock = Clock::start_now();
    let mock = mock(always(FaultKind::BlackHole), clock);
    let setup = traffic(mock.addr(), clock, Share::ALL, Duration::from_millis(150));
    let log = drive(setup, std::future::pending(), Arc::default()).await;
    all_end(&log.requests, RequestOutcome::GaveUp, 0);
    for row in &log.requests {
        assert!(row.ended >= row.intended + Duration::from_millis(150), "{row:?}");
    }
    // The mock has seen all hang up once it has answered somebody who came later.
    let mut later = tokio::net::TcpStream::connect(mock.addr()).await.expect("it listens");
    later.write_all(b"GET /health HTTP/1.1\r\nhost: mock\r\n\r\n").await.expect("it reads");
    later.read_u8().await.expect("it answers");
    let seen = mock.shutdown().await.attempts;
    assert_eq!(seen.len(), 20);
    assert!(seen.iter().all(|row| row.outcome == AttemptOutcome::Abandoned), "{seen:?}");
}

#[tokio::test]
async fn a_target_that_is_not_there_is_a_failed_connection() {
    let clock = Clock::start_now();
    let gone = mock(quick(), clock);
    let addr = gone.addr();
    gone.shutdown().await;
    let setup = traffic(addr, clock, Share::ALL, PATIENT);
    let log = drive(setup, std::future::pending(), Arc::default()).await;
    let (class, source) = (FailureClass::Connect, FailureSource::Gateway);
    all_end(&log.requests, RequestOutcome::Failed { class, source }, 0);
}

#[tokio::test]
async fn what_is_open_when_the_drive_is_stopped_is_unfinished() {
    let clock = Clock::start_now();
    let mock = mock(always(FaultKind::BlackHole), clock);
    let mut setup = traffic(mock.addr(), clock, Share::ALL, PATIENT);
    setup.workload.until = Timestamp::from_secs(600);
    let progress = Arc::new(DriveProgress::default());
    let seen = Arc::clone(&progress);
    let stop = async move {
        while seen.counts().offered < 5 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let log = drive(setup, stop, Arc::clone(&progress)).await;
    assert!((5..60_000).contains(&log.requests.len()), "{} rows", log.requests.len());
    assert!(log.requests.iter().all(|row| row.outcome == RequestOutcome::Unfinished));
    let counts = progress.counts();
    assert_eq!((counts.unfinished, counts.in_flight()), (counts.offered, 0));
}

/// Takes one request and answers it with an error; gives its head.
async fn one_head(listener: tokio::net::TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        stream.read_buf(&mut bytes).await.expect("more of it");
    }
    stream.write_all(b"HTTP/1.1 500 \r\ncontent-length: 0\r\n\r\n").await.expect("an answer");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_kind_of_request_asks_for_its_own_group_and_says_what_it_wants() {
    let clock = Clock::start_now();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let mut setup = traffic(listener.local_addr().expect("bound"), clock, Share::NONE, PATIENT);
    let kind = |weight, sessions| KindConfig {
        weight,
        prompt_tokens: None,
        output_tokens: None,
        stream: None,
        sessions,
    };
    setup.workload.until = Timestamp::from_millis(15);
    setup.workload.sources[0].kinds = vec![kind(0, 0), kind(1, 1)];
    let paid =
        TrafficKind { priority: 7, tags: vec!["paid".to_owned()], ..TrafficKind::new("large", 5) };
    setup.kinds.push(paid);
    let head = tokio::spawn(one_head(listener));
    let log = drive(setup, std::future::pending(), Arc::default()).await;
    let head = head.await.expect("it was asked").to_lowercase();
    for line in ["x-squall-priority: 7", "x-squall-tags: paid", "x-squall-session: s4294967296"] {
        assert!(head.contains(line), "{line} is missing: {head}");
    }
    let [row] = log.requests[..] else { panic!("{log:?}") };
    assert_eq!((row.kind, row.group, row.status), (1, 5, 500));
}

/// A drive whose clients behave so.
async fn as_clients(config: ProviderConfig, client: ClientConfig) -> (DriverLog, Vec<AttemptRow>) {
    let clock = Clock::start_now();
    let mock = mock(config, clock);
    let mut setup = traffic(mock.addr(), clock, Share::ALL, PATIENT);
    setup.workload.sources[0].client = client;
    let log = drive(setup, std::future::pending(), Arc::default()).await;
    (log, mock.shutdown().await.attempts)
}

/// As OpenAI's library, and a hundred times as fast.
fn retries(max: u32) -> ClientRetries {
    let mut retries = Sdk::named("openai-python").expect("it is listed").retries;
    retries.max = max;
    retries.backoff.initial = Duration::from_millis(5);
    retries
}

#[tokio::test]
async fn clients_call_again_after_an_error_and_each_request_is_one_row() {
    let overloaded = always(FaultKind::Error(ErrorAnswer::of(FailureClass::Overloaded)));
    let client = ClientConfig { retries: Some(retries(2)), ..ClientConfig::waiting(PATIENT) };
    let (log, seen) = as_clients(overloaded, client).await;
    let (class, source) = (FailureClass::Overloaded, FailureSource::Provider);
    all_end(&log.requests, RequestOutcome::Failed { class, source }, 503);
    assert!(log.requests.iter().all(|row| row.calls == 3), "{:?}", log.requests);
    assert_eq!(seen.len(), 60, "every call reached the provider");
    assert!(seen.iter().all(|row| row.request.is_some_and(|request| request < 20)));
    assert_eq!(log.notes.len(), 40);
    let cause = CallFailureCause::Status(503);
    for note in &log.notes {
        let RecordedEvent::ClientRetried { cause: told, nth, wait } = note.note else {
            panic!("{note:?}")
        };
        assert_eq!(told, cause);
        assert!(nth < 2 && wait <= Duration::from_millis(10), "{note:?}");
    }
    for row in &log.requests {
        let first = seen.iter().filter(|each| each.request == Some(row.request));
        let first = first.map(|each| each.started).min().expect("it was called");
        assert!(row.sent <= first, "sent is of the first call");
    }
}

#[tokio::test]
async fn a_call_without_a_beginning_is_hung_up_on_and_made_again() {
    let client = ClientConfig {
        call_timeout: Some(Duration::from_millis(100)),
        retries: Some(retries(1)),
        ..ClientConfig::waiting(PATIENT)
    };
    let (log, seen) = as_clients(always(FaultKind::BlackHole), client).await;
    all_end(&log.requests, RequestOutcome::GaveUp, 0);
    assert!(log.requests.iter().all(|row| row.calls == 2), "{:?}", log.requests);
    assert_eq!(seen.len(), 40);
}

#[tokio::test]
async fn a_client_that_gives_up_between_two_calls_has_a_row_without_an_answer() {
    let mut slow = retries(2);
    slow.backoff.initial = Duration::from_secs(5);
    let client =
        ClientConfig { retries: Some(slow), ..ClientConfig::waiting(Duration::from_millis(400)) };
    let overloaded = always(FaultKind::Error(ErrorAnswer::of(FailureClass::Overloaded)));
    let (log, seen) = as_clients(overloaded, client).await;
    all_end(&log.requests, RequestOutcome::GaveUp, 0);
    assert!(log.requests.iter().all(|row| row.calls == 1), "{:?}", log.requests);
    assert_eq!(seen.len(), 20);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_impatiently_left() {
    let client = ClientConfig {
        first_token: Some(Duration::from_secs(5)),
        call_timeout: Some(Duration::from_secs(5)),
        retries: Some(retries(2)),
        ..ClientConfig::waiting(PATIENT)
    };
    let (log, seen) = as_clients(quick(), client).await;
    all_end(&log.requests, RequestOutcome::Succeeded, 200);
    assert_eq!((seen.len(), log.notes.len()), (20, 0));
}
