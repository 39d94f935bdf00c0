//! Export to a collector that is not there, or as nothing can be exported. What a collector gets is held in the suite
//! `clients`.

use crate::serve::{MOCK, ask, spawn, start, until};
use crate::signals::{ended, send};
use crate::squall::Folder;

const GATEWAY: &str = "
listen: 127.0.0.1:0
providers:
  one: { base_url: http://MOCK/v1 }
router: { groups: { chat: { deployments: [ { name: eu, provider: one } ] } } }
";

#[test]
fn a_collector_that_is_away_is_told_in_the_log_and_costs_no_request() {
    let folder = Folder::new("telemetry-away");
    folder.write("mock.yaml", MOCK);
    let (_mock, mock_addr) = start(&folder, &["mock", "--config", "mock.yaml"]);
    folder.write("gateway.yaml", &GATEWAY.replace("MOCK", &mock_addr));
    let mut command = folder.command(&["gateway", "--config", "gateway.yaml"]);
    // Nobody listens at the port of `discard`.
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    command.env("OTEL_BSP_SCHEDULE_DELAY", "50");
    let (gateway, addr, said) = spawn(command);
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    let line = until(&said, "the collector did not take an export");
    assert!(line.contains("http://127.0.0.1:9/v1/traces"), "{line}");
    assert!(line.to_lowercase().contains("connection refused"), "{line}");
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    send(&gateway, "TERM");
    assert_eq!(ended(gateway), Some(0));
}

#[test]
fn what_cannot_be_exported_is_refused_with_what_to_do() {
    let folder = Folder::new("telemetry-refused");
    folder.write("gateway.yaml", &GATEWAY.replace("MOCK", "127.0.0.1:9"));
    for url in ["collector", "localhost:4318", "ftp://collector:4318", "http://", ""] {
        let arguments = ["gateway", "--config", "gateway.yaml", "--otlp-endpoint", url];
        let ended = folder.squall(&arguments);
        assert_eq!(ended.code, 2, "{url}: {}", ended.err);
        assert!(ended.err.contains("is no URL of a collector such as"), "{url}: {}", ended.err);
    }
    let mut command = folder.command(&["gateway", "--config", "gateway.yaml"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let ended = command.output().expect("the binary can be run");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("set it to that, and the endpoint to the collector's port"), "{said}");
}
