//! `squall explain`: one request of a recording, in words and as JSON.

use crate::squall::Folder;

const SCENARIO: &str = "\
name: small
seed: 7
duration: 4s
traffic: { group: chat, arrivals: even, rate: 5, prompt_tokens: 100, output_tokens: 10, stream: 100% }
providers:
  one: { ttft: 100ms, itl: 10ms, faults: [ { at: 1s, for: 1s, error: 503 } ] }
  two: { ttft: 100ms, itl: 10ms }
router:
  groups:
    chat: { deployments: [ { name: one, provider: one }, { name: two, provider: two } ] }
expect: [ success_rate >= 99% ]
";

fn run(test: &str) -> Folder {
    let folder = Folder::new(test);
    folder.write("small.yaml", SCENARIO);
    let ended = folder.squall(&["run", "small.yaml", "--sim", "--out", "out"]);
    // So few requests decide nothing; what counts is the recording.
    assert!([0, 3].contains(&ended.code), "{}{}", ended.out, ended.err);
    folder
}

#[test]
fn a_request_is_explained_by_its_number_or_found() {
    let folder = run("explain");
    let ended = folder.squall(&["explain", "out", "6"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.starts_with("request 6 of small (simulated)"), "{}", ended.out);
    assert!(ended.out.contains("failed after 0s: `overloaded` (503)"), "{}", ended.out);
    let slowest = folder.squall(&["explain", "out", "--slowest"]);
    assert_eq!(slowest.code, 0, "{}", slowest.err);
    let none = folder.squall(&["explain", "out", "--first-failed"]);
    assert_eq!(none.code, 2, "{}", none.out);
    assert!(none.err.contains("no request of the recording failed"), "{}", none.err);
}

#[test]
fn programs_get_the_same_as_one_document() {
    let folder = run("explain-json");
    let ended = folder.squall(&["explain", "out", "6", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    let told = &json["result"]["explanation"];
    assert_eq!(told["request"], 6);
    assert_eq!(told["attempts"][0]["why"], "overloaded", "{told}");
    assert_eq!(told["attempts"][1]["deployment"], "two", "{told}");
    let candidates = told["picks"][1]["candidates"].as_array().expect("they are a list");
    assert_eq!(
        (&candidates[0]["is"], &candidates[1]["is"]),
        (&"tried".into(), &"candidate".into())
    );
    assert_eq!(told["disagreements"], serde_json::json!([]));
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let folder = run("explain-bad");
    for (arguments, word) in [
        (&["explain", "out", "1000"][..], "has no request 1000: it has 0 to 19"),
        (&["explain", "out", "six"], "names no request"),
        (&["explain", "out"], "required arguments were not provided"),
        (&["explain", "out", "6", "--slowest"], "cannot be used with"),
        (&["explain", "nowhere", "6"], "nowhere"),
    ] {
        let ended = folder.squall(arguments);
        assert!([2, 4].contains(&ended.code), "{arguments:?}: {}", ended.code);
        assert!(ended.err.contains(word), "{arguments:?}: {}", ended.err);
        assert!(ended.out.is_empty(), "{}", ended.out);
    }
}

#[test]
fn explain_without_a_request_names_all_three_ways_to_say_which() {
    let folder = Folder::new("explain-which");
    let none = folder.squall(&["explain", "out"]);
    assert_eq!(none.code, 2, "{}", none.out);
    assert!(none.err.contains("<REQUEST|--first-failed|--slowest>"), "{}", none.err);
    let two = folder.squall(&["explain", "out", "3", "--slowest"]);
    assert_eq!(two.code, 2, "{}", two.out);
}
