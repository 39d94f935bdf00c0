//! What a request asks for beyond its model and its tokens, as the headers that a gateway reads.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// A kind of request: what all requests of it ask for. Nothing is sent of what is not asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrafficKind {
    /// The model group asked for, by its name there.
    pub model: String,
    /// The model group asked for, by its place in the recording's header.
    pub group: u16,
    /// Its rank when requests wait; 0 is the first, and asks for nothing.
    pub priority: u8,
    /// Who asks, by name.
    pub tenant: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it needs of a model, by the words of files.
    pub features: Vec<String>,
    /// Where it must be served.
    pub region: Option<String>,
    /// Retries in each group, whatever the failure.
    pub retries: Option<u16>,
    /// How long an attempt may take.
    pub timeout: Option<Duration>,
    /// The groups it may fall back to; an empty list for none.
    pub fallbacks: Option<Vec<String>>,
}

const PRIORITY: HeaderName = HeaderName::from_static("x-squall-priority");
const TENANT: HeaderName = HeaderName::from_static("x-squall-tenant");
const TAGS: HeaderName = HeaderName::from_static("x-squall-tags");
const FEATURES: HeaderName = HeaderName::from_static("x-squall-features");
const REGION: HeaderName = HeaderName::from_static("x-squall-region");
const RETRIES: HeaderName = HeaderName::from_static("x-squall-retries");
const TIMEOUT: HeaderName = HeaderName::from_static("x-squall-timeout");
const FALLBACKS: HeaderName = HeaderName::from_static("x-squall-fallbacks");
const SESSION: HeaderName = HeaderName::from_static("x-squall-session");

impl TrafficKind {
    /// A kind that asks for a group and nothing else.
    #[must_use]
    pub fn new(model: impl Into<String>, group: u16) -> Self {
        Self { model: model.into(), group, ..Self::default() }
    }

    /// What every request of it carries. A name that is no header value is left out.
    pub(crate) fn headers(&self) -> HeaderMap {
        let list = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
        let fallbacks = self.fallbacks.as_deref();
        let asked = [
            (PRIORITY, (self.priority > 0).then(|| self.priority.to_string())),
            (TENANT, self.tenant.clone()),
            (TAGS, list(&self.tags)),
            (FEATURES, list(&self.features)),
            (REGION, self.region.clone()),
            (RETRIES, self.retries.map(|retries| retries.to_string())),
            (TIMEOUT, self.timeout.map(millis)),
            (FALLBACKS, fallbacks.map(|groups| list(groups).unwrap_or_else(|| "none".to_owned()))),
        ];
        let asked = asked.into_iter().filter_map(|(name, value)| {
            Some((name, HeaderValue::from_bytes(value?.as_bytes()).ok()?))
        });
        asked.collect()
    }
}

/// Puts a request into its session.
pub(crate) fn write_session(headers: &mut HeaderMap, session: u64) {
    let value = HeaderValue::try_from(format!("s{session}")).expect("letters and digits only");
    headers.insert(SESSION, value);
}

/// Whole milliseconds, never less than was meant.
fn millis(time: Duration) -> String {
    format!("{}ms", time.as_nanos().div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(headers: &HeaderMap) -> Vec<(&str, &str)> {
        let mut text: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
            .collect();
        text.sort_unstable();
        text
    }

    #[test]
    fn a_kind_that_asks_for_nothing_sends_nothing() {
        assert_eq!(text(&TrafficKind::new("chat", 0).headers()), []);
    }

    #[test]
    fn everything_asked_for_is_a_header() {
        let kind = TrafficKind {
            priority: 5,
            tenant: Some("team-a".to_owned()),
            tags: vec!["paid".to_owned(), "eu".to_owned()],
            features: vec!["tools".to_owned()],
            region: Some("eu".to_owned()),
            retries: Some(0),
            timeout: Some(Duration::from_secs(5)),
            fallbacks: Some(Vec::new()),
            ..TrafficKind::new("chat", 0)
        };
        let mut headers = kind.headers();
        write_session(&mut headers, 7);
        assert_eq!(
            text(&headers),
            [
                ("x-squall-fallbacks", "none"),
                ("x-squall-features", "tools"),
                ("x-squall-priority", "5"),
                ("x-squall-region", "eu"),
                ("x-squall-retries", "0"),
                ("x-squall-session", "s7"),
                ("x-squall-tags", "paid,eu"),
                ("x-squall-tenant", "team-a"),
                ("x-squall-timeout", "5000ms"),
            ]
        );
    }
}
