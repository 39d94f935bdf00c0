//! An effective configuration as YAML that a person reads: each value with its origin behind it.

use super::{Effective, SettingOrigin, Shown, ShownValue};
use crate::settings::quoted;

/// How wide a value may be on one line, and how far to the right origins begin at most.
const WIDTH: usize = 84;
const COLUMN: usize = 60;

/// What stands for a key.
pub(super) const MASKED: &str = "(hidden)";

/// A line, and the origin behind it.
struct Line {
    text: String,
    origin: Option<String>,
}

impl Effective {
    /// The configuration as a file would say it, the origin of each value behind it; with `changed` without
    /// what holds by default.
    #[must_use]
    pub fn to_yaml(&self, changed: bool) -> String {
        let mut lines = Vec::new();
        let root = if changed { self.root.without_defaults() } else { self.root.clone() };
        if let ShownValue::Map(entries) = &root.value {
            self.entries(entries, 0, &mut lines);
        }
        if lines.is_empty() {
            lines.push(Line { text: "{}".to_owned(), origin: None });
        }
        let width = |line: &Line| line.text.chars().count();
        let widths = lines.iter().filter(|line| line.origin.is_some()).map(width);
        let column = widths.filter(|width| *width <= COLUMN).max().unwrap_or(0);
        let mut out = String::new();
        for line in &lines {
            out.push_str(&line.text);
            if let Some(origin) = &line.origin {
                let space = column.saturating_sub(width(line)) + 2;
                out.extend(core::iter::repeat_n(' ', space));
                out.push_str("# ");
                out.push_str(origin);
            }
            out.push('\n');
        }
        out
    }

    fn entries(&self, entries: &[(String, Shown)], indent: usize, lines: &mut Vec<Line>) {
        let mut unset = Vec::new();
        for (key, shown) in entries {
            if matches!(shown.value, ShownValue::Unset) {
                unset.push(key.as_str());
                continue;
            }
            self.entry(key, shown, indent, lines);
        }
        if !unset.is_empty() {
            let text = format!("{}# not set: {}", spaces(indent), unset.join(", "));
            lines.push(Line { text, origin: None });
        }
    }

    fn entry(&self, key: &str, shown: &Shown, indent: usize, lines: &mut Vec<Line>) {
        let start = format!("{}{}:", spaces(indent), quoted(key));
        if let Some(inline) = shown.inline()
            && let Some(origin) = shown.one_origin()
            && (shown.is_scalar()
                || start.len() + inline.chars().count() < WIDTH && !shown.has_named_items())
        {
            let text = format!("{start} {inline}");
            lines.push(Line { text, origin: Some(self.told(&origin)) });
            return;
        }
        match &shown.value {
            ShownValue::Map(entries) => {
                lines.push(Line { text: start, origin: None });
                self.entries(entries, indent + 2, lines);
            }
            ShownValue::List(items) => {
                lines.push(Line { text: start, origin: None });
                for item in items {
                    self.item(item, indent + 2, lines);
                }
            }
            ShownValue::Scalar(_) | ShownValue::Secret(_) | ShownValue::Unset => {}
        }
    }

    fn item(&self, item: &Shown, indent: usize, lines: &mut Vec<Line>) {
        let begun = lines.len();
        match (&item.value, item.inline(), item.one_origin()) {
            (_, Some(inline), Some(origin))
                if !item.has_name() && indent + inline.chars().count() < WIDTH
                    || item.is_scalar() =>
            {
                let text = format!("{}- {inline}", spaces(indent));
                lines.push(Line { text, origin: Some(self.told(&origin)) });
            }
            (ShownValue::Map(entries), ..) => {
                self.entries(entries, indent + 2, lines);
                if let Some(first) = lines.get_mut(begun) {
                    first.text.replace_range(indent..indent + 2, "- ");
                }
            }
            (ShownValue::List(items), ..) => {
                lines.push(Line { text: format!("{}-", spaces(indent)), origin: None });
                for item in items {
                    self.item(item, indent + 2, lines);
                }
            }
            (ShownValue::Scalar(_) | ShownValue::Secret(_) | ShownValue::Unset, ..) => {}
        }
    }
}

