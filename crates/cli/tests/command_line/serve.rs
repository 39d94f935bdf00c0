//! `squall gateway` and `squall mock` as servers.

use crate::squall::Folder;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

/// A server that is stopped when the test ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server, and returns the address that it tells on its first line.
fn start(folder: &Folder, arguments: &[&str]) -> (Server, String) {
    let mut child = folder
        .command(arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary can be run");
    let mut line = String::new();
    let stderr = child.stderr.take().expect("it is piped");
    BufReader::new(stderr).read_line(&mut line).expect("it says where it listens");
    let addr = line.trim().rsplit_once("http://").map(|(_, addr)| addr.trim_end_matches("/v1"));
    let addr = addr.unwrap_or_else(|| panic!("no address in `{line}`")).to_owned();
    (Server(child), addr)
}

fn ask(addr: &str, model: &str) -> String {
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

const MOCK: &str = "
providers:
  one: { listen: 127.0.0.1:0, format: openai, ttft: 10ms, itl: 1ms }
";

const GATEWAY: &str = "
listen: LISTEN
providers:
  one: { base_url: http://MOCK/v1 }
router:
  groups: { chat: { deployments: [ { name: one, provider: one } ] } }
";
