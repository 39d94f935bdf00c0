//! Keys as secrets: made at random, kept as SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io;

/// How a key begins, so that scanners of repositories know one.
const PREFIX: &str = "sk-squall-";

/// How a hash begins, as it is written.
const ALGORITHM: &str = "sha256:";

/// The SHA-256 of a key. Keys are found by it: in what time that is tells something of the hash alone, of which nobody
/// can choose the beginning. It needs no salt and no slow function: keys are random, and none is worth guessing.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits; `None` if the text is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(ALGORITHM)?.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? << 4 | low?).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ALGORITHM)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// A new key: 256 random bits of the operating system's. It is to be shown once and kept nowhere.
///
/// # Errors
/// When the operating system has no random numbers.
pub fn new_key() -> io::Result<String> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_sha256sum_and_reads_back() {
        // `printf %s abc | sha256sum`
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(KeyHash::of("abc").to_string(), abc);
        assert_eq!(KeyHash::parse(abc), Some(KeyHash::of("abc")));
        assert_eq!(KeyHash::parse(&abc.replace('b', "B")), Some(KeyHash::of("abc")));
        for text in
            ["", "sha256:", &abc[7..], &abc[..70], &format!("{abc}0"), &abc.replace('f', "g")]
        {
            assert_eq!(KeyHash::parse(text), None, "{text}");
        }
    }

    #[test]
    fn keys_differ_and_fit_in_a_header() {
        let [one, other] = [new_key(), new_key()].map(|key| key.expect("there is randomness"));
        assert_ne!(one, other);
        assert!(one.starts_with(PREFIX) && one.len() == PREFIX.len() + 43, "{one}");
        assert!(one.bytes().all(|byte| byte.is_ascii_graphic()), "{one}");
    }
}
