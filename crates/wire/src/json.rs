//! JSON as it is met: texts written, and what is odd read for what it means.
//!
//! Metering never decides whether an answer is one: a count that is missing, null, negative, a fraction, a
//! text or too large for any answer is a count that is not known.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The text as a JSON string, quotes included.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}

/// Reads a body or an event, whatever halves of surrogates and stray bytes its texts hold: each becomes
/// U+FFFD in what is read. What is passed on are the bytes as they came.
pub(crate) fn read_tolerantly<T>(
    body: &[u8],
    parse: impl for<'b> Fn(&'b [u8]) -> serde_json::Result<T>,
) -> serde_json::Result<T> {
    let error = match parse(body) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    match mended(body) {
        Some(mended) => parse(&mended),
        None => Err(error),
    }
}

/// Reads JSON. That it is UTF-8 is checked once for all of it, which is much faster than for each of its
/// strings; where it is not, strings that nobody reads may still be anything.
pub(crate) fn parse_json<'b, T: Deserialize<'b>>(body: &'b [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    }
}

/// The bytes with each half of a surrogate pair, an escape that JSON's grammar allows and that no text can
/// hold, as `\ufffd`: as long, so that every place stays. Bytes that are no UTF-8 are replaced too, and
/// those may change places. `None` if there is nothing to mend.
pub(crate) fn mended(body: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(body);
    let strange = matches!(text, Cow::Owned(_));
    let mut out = text.into_owned().into_bytes();
    (mend_escapes(&mut out) || strange).then_some(out)
}

fn mend_escapes(bytes: &mut [u8]) -> bool {
    let mut found = false;
    let mut at = 0;
    while let Some(step) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == b'\\')) {
        at += step;
        at += match escape(bytes, at) {
            Some(0xD800..=0xDBFF) if matches!(escape(bytes, at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                bytes[at + 2..at + 6].copy_from_slice(b"fffd");
                found = true;
                6
            }
            // Another escape: what it escapes may be a backslash.
            _ => 2,
        };
    }
    found
}

/// The number of the escape of four digits that begins here.
fn escape(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A count as vendors write it; `None` for one that is not known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct LooseCount(pub(crate) Option<u32>);

impl<'de> Deserialize<'de> for LooseCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let whole = raw.parse::<u32>().ok();
        // `11.0` is eleven; `1.5` and `-1` are nothing.
        let fraction = || {
            let number = raw.parse::<f64>().ok()?;
            let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
            fits.then_some(number as u32)
        };
        Ok(Self(whole.or_else(fraction)))
    }
}

/// A value of any kind in a place where a `T` is read: what is none is as good as nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Perhaps<T>(pub(crate) Option<T>);

impl<T> Default for Perhaps<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Perhaps<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(json: &str) -> Option<u32> {
        serde_json::from_str::<LooseCount>(json).expect("JSON").0
    }

    #[test]
    fn an_odd_count_is_a_count_that_is_not_known() {
        assert_eq!(count("11"), Some(11));
        assert_eq!(count("11.0"), Some(11));
        assert_eq!(count("1e3"), Some(1000));
        for odd in ["null", "-1", "1.5", "\"11\"", "{}", "[1]", "true", "4294967296", "1e400"] {
            assert_eq!(count(odd), None, "{odd}");
        }
    }

    #[test]
    fn half_a_surrogate_is_read_and_a_whole_pair_stays() {
        let read = |json: &str| {
            read_tolerantly(json.as_bytes(), |bytes| serde_json::from_slice::<String>(bytes))
                .expect("JSON")
        };
        assert_eq!(read(r#""so glad \ud83d""#), "so glad \u{fffd}");
        assert_eq!(read(r#""\ude00 \ud83d x""#), "\u{fffd} \u{fffd} x");
        assert_eq!(read(r#""\ud83d\ude00 \ud83d""#), "\u{1f600} \u{fffd}");
        assert_eq!(read(r#""\\ud83d \ud83d""#), "\\ud83d \u{fffd}");
        assert_eq!(mended(br#""\ud83d\ude00 \\ud83d""#), None);
    }

    #[test]
    fn a_mended_text_is_as_long_as_it_was() {
        let text = br#"{"a":"\ud83d","b":"\udc00"}"#;
        assert_eq!(mended(text).expect("there are halves").len(), text.len());
    }

    #[test]
    fn no_end_of_a_text_makes_it_panic() {
        for text in ["\\", "\\u", "\\ud83d", "\\ud83d\\", "\\ud83d\\ud83d", "\\u+fff", "\\uzzzz"] {
            mended(text.as_bytes());
        }
    }
}
