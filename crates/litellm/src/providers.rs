//! LiteLLM's own tables of providers and models, as far as a router needs them. `cargo xtask litellm-files`
//! writes them from what the installed LiteLLM calls.

use squall_wire::Format;

const PROVIDERS: &str = include_str!("providers/providers.tsv");
const MODELS: &str = include_str!("providers/models.tsv");
const PRICES: &str = include_str!("providers/prices.tsv");

/// Providers with an API of their own here: what they are called in, which LiteLLM's tables do not say.
const OURS: [KnownProvider; 3] = [
    // Ollama speaks OpenAI's API beside its own.
    local("ollama", "http://localhost:11434/v1", "OLLAMA_API_KEY", "OLLAMA_API_BASE"),
    local("ollama_chat", "http://localhost:11434/v1", "OLLAMA_API_KEY", "OLLAMA_API_BASE"),
    // Completions of texts are asked for as chats.
    KnownProvider {
        word: "text-completion-openai",
        speaks: Some(Format::OpenAi),
        base: Some("https://api.openai.com/v1"),
        keys: "OPENAI_API_KEY",
        key_is_optional: false,
        base_variable: Some("OPENAI_API_BASE"),
    },
];

/// Providers that are called in OpenAI's format, behind a sign-in that is not made here.
const SIGNED_IN: [&str; 3] = ["chatgpt", "gigachat", "github_copilot"];

/// What is known of a provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KnownProvider {
    /// LiteLLM's word for it.
    pub word: &'static str,
    /// What is spoken there, if it is spoken here too.
    pub speaks: Option<Format>,
    /// Its API up to the version, if it has one address.
    pub base: Option<&'static str>,
    keys: &'static str,
    /// Whether it answers without a key.
    pub key_is_optional: bool,
    /// The variable that LiteLLM takes its address from.
    pub base_variable: Option<&'static str>,
}

/// What a model's tokens cost by LiteLLM's map of costs, in dollars per million, as decimals.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct KnownPrice {
    /// Of prompt tokens.
    pub input: &'static str,
    /// Of output tokens.
    pub output: &'static str,
}

const fn local(
    word: &'static str,
    base: &'static str,
    key: &'static str,
    variable: &'static str,
) -> KnownProvider {
    KnownProvider {
        word,
        speaks: Some(Format::OpenAi),
        base: Some(base),
        keys: key,
        key_is_optional: true,
        base_variable: Some(variable),
    }
}

impl KnownProvider {
    /// The variables that LiteLLM takes its key from, the one that is named after it first.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.keys.split(',').filter(|key| *key != "-")
    }
}

/// The provider of this name.
#[must_use]
pub fn provider(word: &str) -> Option<KnownProvider> {
    all().find(|known| known.word == word)
}

/// Every provider that LiteLLM knows.
pub fn all() -> impl Iterator<Item = KnownProvider> + Clone {
    let ours = |word: &str| OURS.iter().any(|known| known.word == word);
    OURS.into_iter().chain(lines(PROVIDERS).map(row).filter(move |known| !ours(known.word)))
}

/// What the tokens of a model cost at a provider that sells its own models, or models on its own machines;
/// `None` of others.
#[must_use]
pub fn price(word: &str, model: &str) -> Option<KnownPrice> {
    lines(PRICES).find_map(|line| {
        let mut cells = line.split('\t');
        let is_it = cells.next() == Some(word) && cells.next() == Some(model);
        let price = KnownPrice { input: cells.next()?, output: cells.next()? };
        is_it.then_some(price)
    })
}

fn row(line: &'static str) -> KnownProvider {
    let mut cells = line.split('\t');
    let mut cell = || cells.next().unwrap_or("-");
    let stated = |text: &'static str| (text != "-").then_some(text);
    let word = cell();
    let speaks = match cell() {
        _ if SIGNED_IN.contains(&word) => None,
        "openai" => Some(Format::OpenAi),
        "azure" => Some(Format::Azure),
        "anthropic" => Some(Format::Anthropic),
        "gemini" => Some(Format::Gemini),
        _ => None,
    };
    KnownProvider {
        word,
        speaks,
        base: stated(cell()),
        keys: cell(),
        key_is_optional: cell() == "optional",
        base_variable: stated(cell()),
    }
}

/// The provider of a model that LiteLLM knows without a prefix.
pub(crate) fn of_model(model: &str) -> Option<&'static str> {
    let known = |line: &'static str| {
        let (known, provider) = line.split_once('\t')?;
        (known == model).then_some(provider)
    };
    // A model that was tuned is named after the one that it was made of.
    let tuned = || model.starts_with("ft:gpt-").then_some("openai");
    lines(MODELS).find_map(known).or_else(tuned)
}

/// The provider whose own address this is.
pub(crate) fn at(base: &str) -> Option<&'static str> {
    let at = |known: KnownProvider| known.base.is_some_and(|own| base.starts_with(own));
    lines(PROVIDERS).map(row).find(|known| at(*known)).map(|known| known.word)
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> + Clone {
    table.lines().filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_have_their_own_addresses_and_keys() {
        let groq = provider("groq").expect("it is known");
        assert_eq!(groq.base, Some("https://api.groq.com/openai/v1"));
        assert_eq!(groq.keys().collect::<Vec<_>>(), ["GROQ_API_KEY"]);
        assert_eq!(provider("bedrock").map(|known| known.speaks), Some(None));
        assert_eq!(provider("meta-llama"), None);
        assert_eq!(at("https://api.groq.com/openai/v1/"), Some("groq"));
    }

    #[test]
    fn prices_are_those_of_the_provider_that_is_asked() {
        let of = |word, model| price(word, model).map(|price| (price.input, price.output));
        assert_eq!(of("openai", "gpt-4o-mini"), Some(("0.15", "0.6")));
        assert_eq!(of("azure", "eu/gpt-4o-mini"), Some(("0.165", "0.66")));
        assert_eq!(of("anthropic", "gpt-4o-mini"), None);
        assert_eq!(of("anthropic", "claude-haiku-4-5"), Some(("1", "5")));
    }

    #[test]
    fn models_that_litellm_knows_need_no_prefix() {
        assert_eq!(of_model("gpt-4o"), Some("openai"));
        assert_eq!(of_model("ft:gpt-4o-mini-2024-07-18:org::id"), Some("openai"));
        assert_eq!(of_model("home-grown"), None);
    }
}
