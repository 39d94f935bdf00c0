//! A provider as the admin API tells it.

use crate::provider_server::ProviderServer;
use crate::recent_stats::Second;
use crate::snapshot::ProviderSnapshot;
use serde::Serialize;
use squall_determinism::Timestamp;
use squall_provider::{FaultConfig, LimitState, LimitStatus};

/// A provider, its load, its limits and its faults.
#[derive(Debug, Serialize)]
pub(super) struct ProviderView {
    name: String,
    base_url: String,
    format: &'static str,
    /// Answers that are worked on, requests that wait, and how many places there are.
    serving: u32,
    waiting: u32,
    places: Option<u32>,
    paused: bool,
    limits: LimitsView,
    /// Those that last, and those that are to come.
    faults: Vec<FaultView>,
    /// How attempts ended in each second of the last minute, the present one last.
    seconds: Vec<Second>,
}

#[derive(Debug, Serialize)]
struct LimitsView {
    requests: Option<GaugeView>,
    tokens: Option<GaugeView>,
    input_tokens: Option<GaugeView>,
    output_tokens: Option<GaugeView>,
}

#[derive(Debug, Serialize)]
struct GaugeView {
    limit: u64,
    remaining: u64,
    reset_ms: u64,
}

#[derive(Debug, Serialize)]
struct FaultView {
    number: u16,
    what: String,
    active: bool,
    /// Until it begins, and until it ends.
    starts_in_ms: u64,
    ends_in_ms: u64,
    /// Attempts that it has hit and that have ended.
    hits: u64,
}

pub(super) fn of(mock: &ProviderServer, base_url: &str) -> ProviderView {
    let ProviderSnapshot { now, status, faults, seconds } = mock.snapshot();
    let millis = |at: Timestamp| at.since(now).as_millis() as u64;
    let fault = |(number, fault, active, hits): (u16, FaultConfig, bool, u64)| FaultView {
        number,
        what: fault.to_string(),
        active,
        starts_in_ms: if active { 0 } else { millis(fault.at) },
        ends_in_ms: millis(fault.until()),
        hits,
    };
    ProviderView {
        name: mock.name().to_owned(),
        base_url: base_url.to_owned(),
        format: mock.format().as_str(),
        serving: status.serving,
        waiting: status.waiting,
        places: status.places,
        paused: status.paused,
        limits: LimitsView::of(&status.limits),
        faults: faults.into_iter().map(fault).collect(),
        seconds,
    }
}

impl LimitsView {
    fn of(limits: &LimitState) -> Self {
        let gauge = |gauge: Option<LimitStatus>| {
            gauge.map(|LimitStatus { limit, remaining, reset }| GaugeView {
                limit,
                remaining,
                reset_ms: u64::try_from(reset.as_millis()).unwrap_or(u64::MAX),
            })
        };
        Self {
            requests: gauge(limits.requests),
            tokens: gauge(limits.tokens),
            input_tokens: gauge(limits.input_tokens),
            output_tokens: gauge(limits.output_tokens),
        }
    }
}
