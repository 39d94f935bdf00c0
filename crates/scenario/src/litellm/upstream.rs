//! Where a deployment's requests go: LiteLLM's `provider/model`, `api_base` and `api_key` as a provider
//! of ours.

use super::setting;

/// The API that a group of deployments is called at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Upstream {
    /// Its name here: the provider's word, with a number where there are several.
    pub(crate) name: String,
    /// The provider's word.
    pub(crate) word: String,
    /// Its API up to the version.
    pub(crate) base_url: String,
    /// Why the address is not to be relied on, if so.
    pub(crate) doubt: Option<&'static str>,
    /// The key as our files write it: `$NAME`, or the key.
    pub(crate) api_key: Option<String>,
}

/// The providers that speak OpenAI's API at an address of their own.
const KNOWN: [(&str, &str); 14] = [
    ("openai", "https://api.openai.com/v1"),
    ("text-completion-openai", "https://api.openai.com/v1"),
    ("anthropic", "https://api.anthropic.com/v1"),
    ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai"),
    ("groq", "https://api.groq.com/openai/v1"),
    ("mistral", "https://api.mistral.ai/v1"),
    ("deepseek", "https://api.deepseek.com/v1"),
    ("openrouter", "https://openrouter.ai/api/v1"),
    ("together_ai", "https://api.together.xyz/v1"),
    ("fireworks_ai", "https://api.fireworks.ai/inference/v1"),
    ("xai", "https://api.x.ai/v1"),
    ("perplexity", "https://api.perplexity.ai"),
    ("cerebras", "https://api.cerebras.ai/v1"),
    ("ollama", "http://127.0.0.1:11434/v1"),
];

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
pub(super) fn upstream(word: &str, api_base: Option<&str>, api_key: Option<&str>) -> Upstream {
    let (base_url, doubt) = base_url(word, api_base);
    let api_key = api_key.map(|key| match setting::environment(key) {
        Some(name) => format!("${name}"),
        None => key.to_owned(),
    });
    Upstream { name: String::new(), word: word.to_owned(), base_url, doubt, api_key }
}

fn base_url(word: &str, api_base: Option<&str>) -> (String, Option<&'static str>) {
    let unknown = || format!("https://{}.invalid/v1", word.replace('_', "-"));
    match api_base {
        Some(base) if setting::environment(base).is_some() => {
            (unknown(), Some("the address is in the environment: write it here"))
        }
        Some(base) if word == "azure" && !base.contains("/openai") => {
            (format!("{}/openai/v1", base.trim_end_matches('/')), None)
        }
        Some(base) => (base.trim_end_matches('/').to_owned(), None),
        None => match KNOWN.iter().find(|(known, _)| *known == word) {
            Some((_, base)) => ((*base).to_owned(), None),
            None => (unknown(), Some("no address is known for this provider: write it here")),
        },
    }
}

/// Adds a provider unless an equal one is there; its place either way.
pub(super) fn place(upstreams: &mut Vec<Upstream>, mut upstream: Upstream) -> usize {
    let same = |known: &Upstream| {
        (&known.word, &known.base_url, &known.api_key)
            == (&upstream.word, &upstream.base_url, &upstream.api_key)
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
