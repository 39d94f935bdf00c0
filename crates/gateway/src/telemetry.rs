//! Spans and measurements for OpenTelemetry: a span for a request, one for each of its attempts, and the histograms
//! of its conventions for generative AI. This crate makes them by the API alone; the command line decides where they
//! go.
//!
//! Prompts, answers and keys are never among the attributes. What a client chose, such as the name of a model, is in
//! no attribute of a measurement: their number stays bounded.

mod conventions;
mod instruments;
mod request_spans;

pub(crate) use request_spans::{Ending, RequestSpans};

use instruments::Instruments;
use opentelemetry::global::BoxedTracer;
use opentelemetry::metrics::Meter;
use opentelemetry::propagation::TextMapPropagator;
use std::fmt;

/// What a gateway tells OpenTelemetry by.
pub struct Telemetry {
    tracer: BoxedTracer,
    propagator: Box<dyn TextMapPropagator + Send + Sync>,
    instruments: Instruments,
}

impl Telemetry {
    /// Spans go to `tracer` and measurements to `meter`; `propagator` reads the trace that a client is in from its
    /// headers, and writes that of an attempt into the provider's.
    #[must_use]
    pub fn new(
        tracer: BoxedTracer,
        meter: &Meter,
        propagator: Box<dyn TextMapPropagator + Send + Sync>,
    ) -> Self {
        Self { tracer, propagator, instruments: Instruments::new(meter) }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Telemetry").finish_non_exhaustive()
    }
}
