//! Runs against gateways that are not ours: small Python servers, one that works and some that do not.

use squall_judge::{Judgement, judge};
use squall_live::{RunOptions, TargetOptions};
use squall_record::{Recording, RequestOutcome, RunEnd, SeenBy};
use squall_scenario::{Scenario, TargetConfig};
use squall_tests::valid_run::{Run, valid_run};
use std::time::Duration;

const SCENARIO: &str = "
name: target
seed: 3
duration: 3s
traffic:
  group: chat
  arrivals: even
  rate: [ { at: 0s, rps: 20 } ]
  prompt_tokens: 20
  output_tokens: 5
  stream: 50%
  client: { timeout: 2s }
providers:
  one: { ttft: 20ms, itl: 2ms, FAULTS }
router:
  groups:
    chat:
      deployments: [ { name: one, provider: one } ]
expect: [ success_rate >= 90%, retry_amplification <= 1.1 ]
";

/// A gateway that passes a request on as it is, with its prompt behind words of its own where the kind says so, and
/// that stops doing so after some chats where its kind is another.
const GATEWAY: &str = r#"
import http.client, http.server, os, sys, threading
port, kind, host, upstream = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
chats, lock = 0, threading.Lock()
COMPLETION = b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        global chats
        body = self.rfile.read(int(self.headers["content-length"]))
        with lock:
            chats += 1
            late = chats > 40
        if late and kind == "dies":
            print("out of luck", flush=True)
            os._exit(7)
        if late and kind == "stuck":
            threading.Event().wait()
        if kind == "alone":
            return self.reply(200, "application/json", COMPLETION)
        if kind == "wraps":
            body = body.replace(b'"content":"squall-', b'"content":"Be kind. squall-').replace(b'"user":"squall-', b'"user":"u')
        connection = http.client.HTTPConnection(host, upstream)
        connection.request("POST", self.path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        self.reply(answer.status, answer.getheader("content-type"), answer.read())
    def reply(self, status, mime, out):
        self.send_response(status)
        self.send_header("content-type", mime)
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)
    def log_message(self, *args):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100
Server(("127.0.0.1", port), Handler).serve_forever()
"#;

fn target(kind: &str) -> TargetOptions {
    let indented = GATEWAY.replace('\n', "\n      ");
    let text = format!(
        "url: http://127.0.0.1:${{port}}/v1\nstart:\n  command: [python3, gateway.py, \"${{port}}\", {kind}, \
         \"${{provider.one.host}}\", \"${{provider.one.port}}\"]\n  files:\n    gateway.py: |{indented}\n"
    );
    let config = TargetConfig::read("target.yaml", &text);
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    TargetOptions { name: kind.to_owned(), version: None, config, path: Vec::new() }
}

