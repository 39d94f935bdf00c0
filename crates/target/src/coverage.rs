//! What a gateway makes of the settings of a scenario: kept, expressed otherwise, or not there. A setting that a
//! gateway's table does not name gets a note of its own, so that none is left out silently.

use crate::ready_made::ExportNote;
use crate::routing_view::RoutingView;
use core::fmt;
use squall_router::FallbackChoice;
use squall_scenario::{ChangedSetting, SettingOwner};

/// What becomes of a setting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum SettingSupport {
    /// It means the same there.
    Kept,
    /// It is expressed otherwise, as the sentence says.
    Otherwise(String),
    /// There is no such thing.
    Missing,
}

/// Short for a setting that is expressed otherwise.
pub(crate) fn otherwise(what: impl Into<String>) -> SettingSupport {
    SettingSupport::Otherwise(what.into())
}

/// The notes of an export.
#[derive(Debug)]
pub(crate) struct Notes<'v> {
    view: &'v RoutingView<'v>,
    gateway: &'static str,
    found: Vec<FoundNote>,
}

/// A note, and everything of which the same is to be said.
#[derive(Debug)]
struct FoundNote {
    key: String,
    paths: Vec<String>,
    what: String,
}

impl<'v> Notes<'v> {
    pub(crate) fn new(view: &'v RoutingView<'v>, gateway: &'static str) -> Self {
        Self { view, gateway, found: Vec::new() }
    }

    /// A note of what a table cannot say.
    pub(crate) fn add(&mut self, path: impl Into<String>, what: impl fmt::Display) {
        let path = path.into();
        self.push(&path, &path, what.to_string());
    }

    /// A note for every group: `key` is the setting below a group.
    pub(crate) fn of_groups(&mut self, key: &str, what: &str) {
        let paths: Vec<_> = self
            .view
            .router
            .groups
            .iter()
            .map(|group| format!("router.groups.{}.{key}", group.name))
            .collect();
        for path in &paths {
            self.push(key, path, what.to_owned());
        }
    }

    /// Goes through the router's settings that are not at their defaults.
    pub(crate) fn settings(&mut self, support: impl Fn(&ChangedSetting) -> SettingSupport) {
        for setting in self.view.scenario.changed_settings() {
            let what = match support(&setting) {
                SettingSupport::Kept => continue,
                SettingSupport::Otherwise(what) => what,
                SettingSupport::Missing => {
                    format!("{} has no such setting (here {})", self.gateway, setting.value)
                }
            };
            self.push(&setting.key, &setting.path, what);
        }
    }

    /// For an export of the vendor's defaults: names what is left out on purpose.
    pub(crate) fn left_at_defaults(&mut self, kept: impl Fn(&ChangedSetting) -> bool) {
        let settings = self.view.scenario.changed_settings();
        let mut keys: Vec<&str> = Vec::new();
        for setting in settings.iter().filter(|setting| !kept(setting)) {
            let key = setting.key.split('.').next().unwrap_or_default();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if !keys.is_empty() {
            let what =
                format!("left at {}'s defaults on purpose: {}", self.gateway, keys.join(", "));
            self.add("router", what);
        }
    }

    /// Of configurations that follow in mid-run.
    pub(crate) fn of_changes(&mut self) {
        if !self.view.scenario.changes.is_empty() {
            let gateway = self.gateway;
            let what = format!(
                "{gateway} keeps the configuration that it starts with: no change is carried out"
            );
            self.add("router.changes", what);
        }
    }

    /// What holds for every gateway but ours: changes, and what clients say in headers of ours.
    pub(crate) fn of_the_run(&mut self) {
        self.of_changes();
        let gateway = self.gateway;
        let scenario = self.view.scenario;
        for kind in &scenario.kinds {
            let said = [
                ("priority", kind.priority != 0),
                ("tenant", kind.tenant.is_some()),
                ("tags", !kind.tags.is_empty()),
                ("features", kind.features != Default::default()),
                ("region", kind.region.is_some()),
                ("retries", kind.overrides.retries.is_some()),
                ("timeout", kind.overrides.timeout.is_some()),
                ("fallbacks", kind.overrides.fallbacks != FallbackChoice::default()),
            ];
            for (key, _) in said.into_iter().filter(|(_, is_said)| *is_said) {
                let path = format!("traffic.mix.{}.{key}", kind.name);
                let what = format!(
                    "clients say it in a header of Squall's, which {gateway} does not read"
                );
                self.push(key, &path, what);
            }
        }
    }

    /// For gateways that pass bodies on as they are.
    pub(crate) fn of_unread_bodies(&mut self) {
        let gateway = self.gateway;
        for group in self.view.groups() {
            let models: Vec<_> = group.deployments.iter().map(|each| each.model).collect();
            if models.iter().any(|model| *model != group.config.name) {
                let what = format!(
                    "{gateway} passes the client's model on: every provider is asked for `{}`",
                    group.config.name
                );
                self.push(
                    "model",
                    &format!("router.groups.{}.deployments.*.model", group.config.name),
                    what,
                );
            }
            for deployment in &group.deployments {
                if !deployment.speaks_openai() {
                    let path = format!("providers.{}.format", deployment.provider.name);
                    let what = format!(
                        "{gateway} does not translate: OpenAI's requests reach a provider that speaks `{}`, and fail",
                        deployment.provider.format.as_str()
                    );
                    self.push("format", &path, what);
                }
                if let Some(key) = deployment.key {
                    let path = format!(
                        "router.groups.{}.deployments.{}.key",
                        group.config.name, deployment.config.name
                    );
                    let what = format!(
                        "{gateway} passes the client's key on and has none of its own for a provider (here {key})"
                    );
                    self.push("key", &path, what);
                }
            }
        }
    }

    fn push(&mut self, key: &str, path: &str, what: String) {
        let same = |note: &&mut FoundNote| note.key == key && note.what == what;
        match self.found.iter_mut().find(same) {
            Some(note) if note.paths.iter().any(|known| known == path) => {}
            Some(note) => note.paths.push(path.to_owned()),
            None => self.found.push(FoundNote {
                key: key.to_owned(),
                paths: vec![path.to_owned()],
                what,
            }),
        }
    }

    /// One note for everything of which the same is said.
    pub(crate) fn finish(self) -> Vec<ExportNote> {
        let notes = self.found.into_iter();
        notes.map(|note| ExportNote { setting: note.paths.join(", "), what: note.what }).collect()
    }
}

/// Whether a setting is one that even an export of the vendor's defaults carries.
pub(crate) fn is_basic(setting: &ChangedSetting) -> bool {
    match setting.owner {
        SettingOwner::Router => false,
        SettingOwner::Group => ["fallback", "aliases"].contains(&setting.key.as_str()),
        SettingOwner::Deployment => setting.key == "weight",
    }
}
