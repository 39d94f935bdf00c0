//! The histograms of the conventions for generative AI, with the bounds that they advise.

use super::conventions;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};
use squall_router::TokenUsage;
use std::fmt;
use std::time::Duration;

/// Seconds of whole operations.
const DURATIONS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// Seconds to a first token or chunk.
const FIRST_TOKENS: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Tokens of one operation: powers of four.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

pub(super) struct Instruments {
    request_duration: Histogram<f64>,
    request_first_token: Histogram<f64>,
    attempt_duration: Histogram<f64>,
    attempt_first_chunk: Histogram<f64>,
    tokens: Histogram<u64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str, what: &'static str, bounds: &[f64]| {
            let instrument = meter.f64_histogram(name).with_unit("s").with_description(what);
            instrument.with_boundaries(bounds.to_vec()).build()
        };
        Self {
            request_duration: seconds(
                "gen_ai.server.request.duration",
                "Duration of a request to the gateway, with all of its attempts.",
                &DURATIONS,
            ),
            request_first_token: seconds(
                "gen_ai.server.time_to_first_token",
                "Time from a request to the first token of its answer, with failed attempts before it.",
                &FIRST_TOKENS,
            ),
            attempt_duration: seconds(
                "gen_ai.client.operation.duration",
                "Duration of an attempt at a deployment.",
                &DURATIONS,
            ),
            attempt_first_chunk: seconds(
                "gen_ai.client.operation.time_to_first_chunk",
                "Time from an attempt to the first token of its stream.",
                &FIRST_TOKENS,
            ),
            tokens: meter
                .u64_histogram("gen_ai.client.token.usage")
                .with_unit("{token}")
                .with_description("Tokens that an attempt used, as its provider says.")
                .with_boundaries(TOKENS.to_vec())
                .build(),
        }
    }

    /// A request has ended.
    pub(super) fn request(
        &self,
        duration: Duration,
        first_token: Option<Duration>,
        attributes: &[KeyValue],
    ) {
        self.request_duration.record(duration.as_secs_f64(), attributes);
        if let Some(first_token) = first_token {
            self.request_first_token.record(first_token.as_secs_f64(), attributes);
        }
    }

    /// An attempt has ended. `first_chunk` is that of a stream.
    pub(super) fn attempt(
        &self,
        duration: Duration,
        first_chunk: Option<Duration>,
        usage: Option<TokenUsage>,
        attributes: &[KeyValue],
    ) {
        self.attempt_duration.record(duration.as_secs_f64(), attributes);
        if let Some(first_chunk) = first_chunk {
            self.attempt_first_chunk.record(first_chunk.as_secs_f64(), attributes);
        }
        let Some(TokenUsage { input_tokens, output_tokens }) = usage else { return };
        for (kind, tokens) in [("input", input_tokens), ("output", output_tokens)] {
            let mut attributes = attributes.to_vec();
            attributes.push(KeyValue::new(conventions::TOKEN_TYPE, kind));
            self.tokens.record(u64::from(tokens), &attributes);
        }
    }
}

impl fmt::Debug for Instruments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Instruments").finish_non_exhaustive()
    }
}
