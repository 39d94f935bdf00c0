//! What a collector of OpenTelemetry gets from `squall gateway`: OpenTelemetry's own protobuf definitions decode it, and
//! OpenTelemetry's own package says which names there are.

use super::{Server, python};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const MOCK: &str = "\
providers:
  up: { ttft: 20ms, itl: 5ms, output_tokens: 8 }
  down: { ttft: 20ms, itl: 5ms, output_tokens: 8, faults: [ { at: 0s, for: 10h, error: 503 } ] }
";

/// `chat` falls back to a deployment that works, `failing` to none.
fn gateway_file(mock: &Server) -> String {
    let url = |line: &String| line.split_once(": ").expect("a name and a URL").1.to_owned();
    let [up, down] = [url(&mock.lines[0]), url(&mock.lines[1])];
    format!(
        "listen: 127.0.0.1:0
providers:
  up: {{ base_url: {up}, api_key: sk-secret }}
  down: {{ base_url: {down}, api_key: sk-secret }}
router:
  retries: 0
  cooldown: never
  groups:
    chat: {{ fallback: [ spare ], deployments: [ {{ name: eu, provider: down, model: model-down }} ] }}
    spare: {{ deployments: [ {{ name: us, provider: up, model: model-up }} ] }}
    failing: {{ deployments: [ {{ name: asia, provider: down, model: model-down }} ] }}
"
    )
}

/// A collector with a client, in Python.
struct Judge {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Judge {
    fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/otlp.py");
        let mut child = Command::new(python())
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, said }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("text");
        line.trim().to_owned()
    }

    fn tell(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("a pipe");
        writeln!(input, "{line}").expect("it reads");
    }

    /// All that it got, once nothing comes any more.
    fn end(mut self) -> Value {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.said.read_to_string(&mut text).expect("text");
        assert!(self.child.wait().expect("it ends").success(), "the judge failed: {text}");
        serde_json::from_str(&text).expect("a JSON document")
    }
}

/// What a collector got of three requests: one that fell back, the same as a stream, and one that failed.
fn collected() -> Value {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mock_file = folder.join("traces-mock.yaml");
    fs::write(&mock_file, MOCK).expect("a folder of our own");
    let mock = Server::start("mock", &mock_file, 2);
    let file = folder.join("traces-gateway.yaml");
    fs::write(&file, gateway_file(&mock)).expect("a folder of our own");
    let mut judge = Judge::start();
    let collector = format!("http://127.0.0.1:{}", judge.line());
    let mut gateway =
        Server::start_with("gateway", &file, 1, &["--otlp-endpoint", &collector, "--log", "warn"]);
    let url = gateway.lines[0].split_whitespace().find(|word| word.starts_with("http://"));
    judge.tell(url.expect("a URL"));
    assert_eq!(judge.line(), "asked");
    // What is left is sent at the end.
    gateway.terminate();
    judge.end()
}

fn spans_of<'a>(all: &'a Value, request: &Value) -> Vec<&'a Value> {
    let of_request = |span: &&Value| span["traceId"] == request["traceId"];
    all["spans"].as_array().expect("a list").iter().filter(of_request).collect()
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    &span["attributes"][name]
}

#[test]
fn a_collector_gets_a_span_for_each_request_and_attempt_in_the_clients_trace() {
    let all = collected();
    let requests = all["requests"].as_array().expect("a list");
    for (request, attempts) in requests.iter().zip([2, 2, 1]) {
        let spans = spans_of(&all, request);
        let (servers, clients): (Vec<&Value>, Vec<&Value>) =
            spans.iter().partition(|span| span["kind"] == "SPAN_KIND_SERVER");
        assert_eq!((servers.len(), clients.len()), (1, attempts), "{spans:?}");
        let server = servers[0];
        assert_eq!(server["parentSpanId"], request["spanId"]);
        assert_eq!(server["name"], "POST /v1/chat/completions");
        assert_eq!(attribute(server, "http.response.status_code"), &request["status"]);
        assert_eq!(attribute(server, "squall.attempts"), attempts);
        assert_eq!(server["resource"]["service.name"], "squall-gateway");
        for client in &clients {
            assert_eq!(client["kind"], "SPAN_KIND_CLIENT");
            assert_eq!(client["parentSpanId"], server["spanId"]);
            assert!(client["nanoseconds"].as_u64() <= server["nanoseconds"].as_u64());
        }
        let failed = clients.iter().find(|span| attribute(span, "squall.deployment") != "us");
        let failed = failed.expect("the first attempt fails");
        assert_eq!(failed["name"], "chat model-down");
        assert_eq!(attribute(failed, "http.response.status_code"), 503);
        assert_eq!(attribute(failed, "error.type"), "overloaded");
        assert_eq!(failed["status"], "STATUS_CODE_ERROR");
    }
    let well = spans_of(&all, &requests[1]);
    let us = well.iter().find(|span| attribute(span, "squall.deployment") == "us");
    let us = us.expect("the second attempt is at the spare");
    assert_eq!(attribute(us, "gen_ai.usage.output_tokens"), 8);
    assert!(attribute(us, "gen_ai.response.time_to_first_chunk").as_f64() > Some(0.0), "{us}");
    assert!(us["status"].is_null() && attribute(us, "error.type").is_null(), "{us}");
    let text = all.to_string();
    assert!(!text.contains("secret"), "a prompt or a key is among what is told");
}

#[test]
fn names_and_measurements_are_those_of_the_conventions() {
    let all = collected();
    let known =
        |of: &str, name: &Value| all["known"][of].as_array().expect("a list").contains(name);
    let spans = all["spans"].as_array().expect("a list");
    let histograms = all["histograms"].as_array().expect("a list");
    for told in spans.iter().chain(histograms) {
        for (name, value) in told["attributes"].as_object().expect("an object") {
            let ours = name.starts_with("squall.");
            assert!(
                ours || known("attributes", &name.as_str().into()),
                "{name} is no convention's"
            );
            match name.as_str() {
                "gen_ai.operation.name" => assert!(known("operations", value), "{value}"),
                // A gateway is none of the providers that the conventions know.
                "gen_ai.provider.name" if value != "squall" => {
                    assert!(known("providers", value), "{value}");
                }
                _ => {}
            }
        }
    }
    let count = |name: &str| -> u64 {
        let of_name = histograms.iter().filter(|each| each["name"] == name);
        of_name.map(|each| each["count"].as_u64().expect("a number")).sum()
    };
    for histogram in histograms {
        assert!(known("metrics", &histogram["name"]), "{} is no convention's", histogram["name"]);
    }
    assert_eq!(count("gen_ai.server.request.duration"), 3);
    assert_eq!(count("gen_ai.client.operation.duration"), 5);
    assert_eq!(count("gen_ai.client.operation.time_to_first_chunk"), 1, "of the one stream");
    assert_eq!(count("gen_ai.client.token.usage"), 4, "input and output of two answers");
}
