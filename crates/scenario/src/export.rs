//! A scenario's router for those who express it in another file: its settings one by one, and as a gateway file.

use crate::effective::{NamesOfNumbers, without_settings, written_router};
use crate::import::{entries, part, put};
use crate::model::Scenario;
use crate::node::NodeKind;
use crate::read::usual_queue_wait;
use crate::settings::{Written, quoted};
use core::fmt::Write as _;
use squall_config_file::diagnostic::Problems;
use squall_router::{DeploymentConfig, GroupConfig, Profile, RouterConfig};

/// A setting of a router that is not at its default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangedSetting {
    /// Its path in the scenario: `router.groups.chat.timeouts.connect`.
    pub path: String,
    /// What it belongs to.
    pub owner: SettingOwner,
    /// The group that it belongs to, or its deployment does.
    pub group: Option<String>,
    /// Its path below its owner: `timeouts.connect`.
    pub key: String,
    /// Its value on one line, as a file writes it.
    pub value: String,
}

/// What a setting of a router belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SettingOwner {
    /// The whole router, with its budgets and tenants.
    Router,
    /// A group.
    Group,
    /// A deployment.
    Deployment,
}

/// Where a gateway finds a provider of a scenario, as texts for its file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExportedProvider {
    /// Its API up to the version.
    pub base_url: String,
    /// The key it asks for; `None` for none.
    pub api_key: Option<String>,
}

impl Scenario {
    /// The router as the run begins, as it is written: without the formulas of a profile.
    #[must_use]
    pub fn router_as_written(&self) -> &RouterConfig {
        self.before_profile.as_ref().unwrap_or(&self.router)
    }

    /// The settings of [`router_as_written`](Self::router_as_written) that are not at their defaults, in the order
    /// of a file. What serves a deployment (`provider`, `model`, `key`) is no setting here.
    #[must_use]
    pub fn changed_settings(&self) -> Vec<ChangedSetting> {
        let config = self.router_as_written();
        let names: Vec<_> = self.providers.iter().map(|each| each.name.clone()).collect();
        let names = self.names_of_numbers(&names);
        let now = Written::Map(written_router(config, &names));
        let usual = Written::Map(written_router(&without_settings(config), &names));
        let mut out = Vec::new();
        for (key, value) in entries(&now) {
            if key != "groups" {
                changed(&Place::router(), key, value, part(&usual, key), &mut out);
                continue;
            }
            for (name, group) in entries(value) {
                let usual = part(part(&usual, "groups"), name);
                changed_in_group(name, group, usual, &mut out);
            }
        }
        out
    }

    /// The file of a gateway that has the scenario's router, with the providers at `addresses`. Changes in mid-run are
    /// not in it.
    ///
    /// # Panics
    /// If `addresses` are not as many as the providers.
    #[must_use]
    pub fn to_gateway_yaml(&self, listen: &str, addresses: &[ExportedProvider]) -> String {
        assert_eq!(addresses.len(), self.providers.len(), "an address for each provider");
        let mut out = format!("listen: {}\nproviders:\n", quoted(listen));
        for (provider, address) in self.providers.iter().zip(addresses) {
            let _ = writeln!(out, "  {}:", quoted(&provider.name));
            let _ = writeln!(out, "    format: {}", provider.format.as_str());
            let _ = writeln!(out, "    base_url: {}", quoted(&address.base_url));
            if let Some(key) = &address.api_key {
                let _ = writeln!(out, "    api_key: {}", quoted(key));
            }
        }
        let config = self.router_as_written();
        let names: Vec<_> = self.providers.iter().map(|each| each.name.clone()).collect();
        let names = self.names_of_numbers(&names);
        let now = Written::Map(written_router(config, &names));
        let usual = Written::Map(written_router(&without_settings(config), &names));
        out.push_str("router:\n");
        if let Some(profile) = self.profile_word() {
            let _ = writeln!(out, "  profile: {profile}");
        }
        for (key, value) in entries(&now).filter(|(key, _)| *key != "groups") {
            put(&mut out, "  ", key, &value.beyond(part(&usual, key)));
        }
        out.push_str("  groups:\n");
        for (name, group) in entries(part(&now, "groups")) {
            let _ = writeln!(out, "    {}:", quoted(name));
            write_group(group, part(part(&usual, "groups"), name), &mut out);
        }
        out
    }

