//! A gateway file in several parts, as a folder holds them: read as one, each place that of the part it was written in.

use super::{GATEWAY, gateway};
use crate::diagnostic::{Diagnostics, Problem, Problems};
use crate::fields::Fields;
use crate::former_names;
use crate::model::GatewayFile;
use crate::node::{MapEntry, Node, NodeKind};
use crate::yaml;
use squall_config_file::source_texts::SourceTexts;

/// The mappings whose entries may stand in several parts. Whatever else is written twice is a mistake.
const SHARED: [&str; 5] =
    ["providers", "router", "router.groups", "router.tenants", "router.budgets"];

impl GatewayFile {
    /// Reads a gateway file from its parts, each with what diagnostics call it.
    ///
    /// # Errors
    /// All the problems of the file, each with its part and its place. A setting or a name in two parts is one, at
    /// both places.
    pub fn read_parts(parts: &[(String, String)]) -> Result<Self, Diagnostics> {
        let Some(((path, text), others)) = parts.split_first() else {
            return Self::read("", "");
        };
        let problems = Problems::default();
        let mut sources = SourceTexts::new(path, text);
        let mut whole = parsed(path, text)?;
        for (path, text) in others {
            let start = sources.add(path, text);
            if let Some(part) = parsed(path, text)? {
                let part = part.moved(start);
                match &mut whole {
                    Some(whole) => merge(whole, part, "", &problems),
                    None => whole = Some(part),
                }
            }
        }
        let Some(mut whole) = whole else { return Self::read(path, text) };
        former_names::replace(&mut whole, &GATEWAY, &problems);
        let fields = Fields::open(&whole, &GATEWAY, &problems);
        match fields.and_then(|fields| gateway::gateway(&fields)) {
            Some(file) if problems.is_empty() => Ok(file),
            _ => Err(Diagnostics::of(sources, problems.into_vec())),
        }
    }
}

/// What a part says by itself; nothing for one that is empty.
fn parsed(path: &str, text: &str) -> Result<Option<Node>, Diagnostics> {
    // A part that has only comments says nothing, which a whole file may not.
    let says_nothing =
        |line: &str| matches!(line.trim(), "" | "---") || line.trim().starts_with('#');
    if text.lines().all(says_nothing) {
        return Ok(None);
    }
    let problems = Problems::default();
    match yaml::parse(text, &problems) {
        Some(node) if problems.is_empty() => Ok(Some(node)),
        _ => Err(Diagnostics::new(path, text, problems.into_vec())),
    }
}

/// Adds a part to a whole that stands at `place`.
fn merge(whole: &mut Node, part: Node, place: &str, problems: &Problems) {
    let NodeKind::Map(entries) = &mut whole.kind else { return };
    let NodeKind::Map(more) = part.kind else {
        let problem = Problem::new(&part.span, "a part is not a mapping", "expected settings");
        problems.push(problem);
        return;
    };
    for entry in more {
        let Some(first) = entries.iter_mut().find(|first| first.key == entry.key) else {
            entries.push(entry);
            continue;
        };
        let place =
            if place.is_empty() { entry.key.clone() } else { format!("{place}.{}", entry.key) };
        let both_map =
            matches!((&first.value.kind, &entry.value.kind), (NodeKind::Map(_), NodeKind::Map(_)));
        if both_map && SHARED.contains(&place.as_str()) {
            merge(&mut first.value, entry.value, &place, problems);
        } else {
            problems.push(twice(first, &entry, &place));
        }
    }
}

fn twice(first: &MapEntry, again: &MapEntry, place: &str) -> Problem {
    let message = format!("`{place}` is in two files");
    Problem::new(&again.key_span, message, "again here")
        .related(&first.key_span, "first here")
        .help("leave it in one of them: no file overrides another")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDERS: &str = "providers:\n  eu: { base_url: http://127.0.0.1:1/v1 }\n";
    const CHAT: &str =
        "router:\n  groups:\n    chat: { deployments: [ { name: one, provider: eu } ] }\n";

    fn parts(texts: &[&str]) -> Vec<(String, String)> {
        let named = |(number, text): (usize, &&str)| (format!("{number}.yaml"), (*text).to_owned());
        texts.iter().enumerate().map(named).collect()
    }

    #[test]
    fn parts_are_read_as_one_file_in_which_they_stand_one_after_the_other() {
        let more = "listen: 127.0.0.1:9\nproviders:\n  us: { base_url: http://127.0.0.1:2/v1 }\nrouter:\n  groups:\n    small: { deployments: [ { name: two, provider: us } ] }\n";
        let of_parts = GatewayFile::read_parts(&parts(&[PROVIDERS, "# nothing\n", CHAT, more]));
        let whole = "listen: 127.0.0.1:9\nproviders:\n  eu: { base_url: http://127.0.0.1:1/v1 }\n  us: { base_url: http://127.0.0.1:2/v1 }\nrouter:\n  groups:\n    chat: { deployments: [ { name: one, provider: eu } ] }\n    small: { deployments: [ { name: two, provider: us } ] }\n";
        let whole = GatewayFile::read("whole.yaml", whole).expect("it is sound");
        assert_eq!(of_parts.expect("they are sound"), whole);
    }

    #[test]
    fn a_name_in_two_parts_is_told_with_both_places() {
        for (again, place) in [
            ("providers:\n  eu: { base_url: http://127.0.0.1:2/v1 }\n", "providers.eu"),
            ("router:\n  groups:\n    chat: { deployments: [] }\n", "router.groups.chat"),
        ] {
            let refused = GatewayFile::read_parts(&parts(&[PROVIDERS, CHAT, again]));
            let refused = refused.expect_err("it is there twice").to_string();
            let first = if place.starts_with("providers") { "0.yaml:2" } else { "1.yaml:3" };
            for told in
                [format!("`{place}` is in two files"), "2.yaml:".to_owned(), first.to_owned()]
            {
                assert!(refused.contains(&told), "no `{told}` in {refused}");
            }
        }
    }

    #[test]
    fn mistakes_are_told_at_the_place_of_their_part() {
        let wrong =
            "router:\n  groups:\n    small: { deployments: [ { name: two, provider: nobody } ] }\n";
        let refused =
            GatewayFile::read_parts(&parts(&[PROVIDERS, CHAT, wrong])).expect_err("no provider");
        assert!(refused.to_string().contains("2.yaml:3:"), "{refused}");
        let broken = GatewayFile::read_parts(&parts(&[PROVIDERS, CHAT, "router: [\n"]));
        assert!(broken.expect_err("no YAML").to_string().contains("2.yaml:"));
        let list = GatewayFile::read_parts(&parts(&[PROVIDERS, CHAT, "- one\n"]));
        assert!(list.expect_err("a list").to_string().contains("a part is not a mapping"));
    }
}