fn scenario(faults: &str) -> Scenario {
    let text = SCENARIO.replace("FAULTS", faults);
    Scenario::read("test.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn run(scenario: &Scenario, kind: &str) -> Recording {
    let options = RunOptions { target: Some(target(kind)), ..RunOptions::default() };
    squall_live::run(scenario, &options, |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// A run of the gateway that works, on a machine that was quiet enough.
fn valid(scenario: &Scenario) -> Option<Recording> {
    valid_run("the target", || {
        let recording = run(scenario, "forwards");
        let problems = judge(scenario, &recording).validity_problems;
        Run { result: recording, problems }
    })
}

fn succeeded(recording: &Recording) -> usize {
    let requests = recording.requests.iter();
    requests.filter(|row| row.outcome == RequestOutcome::Succeeded).count()
}

/// A program that asks its provider over HTTP, and does not do so after some requests where its kind says so.
const PROGRAM: &str = r#"
import http.client, json, os, sys, threading
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
lock, asked = threading.Lock(), 0
print("a library says something", flush=True)
def say(answer):
    with lock:
        print(json.dumps(answer), flush=True)
def ask(request):
    body = {"model": request["model"], "messages": [{"role": "user", "content": request["prompt"]}], "max_tokens": request["max_tokens"]}
    connection = http.client.HTTPConnection(host, port)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    told = json.loads(answer.read())
    if answer.status != 200:
        return say({"id": request["id"], "ok": False, "status": answer.status, "class": "overloaded", "error": str(told)})
    text = told["choices"][0]["message"]["content"]
    say({"id": request["id"], "ok": True, "status": 200, "text": text, "ttft_ms": 20.5, "model": told["model"],
         "usage": {"input_tokens": 1, "output_tokens": told["usage"]["completion_tokens"]}})
for line in sys.stdin:
    asked += 1
    if asked > 30 and kind == "dies":
        os._exit(7)
    threading.Thread(target=ask, args=(json.loads(line),)).start()
"#;

fn program(kind: &str) -> TargetOptions {
    let indented = PROGRAM.replace('\n', "\n      ");
    let text = format!(
        "exec:\n  command: [python3, ask.py, {kind}, \"${{provider.one.host}}\", \"${{provider.one.port}}\"]\n  \
         files:\n    ask.py: |{indented}\n"
    );
    let config = TargetConfig::read("target.yaml", &text);
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    TargetOptions { name: kind.to_owned(), version: None, config, path: Vec::new() }
}

fn run_program(scenario: &Scenario, kind: &str) -> Recording {
    let options = RunOptions { target: Some(program(kind)), ..RunOptions::default() };
    squall_live::run(scenario, &options, |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_program_is_judged_as_a_gateway_is() {
    let scenario = scenario("faults: [ { at: 1s, for: 1s, error: 503 } ]");
    let recording = run_program(&scenario, "works");
    assert_eq!(recording.requests.len(), 60);
    let whole = recording.requests.iter().filter(|row| row.answer.whole && row.answer.usage);
    assert_eq!(whole.count(), succeeded(&recording), "texts and usage are those asked for");
    assert!(succeeded(&recording) >= 20, "{}", succeeded(&recording));
    let failed = recording.requests.iter().filter(|row| row.status == 503).count();
    assert!(failed > 0, "the fault came through");
    let join = recording.header.target.as_ref().map(|target| target.join).expect("a target");
    assert_eq!((join.prompt, join.unknown), (join.attempts, 0), "{join:?}");
}

#[test]
fn a_program_that_dies_ends_the_run_with_what_was_measured() {
    let scenario = scenario("faults: []");
    let recording = run_program(&scenario, "dies");
    assert!(matches!(recording.header.ended, RunEnd::Interrupted { .. }));
    assert!(succeeded(&recording) > 0, "what was answered before stands");
    let problems = judge(&scenario, &recording).validity_problems;
    assert!(problems[0].contains("it exited with code 7"), "{problems:?}");
}

#[test]
fn a_gateway_is_judged_by_what_clients_and_providers_saw() {
    let scenario = scenario("faults: []");
    let Some(recording) = valid(&scenario) else { return };
    assert_eq!(recording.requests.len(), 60);
    assert!(succeeded(&recording) >= 54, "{} of 60", succeeded(&recording));
    // What came before the run, to see that the gateway is ready, is no attempt of it.
    assert!(recording.attempts.len() <= 60, "{}", recording.attempts.len());
    assert!(recording.attempts.iter().all(|row| row.seen_by == SeenBy::Provider));
    assert!(recording.attempts.iter().all(|row| row.request.is_some()));
    assert!(recording.journal.is_none());
    let target = recording.header.target.expect("it says what was tested");
    let attempts = recording.attempts.len() as u64;
    assert_eq!((target.join.attempts, target.join.prompt), (attempts, attempts));
    assert_eq!((target.join.header, target.join.unknown), (0, 0), "{:?}", target.join);
}

#[test]
fn a_token_is_found_behind_the_words_of_a_gateway() {
    let recording = run(&scenario("faults: []"), "wraps");
    let join = recording.header.target.expect("it says what was tested").join;
    assert_eq!((join.prompt, join.user, join.unknown), (0, 0, 0), "{join:?}");
    assert_eq!(join.content, join.attempts);
}

#[test]
fn errors_of_a_provider_come_through_and_refused_connections_leave_a_lower_bound() {
    let scenario = scenario(
        "faults: [ { at: 1s, for: 1s, error: 503 }, { at: 2s, for: 1s, outage: refuse } ]",
    );
    let Some(recording) = valid(&scenario) else { return };
    let verdict = judge(&scenario, &recording);
    assert_eq!(verdict.rows[0].judgement, Judgement::Missed, "{}", verdict.rows[0].reason);
    let amplification = &verdict.rows[1];
    assert_eq!(amplification.judgement, Judgement::Inconclusive, "{}", amplification.reason);
    assert!(amplification.reason.contains("lower bound"), "{}", amplification.reason);
}

#[test]
fn a_target_that_dies_ends_the_run_and_nothing_that_was_measured_is_lost() {
    let scenario = scenario("faults: []");
    let recording = run(&scenario, "dies");
    assert!(matches!(recording.header.ended, RunEnd::Interrupted { .. }));
    assert!(succeeded(&recording) > 0, "what was answered before stands");
    let verdict = judge(&scenario, &recording);
    assert_eq!(verdict.overall, Judgement::Inconclusive);
    let problem = &verdict.validity_problems[0];
    assert!(problem.starts_with("the target ended at "), "{problem}");
    assert!(problem.contains("it exited with code 7"), "{problem}");
}

#[test]
fn a_target_that_forwards_nothing_is_not_taken_for_one_that_works() {
    let scenario = scenario("faults: []");
    let recording = run(&scenario, "alone");
    assert!(recording.attempts.is_empty());
    let verdict = judge(&scenario, &recording);
    assert_eq!(verdict.overall, Judgement::Inconclusive);
    let problems = verdict.validity_problems.join("\n");
    assert!(problems.contains("no request reached a provider"), "{problems}");
}

#[test]
fn a_target_that_keeps_connections_open_for_ever_does_not_keep_the_run() {
    let recording = run(&scenario("faults: []"), "stuck");
    let gave_up = recording.requests.iter().filter(|row| row.outcome == RequestOutcome::GaveUp);
    assert!(gave_up.count() > 0);
    let last = recording.requests.iter().map(|row| row.ended).max().expect("there were some");
    assert!(last.as_secs_f64() < Duration::from_secs(30).as_secs_f64(), "{last}");
}
