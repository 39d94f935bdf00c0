//! `squall gateway` and `squall mock` as servers.

use crate::squall::Folder;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A server that is stopped when the test ends.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server, and returns the address that it tells on its first line.
pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> (Server, String) {
    let (server, addr, _) = start_and_listen(folder, arguments);
    (server, addr)
}

/// The same, with the lines that it says after that.
pub(crate) fn start_and_listen(
    folder: &Folder,
    arguments: &[&str],
) -> (Server, String, Receiver<String>) {
    spawn(folder.command(arguments))
}

/// The same for a command that somebody else has put together.
pub(crate) fn spawn(mut command: Command) -> (Server, String, Receiver<String>) {
    let child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary can be run");
    // From here on it is stopped whatever happens: one that does not say where it listens, too.
    let mut server = Server(child);
    let stderr = server.0.stderr.take().expect("it is piped");
    let (sender, lines) = channel();
    let again = sender.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // Nobody listens any more once the test has ended.
            let _ = sender.send(line);
        }
    });
    let addr = loop {
        let line: String =
            lines.recv_timeout(Duration::from_secs(60)).expect("it says where it listens");
        if let Some((_, addr)) = line.rsplit_once("://") {
            break addr.trim_end_matches("/v1").to_owned();
        }
        // What the log says before that is for who listens later.
        let _ = again.send(line);
    };
    (server, addr, lines)
}

/// What a server says until it says this.
pub(crate) fn until(said: &Receiver<String>, wanted: &str) -> String {
    let mut all = String::new();
    while !all.contains(wanted) {
        let line = said.recv_timeout(Duration::from_secs(60));
        all.push_str(&line.unwrap_or_else(|_| panic!("it does not say `{wanted}`: {all}")));
        all.push('\n');
    }
    all
}

pub(crate) fn ask(addr: &str, model: &str) -> String {
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}],"max_tokens":5}}"#
    );
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn a_gateway_serves_what_a_mock_answers() {
    let folder = Folder::new("serve");
    folder.write("mock.yaml", MOCK);
    let (_mock, mock) = start(&folder, &["mock", "--config", "mock.yaml"]);
    folder.write("gateway.yaml", &GATEWAY.replace("MOCK", &mock).replace("LISTEN", "127.0.0.1:0"));
    let (_gateway, gateway) = start(&folder, &["gateway", "--config", "gateway.yaml"]);
    let answer = ask(&gateway, "chat");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("x-squall-deployment: one") && answer.contains("\"usage\""),
        "{answer}"
    );
    let answer = ask(&gateway, "nothing");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[test]
fn a_gateway_takes_on_its_file_when_that_changes_and_goes_on_when_it_has_a_mistake() {
    let folder = Folder::new("reload");
    folder.write("mock.yaml", MOCK);
    let (_mock, mock) = start(&folder, &["mock", "--config", "mock.yaml"]);
    let file = GATEWAY.replace("MOCK", &mock).replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &file);
    let arguments = ["gateway", "--config", "gateway.yaml"];
    let (_gateway, gateway, said) = start_and_listen(&folder, &arguments);
    assert!(ask(&gateway, "fresh").starts_with("HTTP/1.1 404"));

    let fresh =
        file.replace("groups: { chat:", "groups: { fresh:").replace("name: one", "name: two");
    folder.write("gateway.yaml", &fresh);
    let told = until(&said, "reloaded");
    let logged = r#""message":"setting changed","path":"router.groups.fresh","before":"(not set)""#;
    if !told.contains(logged) {
        // The log has a writer of its own.
        until(&said, logged);
    }
    assert!(told.contains("new: two") && told.contains("gone: one"), "{told}");
    let answer = ask(&gateway, "fresh");
    assert!(answer.contains("x-squall-deployment: two"), "{answer}");
    assert!(ask(&gateway, "chat").starts_with("HTTP/1.1 404"));

    folder.write("gateway.yaml", &fresh.replace("provider: one", "provider: on"));
    let told = until(&said, "keeps its current configuration");
    assert!(told.contains("no provider is called `on`"), "{told}");
    assert!(ask(&gateway, "fresh").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = taken.local_addr().expect("it has an address").to_string();
    let folder = Folder::new("taken");
    folder.write("gateway.yaml", &GATEWAY.replace("MOCK", "127.0.0.1:9").replace("LISTEN", &addr));
    let ended = folder.squall(&["gateway", "--config", "gateway.yaml"]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains(&addr), "{}", ended.err);
    folder.write("mock.yaml", &MOCK.replace("127.0.0.1:0", &addr));
    let ended = folder.squall(&["mock", "--config", "mock.yaml"]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains(&addr), "{}", ended.err);
}

