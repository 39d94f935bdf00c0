//! Traces that come with Squall. `data/README.md` has their sources and licences.

use crate::TraceInput;

/// A trace that comes with Squall.
#[derive(Clone, Copy, Debug)]
pub struct TracePreset {
    /// Its name.
    pub name: &'static str,
    /// What it is of.
    pub about: &'static str,
    /// Who made it, and its licence.
    pub source: &'static str,
    bytes: &'static [u8],
}

impl TracePreset {
    /// Its rows.
    #[must_use]
    pub fn input(&self) -> TraceInput {
        TraceInput::memory(self.name, self.bytes)
    }
}

/// Every trace that comes with Squall.
pub const PRESETS: [TracePreset; 1] = [TracePreset {
    name: "azure-code-bursts",
    about: "An hour of code completion: 8,819 requests, 2.6 a second on average and 67 in the busiest second.",
    source: "Azure LLM inference trace 2023 (code), Patel et al., ISCA 2024; Microsoft, CC BY 4.0; times since the first \
             request, to a millisecond",
    bytes: include_bytes!("../data/azure2023_code.csv.gz"),
}];

/// The preset of this name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static TracePreset> {
    static TABLE: [TracePreset; 1] = PRESETS;
    TABLE.iter().find(|preset| preset.name == name)
}
