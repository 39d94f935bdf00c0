//! A provider of a mix as it is typed: `openai:gpt-4o-mini,weight=60,rpm=10000,tpm=10M`.

use core::str::FromStr;
use core::time::Duration;
use squall_config_file::diagnostic::nearest;
use squall_config_file::name::is_folder_name;
use squall_config_file::unit::{self, Misfit};
use squall_litellm::{KnownProvider, known_provider, known_providers};
use squall_wire::Format;

/// What a whole one looks like, for those who typed another.
pub const SPEC_EXAMPLE: &str = "openai:gpt-4o-mini,weight=60,rpm=10000,tpm=10M";

/// Words that people use for a provider, and LiteLLM's for it.
const OTHER_WORDS: [(&str, &str); 4] =
    [("vllm", "hosted_vllm"), ("claude", "anthropic"), ("google", "gemini"), ("grok", "xai")];

const KEYS: [&str; 11] = [
    "weight",
    "rpm",
    "tpm",
    "concurrency",
    "price",
    "like",
    "ttft",
    "itl",
    "base_url",
    "api_key",
    "name",
];

/// The largest weight.
const WEIGHT_MAX: u64 = 1_000_000;

/// A model at a provider, and what is known of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProviderSpec {
    /// As it was typed.
    pub(crate) text: String,
    /// The provider's word, as it was typed.
    pub(crate) word: String,
    pub(crate) known: KnownProvider,
    /// What it calls the model.
    pub(crate) model: String,
    pub(crate) name: Option<String>,
    pub(crate) weight: Option<u64>,
    /// Requests and tokens per minute, and requests at once.
    pub(crate) rpm: Option<u64>,
    pub(crate) tpm: Option<u64>,
    pub(crate) concurrency: Option<u64>,
    /// Dollars per million prompt tokens and output tokens, as decimals.
    pub(crate) price: Option<(String, String)>,
    /// The model that it is as fast and as dear as.
    pub(crate) like: Option<String>,
    /// The median time to its first token, and the time between two.
    pub(crate) ttft: Option<Duration>,
    pub(crate) itl: Option<Duration>,
    pub(crate) base_url: Option<String>,
    /// The variable that holds its key, with its `$`.
    pub(crate) api_key: Option<String>,
}

impl FromStr for ProviderSpec {
    type Err = String;

    /// Reads it. The error says what is wrong with which part, and what to write.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let first = parts.next().unwrap_or_default();
        let Some((word, model)) = first.split_once(':') else {
            return Err(match first.split_once('/') {
                Some((word, model)) => format!("write `{word}:{model}`, with a colon"),
                None => format!("expected a provider and its model, such as `{SPEC_EXAMPLE}`"),
            });
        };
        let known = provider(word)?;
        if model.is_empty() || model.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(format!("expected the name of a model after `{word}:`"));
        }
        let mut spec = Self {
            text: text.trim().to_owned(),
            word: word.to_owned(),
            known,
            model: model.to_owned(),
            name: None,
            weight: None,
            rpm: None,
            tpm: None,
            concurrency: None,
            price: None,
            like: None,
            ttft: None,
            itl: None,
            base_url: None,
            api_key: None,
        };
        let mut given: Vec<&str> = Vec::new();
        for part in parts.filter(|part| !part.is_empty()) {
            let Some((key, value)) = part.split_once('=') else {
                return Err(format!(
                    "`{part}` is no `key=value`: the keys are {}",
                    KEYS.join(", ")
                ));
            };
            if given.contains(&key) {
                return Err(format!("`{key}` stands twice"));
            }
            given.push(key);
            spec.set(key, value.trim())?;
        }
        Ok(spec)
    }
}

impl ProviderSpec {
    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a key was given.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.text.split(',').skip(1).any(|part| part.trim().split('=').next() == Some(key))
    }

    /// Whether the model has a name that its owner gave it, which says nothing of what it is: a deployment of Azure's.
    #[must_use]
    pub fn is_named_by_its_owner(&self) -> bool {
        self.known.speaks == Some(Format::Azure)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "weight" => self.weight = Some(weight(value)?),
            "rpm" | "tpm" | "concurrency" => {
                let limit = count(key, value)?;
                if limit == 0 {
                    return Err(format!(
                        "`{key}=0` lets no request through: leave `{key}` out if there is no such limit"
                    ));
                }
                let slot = match key {
                    "rpm" => &mut self.rpm,
                    "tpm" => &mut self.tpm,
                    _ => &mut self.concurrency,
                };
                *slot = Some(limit);
            }
            "price" => self.price = Some(price(value)?),
            "like" => self.like = Some(word(key, value)?),
            "ttft" | "itl" => {
                let time = unit::duration(value).map_err(|misfit| told(key, misfit))?;
                let slot = if key == "ttft" { &mut self.ttft } else { &mut self.itl };
                *slot = Some(time);
            }
            "base_url" => self.base_url = Some(base_url(value)?),
            "api_key" => self.api_key = Some(variable(value)?),
            "name" if is_folder_name(value) => self.name = Some(value.to_owned()),
            "name" => {
                return Err(format!(
                    "`name={value}`: a name has letters, digits, `.`, `_` and `-`, and begins with a letter or digit"
                ));
            }
            _ => {
                let near = nearest(key, KEYS).map(|near| format!("did you mean `{near}`? "));
                let near = near.unwrap_or_default();
                return Err(format!("unknown key `{key}`: {near}The keys are {}", KEYS.join(", ")));
            }
        }
        Ok(())
    }
}

