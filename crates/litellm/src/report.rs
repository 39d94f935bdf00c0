//! What of a LiteLLM file is kept: every setting of it with its line, and how far.

mod table;

use super::{LitellmFile, setting};
use core::ops::Range;
use squall_config_file::diagnostic::Problems;
use squall_config_file::node::{Node, NodeKind};
use squall_config_file::yaml;
use squall_router::{LitellmRules, LitellmStrategy, OrderUse, PolicyClasses, Profile};

/// How far a setting is kept.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Support {
    /// As LiteLLM 1.80 does, or, by our formulas, as its author meant it.
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
    in_environment: bool,
}

/// How far a profile keeps a setting.
#[derive(Clone, Copy, Debug)]
struct Kept(Support, &'static str);

const SECTIONS: [&str; 4] =
    ["router_settings", "litellm_settings", "general_settings", "environment_variables"];

/// The longest value that is shown, in characters.
const VALUE_MAX: usize = 48;

/// Every setting of the file.
pub(super) fn walk(root: &Node) -> Vec<FoundSetting> {
    let mut found = Vec::new();
    let list = setting::get(Some(root), "model_list");
    for (place, item) in setting::items(list).iter().enumerate() {
        let path = format!("model_list[{place}]");
        for entry in setting::entries(Some(item)) {
            match entry.key.as_str() {
                "litellm_params" => section(&entry.value, &path, "litellm_params", &mut found),
                "model_info" => section(&entry.value, &path, "model_info", &mut found),
                _ => push(entry, &path, "model_list", &mut found),
            }
        }
    }
    for entry in setting::entries(Some(root)) {
        match SECTIONS.into_iter().find(|known| *known == entry.key) {
            Some(known) => section(&entry.value, "", known, &mut found),
            None if entry.key == "model_list" => {}
            None => push(entry, "", "", &mut found),
        }
    }
    found.sort_by_key(|found| found.line);
    found
}

fn section(node: &Node, above: &str, name: &'static str, found: &mut Vec<FoundSetting>) {
    let path = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
    for entry in setting::entries(Some(node)) {
        push(entry, &path, name, found);
    }
}

fn push(
    entry: &squall_config_file::node::MapEntry,
    above: &str,
    section: &'static str,
    found: &mut Vec<FoundSetting>,
) {
    let path = match above {
        "" => entry.key.clone(),
        above => format!("{above}.{}", entry.key),
    };
    let (line, key) = (entry.value.line, entry.key.clone());
    let value = shown(&entry.key, section, &entry.value);
    let in_environment = setting::text(Some(&entry.value)).and_then(setting::environment).is_some();
    found.push(FoundSetting { line, path, section, key, value, in_environment });
}

/// A value on one line, without secrets.
fn shown(key: &str, section: &str, node: &Node) -> String {
    match setting::text(Some(node)) {
        Some(text) if is_secret(key, section) && setting::environment(text).is_none() => {
            HIDDEN.to_owned()
        }
        _ => {
            let flat = flat(node);
            match flat.char_indices().nth(VALUE_MAX) {
                Some((at, _)) => format!("{}…", &flat[..at]),
                None => flat,
            }
        }
    }
}

const HIDDEN: &str = "(hidden)";

/// Whether a key of a section stands for something that nobody else is to see.
fn is_secret(key: &str, section: &str) -> bool {
    let lower = key.to_lowercase();
    section == "environment_variables"
        || ["key", "password", "secret", "token", "database_url"]
            .iter()
            .any(|word| lower.ends_with(word) && !lower.ends_with("per_token"))
}

/// A file's text with every secret hidden: what may be kept beside a recording.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let mut spans = Vec::new();
    if let Some(root) = yaml::parse(text, &Problems::default()) {
        secrets(&root, "", &mut spans);
    }
    let mut out = text.to_owned();
    spans.sort_unstable_by_key(|span: &Range<usize>| core::cmp::Reverse(span.start));
    for span in spans {
        out.replace_range(span, &format!("\"{HIDDEN}\""));
    }
    out
}

fn secrets(node: &Node, section: &str, spans: &mut Vec<Range<usize>>) {
    match &node.kind {
        NodeKind::Map(entries) => {
            for entry in entries {
                let within = if section.is_empty() { entry.key.as_str() } else { section };
                match &entry.value.kind {
                    NodeKind::Scalar(text) if setting::environment(text).is_none() => {
                        if is_secret(&entry.key, section) {
                            spans.push(entry.value.span.clone());
                        }
                    }
                    _ => secrets(&entry.value, within, spans),
                }
            }
        }
        NodeKind::List(items) => items.iter().for_each(|item| secrets(item, section, spans)),
        NodeKind::Scalar(_) | NodeKind::Nothing => {}
    }
}

