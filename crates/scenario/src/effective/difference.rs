//! What differs between two configurations.

use super::print::MASKED;
use super::{SettingDifference, Shown, ShownValue};
use std::collections::BTreeMap;

/// Compares what stands at `path` in both.
pub(super) fn compare(
    path: &str,
    before: Option<&Shown>,
    after: Option<&Shown>,
    out: &mut Vec<SettingDifference>,
) {
    if let (Some(before), Some(after)) = (before.and_then(parts), after.and_then(parts)) {
        let mut of_after: BTreeMap<&str, &Shown> =
            after.iter().map(|(name, part)| (name.as_str(), *part)).collect();
        for (name, part) in &before {
            compare(&below(path, name), Some(part), of_after.remove(name.as_str()), out);
        }
        for (name, part) in &after {
            if of_after.contains_key(name.as_str()) {
                compare(&below(path, name), None, Some(part), out);
            }
        }
        return;
    }
    let same_keys = before.map(secrets) == after.map(secrets);
    let (before, mut after) = (whole(before), whole(after));
    if before == after && !same_keys {
        after = after.map(|text| text.replace(MASKED, ANOTHER));
    }
    if before != after {
        out.push(SettingDifference { path: path.to_owned(), before, after });
    }
}

/// What stands for a key that differs from the one before.
const ANOTHER: &str = "(hidden, another key)";

/// The keys in a value.
fn secrets(shown: &Shown) -> Vec<&str> {
    match &shown.value {
        ShownValue::Secret(key) => vec![key],
        ShownValue::Map(entries) => entries.iter().flat_map(|(_, part)| secrets(part)).collect(),
        ShownValue::List(items) => items.iter().flat_map(secrets).collect(),
        ShownValue::Unset | ShownValue::Scalar(_) => Vec::new(),
    }
}

/// A value on one line, of a mapping what is not default.
fn whole(shown: Option<&Shown>) -> Option<String> {
    shown?.without_defaults().inline()
}

/// The parts of a mapping or of a list of mappings, by name.
fn parts(shown: &Shown) -> Option<Vec<(String, &Shown)>> {
    match &shown.value {
        ShownValue::Map(entries) => {
            Some(entries.iter().map(|(key, part)| (key.clone(), part)).collect())
        }
        ShownValue::List(items) if items.iter().any(Shown::is_map) => {
            let named = items.iter().enumerate();
            let name =
                |place: usize, item: &Shown| item.name().unwrap_or_else(|| place.to_string());
            Some(named.map(|(place, item)| (name(place, item), item)).collect())
        }
        ShownValue::List(_) | ShownValue::Unset | ShownValue::Scalar(_) | ShownValue::Secret(_) => {
            None
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
