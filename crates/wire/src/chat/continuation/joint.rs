//! Where the text that a client has and the text that follows meet: models that are asked to go on repeat their last
//! words, or begin the whole answer again.

/// The shortest repetition that is taken for one, in bytes: about two tokens. A shorter one is as likely to be what
/// the text says next.
const REPEATED_LEAST: usize = 8;

/// How far back from the end of a text a repetition of its last words may begin, in bytes. One of all of the text is
/// found however long it is.
const REPEATED_MOST: usize = 1 << 10;

/// Takes the beginning of a text that follows another, and leaves out what repeats the end of the other.
#[derive(Debug)]
pub(super) struct TextJoint {
    before: String,
    /// Places in `before` from which its rest may be repeated, the first first.
    starts: Vec<usize>,
    /// What has come of the text behind, until it is known what of it is new.
    pending: String,
    open: bool,
}

impl TextJoint {
    /// The joint behind this text. Where `exact`, the text behind is expected to begin with what is new, and only a
    /// repetition of all of it is looked for.
    pub(super) fn behind(before: String, exact: bool) -> Self {
        let starts = starts(&before, exact);
        Self { open: !starts.is_empty(), before, starts, pending: String::new() }
    }

    /// Takes more of the text behind; what of it is known to be new.
    pub(super) fn push(&mut self, text: &str) -> String {
        if !self.open {
            return text.to_owned();
        }
        self.pending.push_str(text);
        if self.may_go_on() { String::new() } else { self.close() }
    }

    /// What is new of the text behind, which does not go on.
    pub(super) fn finish(&mut self) -> String {
        if self.open { self.close() } else { String::new() }
    }

    /// Whether more text could turn out to be a repetition.
    fn may_go_on(&self) -> bool {
        self.repeats().any(|repeated| {
            repeated.len() > self.pending.len() && repeated.starts_with(&self.pending)
        })
    }

    fn close(&mut self) -> String {
        let repeated = self.repeats().find(|repeated| self.pending.starts_with(repeated));
        let known = repeated.map_or(0, str::len);
        self.open = false;
        let mut pending = std::mem::take(&mut self.pending);
        self.before = String::new();
        pending.split_off(known)
    }

    /// What may be repeated, the longest first.
    fn repeats(&self) -> impl Iterator<Item = &str> {
        self.starts.iter().map(|&start| &self.before[start..])
    }
}

fn starts(before: &str, exact: bool) -> Vec<usize> {
    // A prompt ends without white space, which the model then says again.
    let trimmed = before.trim_end().len();
    let is_start = |&at: &usize| {
        let long = before.len() - at >= REPEATED_LEAST;
        before.is_char_boundary(at) && (at >= trimmed || (long && !exact && !is_rhythm(before, at)))
    };
    let from = before.len().saturating_sub(REPEATED_MOST).max(1);
    let whole = before.len() >= REPEATED_LEAST || (!exact && !before.is_empty());
    whole.then_some(0).into_iter().chain((from..before.len()).filter(is_start)).collect()
}

/// Whether the text has come to its end from `start` as it came to `start`: then it repeats itself, and a text that
/// does so once more may well be new.
fn is_rhythm(text: &str, start: usize) -> bool {
    let (before, repeated) = text.as_bytes().split_at(start);
    let known = before.len().min(repeated.len());
    known >= REPEATED_LEAST && before[before.len() - known..] == repeated[repeated.len() - known..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push_text;
    use proptest::prelude::*;

    fn filler(words: std::ops::Range<u32>) -> String {
        words.map(crate::word).collect()
    }

    /// What is new, however the text comes in pieces.
    fn joined(before: &str, exact: bool, behind: &str) -> String {
        let whole = new_of(before, exact, [behind]);
        let letters: Vec<String> = behind.chars().map(String::from).collect();
        let pieces = new_of(before, exact, letters.iter().map(String::as_str));
        assert_eq!(pieces, whole, "{before:?} {behind:?}");
        whole
    }

    fn new_of<'a>(before: &str, exact: bool, pieces: impl IntoIterator<Item = &'a str>) -> String {
        let mut joint = TextJoint::behind(before.to_owned(), exact);
        let mut new: String = pieces.into_iter().map(|piece| joint.push(piece)).collect();
        new.push_str(&joint.finish());
        new
    }

    #[test]
    fn what_is_new_passes_as_it_is() {
        for exact in [true, false] {
            for (before, behind) in [
                ("The sea was", " hot and"),
                ("", "The sea"),
                ("The sea", ""),
                ("It costs 10", "0 dollars"),
                ("the, the,", " the, the end"),
                ("grün", "der"),
            ] {
                assert_eq!(joined(before, exact, behind), behind, "{before:?} {behind:?} {exact}");
            }
        }
    }

    #[test]
    fn last_words_that_are_said_again_are_left_out_where_that_may_be() {
        let before = "Once upon a time there was a fox";
        assert_eq!(joined(before, false, "there was a fox who ran"), " who ran");
        assert_eq!(joined(before, true, "there was a fox who ran"), "there was a fox who ran");
        assert_eq!(joined(before, false, "there was a dog"), "there was a dog");
        assert_eq!(joined(before, false, "there was a fox"), "");
    }

    #[test]
    fn an_answer_that_begins_again_goes_on_behind_what_is_known() {
        let before = "Once upon a time there was a fox";
        for exact in [true, false] {
            let again = format!("{before} who ran");
            assert_eq!(joined(before, exact, &again), " who ran");
            // Another beginning is another text: nothing of it is known.
            assert_eq!(joined(before, exact, "Once upon a day"), "Once upon a day");
        }
    }

    #[test]
    fn white_space_at_the_joint_is_said_once() {
        for exact in [true, false] {
            assert_eq!(joined("one\n\n", exact, "\n\ntwo"), "two");
            assert_eq!(joined("one\n\n", exact, "\ntwo"), "two");
            assert_eq!(joined("one\n", exact, "\n\ntwo"), "\ntwo");
            assert_eq!(joined("one ", exact, "two"), "two");
        }
    }

    #[test]
    fn a_text_that_repeats_itself_may_go_on_doing_so() {
        // Filler begins again after 16 words.
        for (said, all) in [(40, 60), (20, 60), (33 + 2, 80)] {
            let before = filler(0..said);
            assert_eq!(joined(&before, false, &filler(said..all)), filler(said..all), "{said}");
            assert_eq!(joined(&before, false, &filler(0..all)), filler(said..all), "{said} again");
            assert_eq!(joined(&before, true, &filler(0..all)), filler(said..all), "{said} again");
        }
        let mut long = Vec::new();
        push_text(&mut long, 4_000);
        let long = String::from_utf8(long).expect("ASCII");
        assert_eq!(joined(&long, false, " fox"), " fox");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_passed_but_for_a_repetition_at_its_head(
            before in "[ab \n]{0,40}",
            behind in "[ab \n]{0,40}",
            exact: bool,
        ) {
            let new = joined(&before, exact, &behind);
            prop_assert!(behind.ends_with(&new), "{new:?}");
            let left_out = &behind[..behind.len() - new.len()];
            prop_assert!(before.ends_with(left_out), "{left_out:?}");
        }

        #[test]
        fn nothing_of_an_exact_continuation_is_lost_unless_all_is_said_again(
            before in "[a-z ]{8,60}[a-z]",
            behind in "[a-z ]{0,60}",
        ) {
            prop_assume!(!behind.starts_with(&before));
            prop_assert_eq!(joined(&before, true, &behind), behind);
        }
    }
}
