//! Where a deployment's requests go: LiteLLM's `provider/model`, `api_base` and `api_key` as a provider
//! of ours.

use super::setting;
use squall_wire::Format;

/// The API that a group of deployments is called at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LitellmUpstream {
    /// Its name here: the provider's word, with a number where there are several.
    pub(crate) name: String,
    /// The provider's word.
    pub(crate) word: String,
    /// The API it speaks.
    pub(crate) format: Format,
    /// Its API up to the version.
    pub(crate) base_url: String,
    /// Why the address is not to be relied on, if so.
    pub(crate) caveat: Option<&'static str>,
    /// The key as our files write it: `$NAME`, or the key.
    pub(crate) api_key: Option<String>,
}

/// The providers whose address is known, and what they speak there.
const KNOWN: [(&str, Format, &str); 14] = [
    ("openai", Format::OpenAi, "https://api.openai.com/v1"),
    ("text-completion-openai", Format::OpenAi, "https://api.openai.com/v1"),
    ("anthropic", Format::Anthropic, "https://api.anthropic.com/v1"),
    ("gemini", Format::Gemini, "https://generativelanguage.googleapis.com/v1beta"),
    ("groq", Format::OpenAi, "https://api.groq.com/openai/v1"),
    ("mistral", Format::OpenAi, "https://api.mistral.ai/v1"),
    ("deepseek", Format::OpenAi, "https://api.deepseek.com/v1"),
    ("openrouter", Format::OpenAi, "https://openrouter.ai/api/v1"),
    ("together_ai", Format::OpenAi, "https://api.together.xyz/v1"),
    ("fireworks_ai", Format::OpenAi, "https://api.fireworks.ai/inference/v1"),
    ("xai", Format::OpenAi, "https://api.x.ai/v1"),
    ("perplexity", Format::OpenAi, "https://api.perplexity.ai"),
    ("cerebras", Format::OpenAi, "https://api.cerebras.ai/v1"),
    ("ollama", Format::OpenAi, "http://127.0.0.1:11434/v1"),
];

/// What `litellm_params` says of where to call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UpstreamAddress<'a> {
    pub(super) api_base: Option<&'a str>,
    pub(super) api_key: Option<&'a str>,
    /// Azure's.
    pub(super) api_version: Option<&'a str>,
}

/// The provider and the model of `litellm_params.model`; `None` if the provider cannot be told.
pub(super) fn split(model: &str, has_base: bool) -> Option<(&str, &str)> {
    if let Some((provider, rest)) = model.split_once('/').filter(|(word, _)| *word != "*") {
        return Some((provider, rest));
    }
    let starts = |words: &[&str]| words.iter().any(|word| model.starts_with(word));
    let provider = if starts(&["gpt-", "o1", "o3", "o4", "chatgpt-", "text-embedding-", "ft:gpt"]) {
        "openai"
    } else if starts(&["claude-"]) {
        "anthropic"
    } else if starts(&["gemini-"]) {
        "gemini"
    } else if has_base || model.contains('*') {
        "openai"
    } else {
        return None;
    };
    Some((provider, model))
}

/// The provider to call, without its name.
pub(super) fn upstream(word: &str, address: UpstreamAddress<'_>) -> LitellmUpstream {
    let api_key = address.api_key.map(|key| match setting::environment(key) {
        Some(name) => format!("${name}"),
        None => key.to_owned(),
    });
    let plain = |format, base_url, caveat| LitellmUpstream {
        name: String::new(),
        word: word.to_owned(),
        format,
        base_url,
        caveat,
        api_key: api_key.clone(),
    };
    let known = KNOWN.iter().find(|(known, ..)| *known == word);
    let unknown = || format!("https://{}.invalid/v1", word.replace('_', "-"));
    let spoken = match word {
        "azure" => Format::Azure,
        _ => known.map_or(Format::OpenAi, |(_, format, _)| *format),
    };
    match (address.api_base, known) {
        (Some(base), _) if setting::environment(base).is_some() => {
            let caveat = "the address is in the environment: set it here";
            plain(spoken, unknown(), Some(caveat))
        }
        (Some(base), _) => {
            let (format, base_url) = given(spoken, base.trim_end_matches('/'), address.api_version);
            plain(format, base_url, None)
        }
        (None, Some((_, format, base))) => plain(*format, (*base).to_owned(), None),
        (None, None) => {
            let caveat = "no known address for this provider: set it here";
            plain(spoken, unknown(), Some(caveat))
        }
    }
}

