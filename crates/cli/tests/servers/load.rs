//! `squall load`: traffic for a system that runs already.

use crate::serve::{Server, spawn, start_and_listen};
use crate::squall::{Ended, Folder};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use std::process::Command;

/// Its router and providers are used by nobody, and their outage happens to nobody.
const SCENARIO: &str = "
name: staging
seed: 3
duration: 4s
traffic: { group: chat, rate: 30, arrivals: even, prompt_tokens: 20, output_tokens: 5, stream: 50% }
providers: { one: { ttft: 10ms, itl: 1ms, faults: [ { at: 0s, for: 4s, error: 503 } ] } }
router: { groups: { chat: { deployments: [ { name: one, provider: one } ] } } }
expect:
  - success_rate >= 99%
  - retry_amplification <= 1.5
";

/// A system with an OpenAI API, here a mock in another process.
fn system(test: &str, fault: &str) -> (Folder, Server, String) {
    let folder = Folder::new(test);
    folder.write("scenario.yaml", SCENARIO);
    let mock = format!(
        "providers: {{ one: {{ listen: 127.0.0.1:0, ttft: 10ms, itl: 1ms, faults: [ {fault} ] }} }}\n"
    );
    folder.write("mock.yaml", &mock);
    let arguments = ["mock", "--config", "mock.yaml", "--log", "off"];
    let (server, addr, _) = start_and_listen(&folder, &arguments);
    (folder, server, format!("http://{addr}/v1"))
}

fn summary(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read("out/summary.json")).expect("JSON")
}

#[test]
fn what_clients_saw_is_judged_and_what_the_system_asked_of_its_own_providers_is_unknown() {
    let (folder, _server, url) = system("load", "");
    let ended = folder.squall(&["load", "scenario.yaml", "--target", &url, "--out", "out"]);
    assert!(ended.err.contains("120 requests, at most 30 in a second"), "{}", ended.err);
    let rows = summary(&folder);
    let rows = rows["expectations"].as_array().expect("a list");
    assert_eq!(rows[0]["n"], 120, "{}", rows[0]);
    assert_eq!(rows[1]["verdict"], "inconclusive", "{}", rows[1]);
    assert!(rows[1]["reason"].as_str().is_some_and(|why| why.contains("its own")), "{}", rows[1]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    let names = folder.names();
    assert!(folder.read("out/report.html").contains("what clients saw alone"), "{names:?}");
    let summary = summary(&folder);
    assert!(summary["totals"]["attempts"].is_null(), "unknown, and not none: {summary}");
    assert!(summary["totals"]["retry_amplification"].is_null(), "{summary}");
    assert!(!folder.read("out/report.html").contains("<h2>Providers</h2>"));
    assert!(folder.path("out/latency.svg").exists());
    assert!(!folder.path("out/shares.svg").exists(), "a chart of attempts would show nothing");
}

#[test]
fn a_system_that_fails_is_spared_the_rest() {
    let (folder, _server, url) = system("load-abort", "{ at: 0s, for: 10m, error: 500 }");
    let text = SCENARIO.replace("duration: 4s", "duration: 60s");
    folder.write("scenario.yaml", &format!("{text}abort_when: error_rate > 20% for 2s\n"));
    let ended = folder.squall(&["load", "scenario.yaml", "--target", &url, "--out", "out"]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("aborted, since too many requests failed, at "), "{}", ended.err);
    assert!(ended.out.contains("`abort_when`"), "{}", ended.out);
    let sent = folder.read("out/requests.csv").lines().count() - 1;
    assert!(sent < 900, "{sent} of 1,800 were sent");
}

fn refused(folder: &Folder, arguments: &[&str]) -> Ended {
    let ended = folder.squall(&[&["load", "scenario.yaml", "--out", "out"], arguments].concat());
    assert_ne!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(!folder.path("out/requests.csv").exists(), "nothing was sent");
    ended
}

#[test]
fn nothing_is_sent_where_it_was_not_allowed() {
    let folder = Folder::new("load-refused");
    folder.write("scenario.yaml", SCENARIO);
    let here = "http://127.0.0.1:9/v1";
    let elsewhere = "https://staging.test/v1";
    for (arguments, told) in [
        (&[] as &[&str], "needs a target: name it with `--target URL`"),
        (&["--target", "nginx"], "use `squall run --target nginx`"),
        (
            &["--target", here, "--max-rate", "29"],
            "the busiest second of this traffic has 30 requests",
        ),
        (&["--target", here], "failed to connect to the target `http://127.0.0.1:9/v1`"),
        (&["--target", elsewhere], "`--allow-remote staging.test`"),
        (&["--target", elsewhere, "--allow-remote", "staging.test"], "--max-rate <RPS>"),
        (
            &["--target", elsewhere, "--allow-remote", "staging.test", "--max-rate", "50"],
            "add --yes to send it without",
        ),
        (
            &["--target", elsewhere, "--allow-remote", "other.test", "--max-rate", "50", "--yes"],
            "`--allow-remote staging.test`",
        ),
    ] {
        let ended = refused(&folder, arguments);
        assert!(ended.err.contains(told), "{arguments:?}: {}", ended.err);
    }
}

/// A system that answers by TLS: OpenSSL's, by Python.
const TLS_SERVER: &str = r#"
import http.server, ssl, sys
ANSWER = b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a b c d e"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":5,"total_tokens":6}}'
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("own.pem", "own.key")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("http://127.0.0.1:%d" % server.server_port, file=sys.stderr, flush=True)
server.serve_forever()
"#;

/// Starts it with a certificate that the authority in `authority.pem` has signed.
fn tls_system(folder: &Folder) -> (Server, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
        .expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let own = CertificateParams::new(vec!["localhost".to_owned()])
        .and_then(|own| own.signed_by(&key, &authority))
        .expect("a certificate");
    folder.write("authority.pem", &authority.pem());
    folder.write("own.pem", &own.pem());
    folder.write("own.key", &key.serialize_pem());
    folder.write("server.py", TLS_SERVER);
    let mut python = Command::new("python3");
    python.arg("server.py").current_dir(folder.path(""));
    let (server, addr, _) = spawn(python);
    let (_, port) = addr.rsplit_once(':').expect("a port");
    (server, format!("https://localhost:{port}/v1"))
}

#[test]
fn a_system_is_called_by_tls_if_its_certificate_is_trusted_and_else_nothing_is_sent() {
    let folder = Folder::new("load-tls");
    folder.write("scenario.yaml", &SCENARIO.replace("stream: 50%", "stream: 0%"));
    let (_server, url) = tls_system(&folder);
    let ended = refused(&folder, &["--target", &url]);
    assert!(ended.err.contains("invalid peer certificate"), "{}", ended.err);
    let mut trusting = folder.command(&["load", "scenario.yaml", "--target", &url, "--out", "out"]);
    let ended = Ended::from(
        trusting.env("SSL_CERT_FILE", "authority.pem").output().expect("the binary can be run"),
    );
    let totals = &summary(&folder)["totals"];
    assert_eq!(
        (&totals["requests"], &totals["succeeded"]),
        (&120.into(), &120.into()),
        "{}{}",
        ended.out,
        ended.err
    );
}
