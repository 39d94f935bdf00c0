//! The token that follows a request through any gateway.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The header in which the token rides; it also rides in `user` and as the first word of the prompt,
/// so that it survives a gateway that drops unknown headers, or rewrites fields.
pub const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-squall-token");

/// `squall-<request>-<in>-<out>`: which request of a run this is, and how large; with `-<session>` behind
/// it, which session it belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestToken {
    /// The request's place in the run.
    pub request: u64,
    /// Tokens of its prompt.
    pub input_tokens: u32,
    /// Tokens of the answer that it wants.
    pub output_tokens: u32,
    /// The session it belongs to, if any.
    pub session: Option<u64>,
}

impl RequestToken {
    /// The token in the headers of a request, if there is one that can be read.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        headers.get(TOKEN_HEADER)?.to_str().ok()?.parse().ok()
    }

    /// The token as the first word of a prompt.
    #[must_use]
    pub fn from_prompt(prompt: &str) -> Option<Self> {
        prompt.split_ascii_whitespace().next()?.parse().ok()
    }

    /// The first token anywhere in a body: for a gateway that wraps the prompt in words of its own.
    #[must_use]
    pub fn anywhere_in(body: &[u8]) -> Option<Self> {
        occurrences(body).next().map(|(_, token)| token)
    }

    /// The token as the value of [`TOKEN_HEADER`].
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.to_string()).expect("digits, letters and hyphens only")
    }
}

impl fmt::Display for RequestToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "squall-{}-{}-{}", self.request, self.input_tokens, self.output_tokens)?;
        self.session.map_or(Ok(()), |session| write!(f, "-{session}"))
    }
}

impl FromStr for RequestToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let numbers = text.strip_prefix("squall-").ok_or(TokenError)?;
        let mut numbers = numbers.split('-');
        let token = Self {
            request: number(numbers.next())?,
            input_tokens: number(numbers.next())?,
            output_tokens: number(numbers.next())?,
            session: numbers.next().map(|session| number(Some(session))).transpose()?,
        };
        if numbers.next().is_some() { Err(TokenError) } else { Ok(token) }
    }
}

/// In which places of a request its token was found: which of them a gateway passes on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TokenPlaces {
    /// In [`TOKEN_HEADER`].
    pub header: bool,
    /// As the whole of a text: `user`, or what a format has for it.
    pub user: bool,
    /// As the first word of a text: the prompt.
    pub prompt: bool,
    /// Within a text, behind other words.
    pub content: bool,
}

impl TokenPlaces {
    /// The places in which a request has a token.
    #[must_use]
    pub fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let header = RequestToken::from_headers(headers).is_some();
        occurrences(body).fold(Self { header, ..Self::default() }, |places, (range, _)| {
            let before = body[..range.start].last();
            let after = body.get(range.end);
            match (before, after) {
                (Some(b'"'), Some(b'"')) => Self { user: true, ..places },
                (Some(b'"'), _) => Self { prompt: true, ..places },
                _ => Self { content: true, ..places },
            }
        })
    }
}

/// The tokens of a body, each with its place.
fn occurrences(body: &[u8]) -> impl Iterator<Item = (Range<usize>, RequestToken)> {
    memchr::memmem::find_iter(body, b"squall-").filter_map(|start| {
        let is_token = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-';
        let length = body[start..].iter().take_while(is_token).count();
        let text = std::str::from_utf8(&body[start..start + length]).ok()?;
        Some((start..start + length, text.parse().ok()?))
    })
}

/// A text is not a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected `squall-<request>-<in>-<out>`, and `-<session>` if need be")]
pub struct TokenError;

/// Digits only: `str::parse` would also take a sign.
fn number<T: FromStr>(digits: Option<&str>) -> Result<T, TokenError> {
    digits
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or(TokenError)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: RequestToken =
        RequestToken { request: 12, input_tokens: 420, output_tokens: 60, session: None };

    #[test]
    fn it_reads_back_what_it_writes() {
        assert_eq!(TOKEN.to_string(), "squall-12-420-60");
        assert_eq!("squall-12-420-60".parse(), Ok(TOKEN));
        let widest = RequestToken {
            request: u64::MAX,
            input_tokens: u32::MAX,
            output_tokens: u32::MAX,
            session: Some(u64::MAX),
        };
        assert_eq!(widest.to_string().parse(), Ok(widest));
    }

    #[test]
    fn anything_else_is_no_token() {
        for text in [
            "",
            "squall",
            "squall-1-2",
            "squall-1-2-3-4-5",
            "squall-1-2-",
            "squall-+1-2-3",
            "Squall-1-2-3",
            "squall-1-2-4294967296",
        ] {
            assert_eq!(text.parse::<RequestToken>(), Err(TokenError), "{text:?}");
        }
    }

    #[test]
    fn it_is_found_in_a_header_and_as_the_first_word() {
        let mut headers = HeaderMap::new();
        assert_eq!(RequestToken::from_headers(&headers), None);
        headers.insert(TOKEN_HEADER, TOKEN.header_value());
        assert_eq!(RequestToken::from_headers(&headers), Some(TOKEN));
        assert_eq!(RequestToken::from_prompt("  squall-12-420-60 why?"), Some(TOKEN));
        assert_eq!(RequestToken::from_prompt("why squall-12-420-60?"), None);
    }

    #[test]
    fn a_gateway_is_seen_to_pass_it_on_in_each_place() {
        let places = |body: &str| TokenPlaces::of(&HeaderMap::new(), body.as_bytes());
        let none = TokenPlaces::default();
        assert_eq!(places(r#"{"user":"squall-1-2-3"}"#), TokenPlaces { user: true, ..none });
        let metadata = r#"{"metadata":{"user_id":"squall-1-2-3"}}"#;
        assert_eq!(places(metadata), TokenPlaces { user: true, ..none });
        let prompt = r#"{"content":"squall-1-2-3   the sea"}"#;
        assert_eq!(places(prompt), TokenPlaces { prompt: true, ..none });
        let wrapped = r#"{"content":"Be polite. squall-1-2-3 the sea"}"#;
        assert_eq!(places(wrapped), TokenPlaces { content: true, ..none });
        assert_eq!(places(r#"{"content":"squall-line, squall-1"}"#), none);
        let mut headers = HeaderMap::new();
        headers.insert(TOKEN_HEADER, TOKEN.header_value());
        assert_eq!(TokenPlaces::of(&headers, b"{}"), TokenPlaces { header: true, ..none });
        assert_eq!(
            RequestToken::anywhere_in(wrapped.as_bytes()).map(|token| token.request),
            Some(1)
        );
    }
}
