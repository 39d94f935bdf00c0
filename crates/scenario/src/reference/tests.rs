//! The page in `docs/` is the one that the tables give.

use super::reference_markdown;
use crate::read::tests::whole;
use crate::{Scenario, Surroundings};
use std::fs;
use std::path::Path;

const MARK: &str = "<!-- Below: written from the tables of crates/scenario. -->\n";

#[test]
fn the_reference_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SCENARIOS.md");
    let page = fs::read_to_string(&path).unwrap();
    let (prose, tables) = page.split_once(MARK).unwrap();
    let examples = whole::examples();
    let example = |section: &str, key: &str| examples.get(&(section, key)).cloned();
    let current = format!("\n{}", reference_markdown(&example));
    if tables == current {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "asked for by hand, and only in this test")]
    let update = std::env::var_os("UPDATE_REFERENCE").is_some();
    assert!(update, "docs/SCENARIOS.md is behind: run with UPDATE_REFERENCE=1 to write it anew");
    fs::write(&path, format!("{prose}{MARK}{current}")).unwrap();
}

/// The examples of the page that begin with a name, which is that of a whole scenario.
fn examples() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SCENARIOS.md");
    let page = fs::read_to_string(path).unwrap();
    let blocks = page.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.filter(|block| block.starts_with("name:")).map(str::to_owned).collect()
}

#[test]
fn the_examples_of_the_guide_are_read() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/suite");
    let load = |name: &str| fs::read_to_string(suite.join(name));
    let [composed, alone] = &examples()[..] else { panic!("{:#?}", examples()) };
    Scenario::read("guide.yaml", alone).unwrap_or_else(|problems| panic!("{problems}"));
    // What the guide leaves out of its excerpt.
    let text = format!(
        "{composed}phases: {{ calm: 0s..30s, late: 30s..60s }}\ntraffic: {{ group: chat, rate: '${{peak}}', prompt_tokens: 10, \
         output_tokens: 10 }}\n"
    );
    let around = Surroundings { load: &load, variables: &[], environment: &|_| None, folder: None };
    let cases = Scenario::cases("guide.yaml", &text, &around);
    let (cases, _) = cases.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(cases.len(), 6);
    assert_eq!(cases[5].scenario.name, "failover-silent-200");
    assert_eq!(cases[5].scenario.expectations.len(), 4);
}
