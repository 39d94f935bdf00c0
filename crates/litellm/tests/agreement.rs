//! Every configuration of the corpus beside what the installed LiteLLM makes of it: its groups, deployments, addresses,
//! keys, limits, shares, fallbacks and settings. `cargo xtask litellm-files` asks LiteLLM; here its committed facts
//! are the judge.

#[path = "agreement/facts.rs"]
mod facts;
#[path = "agreement/ours.rs"]
mod ours;

use facts::{Facts, FileFacts};
use ours::Ours;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where we differ from LiteLLM, on purpose: the file, what is compared, and why, as docs/LITELLM.md says it.
const STATED: [(&str, &str, &str); 4] = [
    ("local-models.yaml", "address of llama", "Ollama is called at OpenAI's API beside its own"),
    (
        "some-weights.yaml",
        "shares by ours of limited",
        "a deployment without `rpm` beside one that has it",
    ),
    ("clouds.yaml", "left out", "providers whose API is not spoken here"),
    ("wildcards.yaml", "address of gemini/*", "Gemini's version is `v1beta` for every model"),
];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the task that asks LiteLLM says where its answer is"
)]
fn facts() -> Facts {
    let fresh = std::env::var("SQUALL_LITELLM_FACTS").map(PathBuf::from);
    let path = fresh.unwrap_or_else(|_| corpus().join("facts.json"));
    Facts::read(&path)
}

fn files() -> Vec<String> {
    let entries = fs::read_dir(corpus()).expect("the corpus is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let mut names: Vec<_> = names.map(|name| name.expect("text")).collect();
    names.retain(|name| name.ends_with(".yaml"));
    names.sort();
    names
}

/// What differs in a file, each with what it is about.
fn differences(name: &str, facts: &FileFacts) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut differ = |what: &str, theirs: String, ours: String| {
        if theirs != ours {
            found.push((what.to_owned(), format!("LiteLLM {theirs}, here {ours}")));
        }
    };
    let ours = match (Ours::read(&corpus(), name), &facts.refused) {
        (Err(_), Some(_)) => return Vec::new(),
        (Ok(_), Some(theirs)) => {
            return vec![("refused".to_owned(), format!("LiteLLM says {theirs}, here it is read"))];
        }
        (Err(ours), None) => return vec![("refused".to_owned(), format!("only here: {ours}"))],
        (Ok(ours), None) => ours,
    };
    let (theirs_all, ours_all) = (facts.deployments(), ours.deployments());
    let names = |all: &[ours::Deployment]| {
        all.iter()
            .map(|each| format!("{}={}", each.group, each.model))
            .collect::<Vec<_>>()
            .join(" ")
    };
    differ("deployments", names(&theirs_all), names(&ours_all));
    for (theirs, ours) in theirs_all.iter().zip(&ours_all) {
        let group = &ours.group;
        differ(&format!("provider of {group}"), theirs.provider.clone(), ours.provider.clone());
        differ(&format!("limits of {group}"), theirs.limits.clone(), ours.limits.clone());
        differ(&format!("times of {group}"), theirs.times.clone(), ours.times.clone());
        differ(&format!("prices of {group}"), theirs.prices.clone(), ours.prices.clone());
        let Some(address) = &theirs.address else { continue };
        match &ours.address {
            Some(own) => differ(&format!("address of {group}"), address.clone(), own.clone()),
            None => differ("left out", address.clone(), "not spoken".to_owned()),
        }
        if let (Some(theirs), Some(ours)) = (&theirs.key, &ours.key) {
            differ(&format!("key of {group}"), theirs.clone(), ours.clone());
        }
    }
    for (group, theirs) in facts.shares() {
        for (by_ours, what) in [(false, "shares of"), (true, "shares by ours of")] {
            let own = ours.shares(&group, by_ours);
            // Of 400 draws a share is within 0.09 of its own but once in thousands.
            let far = theirs.iter().zip(&own).any(|(theirs, own)| (theirs - own).abs() > 0.09);
            if far || theirs.len() != own.len() {
                differ(&format!("{what} {group}"), format!("{theirs:?}"), format!("{own:?}"));
            }
        }
    }
    for (what, theirs) in facts.settings() {
        differ(&what, theirs, ours.setting(&what));
    }
    for group in ours.groups() {
        for list in ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"] {
            let theirs = facts.fallbacks(list, &group, &ours);
            differ(&format!("{list} of {group}"), theirs, ours.fallbacks(list, &group));
        }
    }
    found
}

#[test]
fn what_we_make_of_each_file_is_what_litellm_makes_of_it() {
    let facts = facts();
    let (mut stated, mut unstated) = (BTreeSet::new(), Vec::new());
    let files = files();
    assert!(files.len() >= 30, "{} files", files.len());
    for name in &files {
        let of_file = facts.of(name).unwrap_or_else(|| panic!("no facts of {name}: bless them"));
        for (what, difference) in differences(name, &of_file) {
            let known = STATED.iter().position(|(file, about, _)| file == name && what == *about);
            match known {
                Some(place) => drop(stated.insert(place)),
                None => unstated.push(format!("{name}: {what}: {difference}")),
            }
        }
    }
    assert!(unstated.is_empty(), "LiteLLM {}:\n{}", facts.version(), unstated.join("\n"));
    for (place, (file, what, _)) in STATED.iter().enumerate() {
        assert!(stated.contains(&place), "{file}: {what} no longer differs");
    }
}

#[test]
fn every_difference_is_stated_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/LITELLM.md");
    let page = fs::read_to_string(page).expect("the page is there").replace('\n', " ");
    for (_, _, why) in STATED {
        assert!(page.contains(why), "docs/LITELLM.md does not say: {why}");
    }
}
