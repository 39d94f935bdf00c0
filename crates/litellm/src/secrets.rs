//! What nobody else is to see of a LiteLLM file: keys and passwords at every depth, and those in URLs.

use crate::setting;
use core::ops::Range;
use squall_config_file::diagnostic::Problems;
use squall_config_file::node::{Node, NodeKind};
use squall_config_file::yaml;

/// What stands in the place of a secret.
pub(super) const HIDDEN: &str = "(hidden)";

/// The words that the names of secrets end with, or have in them between `_`, `-` and `.`.
const WORDS: [&str; 16] = [
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "dsn",
    "key",
    "keys",
    "passphrase",
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
];

/// Names that have such a word and hold none: numbers, names of variables, switches.
const HARMLESS: [&str; 14] = [
    "cost_per",
    "per_token",
    "max_token",
    "tokens",
    "credential_name",
    "credential_info",
    "key_alias",
    "public_key",
    "key_management_system",
    "token_counter",
    "key_name",
    "auth_type",
    "key_prefix",
    "configurable_clientside_auth_params",
];

/// Sections whose values are secrets whatever they are called.
const SECRET_SECTIONS: [&str; 3] = ["environment_variables", "credential_values", "extra_headers"];

/// Whether a key stands for something that nobody else is to see.
pub(super) fn is_secret(key: &str) -> bool {
    let lower = key.to_lowercase();
    if HARMLESS.iter().any(|word| lower.contains(word)) {
        return false;
    }
    let parts = lower.split(['_', '-', '.', ' ']);
    let has_word = parts.into_iter().any(|part| WORDS.contains(&part));
    has_word || ["password", "secret", "apikey", "token"].iter().any(|end| lower.ends_with(end))
}

/// Whether what stands under a key is secret as a whole, or is within such.
fn is_secret_section(key: &str) -> bool {
    SECRET_SECTIONS.contains(&key) || key == "headers" || key == "vertex_credentials"
}

/// A text without the secrets that it shows by itself: the user and password of a URL, the values of its
/// query that are named like secrets, and what begins as keys of providers do.
pub(super) fn cleaned(text: &str) -> Option<String> {
    if looks_like_a_key(text) {
        return Some(HIDDEN.to_owned());
    }
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let shown = match host.len() == authority.len() {
        true => host.to_owned(),
        false => format!("{HIDDEN}@{host}"),
    };
    let after = match after.split_once('?') {
        Some((path, query)) => format!("{path}?{}", cleaned_query(query)),
        None => after.to_owned(),
    };
    let cleaned = format!("{scheme}://{shown}{after}");
    (cleaned != text).then_some(cleaned)
}

fn cleaned_query(query: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((name, _)) if is_secret(name) || matches!(name, "sig" | "code") => {
            format!("{name}={HIDDEN}")
        }
        _ => part.to_owned(),
    };
    query.split('&').map(part).collect::<Vec<_>>().join("&")
}

/// Whether a text begins as the keys of providers do.
fn looks_like_a_key(text: &str) -> bool {
    const BEGINS: [&str; 12] = [
        "sk-",
        "sk_",
        "pk-lf-",
        "gsk_",
        "hf_",
        "AIza",
        "xai-",
        "AKIA",
        "ghp_",
        "github_pat_",
        "Bearer ",
        "-----BEGIN",
    ];
    text.len() > 8 && BEGINS.iter().any(|begin| text.starts_with(begin))
}

/// A value on one line, its secrets hidden: `key` is what it stands under.
pub(super) fn shown(key: &str, section: &str, node: &Node) -> String {
    flat(node, is_secret(key) || is_secret_section(key) || is_secret_section(section))
}

