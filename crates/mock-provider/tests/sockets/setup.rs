//! Providers and requests for the tests.

use squall_clock::Clock;
use squall_determinism::{Distribution, Seed, Timestamp};
use squall_mock_provider::{AttemptLog, MockProvider, MockSetup, Rules, ServerTimeouts};
use squall_provider::{FaultConfig, FaultKind, ProviderConfig};
use squall_wire::chat::{NewChat, ResponseMode};
use squall_wire::{Format, RequestToken};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// First token after 5 ms, the next ones 2 ms apart, 20 tokens unless the request says.
pub(crate) fn quick() -> ProviderConfig {
    ProviderConfig {
        output_tokens: Distribution::Fixed { value: 20 },
        ..ProviderConfig::new(fixed_ms(5), fixed_ms(2))
    }
}

/// A quick provider that never comes to an end: 50 ms between two tokens.
pub(crate) fn slow() -> ProviderConfig {
    ProviderConfig { itl: fixed_ms(50), ..quick() }
}

pub(crate) fn fixed_ms(millis: u64) -> Distribution {
    Distribution::Fixed { value: millis * 1_000_000 }
}

/// A provider with this fault, for everybody, from the start.
pub(crate) fn always(kind: FaultKind) -> ProviderConfig {
    ProviderConfig { faults: vec![fault(0, 3_600_000, kind)], ..quick() }
}

pub(crate) fn fault(at_ms: u64, lasts_ms: u64, kind: FaultKind) -> FaultConfig {
    FaultConfig::new(Timestamp::from_millis(at_ms), Duration::from_millis(lasts_ms), kind)
}

pub(crate) fn setup(config: ProviderConfig) -> MockSetup {
    MockSetup {
        name: "openai-eu".to_owned(),
        provider: 3,
        format: Format::OpenAi,
        config,
        seed: Seed::new(7),
        clock: Clock::start_now(),
        epoch_nanos: 1_767_225_600_000_000_000,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        models: vec![("gpt-eu".to_owned(), 0), ("gpt-us".to_owned(), 1)],
        default_deployment: None,
        only_listed: false,
        rules: Rules::default(),
        rows: AttemptLog::Kept,
        patience: ServerTimeouts::default(),
        events: None,
        calls: None,
    }
}

pub(crate) fn start(config: ProviderConfig) -> MockProvider {
    MockProvider::start(setup(config)).expect("a free port")
}

/// A request of 10 + `tokens` tokens.
pub(crate) fn request(number: u64, tokens: u32, delivery: ResponseMode) -> String {
    let token =
        RequestToken { request: number, input_tokens: 10, output_tokens: tokens, session: None };
    let body = NewChat { model: "gpt-us", token, delivery }.body();
    String::from_utf8(body.to_vec()).expect("UTF-8")
}
