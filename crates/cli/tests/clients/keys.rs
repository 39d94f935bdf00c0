//! Virtual keys, judged by OpenAI's own client: which of its exceptions each refusal is, and that keys which the admin
//! API makes and disables are so after a restart.

use super::{Server, python};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOKEN: &str = "8c1f5a7702de49b3";

/// What the judge says; it has to agree.
fn judged(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/keys.py");
    let output = Command::new(python()).arg(script).args(arguments).output().expect("python runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The address that follows a word in what a server says.
fn address(server: &Server, word: &str) -> String {
    let told = server.lines.iter().find_map(|line| line.split_once(word));
    let (_, address) = told.unwrap_or_else(|| panic!("no `{word}` in {:?}", server.lines));
    address.trim().to_owned()
}

/// A folder with the files of a gateway in front of a mock, and the mock.
fn files() -> (PathBuf, Server) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("virtual-keys");
    fs::create_dir_all(&folder).expect("a folder");
    let mock = folder.join("mock.yaml");
    fs::write(&mock, "providers: { up: { listen: 127.0.0.1:0, ttft: 1ms, itl: 1ms } }\n")
        .expect("it is written");
    let server = Server::start("mock", &mock, 1);
    let upstream = address(&server, "up: ");
    let text = format!(
        "listen: 127.0.0.1:0\nproviders: {{ up: {{ base_url: {upstream} }} }}\n\
         router: {{ groups: {{ chat: {{ deployments: [ {{ name: one, provider: up }} ] }} }} }}\n"
    );
    fs::write(folder.join("gateway.yaml"), text).expect("it is written");
    fs::write(folder.join("token"), TOKEN).expect("it is written");
    (folder, server)
}

#[test]
fn keys_are_what_openais_client_takes_them_for_and_outlive_a_restart() {
    let (folder, _mock) = files();
    let place = |name: &str| folder.join(name).display().to_string();
    let (keys, token) = (place("keys.json"), place("token"));
    judged(&["write", &keys]);
    let flags = ["--keys", &keys, "--admin", "127.0.0.1:0", "--admin-token-file", &token];
    let file = folder.join("gateway.yaml");
    let mut gateway = Server::start_with("gateway", &file, 2, &flags);
    let served =
        |gateway: &Server| address(gateway, "gateway: ").trim_end_matches("/v1").to_owned();
    let admin = address(&gateway, "admin: ").trim_end_matches("/state").to_owned();
    let made = judged(&["judge", &served(&gateway), &admin, TOKEN]);
    gateway.terminate();
    let kept = fs::read_to_string(&keys).expect("it is there");
    let told: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    assert!(kept.contains(told["hash"].as_str().expect("text")), "hashlib's hash is the one kept");
    assert!(!kept.contains(told["made"].as_str().expect("text")), "the key itself is not");
    let gateway = Server::start_with("gateway", &file, 2, &flags);
    judged(&["again", &served(&gateway), &made]);
}