fn flat(node: &Node) -> String {
    match &node.kind {
        NodeKind::Nothing => "null".to_owned(),
        NodeKind::Scalar(text) => text.replace('\n', " "),
        NodeKind::List(items) => {
            format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", "))
        }
        NodeKind::Map(entries) => {
            let each = entries.iter().map(|entry| format!("{}: {}", entry.key, flat(&entry.value)));
            format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The findings for a profile.
pub(super) fn findings(file: &LitellmFile, profile: Profile) -> Vec<ImportFinding> {
    let findings = file.settings_found.iter().map(|found| {
        let Kept(support, note) = kept(file, profile, found);
        let (path, value) = (found.path.clone(), found.value.clone());
        ImportFinding { line: found.line, path, value, support, note: note.to_owned() }
    });
    findings.collect()
}

fn kept(file: &LitellmFile, profile: Profile, found: &FoundSetting) -> Kept {
    let key = found.key.as_str();
    let in_address = matches!(key, "api_key" | "api_base" | "api_version" | "organization");
    let row = table::find(found.section, key);
    let is_passed_over = row.is_none_or(|row| row.ours.0 == Support::NotSupported);
    if found.in_environment && !in_address && !is_passed_over {
        return Kept(Support::NotSupported, "its value is in the environment: treated as not set");
    }
    if let Some(kept) = special(file, profile, found) {
        return kept;
    }
    match row {
        Some(row) if profile.litellm().is_some() => row.theirs,
        Some(row) => row.ours,
        None => Kept(Support::NotSupported, "not a known routing setting: ignored"),
    }
}

/// Settings whose support hangs on others.
fn special(file: &LitellmFile, profile: Profile, found: &FoundSetting) -> Option<Kept> {
    use Support::{Approximate, Exact, NotSupported};
    let settings = &file.settings;
    let rules = profile.litellm();
    let theirs = rules.is_some();
    let is = |rule: fn(&LitellmRules) -> bool| rules.is_some_and(rule);
    let usage_v2 = settings.strategy == LitellmStrategy::UsageBasedV2;
    let kept = match (found.section, found.key.as_str()) {
        ("litellm_params", "order")
            if is(|rules| rules.order == OrderUse::FilterWithChecks)
                && !settings.pre_call_checks =>
        {
            Kept(Exact, "ignored without `enable_pre_call_checks`, as in 1.80")
        }
        ("litellm_params" | "model_list" | "model_info", "rpm" | "tpm") if theirs => {
            if usage_v2 {
                Kept(
                    Exact,
                    "a limit enforced by the strategy, which admits one request less \
                     than `rpm`",
                )
            } else if settings.pre_call_checks
                && found.key == "rpm"
                && is(|rules| rules.checks_hold_rpm)
            {
                Kept(
                    Exact,
                    "a weight, a concurrency limit, and a limit enforced by pre-call checks",
                )
            } else {
                Kept(Exact, "a weight and a concurrency limit, not a rate limit, as in LiteLLM")
            }
        }
        ("litellm_params", "tags") if !settings.tag_filtering => {
            Kept(Exact, "tags are ignored without `enable_tag_filtering`")
        }
        ("litellm_params", "api_base" | "model") => {
            let at = place_of(&found.path)?;
            let entry = file.entries.iter().find(|entry| entry.item == at)?;
            let caveat = file.upstreams[entry.upstream].caveat;
            match (found.key.as_str(), caveat) {
                ("api_base", Some(caveat)) => Kept(NotSupported, caveat),
                ("model", Some(caveat)) => Kept(Approximate, caveat),
                _ => return None,
            }
        }
        ("router_settings" | "litellm_settings", "allowed_fails")
            if is(|rules| rules.allowed_fails_unset == Some(3))
                && settings.allowed_fails == Some(3) =>
        {
            Kept(Exact, "3 is treated as not set, as in 1.80")
        }
        ("router_settings", "retry_policy" | "model_group_retry_policy")
            if is(|rules| rules.policy == PolicyClasses::First) =>
        {
            Kept(Exact, "`InternalServerErrorRetries` is not read, as in 1.80")
        }
        ("router_settings", "allowed_fails_policy")
            if is(|rules| rules.policy == PolicyClasses::First) =>
        {
            Kept(Exact, "a threshold of 0 is treated as not set, as in 1.80")
        }
        ("router_settings", "enable_weighted_failover") if is(|rules| !rules.weighted_failover) => {
            Kept(Exact, "not known to 1.80")
        }
        ("litellm_settings", key) if file.overridden.iter().any(|known| known == key) => {
            Kept(Exact, "also set in `router_settings`, which takes precedence")
        }
        _ => return None,
    };
    Some(kept)
}

/// The place in `model_list` that a path names.
fn place_of(path: &str) -> Option<usize> {
    path.strip_prefix("model_list[")?.split_once(']')?.0.parse().ok()
}
