//! The official libraries of the vendors, as clients: how each tries again, from its source.

mod anthropic_node;
mod anthropic_python;
mod google_genai_python;
mod openai_node;
mod openai_python;

use crate::ClientRetries;
use core::time::Duration;

/// A library, in one version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sdk {
    /// As a scenario names it.
    pub name: &'static str,
    /// Its package, and the version that was read.
    pub package: &'static str,
    /// How it tries again if nobody sets anything.
    pub retries: ClientRetries,
    /// How long it waits for an answer to begin; `None` for ever.
    pub call_timeout: Option<Duration>,
}

impl Sdk {
    /// All of them. A preset is a file and a line here.
    pub const ALL: [Self; 5] = [
        openai_python::SDK,
        openai_node::SDK,
        anthropic_python::SDK,
        anthropic_node::SDK,
        google_genai_python::SDK,
    ];

    /// The one of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        const ALL: &[Sdk] = &Sdk::ALL;
        ALL.iter().find(|sdk| sdk.name == name)
    }
}

/// Ten minutes: the default of the four that Stainless generates.
const TEN_MINUTES: Option<Duration> = Some(Duration::from_secs(600));
