//! `squall config`: what a file comes to, and what differs between two.

use crate::squall::Folder;

const GATEWAY: &str = "\
providers: { eu: { base_url: 'http://127.0.0.1:9/v1', api_key: sk-secret } }
router:
  retries: 1
  groups: { chat: { deployments: [ { name: eu, provider: eu, weight: 3 } ] } }
";

#[test]
fn a_configuration_is_shown_with_the_origin_of_each_value() {
    let folder = Folder::new("config-show");
    folder.write("gateway.yaml", GATEWAY);
    let ended = folder.squall(&["config", "show", "gateway.yaml"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let line = |key: &str| {
        let found = ended.out.lines().find(|line| line.trim_start().starts_with(key));
        found.unwrap_or_else(|| panic!("no line begins with `{key}`")).to_owned()
    };
    assert!(line("retries: 1").ends_with("# router (gateway.yaml:3)"), "{}", ended.out);
    assert!(line("deadline: 2h").ends_with("# default"), "{}", ended.out);
    assert!(line("weight: 3").ends_with("# gateway.yaml:4"), "{}", ended.out);
    assert!(!ended.out.contains("sk-secret"), "{}", ended.out);
}

#[test]
fn what_is_set_and_what_is_changed_can_be_asked_for_alone_and_as_json() {
    let folder = Folder::new("config-json");
    folder.write("gateway.yaml", GATEWAY);
    let show = ["config", "show", "gateway.yaml", "--set", "eu.weight=7", "--changed"];
    let ended = folder.squall(&show);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("weight: 7") && ended.out.contains("# --set"), "{}", ended.out);
    assert!(!ended.out.contains("# default"), "{}", ended.out);
    let ended = folder.squall(&[&show[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    let settings = json["result"]["settings"].as_array().expect("they are a list");
    let weight = settings
        .iter()
        .find(|each| each["path"] == "router.groups.chat.deployments.eu.weight")
        .expect("the weight is there");
    assert_eq!((&weight["value"], &weight["from"]), (&"7".into(), &"--set".into()));
}

#[test]
fn differences_are_told_by_path_and_exit_like_those_of_diff() {
    let folder = Folder::new("config-diff");
    folder.write("a.yaml", GATEWAY);
    folder.write("b.yaml", &GATEWAY.replace("weight: 3", "weight: 4"));
    let ended = folder.squall(&["config", "diff", "a.yaml", "b.yaml"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert_eq!(ended.out.trim(), "router.groups.chat.deployments.eu.weight  3  4");
    let ended = folder.squall(&["config", "diff", "a.yaml", "a.yaml"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{}", ended.err);
    folder.write("b.yaml", "router: [");
    let ended = folder.squall(&["config", "diff", "a.yaml", "b.yaml"]);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
    let ended = folder.squall(&["config", "diff", "a.yaml", "gone.yaml"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
}

#[test]
fn a_litellm_file_and_its_import_do_not_differ() {
    let folder = Folder::new("config-litellm");
    let text = include_str!("../../../litellm/tests/files/azure-and-openai.yaml");
    folder.write("litellm.yaml", text);
    let imported = folder.squall(&["import", "litellm", "litellm.yaml"]).out;
    folder.write("gateway.yaml", &imported);
    let ended = folder.squall(&["config", "diff", "litellm.yaml", "gateway.yaml"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{}", ended.err);
}

#[test]
fn files_that_are_none_of_ours_are_refused_with_their_place() {
    let folder = Folder::new("config-bad");
    let large = format!("providers: [{}]\n", "1,".repeat(200_000));
    for (name, text) in [
        ("empty.yaml", ""),
        ("foreign.yaml", "apiVersion: v1\nkind: Pod\n"),
        ("broken.yaml", "router: [\n"),
        ("large.yaml", large.as_str()),
    ] {
        folder.write(name, text);
        let ended = folder.squall(&["config", "show", name]);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{name}: {}", ended.err);
        assert!(ended.err.contains(&format!("{name}:")), "{name}: {}", ended.err);
        assert!(ended.err.len() < 4_000, "{name}: {}", ended.err.len());
    }
}

/// A gateway file with one deployment, and nowhere else to go.
const ALONE: &str = "\
providers: { eu: { base_url: 'https://eu.example/v1', api_key: $EU } }
router:
  deadline: 30s
  max_queue_wait: 30s
  groups: { chat: { deployments: [ { name: eu, provider: eu } ] } }
";

#[test]
fn a_check_prints_the_worst_case_and_finds_what_is_wrong_at_its_line() {
    let folder = Folder::new("config-check");
    folder.write("gateway.yaml", ALONE);
    let ended = folder.squall(&["config", "check", "gateway.yaml"]);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("calls   at most 3 (3 at `chat`); 9 if"), "{}", ended.out);
    for (line, lint) in [(4, "queue-beyond-deadline"), (5, "no-fallback")] {
        assert!(ended.out.contains(&format!("[{lint}]")), "{lint}: {}", ended.out);
        assert!(ended.out.contains(&format!("gateway.yaml:{line}:")), "{lint}: {}", ended.out);
    }
    let allow = ["no-fallback", "queue-beyond-deadline", "sole-deployment-ejected"];
    let allow = allow.iter().flat_map(|lint| ["--allow", lint]);
    let all: Vec<_> = ["config", "check", "gateway.yaml"].into_iter().chain(allow).collect();
    let ended = folder.squall(&all);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("nothing found by"), "{}", ended.out);
    assert!(ended.out.contains("3 more allowed"), "{}", ended.out);
}

#[test]
fn a_check_answers_programs_with_one_document() {
    let folder = Folder::new("config-check-json");
    folder.write("gateway.yaml", ALONE);
    let ended = folder.squall(&["config", "check", "gateway.yaml", "--json"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    let json: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    let result = &json["result"];
    assert_eq!(result["groups"][0]["calls_with_client_retries"], 9, "{result}");
    let findings = result["findings"].as_array().expect("they are a list");
    let queue = findings.iter().find(|each| each["lint"] == "queue-beyond-deadline");
    let queue = queue.expect("it is found");
    assert_eq!((&queue["line"], &queue["column"]), (&4.into(), &3.into()), "{queue}");
}

#[test]
fn a_check_of_what_cannot_be_checked_exits_with_2() {
    let folder = Folder::new("config-check-bad");
    folder.write("broken.yaml", "router: [\n");
    folder.write("mock.yaml", "providers: { one: { ttft: 100ms, itl: 10ms } }\n");
    folder.write("gateway.yaml", ALONE);
    for arguments in [
        &["config", "check", "broken.yaml"][..],
        &["config", "check", "mock.yaml"],
        &["config", "check", "gone.yaml"],
        &["config", "check", "gateway.yaml", "--allow", "no-such-lint"],
    ] {
        let ended = folder.squall(arguments);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn what_is_shipped_passes_its_check() {
    let folder = Folder::new("config-check-shipped");
    folder.write("viral-spike.yaml", &crate::squall::viral_spike());
    let ended = folder.squall(&["config", "check", "viral-spike.yaml"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("at most 6 (3 at `chat`, 3 at `chat-small`)"), "{}", ended.out);
}