fn provider(word: &str) -> Result<KnownProvider, String> {
    let other = OTHER_WORDS.iter().find(|(other, _)| *other == word);
    let meant = other.map_or(word, |(_, meant)| meant);
    let spoken = || known_providers().filter(|known| known.speaks.is_some());
    match known_provider(meant) {
        Some(known) if known.speaks.is_some() => Ok(known),
        Some(_) => Err(format!(
            "`{word}` has an API of its own that is not spoken here: name a provider with OpenAI's, Azure's, \
             Anthropic's or Gemini's API, such as a gateway in front of it (`openai:MODEL,base_url=URL`)"
        )),
        None => {
            let words = spoken().map(|known| known.word).collect::<Vec<_>>();
            let near = nearest(word, words).map(|near| format!("did you mean `{near}`? "));
            Err(format!(
                "no provider is called `{word}`: {}Known are openai, azure, anthropic, gemini, vllm, ollama, mistral, \
                 groq and others of LiteLLM's names; whatever else speaks OpenAI's API is `openai:MODEL,base_url=URL`",
                near.unwrap_or_default()
            ))
        }
    }
}

fn told(key: &str, misfit: Misfit) -> String {
    let what = misfit.help.unwrap_or(misfit.label);
    format!("`{key}`: {}: {what}", misfit.message)
}

fn count(key: &str, value: &str) -> Result<u64, String> {
    unit::count(value).map_err(|misfit| told(key, misfit))
}

/// A whole number; people think of shares, `60%`.
fn weight(value: &str) -> Result<u64, String> {
    let weight = unit::count(value.trim_end_matches('%').trim_end());
    match weight.map_err(|misfit| told("weight", misfit))? {
        weight if weight > WEIGHT_MAX => Err(format!("`weight`: at most {WEIGHT_MAX}")),
        weight => Ok(weight),
    }
}

fn word(key: &str, value: &str) -> Result<String, String> {
    let is_word = !value.is_empty() && !value.contains(|c: char| c.is_control());
    is_word.then(|| value.to_owned()).ok_or_else(|| format!("`{key}` is empty"))
}

/// `0.15/0.60`.
fn price(value: &str) -> Result<(String, String), String> {
    let expected = "`price`: expected dollars per million prompt tokens and per million output tokens, `price=0.15/0.60`";
    let (input, output) = value.split_once('/').ok_or(expected)?;
    let amount = |text: &str| {
        let text = text.trim().trim_start_matches('$');
        unit::money(text).map(|_| text.to_owned()).map_err(|_| expected.to_owned())
    };
    Ok((amount(input)?, amount(output)?))
}

fn base_url(value: &str) -> Result<String, String> {
    let fits = ["http://", "https://", "$"].iter().any(|start| value.starts_with(start));
    let fits = fits && !value.contains(|c: char| c.is_whitespace() || c.is_control());
    fits.then(|| value.trim_end_matches('/').to_owned()).ok_or_else(|| {
        format!("`base_url={value}`: expected `https://…`, or `$NAME` for a variable that holds it")
    })
}

/// A key does not belong on a command line, which shells remember.
fn variable(value: &str) -> Result<String, String> {
    let name = value.strip_prefix('$').unwrap_or_default();
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then(|| value.to_owned()).ok_or_else(|| {
        "`api_key`: name the environment variable that holds the key, `api_key=$AZURE_EU_KEY` (in quotes for the \
         shell)"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<ProviderSpec>().expect_err(text)
    }

    #[test]
    fn a_provider_has_a_model_and_what_is_known_of_it() {
        let spec: ProviderSpec = "azure:my-gpt,weight=30%,rpm=3k,tpm=1.5M,price=$0.15/0.6"
            .parse()
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((spec.model.as_str(), spec.weight), ("my-gpt", Some(30)));
        assert_eq!((spec.rpm, spec.tpm), (Some(3_000), Some(1_500_000)));
        assert_eq!(spec.price, Some(("0.15".to_owned(), "0.6".to_owned())));
        // Models have colons of their own.
        let local: ProviderSpec =
            "ollama:llama3.2:3b".parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(local.model, "llama3.2:3b");
        assert_eq!("vllm:x".parse::<ProviderSpec>().map(|spec| spec.known.word), Ok("hosted_vllm"));
    }

    #[test]
    fn what_is_wrong_with_a_provider_is_told_with_what_to_write() {
        assert!(
            refused("opnai:gpt-4o").contains("did you mean `openai`?"),
            "{}",
            refused("opnai:gpt-4o")
        );
        assert!(refused("bedrock:claude").contains("not spoken here"));
        assert!(refused("openai/gpt-4o").contains("write `openai:gpt-4o`"));
        assert!(refused("gpt-4o").contains(SPEC_EXAMPLE));
        assert!(refused("openai:").contains("the name of a model"));
        assert!(refused("openai:x,wieght=3").contains("did you mean `weight`?"));
        assert!(refused("openai:x,weight=-3").contains("below zero"));
        assert!(refused("openai:x,weight=0.6").contains("not a whole number"));
        assert!(refused("openai:x,rpm=0").contains("lets no request through"));
        assert!(refused("openai:x,rpm=-1").contains("below zero"));
        assert!(refused("openai:x,tpm=2,tpm=3").contains("stands twice"));
        assert!(refused("openai:x,price=3").contains("price=0.15/0.60"));
        assert!(refused("openai:x,ttft=3").contains("write `3s`"));
        // What may be a key is not repeated.
        assert!(!refused("openai:x,api_key=sk-abc").contains("sk-abc"));
        assert!(refused("azure:x,base_url=my.openai.azure.com").contains("https://"));
    }
}
