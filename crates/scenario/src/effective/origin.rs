//! Where the values of a configuration come from.

use super::{SettingOrigin, Shown, ShownValue};
use crate::node::{Node, NodeKind};
use crate::read::POLICIES;
use crate::settings::Written;
use core::ops::Range;
use std::collections::BTreeMap;

/// The lines of a file as it was before `--set` changed it, and what it changed.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    /// For each line of the text, from 1, the line that it was.
    before: Vec<u32>,
    /// The places of values that were set.
    set: Vec<Range<usize>>,
}

impl Lines {
    /// Those of a text that nothing was changed in.
    pub(crate) fn of(text: &str) -> Self {
        let count = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        Self { before: (1..=count.saturating_add(1)).collect(), set: Vec::new() }
    }

    /// Takes note of a change of `old` into `new`: of the one piece of text between what both begin and what
    /// both end with.
    pub(crate) fn change(&mut self, old: &str, new: &str) {
        let same = |(a, b): &(u8, u8)| a == b;
        let start = old.bytes().zip(new.bytes()).take_while(same).count();
        let most = old.len().min(new.len()) - start;
        let ends = old.bytes().rev().zip(new.bytes().rev());
        let end = ends.take(most).take_while(same).count();
        let (old_end, new_end) = (old.len() - end, new.len() - end);
        for span in &mut self.set {
            if span.start >= old_end {
                *span = span.start + new_end - old_end..span.end + new_end - old_end;
            }
        }
        self.set.push(start..new_end);
        let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        let first = lines(&old[..start]);
        let (gone, come) = (lines(&old[start..old_end]), lines(&new[start..new_end]));
        let line = self.before.get(first).copied().unwrap_or(1);
        let end = (first + gone).min(self.before.len());
        self.before.splice(first..end, core::iter::repeat_n(line, come));
    }

    /// Where a value comes from that stands at `node`.
    pub(crate) fn origin(&self, node: &Node) -> SettingOrigin {
        if self.set.iter().any(|set| set.start < node.span.end && node.span.start < set.end) {
            return SettingOrigin::Override;
        }
        let place = usize::try_from(node.line.saturating_sub(1)).unwrap_or(usize::MAX);
        SettingOrigin::Line(self.before.get(place).copied().unwrap_or(node.line))
    }
}

/// What may have said a value: the places in a file that are asked one after the other.
#[derive(Clone, Copy)]
struct Sources<'n> {
    own: Option<&'n Node>,
    /// Where a group or a deployment has its policies from.
    above: [Option<(&'static str, &'n Node)>; 2],
}

impl<'n> Sources<'n> {
    const fn own(own: Option<&'n Node>) -> Self {
        Self { own, above: [None; 2] }
    }

    fn child(&self, key: &str) -> Self {
        let above = self.above.map(|above| {
            let (label, node) = above?;
            Some((label, child(node, key)?))
        });
        Self { own: self.own.and_then(|own| child(own, key)), above }
    }
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.kind {
        NodeKind::Map(entries) => {
            entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
        }
        NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::List(_) => None,
    }
}

/// Gives values their origins.
pub(crate) struct Annotator<'a> {
    /// The lines of the file.
    pub(crate) lines: &'a Lines,
    /// The profile that the file names.
    pub(crate) profile: &'static str,
}

/// A value three times: as it is, as it would be without the profile, and as it is by default.
#[derive(Clone, Copy)]
pub(crate) struct Versions<'w> {
    pub(crate) now: &'w Written,
    pub(crate) written: Option<&'w Written>,
    pub(crate) default: Option<&'w Written>,
}

impl<'w> Versions<'w> {
    /// The same part of each: the `place`-th, which is called `key`.
    fn part(&self, now: &'w Written, place: usize, key: Option<&str>) -> Self {
        let part = |of: Option<&'w Written>| match of? {
            Written::Map(entries) => {
                let fits = |entry: &&(String, Written)| Some(entry.0.as_str()) == key;
                let found = entries.get(place).filter(fits);
                found.or_else(|| entries.iter().find(fits)).map(|entry| &entry.1)
            }
            Written::List(items) => items.get(place),
            Written::Unset | Written::Plain(_) | Written::Text(_) | Written::Secret(_) => None,
        };
        Self { now, written: part(self.written), default: part(self.default) }
    }
}

