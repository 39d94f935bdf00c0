//! What files come to.

use super::*;
use std::fs;
use std::path::Path;

fn read(text: &str, overrides: &[&str]) -> Result<Effective, EffectiveError> {
    let overrides: Vec<Override> = overrides.iter().map(|each| each.parse().unwrap()).collect();
    let options = EffectiveOptions {
        overrides: &overrides,
        profile: Profile::Squall,
        load: &|_| Err(io::ErrorKind::NotFound.into()),
    };
    Effective::read("folder/file.yaml", text, &options)
}

fn from(effective: &Effective, path: &str) -> String {
    let settings = effective.settings();
    let found = settings.iter().find(|setting| setting.path == path);
    let found = found.unwrap_or_else(|| panic!("no setting is at `{path}`"));
    format!("{} from {}", found.value.as_deref().unwrap_or("nothing"), found.origin)
}

const GATEWAY_TEXT: &str = "\
providers:
  eu: { base_url: 'https://eu.example/v1', api_key: $KEY }
  us: { base_url: 'https://us.example/v1', api_key: sk-secret }
router:
  retries: 1
  cooldown: { failure: { base: 2s } }
  default_fallback: [small]
  budgets: { month: { limit: $500, period: 30d } }
  groups:
    chat:
      cooldown: { failure: { cap: 1m } }
      deployments:
        - { name: eu, provider: eu, weight: 3, budgets: [month] }
        - name: us
          provider: us
          timeouts: { total: 90s }
          tags: [paid]
    small:
      timeouts: { connect: 1s }
      deployments: [ { name: small, provider: eu, model: mini } ]
";

#[test]
fn every_value_tells_where_it_comes_from() {
    let effective = read(GATEWAY_TEXT, &[]).unwrap();
    insta::assert_snapshot!(effective.to_yaml(false));
}

#[test]
fn without_defaults_only_what_somebody_said_is_left() {
    let effective = read(GATEWAY_TEXT, &[]).unwrap();
    insta::assert_snapshot!(effective.to_yaml(true));
}

#[test]
fn values_that_were_set_say_so_and_the_lines_of_the_others_are_those_of_the_file() {
    let text = GATEWAY_TEXT;
    let effective = read(text, &["router.deadline=9s", "eu.weight=5"]).unwrap();
    assert_eq!(from(&effective, "router.groups.chat.deadline"), "9s from --set");
    assert_eq!(from(&effective, "router.groups.chat.deployments.eu.weight"), "5 from --set");
    assert_eq!(
        from(&effective, "router.groups.small.timeouts.connect"),
        "1s from file.yaml:19",
        "a line was put in above it"
    );
}

#[test]
fn a_profile_is_the_origin_of_what_it_changes_and_of_nothing_else() {
    let text = GATEWAY_TEXT.replace("router:\n", "router:\n  profile: litellm-1.80\n");
    let effective = read(&text, &[]).unwrap();
    let retries = from(&effective, "router.groups.chat.retries");
    assert_eq!(retries, "1 from router (file.yaml:6)");
    assert_eq!(from(&effective, "router.retry_budget"), "unlimited from profile litellm-1.80");
    assert_eq!(from(&effective, "router.groups.chat.deadline"), "2h from default");
}

#[test]
fn a_family_of_models_is_the_origin_of_its_latencies() {
    let text = "providers:\n  eu:\n    like: gpt-4o\n    itl: 5ms\n";
    let effective = read(text, &[]).unwrap();
    let ttft = from(&effective, "providers.eu.ttft");
    assert_eq!(ttft, "{ lognormal: { median: 639ms, p95: 1144ms } } from preset gpt-4o");
    assert_eq!(from(&effective, "providers.eu.itl"), "5ms from file.yaml:4");
}

#[test]
fn no_key_is_shown_and_a_variable_is() {
    let effective = read(GATEWAY_TEXT, &[]).unwrap();
    let shown = effective.to_yaml(false);
    assert!(!shown.contains("sk-secret"), "{shown}");
    assert!(shown.contains("$KEY"), "{shown}");
    assert_eq!(from(&effective, "providers.us.api_key"), "\"(hidden)\" from file.yaml:3");
}

#[test]
fn another_key_is_a_difference_that_shows_neither() {
    let before = read(GATEWAY_TEXT, &[]).unwrap();
    let after = read(&GATEWAY_TEXT.replace("sk-secret", "sk-other"), &[]).unwrap();
    let differences = before.differences(&after);
    let [difference] = &differences[..] else { panic!("{differences:?}") };
    assert_eq!(difference.path, "providers.us.api_key");
    assert_eq!(difference.before.as_deref(), Some("\"(hidden)\""));
    assert_eq!(difference.after.as_deref(), Some("\"(hidden, another key)\""));
}

