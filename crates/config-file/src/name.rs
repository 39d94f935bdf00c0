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
