//! LiteLLM's configuration files: what they say, as a router of ours or by LiteLLM's own formulas, and
//! what of it is kept.

mod build;
mod group;
mod init;
mod read;
mod report;
mod setting;
mod upstream;

pub use init::InitOptions;
pub use report::{ImportFinding, Support, without_secrets};

use core::time::Duration;
use read::{ModelEntry, Settings};
use squall_config_file::diagnostic::{Diagnostics, Problems};
use squall_config_file::yaml;
use squall_router::{Profile, RouterConfig};
use squall_wire::Format;
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
}

/// An API that deployments of a LiteLLM file are called at.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LitellmProvider<'f> {
    /// Its name here: the provider's word, with a number where there are several.
    pub name: &'f str,
    /// The API it speaks.
    pub format: Format,
    /// Its API up to the version.
    pub base_url: &'f str,
    /// Why the address is not to be relied on, if so.
    pub caveat: Option<&'static str>,
    /// The key as our files write it: `$NAME`, or the key.
    pub api_key: Option<&'f str>,
}

impl LitellmFile {
    /// Reads a LiteLLM configuration from `text`; `path` is what diagnostics call it.
    ///
    /// # Errors
    /// All that LiteLLM itself refuses, and what makes no router, each with its place.
    pub fn read(path: &str, text: &str) -> Result<Self, Diagnostics> {
        let problems = Problems::default();
        let file = yaml::parse(text, &problems).and_then(|root| read::file(path, &root, &problems));
        match file {
            Some(file) if problems.is_empty() => Ok(file),
            _ => Err(Diagnostics::new(path, text, problems.into_vec())),
        }
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
