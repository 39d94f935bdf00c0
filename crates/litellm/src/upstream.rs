//! Where a deployment's requests go: LiteLLM's `provider/model`, `api_base` and `api_key` as a provider
//! of ours.

use super::setting;
use crate::providers::{self, KnownProvider};
use crate::secrets;
use crate::surroundings::LoadReference;
use squall_wire::Format;

mod address;

/// The API that a group of deployments is called at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LitellmUpstream {
    /// Its name here: the provider's word, with a number where there are several.
    pub(crate) name: String,
    /// The provider's word.
    pub(crate) word: String,
    /// The API it speaks.
    pub(crate) format: Format,
    /// Its API up to the version; `$NAME` at its start is a variable.
    pub(crate) base_url: String,
    /// What is to be done before the address can be relied on.
    pub(crate) caveat: Option<&'static str>,
    /// What is to be done before the key can be relied on.
    pub(crate) key_caveat: Option<&'static str>,
    /// The key as our files write it: `$NAME`.
    pub(crate) api_key: Option<String>,
    /// The key that stands in the LiteLLM file itself, so that two of them are two upstreams.
    literal_key: Option<String>,
    /// Whether its API is spoken here.
    pub(crate) is_spoken: bool,
}

/// What `litellm_params` says of where to call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UpstreamAddress<'a> {
    pub(super) api_base: Option<&'a str>,
    pub(super) api_key: Option<&'a str>,
    /// Azure's.
    pub(super) api_version: Option<&'a str>,
    /// Whether something else than a key signs in: a token of Azure AD, a client's secret.
    pub(super) signs_in: bool,
}

/// The provider and the model of `litellm_params.model`, as LiteLLM tells them apart; `None` if it drops the
/// deployment.
pub(super) fn split<'m>(
    model: &'m str,
    custom: Option<&'m str>,
    api_base: Option<&str>,
) -> Option<(&'m str, &'m str)> {
    let prefixed = model.split_once('/');
    if let Some(custom) = custom {
        let rest = prefixed.filter(|(word, _)| *word == custom).map(|(_, rest)| rest);
        return Some((custom, rest.unwrap_or(model)));
    }
    if let Some((word, rest)) = prefixed
        && providers::provider(word).is_some()
    {
        return Some((word, rest));
    }
    let at = api_base.and_then(providers::at);
    let any = || (model == "*").then_some("openai");
    let word = at.or_else(|| providers::of_model(model)).or_else(any)?;
    Some((word, model))
}

/// The provider to call, without its name.
pub(super) fn upstream(
    word: &str,
    address: UpstreamAddress<'_>,
    load: LoadReference<'_>,
) -> LitellmUpstream {
    let known = providers::provider(word);
    let speaks = known.and_then(|known| known.speaks);
    // The address of its inference API is one of many of its own, each for a model.
    let has_address = word != "huggingface" || address.api_base.is_some();
    let is_spoken = speaks.is_some() && has_address;
    let mut found = LitellmUpstream {
        name: String::new(),
        word: word.to_owned(),
        format: speaks.unwrap_or(Format::OpenAi),
        base_url: String::new(),
        caveat: None,
        key_caveat: None,
        api_key: None,
        literal_key: None,
        is_spoken,
    };
    if !is_spoken {
        found.base_url = nowhere(word);
        found.caveat = Some(NOT_SPOKEN);
        return found;
    }
    place_address(&mut found, known, address, load);
    place_key(&mut found, known, address, load);
    found
}

/// Why a provider is not called.
pub(super) const NOT_SPOKEN: &str =
    "not spoken here: this provider has an API of its own; in a simulation a mock stands for it";

const SIGNS_IN: &str = "LiteLLM signs in by other means than a key, which is not done here";
const LITERAL_KEY: &str = "the file holds the key itself: put it into this variable";
const LITERAL_ADDRESS: &str = "the address holds a password: put it into this variable";
const NO_ADDRESS: &str = "no known address for this provider: set it here";
const AZURE_AI_KEY: &str = "LiteLLM sends the key in `api-key`; here it is a bearer token";
const AS_CHAT: &str = "completions of texts are asked for as chats";

fn nowhere(word: &str) -> String {
    format!("https://{}.invalid/v1", word.replace('_', "-"))
}

