//! What of a LiteLLM file is kept: every setting of it with its line, and how far.

mod special;
mod table;

use super::{LitellmFile, secrets, setting, surroundings};
use crate::surroundings::LoadReference;
use squall_config_file::node::{MapEntry, Node};
use squall_router::Profile;

/// How far a setting is kept.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Support {
    /// No request is treated otherwise than LiteLLM treats it, but for our own algorithm in the place of
    /// LiteLLM's.
    Exact,
    /// With a difference that the note tells.
    Approximate,
    /// Not at all; the note tells what happens instead.
    NotSupported,
}

impl Support {
    /// The word for it in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Approximate => "approximate",
            Self::NotSupported => "not supported",
        }
    }
}

/// A setting of a LiteLLM file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ImportFinding {
    /// Its line, from 1.
    pub line: u32,
    /// Where in the file's tree: `router_settings.num_retries`.
    pub path: String,
    /// Its value as it stands there, shortened; keys are hidden.
    pub value: String,
    /// How far it is kept.
    pub support: Support,
    /// What differs, or what happens instead; empty where nothing is to be said.
    pub note: String,
    /// Whether it has to do with where requests go and when they fail.
    pub is_routing: bool,
}

/// A setting that stands in the file.
#[derive(Clone, Debug)]
pub(super) struct FoundSetting {
    line: u32,
    path: String,
    /// Its section without places in lists: `litellm_params`.
    section: &'static str,
    key: String,
    value: String,
    /// The variable that its value is in, and whether that is set.
    variable: Option<(String, bool)>,
    is_empty: bool,
}

/// How far a profile keeps a setting.
#[derive(Clone, Copy, Debug)]
struct Kept(Support, &'static str);

const SECTIONS: [&str; 4] =
    ["router_settings", "litellm_settings", "general_settings", "environment_variables"];

/// The settings of these are told one by one: each has its own meaning.
const PARTS: [&str; 2] = ["retry_policy", "allowed_fails_policy"];

/// The longest value that is shown, in characters.
const VALUE_MAX: usize = 48;

/// Every setting of the file.
pub(super) fn walk(root: &Node, load: LoadReference<'_>) -> Vec<FoundSetting> {
    let mut walk = SettingWalk { load, found: Vec::new() };
    let list = setting::get(Some(root), "model_list");
    for (place, item) in setting::items(list).iter().enumerate() {
        let path = format!("model_list[{place}]");
        for entry in setting::entries(Some(item)) {
            match entry.key.as_str() {
                "litellm_params" => walk.section(&entry.value, &path, "litellm_params"),
                "model_info" => walk.section(&entry.value, &path, "model_info"),
                _ => walk.push(entry, &path, "model_list"),
            }
        }
    }
    for entry in setting::entries(Some(root)) {
        match SECTIONS.into_iter().find(|known| *known == entry.key) {
            Some(known) => walk.section(&entry.value, "", known),
            None if entry.key == "model_list" => {}
            None => walk.push(entry, "", ""),
        }
    }
    let mut found = walk.found;
    found.sort_by_key(|found| found.line);
    found
}

struct SettingWalk<'l> {
    load: LoadReference<'l>,
    found: Vec<FoundSetting>,
}

impl SettingWalk<'_> {
    fn section(&mut self, node: &Node, above: &str, name: &'static str) {
        let path = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        for entry in setting::entries(Some(node)) {
            let part = PARTS.into_iter().find(|part| *part == entry.key);
            match part.filter(|_| name == "router_settings") {
                Some(part) => self.section(&entry.value, &path, part),
                None => self.push(entry, &path, name),
            }
        }
    }

    fn push(&mut self, entry: &MapEntry, above: &str, section: &'static str) {
        let path = match above {
            "" => entry.key.clone(),
            above => format!("{above}.{}", entry.key),
        };
        let shown = secrets::shown(&entry.key, section, &entry.value);
        let value = match shown.char_indices().nth(VALUE_MAX) {
            Some((at, _)) => format!("{}…", &shown[..at]),
            None => shown,
        };
        let text =
            setting::text(Some(&entry.value)).filter(|text| setting::environment(text).is_some());
        let variable = text.and_then(|text| {
            Some((setting::environment(text)?.to_owned(), (self.load)(text).is_ok()))
        });
        self.found.push(FoundSetting {
            line: entry.value.line,
            path,
            section,
            key: entry.key.clone(),
            value,
            variable,
            is_empty: setting::is_none(&entry.value),
        });
    }
}

/// The findings for a profile.
pub(super) fn findings(file: &LitellmFile, profile: Profile) -> Vec<ImportFinding> {
    let findings = file.settings_found.iter().map(|found| {
        let Kept(support, note) = kept(file, profile, found);
        let (path, value) = (found.path.clone(), found.value.clone());
        let note = match &found.variable {
            Some((name, true)) if note.is_empty() => format!("read from `{name}`"),
            Some((name, true)) if !is_reference(found) => format!("{note}; read from `{name}`"),
            Some((name, false)) if !is_reference(found) && support != Support::NotSupported => {
                format!("`{name}` is not set in the environment: treated as not set")
            }
            _ => note.to_owned(),
        };
        let is_unset = matches!(found.variable, Some((_, false))) && !is_reference(found);
        let support = match support {
            Support::Exact if is_unset => Support::Approximate,
            support => support,
        };
        let is_routing = is_routing(found);
        ImportFinding { line: found.line, path, value, support, note, is_routing }
    });
    findings.collect()
}

/// Whether the value stays a reference to a variable in a file of ours.
fn is_reference(found: &FoundSetting) -> bool {
    secrets::is_secret(&found.key) || surroundings::ADDRESSES.contains(&found.key.as_str())
}

fn kept(file: &LitellmFile, profile: Profile, found: &FoundSetting) -> Kept {
    if found.is_empty && found.key != "model" {
        return Kept(Support::Exact, "empty: not set");
    }
    if let Some(kept) = special::kept(file, profile, found) {
        return kept;
    }
    let (section, key) = (found.section, found.key.as_str());
    let of_profile = |row: &table::SettingRow| match profile {
        Profile::Squall => row.ours,
        Profile::Litellm(_) => row.theirs,
    };
    match table::find(section, key) {
        Some(row) => of_profile(row),
        None if table::is_misplaced(section, key) && table::is_of_entry(section) => Kept(
            Support::Exact,
            "LiteLLM ignores it here, and so is it here: it belongs in `litellm_params`",
        ),
        None if table::is_misplaced(section, key) => Kept(
            Support::Exact,
            "LiteLLM ignores it here, and so is it here: it belongs in `router_settings`",
        ),
        None => match table::find_section(section) {
            Some(row) => of_profile(row),
            None if section == "litellm_params" => {
                Kept(Support::NotSupported, "not sent: a parameter of requests to the provider")
            }
            None => Kept(Support::NotSupported, "not a known setting of routing"),
        },
    }
}

/// Whether a setting has to do with where requests go.
fn is_routing(found: &FoundSetting) -> bool {
    let row = table::find(found.section, &found.key);
    let misplaced = || table::is_misplaced(found.section, &found.key);
    row.map_or_else(misplaced, |row| row.is_routing)
}
