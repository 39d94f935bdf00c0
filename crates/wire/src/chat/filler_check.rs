//! Whether an answer says what the mock provider was asked to say: what tells a truncated or a spliced answer
//! from a whole one, whatever stood in between.

use crate::filler::word;
use crate::json::{parse_json, read_tolerantly};
use serde::{Deserialize, Deserializer};

/// Compares the text of an answer with filler, token by token as it comes. White space does not count.
#[derive(Clone, Debug, Default)]
pub struct FillerCheck {
    /// How many letters of filler have come.
    letters: usize,
    /// Whether something else has.
    is_other: bool,
    /// The model that the answer names.
    model: Option<String>,
}

/// Letters of a word of filler.
const LETTERS: usize = 3;

impl FillerCheck {
    /// Takes a body, or the data of an event, that holds a part of the answer; what is no JSON holds none.
    pub fn read(&mut self, data: &[u8]) {
        let Ok(part) = read_tolerantly(data, |data| parse_json::<ChunkText>(data)) else { return };
        if let Some(model) = part.model.filter(|model| self.model.is_none() && !model.is_empty()) {
            self.model = Some(model);
        }
        for choice in part.choices.into_iter().filter(|choice| choice.index == 0) {
            for said in [choice.delta, choice.message].into_iter().flatten() {
                self.push(said.content.as_deref().unwrap_or_default());
            }
        }
    }

    fn push(&mut self, text: &str) {
        for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            let token = u32::try_from(self.letters / LETTERS).unwrap_or(u32::MAX);
            // A word begins with its space.
            let expected = word(token).as_bytes()[1 + self.letters % LETTERS];
            self.is_other |= byte != expected;
            self.letters += 1;
        }
    }

    /// Whether the text was that of so many tokens, and nothing else.
    #[must_use]
    pub const fn is_whole(&self, tokens: u32) -> bool {
        !self.is_other && self.letters == tokens as usize * LETTERS
    }

    /// The model that the answer names.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }
}

/// How many tokens of filler the last message of a chat says whose role is the assistant's: 0 where it says another
/// text, `None` where the chat does not end so.
pub(crate) fn assistant_prefill(body: &[u8]) -> Option<u32> {
    // Most chats have no such message, and are not read again.
    if !body.windows(ASSISTANT.len()).any(|bytes| bytes == ASSISTANT) {
        return None;
    }
    let chat = parse_json::<PrefilledChat>(body).ok()?;
    let last = chat.messages.into_iter().last().filter(|last| last.role == "assistant")?;
    let mut check = FillerCheck::default();
    check.push(last.content.as_deref().unwrap_or_default());
    let tokens = if check.is_other { 0 } else { check.letters / LETTERS };
    Some(u32::try_from(tokens).unwrap_or(u32::MAX))
}

const ASSISTANT: &[u8] = b"assistant";

#[derive(Deserialize)]
struct PrefilledChat {
    messages: Vec<PrefilledMessage>,
}

#[derive(Deserialize)]
struct PrefilledMessage {
    role: String,
    #[serde(default, deserialize_with = "text_alone")]
    content: Option<String>,
}

/// A text; parts of any other kind are none.
fn text_alone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().map(str::to_owned))
}

#[derive(Deserialize)]
struct ChunkText {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<TextChoice>,
}

#[derive(Deserialize)]
struct TextChoice {
    #[serde(default)]
    index: u32,
    delta: Option<TextSaid>,
    message: Option<TextSaid>,
}

#[derive(Deserialize)]
struct TextSaid {
    #[serde(default)]
    content: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: &[&str]) -> FillerCheck {
        let mut check = FillerCheck::default();
        for part in parts {
            check.read(
                format!(
                    r#"{{"model":"m","choices":[{{"index":0,"delta":{{"content":"{part}"}}}}]}}"#
                )
                .as_bytes(),
            );
        }
        check
    }

    #[test]
    fn a_text_is_whole_however_it_was_cut_into_pieces() {
        for parts in
            [&[" the", " sea", " was"][..], &[" the sea was"], &["t", "he s", "ea  was\\n"]]
        {
            assert!(check(parts).is_whole(3), "{parts:?}");
        }
        assert_eq!(check(&[" the"]).model(), Some("m"));
    }

    #[test]
    fn less_more_and_other_text_is_not_whole() {
        for parts in [
            &[" the", " sea"][..],
            &[" the", " sea", " was", " hot"],
            &[" the", " sea", " the"],
            &["", "oops"],
            &[],
        ] {
            assert!(!check(parts).is_whole(3), "{parts:?}");
        }
    }

    #[test]
    fn a_chat_that_ends_with_a_beginning_of_the_answer_says_how_much_of_it() {
        let prefill = |last: &str| {
            assistant_prefill(
                format!(r#"{{"messages":[{{"role":"user","content":"hi"}},{last}]}}"#).as_bytes(),
            )
        };
        assert_eq!(prefill(r#"{"role":"assistant","content":" the sea"}"#), Some(2));
        assert_eq!(prefill(r#"{"role":"assistant","content":"something else"}"#), Some(0));
        assert_eq!(prefill(r#"{"role":"assistant","content":[{"type":"text"}]}"#), Some(0));
        assert_eq!(prefill(r#"{"role":"user","content":"you are an assistant"}"#), None);
        assert_eq!(
            prefill(r#"{"role":"assistant","content":" the"},{"role":"user","content":"go on"}"#),
            None
        );
    }

    #[test]
    fn an_answer_in_one_piece_reads_as_a_stream_does_and_strange_events_hold_nothing() {
        let mut check = FillerCheck::default();
        check.read(b"{\"choi");
        check.read(br#"{"choices":[],"usage":{}}"#);
        check.read(br#"{"choices":[{"message":{"role":"assistant","content":" the sea"}}]}"#);
        check.read(br#"{"choices":[{"delta":{"content":null}}]}"#);
        assert!(check.is_whole(2));
        assert_eq!(check.model(), None);
    }
}
