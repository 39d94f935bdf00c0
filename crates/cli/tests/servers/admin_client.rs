//! `squall admin`: a gateway that runs is asked from a terminal.

use crate::admin::{TOKEN, gateway};
use crate::serve::{ask, until};
use crate::squall::{Ended, Folder};

/// Runs `squall admin` against this address, with the token of the folder's file.
fn admin(folder: &Folder, addr: &str, words: &[&str]) -> Ended {
    let more = ["--admin", addr, "--admin-token-file", "token"];
    folder.squall(&[&["admin"], words, &more].concat())
}

#[test]
fn an_operator_sees_and_changes_a_gateway_from_a_terminal() {
    let folder = Folder::new("admin-client");
    let (_servers, addr, api) = gateway(&folder);
    let state = admin(&folder, &api, &["state"]);
    assert_eq!(state.code, 0, "{}", state.err);
    assert!(state.out.contains("ready, 0 in flight"), "{}", state.out);
    assert!(state.out.contains("group chat: ") && state.out.contains("one "), "{}", state.out);
    let paused = admin(&folder, &api, &["pause"]);
    assert!(paused.code == 0 && paused.out.contains("squall admin resume"), "{}", paused.err);
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 503"));
    assert!(admin(&folder, &api, &["state"]).out.contains("not ready: paused, paused"));
    assert_eq!(admin(&folder, &api, &["resume"]).code, 0);
    assert!(ask(&addr, "chat").starts_with("HTTP/1.1 200"));
    let weights = admin(&folder, &api, &["weights", "one=7", "--for", "10m"]);
    assert_eq!(weights.out, "`one` has weight 7, for 10m\n", "{}", weights.err);
    let state = admin(&folder, &api, &["state", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&state.out).expect("one document");
    assert_eq!(
        json["result"]["state"]["groups"][0]["deployments"][0]["weight"], 7,
        "{}",
        state.out
    );
    assert_eq!(admin(&folder, &api, &["weights", "one=configured"]).code, 0);
    for refused in [["drain", "two"], ["drain", "one"]] {
        let ended = admin(&folder, &api, &refused);
        assert!(ended.code == 4 && ended.err.contains("answered 40"), "{}", ended.err);
    }
    let pinned = admin(&folder, &api, &["pin", "chat", "one"]);
    assert_eq!(pinned.out, "`one` alone serves `chat`\n", "{}", pinned.err);
    assert_eq!(admin(&folder, &api, &["unpin", "chat"]).code, 0);
}

#[test]
fn a_request_is_explained_by_the_id_that_its_client_was_given() {
    let folder = Folder::new("admin-explain");
    let (_servers, addr, api) = gateway(&folder);
    let answer = ask(&addr, "chat");
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: "));
    let id = id.expect("every answer has one").trim();
    let listed = admin(&folder, &api, &["requests"]);
    assert!(listed.out.contains(id) && listed.out.contains("succeeded  one"), "{}", listed.out);
    let told = admin(&folder, &api, &["explain", id]);
    assert_eq!(told.code, 0, "{}", told.err);
    for words in ["attempt 1 at `one`", "picked", "ended: succeeded by `one`"] {
        assert!(told.out.contains(words), "no `{words}` in {}", told.out);
    }
    let gone = admin(&folder, &api, &["explain", "nobody/knows it"]);
    assert!(gone.code == 4 && gone.err.contains("about `nobody/knows it`"), "{}", gone.err);
}

#[test]
fn who_cannot_ask_is_told_why_and_what_to_do() {
    let folder = Folder::new("admin-errors");
    let (_servers, addr, api) = gateway(&folder);
    let none = folder.squall(&["admin", "state", "--admin", &api]);
    assert!(none.code == 4 && none.err.contains("wants a token: name its file by"), "{}", none.err);
    folder.write("token", "0000000000000000\n");
    let wrong = admin(&folder, &api, &["state"]);
    assert!(wrong.err.contains("does not take the token of token"), "{}", wrong.err);
    assert!(!wrong.err.contains("0000"), "{}", wrong.err);
    let nobody = admin(&folder, "127.0.0.1:1", &["state"]);
    assert!(nobody.err.contains("nothing listens on http://127.0.0.1:1: start"), "{}", nobody.err);
    let secure = admin(&folder, &format!("https://{api}"), &["state"]);
    assert!(secure.err.contains("ask by `http://` where it speaks none"), "{}", secure.err);
    let clients = admin(&folder, &addr, &["state"]);
    assert!(clients.code == 4 && clients.err.contains("answered 404"), "{}", clients.err);
    for (words, said) in [
        (&["state", "--admin", "unix:///x"][..], "is no address such as 127.0.0.1:9191"),
        (&["weights", "one"], "expected DEPLOYMENT=WEIGHT"),
        (&["weights", "one=many"], "expected DEPLOYMENT=WEIGHT"),
        (&["state", "--admin-token-file", "nowhere"], "nowhere"),
    ] {
        let ended = folder.squall(&[&["admin"], words].concat());
        assert!(ended.code != 0 && ended.err.contains(said), "{words:?}: {}", ended.err);
    }
}

#[test]
fn a_token_is_rotated_without_a_restart_and_one_that_can_be_none_changes_nothing() {
    let folder = Folder::new("admin-rotation");
    let (servers, _, api, said) = crate::admin::gateway_and_lines(&folder);
    folder.write("old", TOKEN);
    folder.write("token", "fedcba9876543210\n");
    until(&said, "the admin API has the token of its file");
    assert_eq!(admin(&folder, &api, &["state"]).code, 0);
    let old = folder.squall(&["admin", "state", "--admin", &api, "--admin-token-file", "old"]);
    assert!(old.code == 4 && old.err.contains("does not take the token of old"), "{}", old.err);
    folder.write("short", "fedcba9876543210");
    folder.write("token", "short");
    until(&said, "the admin API keeps its current token");
    let still = folder.squall(&["admin", "state", "--admin", &api, "--admin-token-file", "short"]);
    assert_eq!(still.code, 0, "{}", still.err);
    drop(servers);
}
