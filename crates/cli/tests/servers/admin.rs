//! The admin API of `squall gateway`: its address, its token, and that it does what it says.

use crate::serve::{GATEWAY, MOCK, Server, ask, spawn, start, until};
use crate::squall::Folder;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::mpsc::Receiver;

pub(crate) const TOKEN: &str = "5f0d3c1a9b7e2468";

/// A gateway in front of a mock whose token is in a file, and the address of its admin API.
pub(crate) fn gateway(folder: &Folder) -> ([Server; 2], String, String) {
    let (servers, addr, admin, _) = gateway_and_lines(folder);
    (servers, addr, admin)
}

/// The same, with what the gateway says after that.
pub(crate) fn gateway_and_lines(
    folder: &Folder,
) -> ([Server; 2], String, String, Receiver<String>) {
    folder.write("mock.yaml", MOCK);
    let (mock, upstream) = start(folder, &["mock", "--config", "mock.yaml"]);
    let file = GATEWAY.replace("MOCK", &upstream).replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &file);
    folder.write("token", &format!("{TOKEN}\n"));
    let arguments = ["gateway", "--config", "gateway.yaml", "--admin", "127.0.0.1:0"];
    let mut command = folder.command(&arguments);
    command.args(["--admin-token-file", "token"]);
    let (server, addr, said) = spawn(command);
    let told = until(&said, "admin: http://");
    let admin = told.split_once("admin: http://").expect("it was waited for").1;
    let admin = admin.split_once('/').expect("a path").0.to_owned();
    ([mock, server], addr, admin, said)
}