fn place_address(
    found: &mut LitellmUpstream,
    known: Option<KnownProvider>,
    address: UpstreamAddress<'_>,
    load: LoadReference<'_>,
) {
    let is_set = |name: &str| load(&format!("os.environ/{name}")).ok();
    let own_variable = match found.word.as_str() {
        "azure" => Some("AZURE_API_BASE"),
        _ => known.and_then(|known| known.base_variable),
    };
    let version = address.api_version.map(str::to_owned);
    let version = version.or_else(|| is_set("AZURE_API_VERSION"));
    let read = address::Reading { word: &found.word, format: found.format, version };
    let (format, base_url) = match address.api_base.map(|base| (base, setting::environment(base))) {
        Some((_, Some(name))) => read.variable(name, is_set(name).as_deref()),
        Some((base, None)) if secrets::cleaned(base).is_some() => {
            let name =
                own_variable.map_or_else(|| variable(&found.word, "API_BASE"), str::to_owned);
            found.caveat = Some(LITERAL_ADDRESS);
            read.variable(&name, Some(base))
        }
        Some((base, None)) => read.literal(base),
        None => {
            let stated = own_variable.and_then(|name| Some((name, is_set(name)?)));
            match (stated, known.and_then(|known| known.base), own_variable) {
                (Some((name, value)), ..) => read.variable(name, Some(&value)),
                (None, Some(base), _) => (found.format, base.to_owned()),
                (None, None, Some(name)) => read.variable(name, None),
                (None, None, None) => {
                    found.caveat = Some(NO_ADDRESS);
                    (found.format, nowhere(&found.word))
                }
            }
        }
    };
    found.format = format;
    found.base_url = base_url;
    let usual = match found.word.as_str() {
        "azure_ai" if found.base_url.contains(".services.ai.azure.com") => Some(AZURE_AI_KEY),
        "text-completion-openai" => Some(AS_CHAT),
        _ => None,
    };
    found.caveat = found.caveat.or(usual);
}

fn place_key(
    found: &mut LitellmUpstream,
    known: Option<KnownProvider>,
    address: UpstreamAddress<'_>,
    load: LoadReference<'_>,
) {
    let named = |name: &str| format!("${name}");
    match address.api_key.map(|key| (key, setting::environment(key))) {
        Some((_, Some(name))) => found.api_key = Some(named(name)),
        Some((key, None)) => {
            let usual = known.and_then(|known| known.keys().next());
            let name = usual.map_or_else(|| variable(&found.word, "API_KEY"), str::to_owned);
            found.api_key = Some(named(&name));
            found.literal_key = Some(key.to_owned());
            found.key_caveat = Some(LITERAL_KEY);
        }
        None if address.signs_in => found.key_caveat = Some(SIGNS_IN),
        None => {
            let Some(known) = known else { return };
            let is_set = |name: &&str| load(&format!("os.environ/{name}")).is_ok();
            let first = || known.keys().next().filter(|_| !known.key_is_optional);
            found.api_key = known.keys().find(is_set).or_else(first).map(named);
        }
    }
}

/// The name of a variable of a provider: `MY_PROVIDER_API_KEY`.
fn variable(word: &str, what: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{}_{what}", word.chars().map(fits).collect::<String>())
}

/// Adds a provider unless an equal one is there; its place either way.
pub(super) fn place(upstreams: &mut Vec<LitellmUpstream>, mut upstream: LitellmUpstream) -> usize {
    let same = |known: &LitellmUpstream| {
        (&known.word, known.format, &known.base_url, &known.api_key, &known.literal_key)
            == (
                &upstream.word,
                upstream.format,
                &upstream.base_url,
                &upstream.api_key,
                &upstream.literal_key,
            )
    };
    if let Some(place) = upstreams.iter().position(same) {
        return place;
    }
    let of_word = |known: &&LitellmUpstream| known.word == upstream.word;
    let before = upstreams.iter().filter(of_word).count();
    upstream.name = match before {
        0 => upstream.word.clone(),
        _ => format!("{}-{}", upstream.word, before + 1),
    };
    if upstream.literal_key.is_some() {
        own_variable(upstreams, &mut upstream);
    }
    upstreams.push(upstream);
    upstreams.len() - 1
}

/// Gives a key that stands in the file a variable of its own: another key may be in the usual one.
fn own_variable(upstreams: &[LitellmUpstream], upstream: &mut LitellmUpstream) {
    let Some(usual) = upstream.api_key.clone() else { return };
    let taken = |name: &str| {
        upstreams.iter().any(|known| {
            known.api_key.as_deref() == Some(name) && known.literal_key != upstream.literal_key
        })
    };
    let numbered = (1_u32..).map(|number| match number {
        1 => usual.clone(),
        number => format!("{usual}_{number}"),
    });
    upstream.api_key = numbered.into_iter().find(|name| !taken(name));
}

#[cfg(test)]
mod tests;
