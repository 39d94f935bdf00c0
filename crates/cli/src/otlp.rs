//! Where OpenTelemetry's spans and measurements of `squall gateway` go: to a collector, by OTLP over HTTP.
//!
//! OpenTelemetry's own SDK batches and sends them on threads of its own, and obeys its environment variables
//! (`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, `OTEL_METRIC_EXPORT_INTERVAL` and the others). Only the HTTP client is
//! ours, since that of requests to providers serves for it.

use crate::error::CliError;
use crate::http_client::{self, Connector, causes};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry::KeyValue;
use opentelemetry::global::BoxedTracer;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use squall_gateway::Telemetry;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Any of them says where a collector is.
const ENDPOINTS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
];

/// How a collector may be spoken to, by OpenTelemetry's word for it.
const PROTOCOLS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
];

/// The one that we speak.
const PROTOCOL: &str = "http/protobuf";

/// How long a collector may take for what is left when the gateway ends: the SDK's own default.
const FLUSH: Duration = Duration::from_secs(5);

/// The longest answer of a collector that is read.
const ANSWER_MAX: usize = 1 << 20;

/// The exporters at work.
#[derive(Debug)]
pub(crate) struct Otlp {
    spans: SdkTracerProvider,
    measurements: SdkMeterProvider,
}

impl Otlp {
    /// Starts to export to the collector at `endpoint`, or where OpenTelemetry's environment variables say that one
    /// is; does nothing where neither says so, or `OTEL_SDK_DISABLED` is true. Calls to the collector run on
    /// `runtime`.
    ///
    /// # Errors
    /// When the address is none, or a protocol is asked for that is not spoken here.
    pub(crate) fn start(
        endpoint: Option<&str>,
        runtime: &Handle,
    ) -> Result<Option<Self>, CliError> {
        let disabled =
            variable("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        let wanted = endpoint.is_some() || ENDPOINTS.iter().any(|name| variable(name).is_some());
        if disabled || !wanted {
            return Ok(None);
        }
        check_protocol()?;
        endpoint.map_or(Ok(()), check_url)?;
        let secure = |url: &str| url.starts_with("https:");
        let secure = endpoint.is_some_and(secure)
            || ENDPOINTS.iter().any(|name| variable(name).is_some_and(|url| secure(&url)));
        let client = CollectorClient::new(runtime.clone(), secure)?;
        let refused = |source: ExporterBuildError| CliError::Otlp { why: source.to_string() };
        let mut spans = SpanExporter::builder().with_http().with_http_client(client.clone());
        let mut measurements = MetricExporter::builder().with_http().with_http_client(client);
        if let Some(endpoint) = endpoint {
            let base = endpoint.trim_end_matches('/');
            spans = spans.with_endpoint(format!("{base}/v1/traces"));
            measurements = measurements.with_endpoint(format!("{base}/v1/metrics"));
        }
        let resource = resource();
        Ok(Some(Self {
            spans: SdkTracerProvider::builder()
                .with_batch_exporter(spans.build().map_err(refused)?)
                .with_resource(resource.clone())
                .build(),
            measurements: SdkMeterProvider::builder()
                .with_periodic_exporter(measurements.build().map_err(refused)?)
                .with_resource(resource)
                .build(),
        }))
    }

    /// What a gateway tells them by.
    pub(crate) fn telemetry(&self) -> Arc<Telemetry> {
        let tracer = BoxedTracer::new(Box::new(self.spans.tracer("squall")));
        let propagator = Box::new(TraceContextPropagator::new());
        Arc::new(Telemetry::new(tracer, &self.measurements.meter("squall"), propagator))
    }

    /// Sends what is left, for a few seconds at most. To be called outside of async tasks: it blocks.
    pub(crate) fn end(self) {
        // A collector that is away has been complained of in the log.
        let _ = self.spans.shutdown_with_timeout(FLUSH);
        let _ = self.measurements.shutdown_with_timeout(FLUSH);
    }
}

/// Who sends: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, or the name of this program.
fn resource() -> Resource {
    let named = variable("OTEL_SERVICE_NAME").is_some()
        || variable("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|all| all.contains("service.name="));
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    if named { resource.build() } else { resource.with_service_name("squall-gateway").build() }
}

/// # Errors
/// When it is no address of a collector.
fn check_url(endpoint: &str) -> Result<(), CliError> {
    let url = endpoint.parse::<Uri>().ok();
    let good = url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.authority().is_some()
    });
    let why = || format!("`{endpoint}` is no URL of a collector such as http://localhost:4318");
    if good { Ok(()) } else { Err(CliError::Otlp { why: why() }) }
}

/// # Errors
/// When a protocol is asked for that is not spoken here.
fn check_protocol() -> Result<(), CliError> {
    for name in PROTOCOLS {
        if let Some(asked) = variable(name).filter(|asked| asked != PROTOCOL) {
            let why = format!(
                "{name} is `{asked}`, and only `{PROTOCOL}` is spoken here: set it to that, and the endpoint to the \
                 collector's port for HTTP, 4318 by default"
            );
            return Err(CliError::Otlp { why });
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "OpenTelemetry is set up by environment variables")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Calls a collector from the threads of the SDK, which belong to no runtime.
#[derive(Clone, Debug)]
struct CollectorClient {
    client: Client<Connector, Full<Bytes>>,
    runtime: Handle,
}

impl CollectorClient {
    fn new(runtime: Handle, secure: bool) -> Result<Self, CliError> {
        let connector = http_client::connector(secure).map_err(|why| CliError::Otlp { why })?;
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, runtime })
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let url = request.uri().to_string();
        let answer = self.runtime.spawn(async move {
            let (parts, body) = client.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(parts, body))
        });
        let answer = answer.await?;
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => complain(&url, &format!("it answered {}", answer.status())),
            Err(error) => complain(&url, &causes(error.as_ref())),
        }
        answer
    }
}

/// A collector that is away loses what is exported meanwhile, and no request: the SDK keeps a bounded queue.
fn complain(url: &str, why: &str) {
    tracing::warn!(target: "squall::otlp", url, why, "the collector did not take an export");
}