/// An address as LiteLLM takes it, as the API up to the version, and what is spoken there.
fn given(format: Format, base: &str, api_version: Option<&str>) -> (Format, String) {
    match format {
        // Azure's newer paths are OpenAI's own, keys included.
        Format::Azure if base.ends_with("/openai/v1") => (Format::OpenAi, base.to_owned()),
        Format::Azure => {
            let host = base.split("/openai").next().unwrap_or(base);
            let version = api_version.filter(|version| setting::environment(version).is_none());
            let query = version.filter(|version| *version != AZURE_VERSION);
            let query = query.map_or_else(String::new, |version| format!("?api-version={version}"));
            (format, format!("{host}{}{query}", format.base_path()))
        }
        Format::Anthropic => {
            let base = base.trim_end_matches("/messages").trim_end_matches(format.base_path());
            (format, format!("{base}{}", format.base_path()))
        }
        _ => (format, base.to_owned()),
    }
}

/// The version that is spoken where none is said.
const AZURE_VERSION: &str = "2024-10-21";

/// Adds a provider unless an equal one is there; its place either way.
pub(super) fn place(upstreams: &mut Vec<LitellmUpstream>, mut upstream: LitellmUpstream) -> usize {
    let same = |known: &LitellmUpstream| {
        (&known.word, known.format, &known.base_url, &known.api_key)
            == (&upstream.word, upstream.format, &upstream.base_url, &upstream.api_key)
    };
    if let Some(place) = upstreams.iter().position(same) {
        return place;
    }
    let before = upstreams.iter().filter(|known| known.word == upstream.word).count();
    upstream.name = match before {
        0 => upstream.word.clone(),
        _ => format!("{}-{}", upstream.word, before + 1),
    };
    upstreams.push(upstream);
    upstreams.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        word: &str,
        api_base: Option<&str>,
        api_version: Option<&str>,
        expected: (Format, &str),
    ) {
        let read = upstream(word, UpstreamAddress { api_base, api_version, api_key: None });
        assert_eq!((read.format, read.base_url.as_str()), expected, "{word} {api_base:?}");
    }

    #[test]
    fn each_vendor_is_called_in_its_own_format() {
        check("openai", None, None, (Format::OpenAi, "https://api.openai.com/v1"));
        check("groq", None, None, (Format::OpenAi, "https://api.groq.com/openai/v1"));
        check("anthropic", None, None, (Format::Anthropic, "https://api.anthropic.com/v1"));
        let gemini = "https://generativelanguage.googleapis.com/v1beta";
        check("gemini", None, None, (Format::Gemini, gemini));
    }

    #[test]
    fn azures_address_is_that_of_the_resource_and_its_version_a_query() {
        let host = Some("https://eu.openai.azure.com/");
        let plain = (Format::Azure, "https://eu.openai.azure.com/openai");
        check("azure", host, None, plain);
        check("azure", host, Some(AZURE_VERSION), plain);
        check("azure", host, Some("os.environ/AZURE_API_VERSION"), plain);
        let deployment = Some("https://eu.openai.azure.com/openai/deployments/gpt-4o");
        check("azure", deployment, None, plain);
        let newer = "https://eu.openai.azure.com/openai?api-version=2025-01-01-preview";
        check("azure", host, Some("2025-01-01-preview"), (Format::Azure, newer));
        let v1 = "https://eu.openai.azure.com/openai/v1";
        check("azure", Some(v1), None, (Format::OpenAi, v1));
    }

    #[test]
    fn anthropics_address_may_be_that_of_a_proxy() {
        for base in
            ["https://proxy", "https://proxy/", "https://proxy/v1", "https://proxy/v1/messages"]
        {
            check("anthropic", Some(base), None, (Format::Anthropic, "https://proxy/v1"));
        }
    }
}
