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
    start: u64,
    made: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        let mut digest = Digest::new();
        digest.bytes(&nanos_since_1970().to_le_bytes());
        digest.bytes(&std::process::id().to_le_bytes());
        Self { start: digest.short(), made: AtomicU64::new(0) }
    }

    /// The client's name for a request, or one that is made.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        RequestId::given(headers).unwrap_or_else(|| self.make())
    }

    fn make(&self) -> RequestId {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let mut rest = scatter(u128::from(self.start) << 64 | u128::from(number));
        let mut name = [0; 32];
        for digit in name.iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 0xf) as usize];
            rest >>= 4;
        }
        // Hexadecimal digits are always a header value.
        HeaderValue::from_bytes(&name).map_or_else(|_| RequestId::none(), RequestId)
    }
}

/// Another number for each number, in which each bit depends on many: products with odd numbers, which are
/// those of a generator with such a state (PCG), and shifts that can be undone.
const fn scatter(number: u128) -> u128 {
    const ODD: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;
    let number = (number ^ (number >> 67)).wrapping_mul(ODD);
    let number = (number ^ (number >> 67)).wrapping_mul(ODD);
    number ^ (number >> 67)
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
