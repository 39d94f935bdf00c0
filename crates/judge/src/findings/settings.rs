//! What a user decides about findings.

/// What clients are judged by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FindingSettings {
    /// More attempts than this for a call are a retry storm. Default 10, as LLMock: the SDKs of OpenAI and Anthropic
    /// make 3.
    pub max_attempts: u32,
    /// Rules that may be broken: told, and not counted against the client.
    pub allowed: Vec<String>,
}

impl Default for FindingSettings {
    fn default() -> Self {
        Self { max_attempts: 10, allowed: Vec::new() }
    }
}
