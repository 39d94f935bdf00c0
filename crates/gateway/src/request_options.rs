//! What a request asks for beyond its model and its tokens, in its headers and its body.
//!
//! | header | value |
//! | --- | --- |
//! | `x-squall-priority` | 0 to 255; 0 waits least |
//! | `x-squall-tags` (`x-litellm-tags`) | tags, with commas between |
//! | `x-squall-session` | any text: requests with the same belong together |
//! | `x-squall-region` | a region |
//! | `x-squall-features` | features, beside those that the body shows |
//! | `x-squall-tenant` | a tenant; only where tenants have no keys |
//! | `x-squall-retries` (`x-litellm-num-retries`) | a number |
//! | `x-squall-timeout` (`x-litellm-timeout`, in seconds) | `5s`, `500ms`, or seconds |
//! | `x-squall-fallbacks` | `none`, or groups with commas between |
//!
//! The bodies of LiteLLM's clients say some of it too, in keys that never go upstream: `fallbacks`, `num_retries`,
//! `timeout`, `metadata.tags`. A header that says the same wins. Groups and tags that are not there are passed over.

use crate::upstream_registry::NameIndex;
use http::{HeaderMap, StatusCode};
use squall_determinism::Digest;
use squall_failure::FailureClass;
use squall_router::{FallbackChoice, Features, GroupList, Overrides, RegionId, Tags, TenantId};
use squall_wire::chat::{LitellmKeys, RequiredCapabilities};
use squall_wire::error::ApiError;
use std::time::Duration;

/// What an answer is taken to need when the request does not say, in tokens: what chat answers have in
/// the middle of production traces, and more.
pub(crate) const OUTPUT_TOKENS: u32 = 256;

/// How the names of these headers begin.
const PREFIXES: [&str; 2] = ["x-squall-", "x-litellm-"];

/// What a request asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct RequestOptions {
    pub(crate) priority: u8,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) tags: Tags,
    pub(crate) session: Option<u64>,
    pub(crate) features: Features,
    pub(crate) region: Option<RegionId>,
    pub(crate) overrides: Overrides,
}

/// Why a request is refused, with the status to say it with.
pub(crate) type OptionRefused = (StatusCode, ApiError);

impl RequestOptions {
    /// Reads them; `by_key` is the tenant that is known by its key.
    ///
    /// # Errors
    /// What is wrong with the first header that cannot be understood.
    pub(crate) fn read(
        headers: &HeaderMap,
        by_key: Option<TenantId>,
        needs: RequiredCapabilities,
        directory: &NameIndex,
    ) -> Result<Self, OptionRefused> {
        // Most requests have none of these headers, and are spared a dozen lookups.
        if !headers.keys().any(|name| PREFIXES.iter().any(|start| name.as_str().starts_with(start)))
        {
            return Ok(Self { tenant: by_key, features: shown(needs), ..Self::default() });
        }
        let of = |name| Header::find(headers, &[name]);
        let session = of("x-squall-session").map(|header| {
            let mut digest = Digest::new();
            digest.bytes(header.text.as_bytes());
            digest.short()
        });
        Ok(Self {
            priority: of("x-squall-priority").map(Header::number).transpose()?.unwrap_or(0),
            tenant: match by_key {
                Some(tenant) => Some(tenant),
                None => tenant(headers, directory)?,
            },
            tags: tags(headers, directory)?,
            session,
            features: features(headers, needs)?,
            region: of("x-squall-region").map(|header| region(header, directory)).transpose()?,
            overrides: overrides(headers, directory)?,
        })
    }
}

impl RequestOptions {
    /// With what the body of a LiteLLM client asks for, where no header says it.
    #[must_use]
    pub(crate) fn with_body(mut self, keys: &LitellmKeys, directory: &NameIndex) -> Self {
        self.overrides.retries = self.overrides.retries.or(keys.retries);
        self.overrides.timeout = self.overrides.timeout.or(keys.timeout);
        if self.tags == Tags::NONE {
            let known =
                keys.tags.iter().filter_map(|tag| directory.tags.iter().position(|own| own == tag));
            self.tags = known.fold(Tags::NONE, |tags, bit| Tags(tags.0 | 1 << bit));
        }
        if let (FallbackChoice::Configured, Some(named)) =
            (&self.overrides.fallbacks, &keys.fallbacks)
        {
            let groups = named.iter().filter_map(|name| directory.groups.find(name));
            let groups: Vec<_> = groups.map(|found| found.group).take(GroupList::MAX).collect();
            self.overrides.fallbacks = match groups.is_empty() {
                true => FallbackChoice::None,
                false => FallbackChoice::These(GroupList::new(groups)),
            };
        }
        self
    }
}

/// A header that was found.
#[derive(Clone, Copy)]
struct Header<'h> {
    name: &'static str,
    text: &'h str,
}

