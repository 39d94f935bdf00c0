//! Which texts are names: of groups, deployments, providers, tenants, folders.

/// Whether `text` can be a name: it begins with a letter or digit and goes on with these, `.`, `_`,
/// `-`, `/` and `:`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:".contains(c))
}

/// Whether `text` can be a pattern: a name but for one `*` in it.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    match text.split_once('*') {
        Some((before, after)) => is_name(&format!("x{before}{after}")),
        None => is_name(text),
    }
}

/// Whether `text` can be the name of a folder: a name without `/` and `:`.
#[must_use]
pub fn is_folder_name(text: &str) -> bool {
    is_name(text) && !text.contains(['/', ':'])
}

/// A text as a scalar: plain where YAML takes it for nothing else, in quotes elsewhere.
#[must_use]
pub fn quoted(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "._-/:%*".contains(c);
    let first = |c: char| c.is_ascii_alphanumeric() || c == '$' || c == '/';
    let body = text.strip_prefix('$').unwrap_or(text);
    let plain = text.starts_with(first) && body.chars().all(harmless) && !text.ends_with(':');
    let taken = ["true", "false", "null", "yes", "no", "on", "off"];
    if plain && !taken.contains(&text.to_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
