//! LiteLLM's configuration files: what they say, as a router of ours or by LiteLLM's own formulas, and
//! what of it is kept.

mod build;
mod group;
mod init;
mod providers;
mod read;
mod redacted;
mod report;
mod secrets;
mod setting;
mod surroundings;
mod upstream;

pub use init::InitOptions;
pub use providers::{
    KnownPrice, KnownProvider, all as known_providers, price as known_price,
    provider as known_provider,
};
pub use report::{ImportFinding, Support};
pub use secrets::without_secrets;
pub use surroundings::LoadReference;

use core::cell::Cell;
use core::time::Duration;
use read::{ModelEntry, Settings};
use squall_config_file::diagnostic::{Diagnostics, Problems};
use squall_config_file::node::Node;
use squall_config_file::yaml;
use squall_router::{Profile, RouterConfig};
use squall_wire::Format;
use std::io;
use upstream::LitellmUpstream;

/// What LiteLLM waits for an answer when nothing is said: as good as forever.
pub(crate) const REFERENCE_TIMEOUT: Duration = Duration::from_secs(6_000);

/// A LiteLLM configuration that was read.
#[derive(Clone, Debug)]
pub struct LitellmFile {
    path: String,
    entries: Vec<ModelEntry>,
    settings: Settings,
    upstreams: Vec<LitellmUpstream>,
    tags: Vec<String>,
    regions: Vec<String>,
    settings_found: Vec<report::FoundSetting>,
    /// The keys of `litellm_settings` that `router_settings` has too.
    overridden: Vec<String>,
    /// The places in `model_list` of the deployments that LiteLLM drops.
    dropped: Vec<usize>,
    /// The file with what it includes and the variables that it refers to.
    resolved: Node,
    /// Whether the text alone says all of it.
    stands_alone: bool,
    warnings: Option<Diagnostics>,
}

/// A deployment of a LiteLLM file, as a reader of the file would name it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LitellmDeployment<'f> {
    /// `model_info.id`, or the group and a number.
    pub name: &'f str,
    /// The group, `model_name`.
    pub group: &'f str,
    /// The model's name upstream, without its provider.
    pub model: &'f str,
    /// The line of its `model_name`, from 1.
    pub line: u32,
    /// Its place in `model_list`.
    pub item: usize,
    /// What it is called at, by its place in [`LitellmFile::upstreams`].
    pub upstream: usize,
    /// The provider's word in LiteLLM.
    pub provider: &'f str,
    /// Whether its API is spoken here: of one that is not, [`LitellmFile::spoken`] knows nothing.
    pub is_spoken: bool,
}

/// An API that deployments of a LiteLLM file are called at.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LitellmProvider<'f> {
    /// Its name here: the provider's word, with a number where there are several.
    pub name: &'f str,
    /// The API it speaks.
    pub format: Format,
    /// Its API up to the version; `$NAME` at its start is a variable.
    pub base_url: &'f str,
    /// What is to be done before the address can be relied on, if anything.
    pub caveat: Option<&'static str>,
    /// What is to be done before the key can be relied on, if anything.
    pub key_caveat: Option<&'static str>,
    /// The key as our files write it: `$NAME`.
    pub api_key: Option<&'f str>,
}

