//! The page in `docs/` is the one that the tables give.

use super::reference_markdown;
use std::fs;
use std::path::Path;

const MARK: &str = "<!-- Below: written from the tables of crates/scenario. -->\n";

#[test]
fn the_reference_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SCENARIOS.md");
    let page = fs::read_to_string(&path).unwrap();
    let (prose, tables) = page.split_once(MARK).unwrap();
    let current = format!("\n{}", reference_markdown());
    if tables == current {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "asked for by hand, and only in this test")]
    let update = std::env::var_os("UPDATE_REFERENCE").is_some();
    assert!(update, "docs/SCENARIOS.md is behind: run with UPDATE_REFERENCE=1 to write it anew");
    fs::write(&path, format!("{prose}{MARK}{current}")).unwrap();
}
