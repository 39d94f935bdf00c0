//! The page about formats: what it shows can be used.

use squall_scenario::GatewayFile;
use squall_wire::Format;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/FORMATS.md");

#[test]
fn the_file_that_it_shows_is_a_gateways_and_has_every_format() {
    let (_, rest) = PAGE.split_once("```yaml\n").expect("a file is shown");
    let (text, _) = rest.split_once("```").expect("it ends");
    let file = GatewayFile::read("gateway.yaml", text).expect("it reads");
    let formats: BTreeSet<_> = file.providers.iter().map(|provider| provider.format).collect();
    assert_eq!(formats, BTreeSet::from(Format::ALL));
    for provider in &file.providers {
        let path = provider.format.base_path();
        assert!(provider.base_url.ends_with(path), "{}: {path}", provider.base_url);
    }
}