impl<'h> Header<'h> {
    /// The first of these that is there.
    fn find(headers: &'h HeaderMap, names: &[&'static str]) -> Option<Self> {
        names.iter().find_map(|&name| {
            let text = headers.get(name)?.to_str().unwrap_or_default().trim();
            Some(Self { name, text })
        })
    }

    fn words(self) -> impl Iterator<Item = &'h str> {
        self.text.split(',').map(str::trim).filter(|word| !word.is_empty())
    }

    fn number<T: std::str::FromStr>(self) -> Result<T, OptionRefused> {
        self.text.parse().map_err(|_| self.refused("expected a whole number in range"))
    }

    /// `5s`, `500ms`, or seconds.
    fn duration(self) -> Result<Duration, OptionRefused> {
        let (number, unit) = match self.text.strip_suffix("ms") {
            Some(number) => (number, 1e-3),
            None => (self.text.strip_suffix('s').unwrap_or(self.text), 1.0),
        };
        let seconds = number.trim().parse::<f64>().ok().map(|number| number * unit);
        let fits = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= 86_400.0);
        fits.map(Duration::from_secs_f64)
            .ok_or_else(|| self.refused("expected a time such as `5s` or `500ms`, a day at most"))
    }

    fn refused(self, expected: &str) -> OptionRefused {
        let message = format!("invalid header `{}: {}`: {expected}", self.name, self.text);
        let error = ApiError::of(FailureClass::BadRequest, "").with_message(message);
        (StatusCode::BAD_REQUEST, ApiError { param: Some(self.name.to_owned()), ..error })
    }

    fn unknown(self, what: &str, word: &str, known: &[&str]) -> OptionRefused {
        let known =
            if known.is_empty() { "none is configured".to_owned() } else { known.join(", ") };
        self.refused(&format!("no {what} is called `{word}`; known: {known}"))
    }
}

/// The tenant that a request says it is of, which is believed where tenants have no keys.
fn tenant(headers: &HeaderMap, directory: &NameIndex) -> Result<Option<TenantId>, OptionRefused> {
    let Some(header) = Header::find(headers, &["x-squall-tenant"]) else { return Ok(None) };
    let known = || directory.tenants.keys().map(String::as_str).collect::<Vec<_>>();
    let tenant = directory.tenants.get(header.text);
    tenant
        .map(|&tenant| Some(tenant))
        .ok_or_else(|| header.unknown("tenant", header.text, &known()))
}

fn tags(headers: &HeaderMap, directory: &NameIndex) -> Result<Tags, OptionRefused> {
    let Some(header) = Header::find(headers, &["x-squall-tags", "x-litellm-tags"]) else {
        return Ok(Tags::NONE);
    };
    header.words().try_fold(Tags::NONE, |tags, word| {
        match directory.tags.iter().position(|tag| tag == word) {
            Some(bit) => Ok(Tags(tags.0 | 1 << bit)),
            None => {
                let known: Vec<_> = directory.tags.iter().map(String::as_str).collect();
                Err(header.unknown("tag", word, &known))
            }
        }
    })
}

/// The features that the body shows.
fn shown(needs: RequiredCapabilities) -> Features {
    let seen = [
        (needs.tools, Features::TOOLS),
        (needs.vision, Features::VISION),
        (needs.json_schema, Features::JSON_SCHEMA),
        (needs.web_search, Features::WEB_SEARCH),
    ];
    let seen = seen.into_iter().filter(|(needed, _)| *needed).map(|(_, feature)| feature);
    seen.fold(Features::NONE, Features::and)
}

fn features(headers: &HeaderMap, needs: RequiredCapabilities) -> Result<Features, OptionRefused> {
    let seen = shown(needs);
    let Some(header) = Header::find(headers, &["x-squall-features"]) else { return Ok(seen) };
    header.words().try_fold(seen, |features, word| {
        let feature = Features::from_word(word);
        let unknown = || header.unknown("feature", word, &Features::WORDS);
        feature.map(|feature| features.and(feature)).ok_or_else(unknown)
    })
}

fn region(header: Header<'_>, directory: &NameIndex) -> Result<RegionId, OptionRefused> {
    let place = directory.regions.iter().position(|region| region == header.text);
    place.and_then(|place| u8::try_from(place).ok()).map(RegionId).ok_or_else(|| {
        let known: Vec<_> = directory.regions.iter().map(String::as_str).collect();
        header.unknown("region", header.text, &known)
    })
}

fn overrides(headers: &HeaderMap, directory: &NameIndex) -> Result<Overrides, OptionRefused> {
    let retries = Header::find(headers, &["x-squall-retries", "x-litellm-num-retries"]);
    let timeout = Header::find(headers, &["x-squall-timeout", "x-litellm-timeout"]);
    let fallbacks = Header::find(headers, &["x-squall-fallbacks"]);
    Ok(Overrides {
        retries: retries.map(Header::number).transpose()?,
        timeout: timeout.map(Header::duration).transpose()?,
        fallbacks: match fallbacks {
            None => FallbackChoice::Configured,
            Some(header) if header.text == "none" => FallbackChoice::None,
            Some(header) => these(header, directory)?,
        },
    })
}

fn these(header: Header<'_>, directory: &NameIndex) -> Result<FallbackChoice, OptionRefused> {
    let mut groups = Vec::new();
    for word in header.words() {
        let known = || directory.groups.listed().collect::<Vec<_>>();
        let found = directory.groups.find(word);
        groups.push(found.ok_or_else(|| header.unknown("group", word, &known()))?.group);
    }
    if groups.len() > GroupList::MAX {
        return Err(header.refused(&format!("expected at most {} groups", GroupList::MAX)));
    }
    Ok(FallbackChoice::These(GroupList::new(groups)))
}