fn flat(node: &Node, hidden: bool) -> String {
    match &node.kind {
        NodeKind::Nothing => "null".to_owned(),
        NodeKind::Scalar(text) if setting::environment(text).is_some() => text.clone(),
        NodeKind::Scalar(_) if hidden => HIDDEN.to_owned(),
        NodeKind::Scalar(text) => cleaned(text).unwrap_or_else(|| text.replace('\n', " ")),
        NodeKind::List(items) => {
            let items: Vec<_> = items.iter().map(|item| flat(item, hidden)).collect();
            format!("[{}]", items.join(", "))
        }
        NodeKind::Map(entries) => {
            let entries = entries.iter().map(|entry| {
                let hidden = hidden || is_secret(&entry.key) || is_secret_section(&entry.key);
                format!("{}: {}", entry.key, flat(&entry.value, hidden))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A file's text with every secret hidden: what may be kept beside a recording, and shown in an excerpt.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let Some(root) = yaml::parse_as_python(text, &Problems::default()) else {
        return without_secrets_in_lines(text);
    };
    let mut spans = Vec::new();
    secrets(&root, false, &mut spans);
    spans.sort_unstable_by_key(|(span, _): &(Range<usize>, String)| core::cmp::Reverse(span.start));
    // An alias repeats the secrets of its anchor.
    spans.dedup_by_key(|(span, _)| span.start);
    let mut out = text.to_owned();
    for (span, shown) in spans {
        if out.get(span.clone()).is_some() {
            out.replace_range(span, &format!("\"{shown}\""));
        }
    }
    out
}

fn secrets(node: &Node, hidden: bool, spans: &mut Vec<(Range<usize>, String)>) {
    match &node.kind {
        NodeKind::Map(entries) => {
            for entry in entries {
                let hidden = hidden || is_secret(&entry.key) || is_secret_section(&entry.key);
                secrets(&entry.value, hidden, spans);
            }
        }
        NodeKind::List(items) => items.iter().for_each(|item| secrets(item, hidden, spans)),
        NodeKind::Scalar(text) if setting::environment(text).is_some() => {}
        NodeKind::Scalar(_) if hidden => spans.push((node.span.clone(), HIDDEN.to_owned())),
        NodeKind::Scalar(text) => {
            spans.extend(cleaned(text).map(|shown| (node.span.clone(), shown)));
        }
        NodeKind::Nothing => {}
    }
}

/// The text with every secret covered by as many `*`, so that places stay; and the secrets.
pub(super) fn covered(text: &str) -> (String, Vec<String>) {
    let Some(root) = yaml::parse_as_python(text, &Problems::default()) else {
        return (without_secrets_in_lines(text), Vec::new());
    };
    let mut spans = Vec::new();
    secrets(&root, false, &mut spans);
    let mut out = text.to_owned();
    let mut found = Vec::new();
    for (span, _) in spans {
        let Some(secret) = text.get(span.clone()) else { continue };
        found.push(secret.trim_matches(['"', '\'']).to_owned());
        let stars: String = secret.bytes().map(|b| if b == b'\n' { '\n' } else { '*' }).collect();
        out.replace_range(span, &stars);
    }
    found.retain(|secret| secret.len() > 2);
    found.sort_unstable_by_key(|secret| core::cmp::Reverse(secret.len()));
    (out, found)
}

/// The same of a text that is no YAML: what stands behind a name of a secret on its line, byte for byte
/// replaced so that places stay.
pub(super) fn without_secrets_in_lines(text: &str) -> String {
    let line = |line: &str| {
        let words = line.split([' ', '\t', '"', '\'', ',', '{', '}']);
        let mut out = line.to_owned();
        for word in words.filter(|word| looks_like_a_key(word) || cleaned(word).is_some()) {
            out = out.replace(word, &"*".repeat(word.len()));
        }
        let Some((key, value)) = out.split_once(':') else { return out };
        let name = key.trim_start_matches([' ', '-', '{']).trim_matches(['"', '\'']);
        let name = name.rsplit([' ', '{', ',']).next().unwrap_or(name);
        let plain = value.trim().trim_matches(['"', '\'']);
        if is_secret(name) && !plain.is_empty() && setting::environment(plain).is_none() {
            return format!("{key}:{}", value.replace(plain, &"*".repeat(plain.len())));
        }
        out
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets_from_numbers() {
        for name in
            ["api_key", "master_key", "AWS_SECRET_ACCESS_KEY", "x-api-key", "redis_password"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["azure_ad_token", "slack_webhook_token", "Authorization", "langfuse_secret"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["max_tokens", "input_cost_per_token", "litellm_credential_name", "model"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn urls_lose_their_users_and_named_secrets() {
        let of = |url| cleaned(url).unwrap_or_else(|| url.to_owned());
        assert_eq!(of("redis://u:p@host:6379/1"), "redis://(hidden)@host:6379/1");
        assert_eq!(
            of("https://h/v1?api-version=2&key=k"),
            "https://h/v1?api-version=2&key=(hidden)"
        );
        assert_eq!(of("https://h/v1"), "https://h/v1");
    }

    #[test]
    fn a_broken_line_loses_its_secrets_and_keeps_its_length() {
        let text = "  api_key: sk-abcdefghi\n  x: [\n  api_key: hunter2hunter2\n";
        let cleaned = without_secrets_in_lines(text);
        assert_eq!(cleaned.len(), text.len());
        assert!(!cleaned.contains("abcdefghi") && !cleaned.contains("hunter2"), "{cleaned}");
    }
}