impl Annotator<'_> {
    /// A section whose values stand where they are said.
    pub(crate) fn section(&self, versions: Versions<'_>, node: Option<&Node>) -> Shown {
        self.value(versions, Sources::own(node))
    }

    /// A router: its groups have policies from it, and deployments some of theirs from the groups.
    pub(crate) fn router(&self, versions: Versions<'_>, node: &Node) -> Shown {
        self.entries(versions, |place, key, part| {
            let part = versions.part(part, place, Some(key));
            let own = child(node, key);
            if key == "groups" { self.groups(part, own, node) } else { self.section(part, own) }
        })
    }

    fn groups(&self, versions: Versions<'_>, node: Option<&Node>, router: &Node) -> Shown {
        let mut own: BTreeMap<&str, &Node> = BTreeMap::new();
        if let Some(NodeKind::Map(entries)) = node.map(|node| &node.kind) {
            own.extend(entries.iter().map(|entry| (entry.key.as_str(), &entry.value)));
        }
        self.entries(versions, |place, name, group| {
            let part = versions.part(group, place, Some(name));
            self.group(part, own.get(name).copied(), router)
        })
    }

    fn group(&self, versions: Versions<'_>, node: Option<&Node>, router: &Node) -> Shown {
        self.entries(versions, |place, key, value| {
            let part = versions.part(value, place, Some(key));
            let own = node.and_then(|node| child(node, key));
            let mut sources = Sources::own(own);
            match key {
                "deployments" => return self.deployments(part, own, [node, Some(router)]),
                "fallback" => {
                    sources.above[1] =
                        child(router, "default_fallback").map(|above| ("router", above));
                }
                key if is_policy(key) => {
                    sources.above[1] = child(router, key).map(|above| ("router", above));
                }
                _ => {}
            }
            self.value(part, sources)
        })
    }

    fn deployments(
        &self,
        versions: Versions<'_>,
        node: Option<&Node>,
        above: [Option<&Node>; 2],
    ) -> Shown {
        let Written::List(items) = versions.now else { return Shown::unset() };
        let mut own: BTreeMap<&str, &Node> = BTreeMap::new();
        if let Some(NodeKind::List(items)) = node.map(|node| &node.kind) {
            own.extend(items.iter().filter_map(|item| Some((name_of(item)?, item))));
        }
        let shown = items.iter().enumerate().map(|(place, item)| {
            let part = versions.part(item, place, None);
            let name = written_name(item);
            // The copies of a provider's deployment are numbered.
            let copied = name.rsplit_once('-').map_or(name, |(name, _)| name);
            let node = own.get(name).or_else(|| own.get(copied)).copied();
            self.entries(part, |place, key, value| {
                let part = part.part(value, place, Some(key));
                let mut sources = Sources::own(node.and_then(|node| child(node, key)));
                if is_policy(key) {
                    let labels = ["group", "router"].into_iter().zip(above);
                    let found = labels.map(|(label, node)| Some((label, child(node?, key)?)));
                    for (slot, found) in sources.above.iter_mut().zip(found) {
                        *slot = found;
                    }
                }
                self.value(part, sources)
            })
        });
        Shown { value: ShownValue::List(shown.collect()), origin: SettingOrigin::Default }
    }

    /// A mapping, each of whose entries is shown by `show`.
    fn entries(
        &self,
        versions: Versions<'_>,
        show: impl Fn(usize, &str, &Written) -> Shown,
    ) -> Shown {
        let Written::Map(entries) = versions.now else { return Shown::unset() };
        let shown = entries.iter().enumerate();
        let shown = shown.map(|(place, (key, value))| (key.clone(), show(place, key, value)));
        Shown { value: ShownValue::Map(shown.collect()), origin: SettingOrigin::Default }
    }

    fn value(&self, versions: Versions<'_>, sources: Sources<'_>) -> Shown {
        let value = match versions.now {
            Written::Map(entries) => {
                let shown = entries.iter().enumerate().map(|(place, (key, value))| {
                    let part = versions.part(value, place, Some(key));
                    (key.clone(), self.value(part, sources.child(key)))
                });
                return Shown {
                    value: ShownValue::Map(shown.collect()),
                    origin: SettingOrigin::Default,
                };
            }
            Written::List(items) if items.iter().any(|item| matches!(item, Written::Map(_))) => {
                let shown = items.iter().enumerate();
                let shown = shown.map(|(place, item)| {
                    self.value(versions.part(item, place, None), Sources::own(None))
                });
                return Shown {
                    value: ShownValue::List(shown.collect()),
                    origin: SettingOrigin::Default,
                };
            }
            Written::Unset => return Shown::unset(),
            Written::Secret(key) => ShownValue::Secret(key.clone()),
            scalar @ (Written::Plain(_) | Written::Text(_) | Written::List(_)) => {
                ShownValue::Scalar(scalar.to_string())
            }
        };
        Shown { value, origin: self.origin(versions, sources) }
    }

    fn origin(&self, versions: Versions<'_>, sources: Sources<'_>) -> SettingOrigin {
        if versions.written.is_some_and(|written| written != versions.now) {
            return SettingOrigin::Profile(self.profile);
        }
        if let Some(own) = sources.own {
            return self.lines.origin(own);
        }
        let above = sources.above.into_iter().flatten().next();
        if let Some((label, node)) = above {
            let origin = self.lines.origin(node);
            if let SettingOrigin::Line(line) = origin {
                return SettingOrigin::Inherited(label, line);
            }
            return origin;
        }
        match versions.default {
            Some(default) if default == versions.now => SettingOrigin::Default,
            _ if versions.written.is_none() && !self.profile.is_empty() => {
                SettingOrigin::Profile(self.profile)
            }
            _ => SettingOrigin::Derived,
        }
    }
}

fn is_policy(key: &str) -> bool {
    POLICIES.keys.iter().any(|policy| policy.name == key)
}

/// The name of an item of a list, if it has one.
fn name_of(node: &Node) -> Option<&str> {
    match &child(node, "name")?.kind {
        NodeKind::Scalar(name) => Some(name),
        NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => None,
    }
}

/// The name of a deployment that was written.
fn written_name(item: &Written) -> &str {
    let Written::Map(entries) = item else { return "" };
    match entries.iter().find(|(key, _)| key == "name") {
        Some((_, Written::Text(name))) => name,
        _ => "",
    }
}
