//! Where in a file the parts of a router stand.

use crate::node::{MapEntry, Node, NodeKind};
use core::ops::Range;

/// What LiteLLM calls settings of ours that hold for all groups.
const LITELLM_KEYS: [(&str, &[&str]); 5] = [
    ("retries", &["num_retries"]),
    ("fallback", &["fallbacks", "default_fallbacks"]),
    ("context_window_fallback", &["context_window_fallbacks"]),
    ("deadline", &["timeout", "request_timeout"]),
    ("timeouts", &["timeout", "request_timeout"]),
];

/// The tree of a file, asked by names.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    root: Node,
}

impl Places {
    pub(crate) fn of(root: &Node) -> Self {
        Self { root: root.clone() }
    }

    /// The lints that the router allows, each with its place.
    pub(super) fn allowed(&self) -> Vec<(&str, Range<usize>)> {
        let list = entry(&self.root, "router").and_then(|router| entry(&router.value, "allow"));
        let Some(NodeKind::List(items)) = list.map(|list| &list.value.kind) else {
            return Vec::new();
        };
        let ids = items.iter().filter_map(|item| match &item.kind {
            NodeKind::Scalar(id) => Some((id.as_str(), item.span.clone())),
            NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => None,
        });
        ids.collect()
    }

    /// Whether the file is LiteLLM's, which has no place to allow a lint.
    pub(super) fn are_litellms(&self) -> bool {
        entry(&self.root, "model_list").is_some()
    }

    /// A setting over all groups, or the router where it does not stand.
    pub(crate) fn router(&self, key: &str) -> Range<usize> {
        let sections = ["router", "router_settings", "litellm_settings"];
        let mut sections = sections.iter().filter_map(|name| entry(&self.root, name));
        let own = sections.clone().find_map(|section| entry(&section.value, key));
        own.map(whole).or_else(|| sections.next().map(name)).unwrap_or_else(|| self.begin())
    }

    /// A setting of a group: its own, or the router's that holds for it, or its name where neither stands.
    pub(crate) fn group(&self, group: &str, key: &str) -> Range<usize> {
        if let Some(model) = self.models(group).next() {
            return self.litellm(key).unwrap_or(model);
        }
        let router = entry(&self.root, "router");
        let here = router.and_then(|router| entry(&entry(&router.value, "groups")?.value, group));
        let own = here.and_then(|here| entry(&here.value, key));
        let above = router.and_then(|router| entry(&router.value, key));
        let place = own.or(above).map(whole).or_else(|| here.map(name));
        place.unwrap_or_else(|| self.router("litellm"))
    }

    /// A setting of the `nth` deployment of a group, or its name where that does not stand.
    pub(crate) fn deployment(
        &self,
        group: &str,
        deployment: &str,
        nth: usize,
        key: &str,
    ) -> Range<usize> {
        if let Some(model) = self.models(group).nth(nth) {
            return model;
        }
        let router = entry(&self.root, "router");
        let here = router.and_then(|router| entry(&entry(&router.value, "groups")?.value, group));
        let list = here.and_then(|here| entry(&here.value, "deployments"));
        let Some(NodeKind::List(items)) = list.map(|list| &list.value.kind) else {
            return self.group(group, key);
        };
        let called = |item: &&Node| {
            // A deployment at a provider with replicas stands for one at each.
            let name = scalar(item, "name").unwrap_or_default();
            deployment
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let exact = items.iter().find(|item| scalar(item, "name") == Some(deployment));
        let Some(item) = exact.or_else(|| items.iter().find(called)) else {
            return self.group(group, key);
        };
        let place = entry(item, key).or_else(|| entry(item, "name")).map(whole);
        place.unwrap_or_else(|| item.span.clone())
    }

    /// A setting of a tenant.
    pub(crate) fn tenant(&self, tenant: &str, key: &str) -> Range<usize> {
        let router = entry(&self.root, "router");
        let here = router.and_then(|router| entry(&entry(&router.value, "tenants")?.value, tenant));
        let own = here.and_then(|here| entry(&here.value, key));
        own.map(whole).or_else(|| here.map(name)).unwrap_or_else(|| self.begin())
    }

    /// A setting of the traffic; of several sources that of the first that has it.
    pub(crate) fn traffic(&self, key: &str) -> Range<usize> {
        let traffic = entry(&self.root, "traffic");
        let own = traffic.and_then(|traffic| match &traffic.value.kind {
            NodeKind::List(sources) => sources.iter().find_map(|source| entry(source, key)),
            NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::Map(_) => {
                entry(&traffic.value, key)
            }
        });
        own.map(whole).or_else(|| traffic.map(name)).unwrap_or_else(|| self.begin())
    }

    /// A setting of a provider.
    pub(crate) fn provider(&self, provider: &str, key: &str) -> Range<usize> {
        let here = entry(&self.root, "providers").and_then(|all| entry(&all.value, provider));
        let own = here.and_then(|here| entry(&here.value, key));
        let place = own.map(whole).or_else(|| here.map(name));
        place.or_else(|| entry(&self.root, "model_list").map(name)).unwrap_or_else(|| self.begin())
    }

    /// What LiteLLM says of a setting of ours for all its groups.
    fn litellm(&self, key: &str) -> Option<Range<usize>> {
        let (_, theirs) = LITELLM_KEYS.into_iter().find(|(ours, _)| *ours == key)?;
        let sections = ["router_settings", "litellm_settings"];
        let sections = sections.iter().filter_map(|name| entry(&self.root, name));
        let mut found = sections
            .flat_map(|section| theirs.iter().filter_map(move |key| entry(&section.value, key)));
        found.next().map(whole)
    }

    /// The names of the entries of LiteLLM's `model_list` that make up a group.
    fn models(&self, group: &str) -> impl Iterator<Item = Range<usize>> {
        let items = match entry(&self.root, "model_list").map(|list| &list.value.kind) {
            Some(NodeKind::List(items)) => &items[..],
            _ => &[],
        };
        let of_group = items.iter().filter(move |item| scalar(item, "model_name") == Some(group));
        of_group.filter_map(|item| entry(item, "model_name").map(whole))
    }

    fn begin(&self) -> Range<usize> {
        self.root.span.start..self.root.span.start
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n MapEntry> {
    match &node.kind {
        NodeKind::Map(entries) => entries.iter().find(|entry| entry.key == key),
        NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::List(_) => None,
    }
}

fn scalar<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match &entry(node, key)?.value.kind {
        NodeKind::Scalar(text) => Some(text),
        NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => None,
    }
}

fn name(entry: &MapEntry) -> Range<usize> {
    entry.key_span.clone()
}

/// The key with its value.
fn whole(entry: &MapEntry) -> Range<usize> {
    entry.key_span.start..entry.value.span.end
}
