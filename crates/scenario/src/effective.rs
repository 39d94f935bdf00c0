//! What a file comes to: every setting with its value and where it comes from, of scenarios, gateway and mock
//! files, and LiteLLM's; and what differs between two of them.

mod difference;
mod litellm;
mod origin;
mod print;
mod router;
mod sections;

pub(crate) use litellm::AsGateway;
pub(crate) use router::{NamesOfNumbers, without_settings, written as written_router};

use crate::diagnostic::{Diagnostics, Problem, Problems};
use crate::model::{GatewayFile, MockFile, Scenario};
use crate::node::{Node, NodeKind};
use crate::read::{GATEWAY, GATEWAY_SETTINGS, MOCK, ROUTER, SCENARIO, UPSTREAM};
use crate::schema::Section;
use crate::settings::Written;
use crate::{Override, PathError, former_names, yaml};
use core::fmt;
use origin::{Annotator, Lines, Versions};
use squall_litellm::LitellmFile;
use squall_router::{Profile, RouterConfig};
use std::collections::BTreeMap;
use std::io;

/// A configuration with everything that holds in it.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The file, as its origins name it.
    name: String,
    kind: EffectiveKind,
    root: Shown,
}

/// Where a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SettingOrigin {
    /// A line of the file, from 1.
    Line(u32),
    /// Nobody said it, and this holds then.
    Default,
    /// The profile that the file names.
    Profile(&'static str),
    /// What the provider is said to be like.
    Preset(String),
    /// What stands above it, the router or the group, at this line.
    Inherited(&'static str, u32),
    /// What was set on the command line.
    Override,
    /// Other settings.
    Derived,
}

/// A value with its origin; of a mapping and a list, each part has its own.
#[derive(Clone, Debug)]
struct Shown {
    value: ShownValue,
    origin: SettingOrigin,
}

#[derive(Clone, Debug)]
enum ShownValue {
    /// There is none.
    Unset,
    /// As a file writes it.
    Scalar(String),
    /// A key, which is compared and never shown.
    Secret(String),
    List(Vec<Shown>),
    Map(Vec<(String, Shown)>),
}

/// A setting of an effective configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EffectiveSetting {
    /// Its path: keys with dots between them, deployments by their names.
    pub path: String,
    /// Its value as a file writes it; `None` for none.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: String,
}

/// What differs between two configurations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingDifference {
    /// The path of a setting.
    pub path: String,
    /// Its value in the first; `None` if it has none there.
    pub before: Option<String>,
    /// Its value in the second.
    pub after: Option<String>,
}

/// How a file is looked at.
#[derive(Clone, Copy)]
pub struct EffectiveOptions<'o> {
    /// Values other than the file's.
    pub overrides: &'o [Override],
    /// By whose formulas a LiteLLM file is routed.
    pub profile: Profile,
    /// Loads a file that a scenario names.
    pub load: &'o dyn Fn(&str) -> io::Result<String>,
}

impl fmt::Debug for EffectiveOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EffectiveOptions")
            .field("overrides", &self.overrides)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// Why there is no effective configuration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EffectiveError {
    /// The file has mistakes, or is none of those that are known.
    #[error("{0}")]
    File(Diagnostics),
    /// A value cannot be set.
    #[error(transparent)]
    Override(PathError),
}

impl From<Diagnostics> for EffectiveError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::File(diagnostics)
    }
}