pub(crate) const MOCK: &str = "
providers:
  one: { listen: 127.0.0.1:0, format: openai, ttft: 10ms, itl: 1ms }
";

pub(crate) const GATEWAY: &str = "
listen: LISTEN
providers:
  one: { base_url: http://MOCK/v1 }
router:
  groups: { chat: { deployments: [ { name: one, provider: one } ] } }
";

/// `squall mock` with an admin API: its address, and the lines that it says after that.
fn controlled(folder: &Folder, more: &[&str]) -> (Server, String, String) {
    folder.write("mock.yaml", MOCK);
    let arguments = ["mock", "--config", "mock.yaml", "--admin", "127.0.0.1:0"];
    let (server, addr, said) = start_and_listen(folder, &[&arguments, more].concat());
    let line = said.recv_timeout(Duration::from_secs(60)).expect("where it is controlled");
    let admin = line.trim_start_matches("control: http://").trim_end_matches('/').to_owned();
    (server, addr, admin)
}

#[test]
fn a_fault_is_injected_listed_and_ended_from_a_terminal() {
    let folder = Folder::new("mock-controlled");
    let (_mock, addr, admin) = controlled(&folder, &["--events", "events.jsonl"]);
    let control =
        |words: &[&str]| folder.squall(&[&["mock"], words, &["--admin", &admin]].concat());
    let ended = control(&["inject", "one", "error: 503, for: 10m"]);
    assert_eq!((ended.code, &*ended.out), (0, "one: fault 0, 503\n"), "{}", ended.err);
    assert!(ask(&addr, "m").starts_with("HTTP/1.1 503"));
    let ended = control(&["list"]);
    assert!(ended.out.contains("s left, 1 attempt affected"), "{}", ended.out);
    let ended = control(&["end", "all"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ask(&addr, "m").starts_with("HTTP/1.1 200"));
    for what in ["pause", "resume", "reset"] {
        assert_eq!(control(&[what, "one"]).code, 0);
    }
    assert!(control(&["pause", "all"]).out.contains("paused"));
    let events = folder.read("events.jsonl");
    let told: Vec<_> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["event"].clone())
        .collect();
    assert!(
        told.contains(&"fault_started".into()) && told.contains(&"fault_ended".into()),
        "{events}"
    );
}

#[test]
fn what_cannot_be_injected_is_told_to_the_person_at_the_terminal() {
    let folder = Folder::new("mock-refused");
    let (_mock, _, admin) = controlled(&folder, &[]);
    let inject = |words: &[&str]| {
        folder.squall(&[&["mock", "inject"], words, &["--admin", &admin]].concat())
    };
    let ended = inject(&["one", "eror: 503, for: 10m"]);
    assert!(ended.err.contains("did you mean `error`?"), "{}", ended.err);
    assert_eq!(ended.code, 4);
    let ended = inject(&["nobody", "error: 503, for: 10m"]);
    assert!(ended.err.contains("no provider is called `nobody`; known: `one`"), "{}", ended.err);
    let ended = folder.squall(&["mock", "list", "--admin", "127.0.0.1:1"]);
    assert!(
        ended.err.contains("nothing listens on 127.0.0.1:1: start `squall mock"),
        "{}",
        ended.err
    );
    let ended = folder.squall(&["mock"]);
    assert!(ended.code == 2 && ended.err.contains("--config"), "{}", ended.err);
    let open = ["mock", "--config", "mock.yaml", "--admin", "0.0.0.0:0"];
    let ended = folder.squall(&open);
    assert!(ended.code == 4 && ended.err.contains("needs a token"), "{}", ended.err);
}
