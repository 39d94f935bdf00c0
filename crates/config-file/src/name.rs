//! Which texts are names: of groups, deployments, providers, tenants, folders.

/// Whether `text` can be a name: it begins with a letter or digit and goes on with these, `.`, `_`,
/// `-`, `/` and `:`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:".contains(c))
}

/// Whether `text` can be what clients ask for as `model`, or a pattern of that: any text on one line, with one `*`
/// at most, that neither begins nor ends with a space. Model names hold more than names of ours: `@cf/meta/llama-3`,
/// `claude@20240620`, `accounts/a/models/b#c`.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    let trimmed = text.trim() == text && !text.is_empty();
    trimmed && !text.contains(char::is_control) && text.matches('*').count() <= 1
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_may_be_called_whatever_providers_call_theirs() {
        let of_providers = [
            "@cf/meta/llama-3-8b",
            "claude-3-5-sonnet@20240620",
            "accounts/me/models/a#deployments/b",
            "GPT 4 Turbo",
            "openrouter/*",
            "模型",
        ];
        for name in of_providers {
            assert!(is_pattern(name), "{name}");
        }
        for name in ["", " gpt", "gpt ", "a\nb", "*/*"] {
            assert!(!is_pattern(name), "`{name}`");
        }
    }
}
