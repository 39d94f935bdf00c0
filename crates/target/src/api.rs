//! A target as clients address it.

use http::HeaderMap;
use squall_scenario::TargetFormat;
use squall_wire::Format;

/// Where a target is, in which format it is asked, and with what in each request.
#[derive(Clone, Debug)]
pub(crate) struct TargetApi {
    /// With the version.
    pub(crate) base_url: String,
    pub(crate) format: TargetFormat,
    /// Of every request.
    pub(crate) headers: HeaderMap,
    /// What clients ask for, by group.
    pub(crate) models: Vec<(String, String)>,
}

impl TargetApi {
    /// The vendor whose format it is.
    pub(crate) const fn wire_format(&self) -> Format {
        match self.format {
            TargetFormat::OpenAi => Format::OpenAi,
            TargetFormat::Anthropic => Format::Anthropic,
        }
    }

    /// What clients ask for when they want a group.
    pub(crate) fn model<'t>(&'t self, group: &'t str) -> &'t str {
        let known = self.models.iter().find(|(name, _)| name == group);
        known.map_or(group, |(_, model)| model)
    }
}
