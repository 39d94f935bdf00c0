//! The settings of LiteLLM that are known here, and how far each profile keeps them.

mod elsewhere;
mod entry;
mod router;

use super::{Kept, Support};

/// A setting that is known.
#[derive(Debug)]
pub(super) struct SettingRow {
    sections: &'static [&'static str],
    keys: &'static [&'static str],
    /// By LiteLLM's formulas.
    pub(super) theirs: Kept,
    /// By ours.
    pub(super) ours: Kept,
    /// Whether it has to do with where requests go.
    pub(super) is_routing: bool,
}

fn rows() -> impl Iterator<Item = &'static SettingRow> {
    entry::ROWS.iter().chain(router::ROWS).chain(elsewhere::ROWS)
}

/// The row of a setting, where it stands in a section that LiteLLM reads it in.
pub(super) fn find(section: &str, key: &str) -> Option<&'static SettingRow> {
    rows().find(|row| row.sections.contains(&section) && row.keys.contains(&key))
}

/// The row of everything in a section that has none of its own.
pub(super) fn find_section(section: &str) -> Option<&'static SettingRow> {
    find(section, "*")
}

/// Whether a key is one of routing that LiteLLM reads in another section of its kind only.
pub(super) fn is_misplaced(section: &str, key: &str) -> bool {
    rows().any(|row| {
        let same_kind = |known: &&str| is_of_entry(known) == is_of_entry(section);
        row.is_routing && row.keys.contains(&key) && row.sections.iter().any(same_kind)
    })
}

/// Whether a section is a part of a deployment.
pub(super) fn is_of_entry(section: &str) -> bool {
    matches!(section, "model_list" | "litellm_params" | "model_info")
}

const EXACT: Kept = Kept(Support::Exact, "");

const fn exact(note: &'static str) -> Kept {
    Kept(Support::Exact, note)
}

const fn near(note: &'static str) -> Kept {
    Kept(Support::Approximate, note)
}

const fn none(note: &'static str) -> Kept {
    Kept(Support::NotSupported, note)
}

type Words = &'static [&'static str];

/// A setting of routing that both profiles keep alike.
const fn same(sections: Words, keys: Words, kept: Kept) -> SettingRow {
    SettingRow { sections, keys, theirs: kept, ours: kept, is_routing: true }
}

/// A setting of routing that the profiles keep each in its way.
const fn each(sections: Words, keys: Words, theirs: Kept, ours: Kept) -> SettingRow {
    SettingRow { sections, keys, theirs, ours, is_routing: true }
}

/// A setting that has nothing to do with where requests go.
const fn aside(sections: Words, keys: Words, kept: Kept) -> SettingRow {
    SettingRow { sections, keys, theirs: kept, ours: kept, is_routing: false }
}
