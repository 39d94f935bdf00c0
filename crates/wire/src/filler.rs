//! Text of a given number of tokens, and the estimate that counts it.

/// Tokens of a text of so many bytes: 4 bytes a token, rounded up. The rule of thumb that vendors
/// give for English; the mock provider decides true counts, so that an error of the estimate is an
/// input to study and not an accident.
#[must_use]
pub fn estimate_tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX)
}

/// The `n`th token of filler text: four ASCII bytes that JSON need not escape.
#[must_use]
pub const fn word(n: u32) -> &'static str {
    WORDS[n as usize % WORDS.len()]
}

/// Appends `tokens` tokens of filler text.
pub fn push_text(out: &mut Vec<u8>, tokens: u32) {
    out.reserve(tokens as usize * BYTES_PER_TOKEN);
    for n in 0..tokens {
        out.extend_from_slice(word(n).as_bytes());
    }
}

pub(crate) const BYTES_PER_TOKEN: usize = 4;

const WORDS: [&str; 16] = [
    " the", " sea", " was", " hot", " and", " now", " all", " the", " day", " our", " old", " red",
    " kit", " can", " fly", " low",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filler_has_the_tokens_that_the_estimate_counts() {
        for tokens in [0, 1, 15, 16, 1_000] {
            let mut text = Vec::new();
            push_text(&mut text, tokens);
            assert_eq!(estimate_tokens(text.len()), tokens);
        }
    }

    #[test]
    fn a_part_of_a_token_counts_as_one() {
        assert_eq!([0, 1, 4, 5].map(estimate_tokens), [0, 1, 1, 2]);
    }
}
