//! Group names as clients ask for them: exact, aliases, and patterns with a `*`.

use crate::{GroupId, RouterConfig};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// Finds the group that a client asks for: by its name, by an alias, or by the longest pattern that
/// fits. In a pattern `*` stands for any characters, and what it stood for replaces the `*` of the
/// upstream model: asked for `openai/gpt-5`, a group `openai/*` calls `gpt-5` where its deployment's
/// model is `*`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupNames {
    exact: BTreeMap<String, GroupId>,
    /// The longest first.
    patterns: Vec<(String, GroupId)>,
}

/// A group that was found, with what the pattern's `*` stood for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ResolvedGroup<'a> {
    /// The group.
    pub group: GroupId,
    /// What the `*` stood for.
    pub captured: Option<&'a str>,
}

impl GroupNames {
    /// The names of a configuration; `ids` are its groups' numbers at the router.
    #[must_use]
    pub fn new(config: &RouterConfig, ids: &[GroupId]) -> Self {
        let mut names = Self::default();
        for (group, &id) in config.groups.iter().zip(ids) {
            for name in core::iter::once(&group.name).chain(&group.aliases) {
                if name.contains('*') {
                    names.patterns.push((name.clone(), id));
                } else {
                    names.exact.insert(name.clone(), id);
                }
            }
        }
        names.patterns.sort_by_key(|(pattern, _)| core::cmp::Reverse(pattern.len()));
        names
    }

    /// The group that `asked` means.
    #[must_use]
    pub fn find<'a>(&self, asked: &'a str) -> Option<ResolvedGroup<'a>> {
        if let Some(&group) = self.exact.get(asked) {
            return Some(ResolvedGroup { group, captured: None });
        }
        self.patterns.iter().find_map(|(pattern, group)| {
            let captured = captured(pattern, asked)?;
            Some(ResolvedGroup { group: *group, captured: Some(captured) })
        })
    }

    /// Every name without a `*`, in the order of the alphabet.
    pub fn listed(&self) -> impl Iterator<Item = &str> {
        self.exact.keys().map(String::as_str)
    }
}

impl ResolvedGroup<'_> {
    /// The model to call, where a deployment's is `model`.
    #[must_use]
    pub fn model<'m>(&self, model: &'m str) -> Cow<'m, str> {
        match self.captured {
            Some(captured) if model.contains('*') => model.replacen('*', captured, 1).into(),
            _ => model.into(),
        }
    }
}

/// What the first `*` of `pattern` stands for in `name`, if it fits.
fn captured<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once('*')?;
    name.strip_prefix(before)?.strip_suffix(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupConfig;

    fn names() -> GroupNames {
        let named = |name: &str, aliases: &[&str]| GroupConfig {
            aliases: aliases.iter().map(|&alias| alias.into()).collect(),
            ..GroupConfig::new(name)
        };
        let groups = alloc::vec![
            named("openai/*", &[]),
            named("openai/gpt-*", &[]),
            named("openai/gpt-5", &["best"]),
        ];
        let config = RouterConfig { groups, ..RouterConfig::default() };
        GroupNames::new(&config, &[GroupId(0), GroupId(1), GroupId(2)])
    }

    #[test]
    fn a_name_beats_a_pattern_and_a_longer_pattern_a_shorter() {
        let names = names();
        let group = |asked| names.find(asked).map(|found| found.group.0);
        assert_eq!(group("openai/gpt-5"), Some(2));
        assert_eq!(group("best"), Some(2));
        assert_eq!(group("openai/gpt-4"), Some(1));
        assert_eq!(group("openai/o3"), Some(0));
        assert_eq!(group("claude"), None);
    }

    #[test]
    fn what_the_star_stood_for_goes_upstream() {
        let names = names();
        let found = names.find("openai/gpt-4").unwrap();
        assert_eq!(found.model("azure-gpt-*"), "azure-gpt-4");
        assert_eq!(found.model("fixed"), "fixed");
    }
}
