//! The retries of the official SDKs, as they come, held against those of Squall's clients: a server counts the calls of each
//! and when they came, and the workload is driven through the same failures.

use crate::python;
use serde_json::{Value, json};
use squall_determinism::{Distribution, Seed, Share, Timestamp};
use squall_failure::CallFailureCause;
use squall_workload::{
    Arrivals, CallFailure, ClientAnswer, ClientConfig, Sdk, SourceConfig, Workload, WorkloadConfig,
    WorkloadInput, WorkloadOutput,
};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the server does with a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reply {
    /// An error with this status and these headers.
    Error(u16, &'static [(&'static str, &'static str)]),
    /// It closes the connection.
    Nothing,
    /// It never answers.
    Silence,
    /// An answer in one piece that breaks off.
    Cut,
    /// A stream that breaks off after an event.
    CutStream,
}

/// The cases: a name, what the server does, and which SDKs wait for too long to be asked.
const CASES: &[(&str, Reply, &[&str])] = &[
    ("bad-request", Reply::Error(400, &[]), &[]),
    ("not-found", Reply::Error(404, &[]), &[]),
    ("too-large", Reply::Error(413, &[]), &[]),
    ("timed-out", Reply::Error(408, &[]), &[]),
    ("conflict", Reply::Error(409, &[]), &[]),
    ("throttled", Reply::Error(429, &[]), &[]),
    ("server", Reply::Error(500, &[]), &[]),
    ("not-implemented", Reply::Error(501, &[]), &[]),
    ("overloaded", Reply::Error(503, &[]), &[]),
    ("overloaded-529", Reply::Error(529, &[]), &[]),
    ("after-a-second", Reply::Error(429, &[("retry-after", "1")]), &[]),
    ("after-millis", Reply::Error(503, &[("retry-after-ms", "1700"), ("retry-after", "2")]), &[]),
    ("after-nothing", Reply::Error(429, &[("retry-after", "0")]), &[]),
    ("after-121", Reply::Error(429, &[("retry-after", "121")]), WAIT_FOR_ANY),
    ("after-a-month", Reply::Error(429, &[("retry-after", "3000000")]), &["anthropic-python"]),
    ("should", Reply::Error(400, &[("x-should-retry", "true")]), &[]),
    ("should-not", Reply::Error(503, &[("x-should-retry", "false")]), &[]),
    ("lost", Reply::Nothing, &[]),
    ("silent", Reply::Silence, &[]),
    ("cut", Reply::Cut, &[]),
    ("cut-stream", Reply::CutStream, &[]),
];

const WAIT_FOR_ANY: &[&str] = &["openai-node", "anthropic-python", "anthropic-node"];

/// How long the SDKs wait for an answer that does not come.
const CALL_TIMEOUT: Duration = Duration::from_millis(700);

/// A timer of an SDK may fire this much before its time.
const EARLY: Duration = Duration::from_millis(20);
/// A busy machine may be this much later: no two rules differ by less than the waits that they are held against.
const LATE: Duration = Duration::from_millis(1_500);

/// How often a case is tried once more that came too late.
const TRIES: u32 = 3;

#[test]
fn clients_retry_as_openai_for_python_does() {
    holds("openai-python", &python_call("openai"));
}

#[test]
fn clients_retry_as_anthropic_for_python_does() {
    holds("anthropic-python", &python_call("anthropic"));
}

#[test]
fn clients_retry_as_google_genai_for_python_does() {
    holds("google-genai-python", &python_call("google"));
}

#[test]
fn clients_retry_as_openai_for_node_does() {
    holds("openai-node", &node_call("openai"));
}

#[test]
fn clients_retry_as_anthropic_for_node_does() {
    holds("anthropic-node", &node_call("anthropic"));
}

fn script(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name);
    path.display().to_string()
}

/// Calls an SDK of Python with a URL and cases.
fn python_call(sdk: &'static str) -> impl Fn(&str, &str) -> Command {
    move |url, cases| {
        let mut command = Command::new(python());
        command.args([script("retries.py").as_str(), sdk, url, cases]);
        command
    }
}