impl Shown {
    const fn is_scalar(&self) -> bool {
        matches!(self.value, ShownValue::Scalar(_) | ShownValue::Secret(_))
    }

    fn has_name(&self) -> bool {
        matches!(&self.value, ShownValue::Map(entries) if entries.iter().any(|(key, _)| key == "name"))
    }

    fn has_named_items(&self) -> bool {
        matches!(&self.value, ShownValue::List(items) if items.iter().any(Self::has_name))
    }

    /// The value without what nobody said.
    pub(super) fn without_defaults(&self) -> Self {
        let value = match &self.value {
            ShownValue::Map(entries) => {
                let said = entries.iter().filter(|(_, part)| !part.is_default());
                let said = said.map(|(key, part)| (key.clone(), part.without_defaults()));
                ShownValue::Map(said.collect())
            }
            ShownValue::List(items) if items.iter().any(Self::is_map) => {
                ShownValue::List(items.iter().map(Self::without_defaults).collect())
            }
            other @ (ShownValue::List(_)
            | ShownValue::Unset
            | ShownValue::Scalar(_)
            | ShownValue::Secret(_)) => other.clone(),
        };
        Self { value, origin: self.origin.clone() }
    }

    /// Whether nobody said anything of it.
    fn is_default(&self) -> bool {
        match &self.value {
            ShownValue::Map(entries) if !entries.is_empty() => {
                self.origin == SettingOrigin::Default
                    && entries.iter().all(|(_, part)| part.is_default())
            }
            ShownValue::List(items) if items.iter().any(Self::is_map) => {
                items.iter().all(Self::is_default)
            }
            ShownValue::Unset
            | ShownValue::Scalar(_)
            | ShownValue::Secret(_)
            | ShownValue::List(_)
            | ShownValue::Map(_) => self.origin == SettingOrigin::Default,
        }
    }

    /// The value on one line; `None` if there is none.
    pub(super) fn inline(&self) -> Option<String> {
        match &self.value {
            ShownValue::Unset => None,
            ShownValue::Scalar(text) => Some(text.clone()),
            ShownValue::Secret(_) => Some(quoted(MASKED)),
            ShownValue::List(items) => {
                let items: Vec<_> = items.iter().filter_map(Self::inline).collect();
                Some(format!("[{}]", items.join(", ")))
            }
            ShownValue::Map(entries) => {
                let set = entries
                    .iter()
                    .filter_map(|(key, part)| Some(format!("{}: {}", quoted(key), part.inline()?)));
                let set: Vec<_> = set.collect();
                if set.is_empty() {
                    Some("{}".to_owned())
                } else {
                    Some(format!("{{ {} }}", set.join(", ")))
                }
            }
        }
    }

    /// The origin of all its parts, if they have the same; parts that are not set have none.
    pub(super) fn one_origin(&self) -> Option<SettingOrigin> {
        fn agree<'s>(mut parts: impl Iterator<Item = &'s Shown>) -> Option<SettingOrigin> {
            let first = parts.next()?.one_origin()?;
            parts.all(|part| part.one_origin().as_ref() == Some(&first)).then_some(first)
        }
        let is_set = |shown: &&Self| !matches!(shown.value, ShownValue::Unset);
        match &self.value {
            ShownValue::Map(entries) if entries.iter().any(|(_, part)| is_set(&part)) => {
                agree(entries.iter().map(|(_, part)| part).filter(is_set))
            }
            ShownValue::List(items) if items.iter().any(Self::is_map) => agree(items.iter()),
            ShownValue::List(_)
            | ShownValue::Map(_)
            | ShownValue::Unset
            | ShownValue::Scalar(_)
            | ShownValue::Secret(_) => Some(self.origin.clone()),
        }
    }

    /// The origin, or that of the first part that has one.
    pub(super) fn origin(&self) -> SettingOrigin {
        self.one_origin().unwrap_or_else(|| self.origin.clone())
    }
}

fn spaces(count: usize) -> String {
    " ".repeat(count)
}
