//! Names that clients choose, as far as they are told.

/// As much of one as is told.
const CHOSEN_MAX: usize = 100;

/// The beginning of a name, which is all of it for names of the usual lengths.
pub(crate) fn cut(text: &str) -> &str {
    text.char_indices().nth(CHOSEN_MAX).map_or(text, |(end, _)| &text[..end])
}