    /// The scenario with its groups, deployments, weights and fallbacks, and a router at its defaults for all else.
    #[must_use]
    pub fn with_default_router(&self) -> Self {
        let plain = |deployment: &DeploymentConfig| DeploymentConfig {
            weight: deployment.weight,
            ..DeploymentConfig::new(&deployment.name)
        };
        let group = |group: &GroupConfig| {
            let mut plain = GroupConfig {
                deployments: group.deployments.iter().map(plain).collect(),
                fallbacks: group.fallbacks.clone(),
                aliases: group.aliases.clone(),
                ..GroupConfig::new(&group.name)
            };
            plain.max_queue_wait = usual_queue_wait(&plain);
            plain
        };
        let groups = self.router_as_written().groups.iter().map(group).collect();
        Self {
            router: RouterConfig { groups, ..RouterConfig::default() },
            before_profile: None,
            changes: Vec::new(),
            ..self.clone()
        }
    }

    fn names_of_numbers<'n>(&'n self, providers: &'n [String]) -> NamesOfNumbers<'n> {
        NamesOfNumbers {
            providers,
            links: &self.deployments,
            tags: &self.tags,
            regions: &self.regions,
            budgets: &self.budgets,
            keys: &[],
            declared: false,
        }
    }

    /// The word of the profile that the file names, if its router is written in it.
    fn profile_word(&self) -> Option<&'static str> {
        let node = crate::yaml::parse(&self.text, &Problems::default())?;
        let find = |node: &crate::node::Node, key: &str| match &node.kind {
            NodeKind::Map(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.clone())
            }
            NodeKind::Nothing | NodeKind::Scalar(_) | NodeKind::List(_) => None,
        };
        let router = find(&node, "router")?;
        if find(&router, "litellm").is_some() {
            return None;
        }
        match find(&router, "profile")?.kind {
            NodeKind::Scalar(word) => Profile::from_word(&word).map(Profile::as_str),
            NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => None,
        }
    }
}

/// Where settings are looked for.
struct Place {
    path: String,
    owner: SettingOwner,
    group: Option<String>,
}

impl Place {
    fn router() -> Self {
        Self { path: "router".to_owned(), owner: SettingOwner::Router, group: None }
    }
}

fn changed_in_group(name: &str, group: &Written, usual: &Written, out: &mut Vec<ChangedSetting>) {
    let path = format!("router.groups.{name}");
    let place = Place { path, owner: SettingOwner::Group, group: Some(name.to_owned()) };
    for (key, value) in entries(group) {
        let (Written::List(now), Written::List(usual), "deployments") =
            (value, part(usual, key), key)
        else {
            changed(&place, key, value, part(usual, key), out);
            continue;
        };
        for (now, usual) in now.iter().zip(usual) {
            let Written::Text(name) = part(now, "name") else { continue };
            let path = format!("{}.deployments.{name}", place.path);
            let place = Place { path, owner: SettingOwner::Deployment, group: place.group.clone() };
            for (key, value) in entries(now) {
                changed(&place, key, value, part(usual, key), out);
            }
        }
    }
}

/// What of `now` differs from `usual`, down to single values.
fn changed(
    place: &Place,
    key: &str,
    now: &Written,
    usual: &Written,
    out: &mut Vec<ChangedSetting>,
) {
    if now == usual {
        return;
    }
    if let Written::Map(parts) = now
        && !parts.is_empty()
    {
        for (inner, value) in parts {
            changed(place, &format!("{key}.{inner}"), value, part(usual, inner), out);
        }
        return;
    }
    out.push(ChangedSetting {
        path: format!("{}.{key}", place.path),
        owner: place.owner,
        group: place.group.clone(),
        key: key.to_owned(),
        value: now.to_string(),
    });
}

fn write_group(group: &Written, usual: &Written, out: &mut String) {
    const INDENT: &str = "      ";
    for (key, value) in entries(group).filter(|(key, _)| *key != "deployments") {
        put(out, INDENT, key, &value.beyond(part(usual, key)));
    }
    let (Written::List(now), Written::List(usual)) =
        (part(group, "deployments"), part(usual, "deployments"))
    else {
        return;
    };
    let _ = writeln!(out, "{INDENT}deployments:");
    for (now, usual) in now.iter().zip(usual) {
        let said = entries(now).filter_map(|(key, value)| {
            let value = match key {
                "name" | "provider" | "model" | "key" => value.clone(),
                // Its own are read over the group's.
                "timeouts" | "cooldown" => value.beyond(part(group, key)),
                _ => value.beyond(part(usual, key)),
            };
            (value != Written::Unset).then(|| (key.to_owned(), value))
        });
        let _ = writeln!(out, "{INDENT}  - {}", Written::Map(said.collect()));
    }
}

#[cfg(test)]
mod tests;