#[test]
fn what_differs_is_told_by_path_whatever_the_file_looks_like() {
    let before = read(GATEWAY_TEXT, &[]).unwrap();
    assert_eq!(before.differences(&before), []);
    let text = GATEWAY_TEXT.replace("weight: 3", "weight: 4").replace("cap: 1m", "cap: 60s");
    let after = read(&text, &[]).unwrap();
    let difference = |path: &str, before: Option<&str>, after: Option<&str>| SettingDifference {
        path: path.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let weight = "router.groups.chat.deployments.eu.weight";
    assert_eq!(before.differences(&after), [difference(weight, Some("3"), Some("4"))]);
    let text = GATEWAY_TEXT.replace("          tags: [paid]\n", "          region: eu\n");
    let after = read(&text, &[]).unwrap();
    let us = "router.groups.chat.deployments.us";
    assert_eq!(
        before.differences(&after),
        [
            difference(&format!("{us}.tags"), Some("[paid]"), None),
            difference(&format!("{us}.region"), None, Some("eu")),
        ]
    );
}

/// The scenarios that ship, but for those that name another file, and those whose deployments are copied:
/// copies are shown each by its own name.
fn shipped() -> Vec<(String, String)> {
    fn below(folder: &Path, out: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = fs::read_to_string(&path).unwrap();
                let whole = !["\n  litellm:", "replicas:"].iter().any(|key| text.contains(key));
                // A composed one is shown as its cases.
                if text.contains("\ntraffic:") && whole && !crate::is_composed_text(&text) {
                    out.push((path.display().to_string(), text));
                }
            }
        }
    }
    let mut out = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios"), &mut out);
    assert!(out.len() > 20, "the library is there");
    out
}

#[test]
fn what_is_shown_of_a_shipped_scenario_reads_as_the_same_router() {
    for (path, text) in shipped() {
        let shown = read(&text, &[]).unwrap().to_yaml(false);
        let before = Scenario::read(&path, &text).unwrap();
        let after = Scenario::read(&path, &shown).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(after.router, before.router, "{path}");
        assert_eq!(after.changes, before.changes, "{path}");
        assert_eq!(after.deployments, before.deployments, "{path}");
        assert_eq!(after.workload, before.workload, "{path}");
    }
}

#[test]
fn a_file_that_is_none_of_ours_is_told_so_at_its_place() {
    for text in ["", "a: [", "- 1\n- 2\n", "just text", "apiVersion: v1\nkind: Pod\n"] {
        let EffectiveError::File(diagnostics) = read(text, &[]).unwrap_err() else {
            panic!("`{text}` was refused for what was set");
        };
        assert_eq!(diagnostics.problems().len(), 1, "`{text}`");
    }
    let EffectiveError::File(diagnostics) = read("kind: Pod\n", &[]).unwrap_err() else { panic!() };
    assert!(diagnostics.problems()[0].message.starts_with("this is not a scenario"));
    assert!(matches!(read(GATEWAY_TEXT, &["nowhere.at.all=1"]), Err(EffectiveError::Override(_))));
}

#[test]
fn a_file_with_a_mistake_shows_all_its_mistakes() {
    let text = GATEWAY_TEXT.replace("retries: 1", "retires: 1").replace("weight: 3", "weight: x");
    let EffectiveError::File(diagnostics) = read(&text, &[]).unwrap_err() else { panic!() };
    assert_eq!(diagnostics.problems().len(), 2);
}

#[test]
fn a_large_file_is_shown_in_no_more_lines_than_its_groups_have_settings() {
    let mut text =
        "providers: { a: { base_url: 'http://127.0.0.1:1/v1' } }\nrouter:\n  groups:\n".to_owned();
    for group in 0..3_000 {
        text.push_str(&format!(
            "    g{group}: {{ deployments: [ {{ name: d{group}, provider: a }} ] }}\n"
        ));
    }
    let shown = read(&text, &[]).unwrap().to_yaml(false);
    let lines = shown.lines().count();
    assert!((3_000 * 20..3_000 * 60).contains(&lines), "{lines} lines");
    let more =
        "x: &x [1,1,1,1,1,1,1,1,1,1]\n".to_owned() + &format!("y: [{}]\n", "*x,".repeat(20_000));
    assert!(matches!(read(&more, &[]), Err(EffectiveError::File(_))), "it has too many values");
}
