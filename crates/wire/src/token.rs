//! The token that follows a request through any gateway.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
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
}
