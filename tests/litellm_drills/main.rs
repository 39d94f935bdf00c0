//! The drills that `squall init` writes around LiteLLM's files judge their outages: over every configuration of the
//! corpus, by both profiles.

use squall_judge::{Judgement, Verdict, judge};
use squall_litellm::{InitOptions, LitellmFile};
use squall_record::RowRetention;
use squall_router::Profile;
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

const NOTHING: &str = "there is nothing to fall back to";

/// What a file of the corpus refers to.
fn load(other: &str) -> io::Result<String> {
    match other.strip_prefix("os.environ/") {
        Some("CHAT_MODEL") => Ok("openai/gpt-4o".to_owned()),
        Some("STRATEGY") => Ok("simple-shuffle".to_owned()),
        Some("CHAT_RPM") => Ok("180".to_owned()),
        Some(_) => Err(io::ErrorKind::NotFound.into()),
        None => {
            let corpus =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/litellm/tests/corpus");
            fs::read_to_string(corpus.join(other))
        }
    }
}

/// The files of the corpus that LiteLLM takes.
fn files() -> BTreeMap<String, LitellmFile> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/litellm/tests/corpus");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(&corpus).expect("the corpus is there") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        if !name.ends_with(".yaml") || name.starts_with("refused") {
            continue;
        }
        let text = load(&name).expect("it is text");
        let file = LitellmFile::read_with(&name, &text, &load);
        files.insert(name, file.unwrap_or_else(|problems| panic!("{problems}")));
    }
    files
}

fn judged(text: &str) -> Verdict {
    let scenario = Scenario::read_with("drill.yaml", text, &load);
    let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    let options = SimOptions { keep: RowRetention::Cells, journal: false };
    judge(&scenario, &simulate(&scenario, options).expect("it runs"))
}

/// What came of a drill.
struct Drilled {
    text: String,
    judgement: Judgement,
    /// The groups' outages in which fewer than 90 % of the requests succeeded.
    lost: Vec<String>,
    outages: usize,
}

fn drilled(name: &str, file: &LitellmFile, profile: Profile) -> Drilled {
    let reference = Some(name.to_owned());
    let options = InitOptions { reference, ..InitOptions::new("drill", profile) };
    let text = squall_scenario::litellm_scenario_yaml(file, &options);
    let lines = text.lines().filter_map(|line| line.trim().split_once(": "));
    let phases = lines.map(|(phase, _)| phase).filter(|phase| phase.starts_with("outage"));
    // What is lost is measured whatever the drill itself expects.
    let mut asked = text.clone();
    let mut outages = 0;
    for phase in phases.filter(|phase| !phase.contains(' ') && *phase != "outage: refuse") {
        let of = phase.strip_prefix("outage-").map(|kind| format!("({kind})"));
        let of = of.unwrap_or_default();
        asked.push_str(&format!("  - success_rate{of} >= 90% during {phase}\n"));
        outages += 1;
    }
    let verdict = judged(&asked);
    let own = verdict.rows.len() - outages;
    let judgements = verdict.rows[..own].iter().map(|row| row.judgement);
    let lost = verdict.rows[own..].iter().filter(|row| !row.is_met());
    let lost = lost.map(|row| format!("{}: {}", row.text, row.measured)).collect();
    let judgement =
        judgements.fold(Judgement::Met, |all, one| if one == Judgement::Met { all } else { one });
    Drilled { text, judgement, lost, outages }
}

#[test]
fn no_drill_is_met_when_its_outage_loses_requests_that_had_somewhere_to_go() {
    let mut wrong = Vec::new();
    for (name, file) in files() {
        for profile in [Profile::Squall, Profile::LITELLM_1_80, Profile::LITELLM_1_110] {
            let drilled = drilled(&name, &file, profile);
            assert!(drilled.outages > 0, "{name} has an outage");
            // As many groups may lose their requests as the file says have nothing to fall back to.
            let said = drilled.text.matches(NOTHING).count();
            if drilled.judgement == Judgement::Met && drilled.lost.len() > said {
                wrong.push(format!("{name} by {profile:?}: met, and lost {:?}", drilled.lost));
            }
            if drilled.judgement == Judgement::Inconclusive {
                wrong.push(format!("{name} by {profile:?}: inconclusive"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A group that has somewhere to go is judged by name in its outage, and one that has not by what it may lose.
#[test]
fn every_group_is_judged_in_its_outage() {
    for (name, file) in files() {
        let text = squall_scenario::litellm_scenario_yaml(
            &file,
            &InitOptions {
                reference: Some(name.clone()),
                ..InitOptions::new("drill", Profile::Squall)
            },
        );
        let (_, expected) = text.split_once("\nexpect:").expect("it expects something");
        let judged = expected.matches(">= 90% during outage").count();
        let bounded = expected.matches(NOTHING).count();
        assert_eq!(judged + bounded, file.group_names().len(), "{name}\n{expected}");
    }
}

/// A loss that grows beyond what the file says fails the drill: here the only deployment stays away twice as long.
#[test]
fn a_documented_loss_that_grows_is_missed() {
    let name = "openai-single.yaml";
    let file = files().remove(name).expect("it is there");
    let reference = Some(name.to_owned());
    let options = InitOptions { reference, ..InitOptions::new("drill", Profile::LITELLM_1_110) };
    let text = squall_scenario::litellm_scenario_yaml(&file, &options);
    assert!(text.contains(NOTHING), "{text}");
    assert_eq!(judged(&text).overall, Judgement::Met, "{text}");
    let longer = text
        .replace("outage: refuse }", "outage: refuse }\n      - { at: 20s, for: 15s, error: 503 }");
    assert_eq!(judged(&longer).overall, Judgement::Missed);
}

#[test]
fn a_drill_takes_its_group_rate_and_latency_from_options() {
    let file = files().remove("media.yaml").expect("it is there");
    let options = InitOptions {
        reference: Some("media.yaml".to_owned()),
        group: Some("embed".to_owned()),
        rps: Some(33.0),
        ttft: Some(core::time::Duration::from_millis(770)),
        ..InitOptions::new("drill", Profile::Squall)
    };
    let text = squall_scenario::litellm_scenario_yaml(&file, &options);
    assert!(text.contains("group: embed") && text.contains("rps: 33.0"), "{text}");
    assert!(text.contains("median: 770ms") && !text.contains("mix:"), "{text}");
    assert!(text.contains("stream: 0%"), "embeddings are no streams: {text}");
}