impl Effective {
    /// What `text` comes to, whichever kind of file it is; `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All that is wrong with the file, or that an override leads nowhere.
    pub fn read(
        path: &str,
        text: &str,
        options: &EffectiveOptions<'_>,
    ) -> Result<Self, EffectiveError> {
        let problems = Problems::default();
        let Some(node) = yaml::parse(text, &problems) else {
            if text.contains("model_list:") {
                // Its own reader shows no secrets, and tells a template from a configuration.
                LitellmFile::read_with(path, text, options.load)?;
            }
            return Err(Diagnostics::new(path, text, problems.into_vec()).into());
        };
        let mut lines = Lines::of(text);
        let mut now = text.to_owned();
        for setting in options.overrides {
            let set = setting.apply(&now).map_err(EffectiveError::Override)?;
            lines.change(&now, &set);
            now = set;
        }
        let mut node = yaml::parse(&now, &problems).unwrap_or(node);
        let kind = EffectiveKind::of(&node).ok_or_else(|| foreign(path, text, &node))?;
        if let Some(section) = kind.section() {
            former_names::replace(&mut node, section, &problems);
        }
        let root = match kind {
            EffectiveKind::Litellm => {
                let file = LitellmFile::read_with(path, &now, options.load)?;
                litellm::shown(&file, options.profile)
            }
            EffectiveKind::Gateway => of_gateway(&GatewayFile::read(path, &now)?, &node, &lines),
            EffectiveKind::Mock => {
                MockFile::read(path, &now)?;
                sections::section(&MOCK, Some(&node), &lines)
            }
            EffectiveKind::Scenario => {
                let scenario = Scenario::read_with(path, &now, options.load)?;
                of_scenario(&scenario, &node, &lines)
            }
        };
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
        Ok(Self { name, kind, root })
    }

    /// What the text of a scenario comes to that a recording keeps: it names no other file any more.
    ///
    /// # Errors
    /// All that is wrong with it, if another version wrote it.
    pub fn of_recorded_scenario(name: &str, text: &str) -> Result<Self, EffectiveError> {
        let load = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
        let options = EffectiveOptions { overrides: &[], profile: Profile::Squall, load: &load };
        Self::read(name, text, &options)
    }

    /// What a gateway's file comes to, without origins: to be compared with another.
    #[must_use]
    pub fn of_gateway(file: &GatewayFile) -> Self {
        let nothing = Node { span: 0..0, line: 0, key_span: None, kind: NodeKind::Map(Vec::new()) };
        let root = of_gateway(file, &nothing, &Lines::of(""));
        Self { name: String::new(), kind: EffectiveKind::Gateway, root }
    }

    /// Every setting, in the order of the file's sections.
    #[must_use]
    pub fn settings(&self) -> Vec<EffectiveSetting> {
        let mut out = Vec::new();
        self.flatten(&self.root, &mut String::new(), &mut out);
        out
    }

    fn flatten(&self, shown: &Shown, path: &mut String, out: &mut Vec<EffectiveSetting>) {
        let length = path.len();
        let mut within = |name: &str, part: &Shown| {
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            self.flatten(part, path, out);
            path.truncate(length);
        };
        match &shown.value {
            ShownValue::Map(entries) if !entries.is_empty() => {
                entries.iter().for_each(|(key, part)| within(key, part));
                return;
            }
            ShownValue::List(items) if items.iter().any(Shown::is_map) => {
                for (place, item) in items.iter().enumerate() {
                    within(&item.name().unwrap_or_else(|| place.to_string()), item);
                }
                return;
            }
            ShownValue::Map(_)
            | ShownValue::List(_)
            | ShownValue::Unset
            | ShownValue::Scalar(_)
            | ShownValue::Secret(_) => {}
        }
        out.push(EffectiveSetting {
            path: path.clone(),
            value: shown.inline(),
            origin: self.told(&shown.origin()),
        });
    }

