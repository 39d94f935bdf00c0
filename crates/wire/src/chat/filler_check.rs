//! Whether an answer says what the mock provider was asked to say: what tells a truncated or a spliced answer
//! from a whole one, whatever stood in between.

use super::continuation::{QUOTATION, quoted_answer};
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
                self.push(said.content.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }

    /// Takes the next bytes of the text.
    pub fn push(&mut self, text: &[u8]) {
        for byte in text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()) {
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

/// What the end of a prompt says of an answer that is to be gone on from, in tokens of filler: 0 for another text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct PriorAnswer {
    /// Of the last message, where that is the model's.
    pub(crate) prefill: Option<u32>,
    /// Of the quotation in the last message, where that asks to go on from one.
    pub(crate) quoted: Option<u32>,
}

/// Reads the last message of a prompt in any format that has `messages` or `contents`.
pub(crate) fn prior_answer(body: &[u8]) -> PriorAnswer {
    // Most prompts have nothing of the kind, and are not read again.
    let has = |word: &[u8]| memchr::memmem::find(body, word).is_some();
    let gemini = || has(b"\"contents\"") && has(b"\"model\"");
    if !has(b"\"assistant\"") && !has(QUOTATION) && !gemini() {
        return PriorAnswer::default();
    }
    let Ok(prompt) = parse_json::<PriorPrompt>(body) else { return PriorAnswer::default() };
    let Some(last) = prompt.messages.or(prompt.contents).unwrap_or_default().pop() else {
        return PriorAnswer::default();
    };
    let text = last.content.or(last.parts).unwrap_or_default().0;
    if matches!(last.role.as_str(), "assistant" | "model") {
        return PriorAnswer { prefill: Some(filler_tokens(&text)), quoted: None };
    }
    PriorAnswer { prefill: None, quoted: quoted_answer(&text).map(filler_tokens) }
}

fn filler_tokens(text: &str) -> u32 {
    let mut check = FillerCheck::default();
    check.push(text.as_bytes());
    let tokens = if check.is_other { 0 } else { check.letters / LETTERS };
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

#[derive(Deserialize)]
struct PriorPrompt {
    messages: Option<Vec<PriorMessage>>,
    contents: Option<Vec<PriorMessage>>,
}

#[derive(Deserialize)]
struct PriorMessage {
    #[serde(default)]
    role: String,
    content: Option<JoinedText>,
    parts: Option<JoinedText>,
}

/// A text, or the texts of parts; parts of any other kind are none.
#[derive(Default)]
struct JoinedText(String);

impl<'de> Deserialize<'de> for JoinedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if let Some(text) = value.as_str() {
            return Ok(Self(text.to_owned()));
        }
        let parts = value.as_array().into_iter().flatten();
        Ok(Self(parts.filter_map(|part| part.get("text")?.as_str()).collect()))
    }
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
    use crate::chat::{ChatRequest, ContinuationForm};
    use bytes::Bytes;

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
            let body = format!(r#"{{"messages":[{{"role":"user","content":"hi"}},{last}]}}"#);
            prior_answer(body.as_bytes()).prefill
        };
        assert_eq!(prefill(r#"{"role":"assistant","content":" the sea"}"#), Some(2));
        assert_eq!(prefill(r#"{"role":"assistant","content":"something else"}"#), Some(0));
        assert_eq!(prefill(r#"{"role":"assistant","content":[{"type":"text"}]}"#), Some(0));
        assert_eq!(prefill(r#"{"role":"user","content":"you are an assistant"}"#), None);
        assert_eq!(
            prefill(r#"{"role":"assistant","content":" the"},{"role":"user","content":"go on"}"#),
            None
        );
        let parts =
            r#"{"role":"assistant","content":[{"type":"text","text":" the"},{"text":" sea"}]}"#;
        assert_eq!(prefill(parts), Some(2));
        let gemini = r#"{"contents":[{"parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":" the"}]}]}"#;
        assert_eq!(prior_answer(gemini.as_bytes()).prefill, Some(1));
    }

    #[test]
    fn a_prompt_that_asks_to_go_on_from_a_quotation_says_how_much_of_it() {
        let body = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
        let chat = ChatRequest::parse(Bytes::from_static(body)).expect("a request");
        let quoted = |text: &str, form| {
            let asked = chat.continued(text, form).expect("it can be written");
            prior_answer(asked.body())
        };
        let expected = PriorAnswer { prefill: None, quoted: Some(3) };
        assert_eq!(quoted(" the sea was", ContinuationForm::Instruction), expected);
        let expected = PriorAnswer { prefill: Some(3), quoted: None };
        assert_eq!(quoted(" the sea was", ContinuationForm::Prefill), expected);
        assert_eq!(prior_answer(chat.body()), PriorAnswer::default());
        assert_eq!(quoted("Hello", ContinuationForm::Instruction).quoted, Some(0));
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