/// The same of Node.
fn node_call(sdk: &'static str) -> impl Fn(&str, &str) -> Command {
    move |url, cases| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
        let node = target.join("clients/bin/node");
        assert!(node.exists(), "Node is not installed: `cargo xtask test` does it");
        let mut command = Command::new(node);
        command.args([script("retries.mjs").as_str(), sdk, url, cases]);
        command.current_dir(target.join("clients/node"));
        command
    }
}

/// Tries every case, and those that came too late again.
fn holds(name: &str, call: &dyn Fn(&str, &str) -> Command) {
    let sdk = Sdk::named(name).expect("it is listed");
    let mut left: Vec<_> = CASES.iter().filter(|(_, _, not)| !not.contains(&name)).collect();
    let mut wrong = Vec::new();
    for _ in 0..TRIES {
        let calls = tried(&left, call);
        wrong.clear();
        left.retain(|(case, reply, _)| {
            let predicted = predicted(sdk, *reply);
            let told = calls.get(*case).map_or(&[][..], Vec::as_slice);
            let differs = difference(&predicted, told);
            wrong.extend(differs.as_ref().map(|differs| format!("{case}: {differs}")));
            differs.is_some()
        });
        if left.is_empty() {
            return;
        }
    }
    panic!("{name} is otherwise:\n{}", wrong.join("\n"));
}

/// What differs between the gaps that are predicted and calls that came at these times.
fn difference(predicted: &[(Duration, Duration)], calls: &[Instant]) -> Option<String> {
    let gaps: Vec<_> = calls.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if calls.len() != predicted.len() + 1 {
        return Some(format!("{} calls and not {}: {gaps:?}", calls.len(), predicted.len() + 1));
    }
    let is_off = |(gap, (least, most)): (&Duration, &(Duration, Duration))| {
        *gap + EARLY < *least || *gap > *most + LATE
    };
    let off = gaps.iter().zip(predicted).any(is_off);
    off.then(|| format!("calls after {gaps:?}, and {predicted:?} were predicted"))
}