    /// What differs from here to `other`, by path. Settings that neither has are no difference, and what one has
    /// as a whole, such as a group, is one. Of files of two kinds only what both have is compared: the router,
    /// and the providers that a gateway calls.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<SettingDifference> {
        let mut differences = Vec::new();
        let compared = self.kind.compared_with(other.kind);
        let parts = |of: &Self| -> Vec<(String, Shown)> {
            let ShownValue::Map(entries) = &of.root.value else { return Vec::new() };
            let fits = |key: &str| compared.is_none_or(|compared| compared.contains(&key));
            entries.iter().filter(|(key, _)| fits(key)).cloned().collect()
        };
        let root =
            |of: &Self| Shown { value: ShownValue::Map(parts(of)), origin: SettingOrigin::Default };
        difference::compare("", Some(&root(self)), Some(&root(other)), &mut differences);
        differences
    }

    /// An origin for a person.
    fn told(&self, origin: &SettingOrigin) -> String {
        match origin {
            SettingOrigin::Line(line) => format!("{}:{line}", self.name),
            SettingOrigin::Default => "default".to_owned(),
            SettingOrigin::Profile(profile) => format!("profile {profile}"),
            SettingOrigin::Preset(preset) => format!("preset {preset}"),
            SettingOrigin::Inherited(from, line) => format!("{from} ({}:{line})", self.name),
            SettingOrigin::Override => "--set".to_owned(),
            SettingOrigin::Derived => "derived".to_owned(),
        }
    }
}

impl Shown {
    const fn unset() -> Self {
        Self { value: ShownValue::Unset, origin: SettingOrigin::Default }
    }

    const fn is_map(&self) -> bool {
        matches!(self.value, ShownValue::Map(_))
    }

    /// The name that an item of a list goes by.
    fn name(&self) -> Option<String> {
        let ShownValue::Map(entries) = &self.value else { return None };
        entries.iter().find(|(key, _)| key == "name")?.1.inline()
    }
}

/// The kinds of files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EffectiveKind {
    Scenario,
    Gateway,
    Mock,
    Litellm,
}

impl EffectiveKind {
    /// The sections that mean the same in both; `None` for all.
    fn compared_with(self, other: Self) -> Option<&'static [&'static str]> {
        match (self, other) {
            (one, other) if one == other => None,
            (Self::Gateway | Self::Litellm, Self::Gateway | Self::Litellm) => {
                Some(&["providers", "router"])
            }
            (Self::Mock, Self::Scenario) | (Self::Scenario, Self::Mock) => Some(&["providers"]),
            _ => Some(&["router"]),
        }
    }

    /// What such a file may hold; `None` for LiteLLM's, which another reader knows.
    pub(crate) fn section(self) -> Option<&'static Section> {
        match self {
            Self::Scenario => Some(&SCENARIO),
            Self::Gateway => Some(&GATEWAY),
            Self::Mock => Some(&MOCK),
            Self::Litellm => None,
        }
    }

    /// What a file is, by the keys that it begins with.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let NodeKind::Map(entries) = &node.kind else { return None };
        let has = |key: &str| entries.iter().any(|entry| entry.key == key);
        if has("model_list") || has("include") {
            Some(Self::Litellm)
        } else if has("traffic") || has("phases") || has("expect") {
            Some(Self::Scenario)
        } else if has("router") {
            Some(Self::Gateway)
        } else if has("providers") {
            Some(Self::Mock)
        } else {
            None
        }
    }
}

fn foreign(path: &str, text: &str, node: &Node) -> Diagnostics {
    let message = "this is not a scenario, gateway file, mock file or LiteLLM configuration";
    let label = format!("found {}", node.found());
    let help = "a scenario has `traffic`, a gateway file `router`, a mock file `providers` alone, and \
                LiteLLM's a `model_list`";
    Diagnostics::new(path, text, vec![Problem::new(&node.span, message, label).help(help)])
}

fn part<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let NodeKind::Map(entries) = &node.kind else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

/// The word of the profile that a router names.
fn profile_of(node: Option<&Node>) -> &'static str {
    let word = node.and_then(|router| part(router, "profile"));
    let profile = word.and_then(|word| match &word.kind {
        NodeKind::Scalar(text) => Profile::from_word(text),
        NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => None,
    });
    profile.map_or("", Profile::as_str)
}

