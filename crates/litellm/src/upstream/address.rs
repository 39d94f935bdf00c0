//! Addresses as LiteLLM takes them, as the API up to the version: what it calls, in each provider's way.

use squall_wire::Format;

/// The version of Azure's API that is spoken where an address says none.
const AZURE_VERSION: &str = "2024-10-21";
/// The version that LiteLLM 1.110 speaks where a file says none.
const LITELLMS_AZURE_VERSION: &str = "2025-02-01-preview";

/// How the address of a deployment is read.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) word: &'a str,
    pub(super) format: Format,
    /// Azure's `api_version`.
    pub(super) version: Option<String>,
}

impl Reading<'_> {
    /// An address that stands in the file.
    pub(super) fn literal(&self, base: &str) -> (Format, String) {
        let base = base.trim().trim_end_matches('/');
        match self.format {
            // Its newer paths are OpenAI's own, keys included.
            Format::Azure if base.ends_with("/openai/v1") => (Format::OpenAi, base.to_owned()),
            Format::Azure => {
                let host = base.split("/openai").next().unwrap_or(base);
                let (format, after) = self.after_azures_host();
                (format, format!("{host}{after}"))
            }
            Format::Anthropic => {
                let path = Format::Anthropic.base_path();
                let base = base.trim_end_matches("/messages").trim_end_matches(path);
                (self.format, format!("{base}{path}"))
            }
            format => (format, format!("{}{}", self.openais(base), self.path_within(base))),
        }
    }

    /// An address in a variable, whose value may be known.
    pub(super) fn variable(&self, name: &str, value: Option<&str>) -> (Format, String) {
        let assumed = match self.word {
            "azure" => "https://resource.openai.azure.com",
            "anthropic" => "https://api.anthropic.com",
            "ollama" | "ollama_chat" => "http://localhost:11434",
            "azure_ai" => "https://resource.services.ai.azure.com",
            _ => "https://api.example/v1",
        };
        let value = value.unwrap_or(assumed).trim().trim_end_matches('/');
        let (format, whole) = self.literal(value);
        // What is called begins with what the variable holds, or with a part of it.
        let (name, value) = (format!("${name}"), value.to_owned());
        match whole.strip_prefix(&value) {
            Some(after) => (format, format!("{name}{after}")),
            None => (format, name),
        }
    }

    /// What follows the address of a resource of Azure's.
    fn after_azures_host(&self) -> (Format, String) {
        let version = self.version.as_deref().unwrap_or(LITELLMS_AZURE_VERSION);
        match version {
            "v1" | "latest" | "preview" => (Format::OpenAi, "/openai/v1".to_owned()),
            AZURE_VERSION => (Format::Azure, Format::Azure.base_path().to_owned()),
            version => {
                let path = Format::Azure.base_path();
                (Format::Azure, format!("{path}?api-version={version}"))
            }
        }
    }

    /// An address of OpenAI's API without the path of a call, which some write behind it.
    fn openais<'b>(&self, base: &'b str) -> &'b str {
        base.trim_end_matches("/chat/completions").trim_end_matches('/')
    }

    /// What a provider has between its address and the path of a call.
    fn path_within(&self, base: &str) -> &'static str {
        let ends = |end| self.openais(base).ends_with(end);
        match self.word {
            // Beside its own API, which LiteLLM calls, it has OpenAI's.
            "ollama" | "ollama_chat" if !ends("/v1") => "/v1",
            "azure_ai" if base.contains(".services.ai.azure.com") && !ends("/models") => "/models",
            "huggingface" if !ends("/v1") => "/v1",
            _ => "",
        }
    }
}