/// When the calls of each case came.
fn tried(
    cases: &[&(&str, Reply, &[&str])],
    call: &dyn Fn(&str, &str) -> Command,
) -> BTreeMap<String, Vec<Instant>> {
    let server = ScriptedServer::start(cases);
    let asked: Vec<_> = cases
        .iter()
        .map(|(name, reply, _)| {
            let timeout = (*reply == Reply::Silence).then_some(CALL_TIMEOUT.as_secs_f64());
            json!({ "name": name, "stream": *reply == Reply::CutStream, "timeout": timeout })
        })
        .collect();
    let output = call(&server.url, &json!(asked).to_string()).output().expect("the SDK runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let told: Value = serde_json::from_str(&said)
        .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    // Those for Node end a stream that broke off as if it were whole.
    for (name, ..) in cases.iter().filter(|(_, reply, _)| *reply != Reply::CutStream) {
        assert!(told[*name]["raised"].is_string(), "{name}: nothing was raised, {}", told[*name]);
    }
    server.calls()
}

/// The least and the most time between two calls, for each retry, over the seeds.
fn predicted(sdk: &Sdk, reply: Reply) -> Vec<(Duration, Duration)> {
    const SEEDS: u64 = 200;
    let mut bounds: Vec<(Duration, Duration)> = Vec::new();
    for seed in 0..SEEDS {
        let gaps = gaps(sdk, reply, Seed::new(seed));
        bounds.resize(gaps.len(), (Duration::MAX, Duration::ZERO));
        for (bounds, gap) in bounds.iter_mut().zip(gaps) {
            *bounds = (bounds.0.min(gap), bounds.1.max(gap));
        }
    }
    bounds
}

/// The times between the calls of one request that is always answered so.
fn gaps(sdk: &Sdk, reply: Reply, seed: Seed) -> Vec<Duration> {
    let client = ClientConfig {
        timeout: Duration::from_secs(10_000_000),
        first_token: None,
        call_timeout: Some(CALL_TIMEOUT),
        retries: Some(sdk.retries),
    };
    let source = SourceConfig {
        key: 0,
        arrivals: Arrivals::At { times: vec![Timestamp::ZERO] },
        prompt_tokens: Distribution::Fixed { value: 1 },
        output_tokens: Distribution::Fixed { value: 1 },
        stream: Share::NONE,
        client,
        kinds: Vec::new(),
        shifts: Vec::new(),
    };
    let mut workload = Workload::new(WorkloadConfig::of(source, Timestamp::from_secs(1)), seed);
    let mut calls = Vec::new();
    while let Some(now) = workload.next_timer() {
        workload.handle(now, WorkloadInput::Tick);
        let outputs: Vec<_> = std::iter::from_fn(|| workload.poll()).collect();
        for output in outputs {
            let WorkloadOutput::Send(client) = output else { continue };
            calls.push(now);
            if let Some(failure) = failure(reply) {
                let answer = ClientAnswer::Failed(failure);
                let answered = WorkloadInput::Answered { request: client.request, answer };
                workload.handle(now, answered);
                while workload.poll().is_some() {}
            }
        }
    }
    calls.windows(2).map(|pair| pair[1].since(pair[0])).collect()
}

/// What a client hears; `None` of one that hears nothing.
fn failure(reply: Reply) -> Option<CallFailure> {
    let cause = match reply {
        Reply::Error(status, _) => CallFailureCause::Status(status),
        Reply::Nothing => CallFailureCause::Lost,
        Reply::Silence => return None,
        Reply::Cut => CallFailureCause::Cut,
        Reply::CutStream => CallFailureCause::Final,
    };
    let mut failure = CallFailure::new(cause);
    if let Reply::Error(_, headers) = reply {
        let told = |name| headers.iter().find(|(each, _)| *each == name).map(|(_, value)| *value);
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let millis = told("retry-after-ms").map(|text| number(text) / 1e3);
        let seconds = millis.or_else(|| told("retry-after").map(number));
        failure.retry_after = seconds.map(Duration::from_secs_f64);
        failure.should_retry = told("x-should-retry").map(|text| text == "true");
    }
    Some(failure)
}

/// A server that does with each call what its path says, and keeps when it came.
struct ScriptedServer {
    url: String,
    calls: Arc<Mutex<BTreeMap<String, Vec<Instant>>>>,
}

impl ScriptedServer {
    fn start(cases: &[&(&str, Reply, &[&str])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let replies = cases.iter().map(|(name, reply, _)| ((*name).to_owned(), *reply));
        let replies: Arc<BTreeMap<_, _>> = Arc::new(replies.collect());
        let calls = Arc::<Mutex<BTreeMap<String, Vec<Instant>>>>::default();
        let kept = Arc::clone(&calls);
        // It ends with the process: nothing is called after the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (replies, kept) = (Arc::clone(&replies), Arc::clone(&kept));
                std::thread::spawn(move || serve(stream, &replies, &kept));
            }
        });
        Self { url, calls }
    }

    fn calls(&self) -> BTreeMap<String, Vec<Instant>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "what an SDK waits for is told by the clock")]
fn serve(
    mut stream: TcpStream,
    replies: &BTreeMap<String, Reply>,
    calls: &Mutex<BTreeMap<String, Vec<Instant>>>,
) {
    let Some(path) = read_request(&mut stream) else { return };
    let now = Instant::now();
    let case = path.split('/').nth(1).unwrap_or_default().to_owned();
    let Some(&reply) = replies.get(&case) else { return };
    calls.lock().unwrap_or_else(PoisonError::into_inner).entry(case).or_default().push(now);
    let answer = match reply {
        Reply::Nothing => return,
        Reply::Silence => {
            // Until the client hangs up.
            let _ = stream.read(&mut [0; 1]);
            return;
        }
        Reply::Error(status, headers) => {
            let body = r#"{"error":{"message":"as scripted","type":"scripted"}}"#;
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            format!(
                "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n{headers}\r\n{body}",
                body.len()
            )
        }
        Reply::Cut => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                       content-length: 4000\r\n\r\n{\"id\": \"cut\", "
            .to_owned(),
        Reply::CutStream => {
            let event = "data: {\"id\":\"x\",\"choices\":[]}\n\n";
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\
                 transfer-encoding: chunked\r\n\r\n{:x}\r\n{event}\r\n",
                event.len()
            )
        }
    };
    // A client that has gone has not heard it, which its calls show.
    let _ = stream.write_all(answer.as_bytes());
}

/// Reads a request to its end; its path.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if body.len() >= length.unwrap_or(0_usize) {
                return head.split_whitespace().nth(1).map(str::to_owned);
            }
        }
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
    }
}