fn send(admin: &str, method: &str, what: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(admin).expect("it listens");
    let request = format!(
        "{method} /admin/v1/{what} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn an_operator_with_the_token_of_the_file_pauses_a_gateway_and_resumes_it() {
    let folder = Folder::new("admin-token");
    let (_servers, addr, admin) = gateway(&folder);
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    assert!(send(&admin, "POST", "pause", "0000000000000000").starts_with("HTTP/1.1 401"));
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"), "a wrong token does nothing");
    let paused = send(&admin, "POST", "pause", TOKEN);
    assert!(paused.starts_with("HTTP/1.1 200") && paused.contains(r#""paused":true"#), "{paused}");
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 503"));
    let state = send(&admin, "GET", "state", TOKEN);
    assert!(state.contains(r#""reason":"paused""#), "{state}");
    assert!(send(&admin, "POST", "resume", TOKEN).starts_with("HTTP/1.1 200"));
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    assert!(
        send(&addr, "GET", "state", TOKEN).starts_with("HTTP/1.1 404"),
        "clients have no such path"
    );
}

#[test]
fn an_admin_address_that_is_open_or_a_token_that_is_none_is_a_usage_error() {
    let folder = Folder::new("admin-refused");
    let file = GATEWAY.replace("MOCK", "127.0.0.1:9").replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &file);
    let run = |mut command: Command| {
        let output = command.output().expect("the binary can be run");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let open = ["gateway", "--config", "gateway.yaml", "--admin", "0.0.0.0:0"];
    let (code, said) = run(folder.command(&open));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("has no token: set SQUALL_ADMIN_TOKEN or `--admin-token-file`"),
        "{said}"
    );
    let mut short = folder.command(&open);
    short.env("SQUALL_ADMIN_TOKEN", "hunter2");
    let (code, said) = run(short);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("$SQUALL_ADMIN_TOKEN has 7 characters: at least 16"), "{said}");
    assert!(!said.contains("hunter2"), "it is not told: {said}");
    let mut missing = folder.command(&open);
    missing.args(["--admin-token-file", "nowhere"]);
    let (code, said) = run(missing);
    assert!(code == Some(2) && said.contains("nowhere"), "{said}");
}

/// Runs a command to its end: the exit code, and what it prints on both streams.
fn ended(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("the binary can be run");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_check_tells_what_would_be_served_and_what_a_start_would_refuse() {
    let folder = Folder::new("gateway-check");
    folder.write("mock.yaml", MOCK);
    let (mock, upstream) = start(&folder, &["mock", "--config", "mock.yaml"]);
    let file = GATEWAY.replace("MOCK", &upstream).replace("LISTEN", "127.0.0.1:0");
    folder.write("gateway.yaml", &file.replace("/v1 }", "/v1, api_key: $CHECKED_KEY }"));
    let check = |more: &[&str]| {
        let mut command = folder.command(&["gateway", "check", "gateway.yaml"]);
        command.args(more);
        command
    };
    let (code, said) = ended(check(&[]));
    assert!(code == Some(2) && said.contains("CHECKED_KEY"), "a secret is missing: {said}");
    let with_key = |more: &[&str]| {
        let mut command = check(more);
        command.env("CHECKED_KEY", "sk-checked");
        ended(command)
    };
    let (code, said) = with_key(&["--probe"]);
    assert_eq!(code, Some(0), "{said}");
    for told in [
        "a gateway can start with it",
        "group chat",
        "one: one at one (openai), weight 1: answered",
    ] {
        assert!(said.contains(told), "no `{told}` in {said}");
    }
    assert!(!said.contains("sk-checked"), "{said}");
    drop(mock);
    let (code, said) = with_key(&["--probe"]);
    assert!(code == Some(1) && said.contains("weight 1: no answer"), "{said}");
    folder.write("keys.json", r#"{"version": 1, "keys": [{"id": "a", "hash": "sk-plain"}]}"#);
    let (code, said) = with_key(&["--keys", "keys.json"]);
    assert!(code == Some(2) && said.contains("key 1 (`a`): `hash`"), "{said}");
    assert!(!said.contains("sk-plain"), "{said}");
    folder.write("gateway.yaml", &file.replace("provider: one", "provider: nobody"));
    let (code, said) = ended(check(&[]));
    assert!(code == Some(2) && said.contains("gateway.yaml:6:59"), "{said}");
}

#[test]
fn a_folder_of_parts_is_reloaded_when_one_changes_and_a_mistake_in_it_is_a_metric() {
    let folder = Folder::new("gateway-folder");
    folder.write("mock.yaml", MOCK);
    let (_mock, upstream) = start(&folder, &["mock", "--config", "mock.yaml"]);
    let file = GATEWAY.replace("MOCK", &upstream).replace("LISTEN", "127.0.0.1:0");
    let (providers, router) = file.split_once("router:").expect("a router");
    std::fs::create_dir_all(folder.path("conf.d")).expect("a folder");
    folder.write("conf.d/10-providers.yaml", providers);
    folder.write("conf.d/20-chat.yaml", &format!("router:{router}"));
    let (_gateway, addr, said) = spawn(folder.command(&["gateway", "--config", "conf.d"]));
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    assert!(ask(&addr, "small").starts_with("HTTP/1.1 404"));
    let small =
        "router: { groups: { small: { deployments: [ { name: two, provider: one } ] } } }\n";
    folder.write("conf.d/30-small.yaml", small);
    until(&said, "reloaded conf.d; new: two");
    assert!(ask(&addr, "small").starts_with("HTTP/1.1 200"));
    folder.write("conf.d/40-again.yaml", small);
    let told = until(&said, "keeps its current configuration");
    assert!(told.contains("`router.groups.small` is in two files"), "{told}");
    assert!(told.contains("40-again.yaml:1:") && told.contains("30-small.yaml:1:"), "{told}");
    let metrics = || page(&addr, "/metrics");
    assert!(metrics().contains("squall_config_last_reload_successful 0\n"), "{}", metrics());
    assert!(metrics().contains("squall_config_reload_failed_total 1\n"));
    assert!(ask(&addr, "small").starts_with("HTTP/1.1 200"), "what held goes on");
    std::fs::remove_file(folder.path("conf.d/40-again.yaml")).expect("it is there");
    until(&said, "reloaded conf.d");
    assert!(metrics().contains("squall_config_last_reload_successful 1\n"));
}

/// What a path of a server shows.
pub(crate) fn page(addr: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}