/// A router in force, as it stands at `node`; `written` is how it would be without its profile.
fn of_router(
    config: &RouterConfig,
    written: Option<&RouterConfig>,
    names: &NamesOfNumbers<'_>,
    node: Option<&Node>,
    lines: &Lines,
) -> Shown {
    let nothing = Node { span: 0..0, line: 0, key_span: None, kind: NodeKind::Map(Vec::new()) };
    let profile = profile_of(node);
    let annotator = Annotator { lines, profile };
    let now = Written::Map(written_router(config, names));
    let default = Written::Map(written_router(&without_settings(config), names));
    let written = written.map(|written| Written::Map(written_router(written, names)));
    let versions = Versions { now: &now, written: written.as_ref(), default: Some(&default) };
    let mut shown = annotator.router(versions, node.unwrap_or(&nothing));
    // Without a word every policy is as it is written; to name a profile may change some.
    if let ShownValue::Map(entries) = &mut shown.value
        && let Some(word) = node.and_then(|router| part(router, "profile"))
    {
        let value = ShownValue::Scalar(profile.to_owned());
        entries.insert(0, ("profile".to_owned(), Shown { value, origin: lines.origin(word) }));
    }
    shown
}

fn of_gateway(file: &GatewayFile, node: &Node, lines: &Lines) -> Shown {
    let annotator = Annotator { lines, profile: "" };
    let now = Written::Map(GATEWAY_SETTINGS.write(file));
    let default = Written::Map(GATEWAY_SETTINGS.write(&GatewayFile::default()));
    let versions = Versions { now: &now, written: None, default: Some(&default) };
    let mut root = annotator.section(versions, Some(node));
    let names: Vec<_> = file.providers.iter().map(|provider| provider.name.clone()).collect();
    let mut nodes: BTreeMap<&str, &Node> = BTreeMap::new();
    if let Some(NodeKind::Map(entries)) = part(node, "providers").map(|node| &node.kind) {
        nodes.extend(entries.iter().map(|entry| (entry.key.as_str(), &entry.value)));
    }
    let default = UPSTREAM.write(&Default::default());
    let providers = file.providers.iter().map(|provider| {
        let now = UPSTREAM.write(provider);
        let versions = Versions { now: &now, written: None, default: Some(&default) };
        let node = nodes.get(provider.name.as_str()).copied();
        (provider.name.clone(), annotator.section(versions, node))
    });
    let providers = ShownValue::Map(providers.collect());
    let names = NamesOfNumbers {
        providers: &names,
        links: &file.deployments,
        tags: &file.tags,
        regions: &file.regions,
        budgets: &file.budgets,
        keys: &file.tenants,
        declared: false,
    };
    let router = part(node, "router");
    let written = file.before_profile.as_ref();
    let router = of_router(&file.router, written, &names, router, lines);
    if let ShownValue::Map(entries) = &mut root.value {
        let providers = Shown { value: providers, origin: SettingOrigin::Default };
        entries.push(("providers".to_owned(), providers));
        entries.push(("router".to_owned(), router));
    }
    root
}

fn of_scenario(scenario: &Scenario, node: &Node, lines: &Lines) -> Shown {
    let mut root = sections::section(&SCENARIO, Some(node), lines);
    let providers: Vec<_> = scenario.providers.iter().map(|each| each.name.clone()).collect();
    let names = NamesOfNumbers {
        providers: &providers,
        links: &scenario.deployments,
        tags: &scenario.tags,
        regions: &scenario.regions,
        budgets: &scenario.budgets,
        keys: &[],
        declared: false,
    };
    let router = part(node, "router");
    let mut shown =
        of_router(&scenario.router, scenario.before_profile.as_ref(), &names, router, lines);
    if let ShownValue::Map(entries) = &mut shown.value {
        for key in ["litellm", "changes"] {
            let said = router.and_then(|router| part(router, key)).zip(ROUTER.key(key));
            if let Some((node, key)) = said {
                let shown = sections::value(&key.shape(), node, lines);
                entries.push((key.name.to_owned(), shown));
            }
        }
    }
    if let ShownValue::Map(entries) = &mut root.value
        && let Some(entry) = entries.iter_mut().find(|(key, _)| key == "router")
    {
        entry.1 = shown;
    }
    root
}

#[cfg(test)]
mod tests;
