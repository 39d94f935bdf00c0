//! `squall init` for a mix of providers: what is written, what is refused, and that it runs at once.

use crate::squall::{Ended, Folder};

const MIX: [&str; 12] = [
    "init",
    "--provider",
    "openai:gpt-4o-mini,weight=60,rpm=6000,tpm=6M",
    "--provider",
    "azure:my-deployment,like=gpt-4o-mini,weight=40,rpm=4000,tpm=4M",
    "--peak",
    "30rps",
    "--slo",
    "99%",
    "--slo-ttft",
    "2s",
    "--out",
];

fn init(folder: &Folder, out: &str, more: &[&str]) -> Ended {
    folder.squall(&[&MIX[..], &[out], more].concat())
}

#[test]
fn a_blueprint_is_written_and_runs_checks_and_rehearses_at_once() {
    let folder = Folder::new("blueprint");
    let ended = init(&folder, "mine/rollout", &[]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let wrote = [
        "wrote mine/rollout/gateway.yaml",
        "wrote mine/rollout/scenarios/viral-spike.yaml",
        "wrote mine/rollout/scenarios/limit-squeeze.yaml",
        "wrote mine/rollout/scenarios/rollout.yaml",
        "wrote mine/rollout/scenarios/outage-openai.yaml",
        "wrote mine/rollout/scenarios/outage-azure.yaml",
        "wrote mine/rollout/checklist.yaml",
        "wrote mine/rollout/.github/workflows/squall.yml",
    ];
    assert_eq!(ended.out.lines().collect::<Vec<_>>(), wrote);
    let needed = "the gateway needs these variables: OPENAI_API_KEY, AZURE_API_KEY, AZURE_API_BASE";
    assert_eq!(ended.err.lines().last(), Some(needed), "{}", ended.err);
    let ended =
        folder.squall(&["run", "--sim", "mine/rollout/scenarios/outage-azure.yaml", "--out", "o"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let ended = folder.squall(&["check", "mine/rollout/scenarios", "--out", "c"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    // Three seeds show that it can be gone through; its stages are judged where it is made.
    let rehearse = ["rehearse", "mine/rollout/checklist.yaml", "--seeds", "3", "--out", "r"];
    let ended = folder.squall(&[&rehearse[..], &["--inconclusive", "warn"]].concat());
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("inconclusive   step to 100%"), "{}", ended.out);
    // The scenarios have the router of the gateway file, and a change there reaches them.
    let (gateway, spike) = ("mine/rollout/gateway.yaml", "mine/rollout/scenarios/viral-spike.yaml");
    folder.write("before.yaml", &folder.read(gateway));
    folder.write(gateway, &folder.read(gateway).replace("weight: 60", "weight: 50"));
    let ended = folder.squall(&["config", "diff", gateway, spike]);
    assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{}", ended.err);
    let ended = folder.squall(&["config", "diff", "before.yaml", spike]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(
        ended.out.contains("router.groups.chat.deployments.openai.weight  60"),
        "{}",
        ended.out
    );
    let ended = folder.squall(&["config", "check", "mine/rollout/gateway.yaml"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn what_the_mix_cannot_do_is_said_before_anything_else() {
    let folder = Folder::new("blueprint-small");
    let ended = init(&folder, "out", &["--peak", "300rps"]);
    assert_eq!(ended.code, 2, "a flag that stands twice is refused: {}", ended.err);
    let small = [&MIX[..5], &["--peak", "300rps", "--slo", "99%", "--out", "out"]].concat();
    let ended = folder.squall(&small);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let first = ended.err.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("warning: the limits admit 167 requests per second of 300"),
        "{first}"
    );
    let ended = folder.squall(&["run", "--sim", "out/scenarios/viral-spike.yaml", "--out", "o"]);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
}

#[test]
fn flags_that_are_missing_are_named_with_an_example() {
    let folder = Folder::new("blueprint-flags");
    let ended = folder.squall(&["init"]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("--provider, --peak and --slo are missing"), "{}", ended.err);
    assert!(
        ended.err.contains("squall init --provider openai:gpt-4o-mini,weight=60"),
        "{}",
        ended.err
    );
    let ended = folder.squall(&["init", "--provider", "openai:gpt-4o", "--peak", "5"]);
    assert!(ended.err.contains("--slo is missing"), "{}", ended.err);
    let ended = folder.squall(&["init", "--provider", "opnai:gpt-4o"]);
    assert!(ended.err.contains("did you mean `openai`?"), "{}", ended.err);
    let ended = folder.squall(&["init", "--from", "litellm"]);
    assert!(ended.err.contains("<FILE>") && ended.code == 2, "{}", ended.err);
    let both = ["init", "--from", "litellm", "x.yaml", "--peak", "5"];
    assert!(folder.squall(&both).err.contains("cannot be used with"));
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_blueprint_is_written_as_a_whole_or_not_at_all() {
    let folder = Folder::new("blueprint-twice");
    std::fs::create_dir_all(folder.path("out/scenarios")).expect("it can be made");
    folder.write("out/scenarios/viral-spike.yaml", "mine");
    let ended = init(&folder, "out", &[]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("viral-spike.yaml` already exists: `--force`"), "{}", ended.err);
    assert_eq!(folder.names(), ["out"]);
    assert!(!folder.path("out/gateway.yaml").exists(), "nothing was written beside it");
    assert_eq!(folder.read("out/scenarios/viral-spike.yaml"), "mine");
    assert_eq!(init(&folder, "out", &["--force"]).code, 0);
    assert!(folder.read("out/scenarios/viral-spike.yaml").contains("expect:"));
    // A folder stands where a file is to be: what was written before it is gone again.
    std::fs::create_dir_all(folder.path("other/checklist.yaml")).expect("it can be made");
    let ended = init(&folder, "other", &["--force"]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains("cannot write `other/checklist.yaml`"), "{}", ended.err);
    let left: Vec<_> =
        std::fs::read_dir(folder.path("other")).expect("it is there").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // A file stands where a folder is to be.
    folder.write("file", "x");
    let ended = init(&folder, "file/out", &[]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains("cannot write `file/out/gateway.yaml`"), "{}", ended.err);
}

#[test]
fn programs_get_the_files_the_warnings_and_the_variables() {
    let folder = Folder::new("blueprint-json");
    let ended = folder.squall(&[
        "init",
        "--provider",
        "openai:gpt-4o",
        "--peak",
        "5",
        "--slo",
        "99%",
        "--json",
        "-q",
    ]);
    let document: serde_json::Value = serde_json::from_str(&ended.out).expect("it is JSON");
    let result = &document["result"];
    assert_eq!(result["files"][0], "blueprint/gateway.yaml");
    assert_eq!(result["variables"], serde_json::json!(["OPENAI_API_KEY"]));
    assert!(result["warnings"].to_string().contains("nothing to fall back to"), "{result}");
}

/// The page, the words of its first command, and what it says that is printed.
fn page() -> (&'static str, Vec<String>) {
    let page = include_str!("../../../../docs/BLUEPRINT.md");
    let command = page.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let command = command.expect("there is one").replace("\\\n", " ");
    (page, command.split_whitespace().skip(1).map(|word| word.replace('\'', "")).collect())
}

#[test]
fn the_page_shows_what_is_printed() {
    let folder = Folder::new("blueprint-page");
    let (page, words) = page();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = folder.squall(&words);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let shown = format!("```text\n{}{}```", ended.out, ended.err);
    assert!(page.contains(&shown), "the page does not show this:\n{shown}");
    let smaller = words.iter().map(|word| {
        let word = word.replace("rpm=30000,tpm=30M", "rpm=10000,tpm=2M");
        let word = word.replace("rpm=12000,tpm=12M", "rpm=3000,tpm=500k");
        word.replace("tpm=4M", "tpm=400k").replace("$500", "$100").replace("my-rollout", "small")
    });
    let smaller: Vec<String> = smaller.collect();
    let ended = folder.squall(&smaller.iter().map(String::as_str).collect::<Vec<_>>());
    let warnings = ended.err.lines().filter(|line| line.starts_with("warning: "));
    let warnings: Vec<_> = warnings.collect();
    let shown = format!("```text\n{}\n```", warnings.join("\n"));
    assert!(warnings.len() == 5 && page.contains(&shown), "the page does not show this:\n{shown}");
}
