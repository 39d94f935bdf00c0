//! The name of a request: what its client calls it, or one that is made.

use http::{HeaderMap, HeaderName, HeaderValue};
use squall_determinism::Digest;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Where it stands, in requests and in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest that a client may give.
const GIVEN_MAX: usize = 128;

/// The name of a request, a header value of visible ASCII.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }

    /// That of a request which came by no server.
    pub(crate) const fn none() -> Self {
        Self(HeaderValue::from_static("-"))
    }

    /// The one that the client gave; none if it is empty, too long, or holds anything but visible ASCII:
    /// it goes into logs and to providers.
    fn given(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(REQUEST_ID)?;
        let bytes = value.as_bytes();
        let fits = (1..=GIVEN_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        fits.then(|| Self(value.clone()))
    }
}

/// Makes names that no other request has, here or at another gateway.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// Of this process and this moment.
    start: [u64; 2],
    made: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self { start: [nanos_since_1970(), u64::from(std::process::id())], made: AtomicU64::new(0) }
    }

    /// The client's name for a request, or one that is made.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        RequestId::given(headers).unwrap_or_else(|| self.make())
    }

    fn make(&self) -> RequestId {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let half = |which: u64| {
            let mut digest = Digest::new();
            for part in [self.start[0], self.start[1], number, which] {
                digest.bytes(&part.to_le_bytes());
            }
            digest.short()
        };
        let name = format!("{:016x}{:016x}", half(0), half(1));
        // Hexadecimal digits are always a header value.
        HeaderValue::try_from(name).map_or_else(|_| RequestId::none(), RequestId)
    }
}

#[expect(clippy::disallowed_methods, reason = "names must differ from one start to the next")]
fn nanos_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn text(id: &RequestId) -> String {
        id.header_value().to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn a_name_that_is_fit_for_a_log_is_kept_and_any_other_is_replaced() {
        let ids = RequestIds::new();
        let named = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(value).expect("a value"));
            text(&ids.of(&headers))
        };
        assert_eq!(named(b"req_1/a:B-2"), "req_1/a:B-2");
        assert_eq!(named(&[b'a'; GIVEN_MAX]).len(), GIVEN_MAX);
        for value in [&b""[..], b"a b", b"\xff\xfe", b"a\tb", &[b'a'; GIVEN_MAX + 1]] {
            let made = named(value);
            assert_eq!(made.len(), 32, "{value:?}");
            assert!(made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{made}");
        }
    }

    #[test]
    fn no_two_made_names_are_the_same() {
        let ids = RequestIds::new();
        let made: BTreeSet<_> = (0..1_000).map(|_| text(&ids.of(&HeaderMap::new()))).collect();
        assert_eq!(made.len(), 1_000);
    }
}