impl LitellmFile {
    /// Reads a LiteLLM configuration from `text` by itself: no variable is set, and no file is there to be
    /// included. `path` is what diagnostics call it.
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with).
    pub fn read(path: &str, text: &str) -> Result<Self, Diagnostics> {
        Self::read_with(path, text, &|_| Err(io::ErrorKind::NotFound.into()))
    }

    /// Reads a LiteLLM configuration from `text`, as LiteLLM's proxy does: `load` loads the files that it
    /// includes, by paths from its folder, and the variables that it refers to, by
    /// `os.environ/NAME`. `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All that LiteLLM itself refuses, and what makes no router, each with its place. What LiteLLM takes
    /// without a word is among the [`warnings`](Self::warnings). Excerpts show no secrets.
    pub fn read_with(path: &str, text: &str, load: LoadReference<'_>) -> Result<Self, Diagnostics> {
        let problems = Problems::default();
        if let Some(template) = read::template(text) {
            return Err(redacted::diagnostics(path, text, vec![template]));
        }
        // A text that refers to nothing around it says all by itself.
        let asked = Cell::new(false);
        let noted = |reference: &str| {
            let found = load(reference);
            asked.set(asked.get() || found.is_ok());
            found
        };
        let root = yaml::parse_as_python(text, &problems);
        let file = root.and_then(|root| read::file(path, root, &noted, &problems));
        let refused = problems.has_errors();
        let found = problems.into_vec();
        let all = || redacted::diagnostics(path, text, found.clone());
        match file {
            Some(mut file) if !refused => {
                file.stands_alone = !asked.get();
                file.warnings = (!found.is_empty()).then(all);
                Ok(file)
            }
            _ => Err(all()),
        }
    }

    /// What LiteLLM takes without a word and should be changed, each with its place.
    #[must_use]
    pub fn warnings(&self) -> Option<&Diagnostics> {
        self.warnings.as_ref()
    }

    /// A text that reads as this file by itself, without secrets: the text that it was read from, or all on
    /// one line where that refers to other files and to variables.
    #[must_use]
    pub fn standalone_text(&self, text: &str) -> String {
        match self.stands_alone {
            true => without_secrets(text),
            false => without_secrets(&self.resolved.flow()),
        }
    }

    /// The same file without the deployments whose API is not spoken here; `None` if nothing is left.
    #[must_use]
    pub fn spoken(&self) -> Option<Self> {
        let mut file = self.clone();
        file.entries.retain(|entry| entry.is_spoken);
        let used = |place: usize| file.entries.iter().any(|entry| entry.upstream == place);
        let kept: Vec<usize> = (0..file.upstreams.len()).filter(|place| used(*place)).collect();
        file.upstreams = kept.iter().map(|place| self.upstreams[*place].clone()).collect();
        for entry in &mut file.entries {
            let place = kept.iter().position(|kept| *kept == entry.upstream);
            entry.upstream = place.unwrap_or_default();
        }
        (!file.entries.is_empty()).then_some(file)
    }

    /// The router that the file describes: by LiteLLM's own formulas, or what its author meant by ours.
    /// Deployments are numbered group by group, groups in the order of their first entries.
    #[must_use]
    pub fn router(&self, profile: Profile) -> RouterConfig {
        build::router(self, profile)
    }

    /// Every setting of the file, in the order of its lines, and how far `profile` keeps it.
    #[must_use]
    pub fn findings(&self, profile: Profile) -> Vec<ImportFinding> {
        report::findings(self, profile)
    }

    /// The deployments, in the order of their numbers.
    #[must_use]
    pub fn deployments(&self) -> Vec<LitellmDeployment<'_>> {
        let groups = self.groups();
        let entries = groups.iter().flat_map(|group| self.entries_of(group));
        entries
            .map(|entry| LitellmDeployment {
                name: &entry.name,
                group: &entry.group,
                model: &entry.model,
                line: entry.line,
                item: entry.item,
                upstream: entry.upstream,
                provider: &entry.provider,
                is_spoken: entry.is_spoken,
            })
            .collect()
    }

    /// The APIs that its deployments are called at.
    #[must_use]
    pub fn upstreams(&self) -> Vec<LitellmProvider<'_>> {
        let upstreams = self.upstreams.iter().map(|upstream| LitellmProvider {
            name: &upstream.name,
            format: upstream.format,
            base_url: &upstream.base_url,
            caveat: upstream.caveat,
            key_caveat: upstream.key_caveat,
            api_key: upstream.api_key.as_deref(),
        });
        upstreams.collect()
    }

    /// What diagnostics call the file.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The names of tags, by bit.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The names of regions, by number.
    #[must_use]
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// The groups' names, in the order of their first entries.
    fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = Vec::new();
        for entry in &self.entries {
            if !groups.contains(&entry.group.as_str()) {
                groups.push(&entry.group);
            }
        }
        groups
    }

    fn entries_of<'f>(&'f self, group: &str) -> impl Iterator<Item = &'f ModelEntry> + use<'f> {
        let group = group.to_owned();
        self.entries.iter().filter(move |entry| entry.group == group)
    }
}
