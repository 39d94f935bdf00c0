//! Reading a chunk that repeats the one before it but for its text, without parsing it.
//!
//! The chunks of a stream have the same bytes but for one short string, two where OpenAI pads them. A pattern is a chunk
//! that was parsed, with these strings as holes. Bytes that are the pattern's between the holes, and the body of a JSON
//! string in each, are JSON of the same shape with other texts, so that a parser could only say the same of them again.
//! Whatever is not surely so is left to the parser.

use super::stream_event::{Chunk, StreamEvent};
use memchr::memchr2_iter;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::ops::Range;

/// How many patterns are made of a stream of which none has matched: its chunks have nothing in common.
const IN_VAIN_MAX: u8 = 2;

/// What chunks of one stream have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct ChunkPattern {
    /// The chunk that was parsed; empty before the first.
    chunk: Vec<u8>,
    /// The insides of its texts, in the order in which they stand.
    holes: Vec<Hole>,
    /// Whether there is something that the model made beside them.
    has_more: bool,
    /// How many patterns were made since one matched.
    in_vain: u8,
    /// Where the text of the first answer lies in the chunk that was read last, if it has no escapes.
    text: Option<Range<usize>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Hole {
    inside: Range<usize>,
    of: HoleOf,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum HoleOf {
    /// The text of the first answer.
    Text,
    /// What else the model made.
    Made,
    /// What it did not.
    Padding,
}

impl ChunkPattern {
    /// The chunk, if it has the pattern.
    pub(super) fn read(&mut self, data: &[u8]) -> Option<Chunk> {
        self.text = None;
        let (mut content, mut text) = (self.has_more, None);
        let (mut at, mut known) = (0, 0);
        for Hole { inside, of } in &self.holes {
            let literal = &self.chunk[known..inside.start];
            let rest = data[at..].strip_prefix(literal)?;
            let TextBody { length, has_escapes } = TextBody::of(rest)?;
            at += literal.len();
            match of {
                HoleOf::Text if !has_escapes => text = Some(at..at + length),
                HoleOf::Text | HoleOf::Made | HoleOf::Padding => {}
            }
            content |= *of != HoleOf::Padding && length > 0;
            at += length;
            known = inside.end;
        }
        if self.holes.is_empty() || data[at..] != self.chunk[known..] {
            return None;
        }
        (self.in_vain, self.text) = (0, text);
        Some(Chunk { content, ..Chunk::default() })
    }

    /// The text of the first answer in the chunk that was read last, where it had the pattern and no escapes.
    pub(super) fn text<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        data.get(self.text.clone()?)
    }

    /// Makes a pattern of a chunk that was parsed, if it has a text and says nothing else that may differ. Not of one
    /// without content: that is the first, which tells the role and is like no other.
    pub(super) fn learn(&mut self, data: &[u8], chunk: Chunk) {
        let says_more = chunk != (Chunk { content: true, ..Chunk::default() });
        if says_more || self.in_vain >= IN_VAIN_MAX {
            return;
        }
        let Some(holes) = holes(data) else { return };
        let mut emptied = Vec::with_capacity(data.len());
        let mut known = 0;
        for hole in &holes {
            emptied.extend_from_slice(&data[known..hole.inside.start]);
            known = hole.inside.end;
        }
        emptied.extend_from_slice(&data[known..]);
        let StreamEvent::Chunk(Chunk { content: has_more, .. }) = StreamEvent::read(&emptied)
        else {
            return;
        };
        self.chunk.clear();
        self.chunk.extend_from_slice(data);
        (self.holes, self.has_more) = (holes, has_more);
        self.in_vain += 1;
    }
}

/// The texts of a chunk with one choice; `None` if there is none.
fn holes(data: &[u8]) -> Option<Vec<Hole>> {
    #[derive(Deserialize)]
    struct Texts<'a> {
        #[serde(borrow)]
        choices: [ChoiceTexts<'a>; 1],
        #[serde(borrow)]
        obfuscation: Option<&'a RawValue>,
        error: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct ChoiceTexts<'a> {
        #[serde(borrow)]
        delta: Option<DeltaTexts<'a>>,
        #[serde(borrow)]
        text: Option<&'a RawValue>,
        #[serde(default)]
        index: u32,
        message: Option<IgnoredAny>,
        error: Option<IgnoredAny>,
    }
    #[derive(Default, Deserialize)]
    struct DeltaTexts<'a> {
        #[serde(borrow)]
        content: Option<&'a RawValue>,
        #[serde(borrow)]
        reasoning_content: Option<&'a RawValue>,
        #[serde(borrow)]
        reasoning: Option<&'a RawValue>,
    }
    let text = std::str::from_utf8(data).ok()?;
    let Texts { choices: [choice], obfuscation, error } = serde_json::from_str(text).ok()?;
    // Whether that is one may be a matter of its words.
    if error.is_some() || choice.error.is_some() {
        return None;
    }
    let DeltaTexts { content, reasoning_content, reasoning } = choice.delta.unwrap_or_default();
    // Beside a message its text would not be all.
    let is_text = choice.index == 0 && choice.message.is_none();
    let all = [
        (content, if is_text { HoleOf::Text } else { HoleOf::Made }),
        (reasoning_content, HoleOf::Made),
        (reasoning, HoleOf::Made),
        (choice.text, HoleOf::Made),
        (obfuscation, HoleOf::Padding),
    ];
    let hole = |(value, of): (Option<&RawValue>, HoleOf)| {
        Some(Hole { inside: inside(text, value?.get())?, of })
    };
    let mut holes: Vec<_> = all.into_iter().filter_map(hole).collect();
    holes.sort_by_key(|hole| hole.inside.start);
    holes.iter().any(|hole| hole.of != HoleOf::Padding).then_some(holes)
}

/// Where the inside of a string lies in the text that it is borrowed from; `None` if the value is no string.
fn inside(text: &str, value: &str) -> Option<Range<usize>> {
    let start = value.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let is_text = value.len() >= 2 && value.starts_with('"');
    is_text.then(|| start + 1..start + value.len() - 1)
}

/// The body of a JSON string, up to its closing quote.
struct TextBody {
    length: usize,
    has_escapes: bool,
}

impl TextBody {
    /// The one that begins here. `None` if it has no end, or if only a parser knows whether it is one: an escape of four
    /// digits may be half of a character.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut escaped = None;
        for place in memchr2_iter(b'"', b'\\', bytes) {
            if escaped == Some(place) {
                continue;
            }
            if bytes[place] == b'"' {
                let body = &bytes[..place];
                let is_text =
                    !body.iter().any(u8::is_ascii_control) && std::str::from_utf8(body).is_ok();
                return is_text.then_some(Self { length: place, has_escapes: escaped.is_some() });
            }
            let letter = bytes.get(place + 1)?;
            if !br#""\/bfnrt"#.contains(letter) {
                return None;
            }
            escaped = Some(place + 1);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a pattern made of the first chunk says of the second.
    fn after(first: &str, second: &str) -> Option<Chunk> {
        let mut pattern = ChunkPattern::default();
        let StreamEvent::Chunk(chunk) = StreamEvent::read(first.as_bytes()) else {
            panic!("{first}")
        };
        pattern.learn(first.as_bytes(), chunk);
        pattern.read(second.as_bytes())
    }

    fn chunk(content: &str) -> String {
        format!(
            r#"{{"id":"1","choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":null}}],"obfuscation":"{}"}}"#,
            "x".repeat(content.len() % 7)
        )
    }

    #[test]
    fn another_text_is_known_without_parsing() {
        let known = |content| Some(Chunk { content, ..Chunk::default() });
        assert_eq!(after(&chunk("Hi"), &chunk(" there")), known(true));
        assert_eq!(after(&chunk("Hi"), &chunk("")), known(false));
        assert_eq!(after(&chunk("Hi"), &chunk("“ß” and \\\"\\n")), known(true));
    }

    #[test]
    fn whatever_is_not_surely_the_same_is_left_to_the_parser() {
        let first = chunk("Hi");
        for other in [
            first.replace("null", "\"stop\""),
            first.replace("\"index\":0", "\"index\":1"),
            first.replace("\"id\":\"1\"", "\"id\":\"2\""),
            first.replace("}],", "}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1},"),
            chunk("\\ud83d"),
            chunk("\\x"),
            chunk("\u{1}"),
            first.trim_end_matches('}').to_owned(),
            format!("{first} "),
            chunk("\",\"tool_calls\":[{}],\"name\":\""),
            String::new(),
        ] {
            assert_eq!(after(&first, &other), None, "{other}");
        }
    }

    #[test]
    fn what_the_model_made_beside_its_text_stays_content() {
        let call = r#"{"choices":[{"delta":{"content":"","tool_calls":[{"index":0}]}}]}"#;
        assert_eq!(after(call, call), Some(Chunk { content: true, ..Chunk::default() }));
    }

    #[test]
    fn a_stream_whose_chunks_have_nothing_in_common_is_soon_parsed_alone() {
        let mut pattern = ChunkPattern::default();
        for number in 0..20 {
            let data = chunk("Hi").replace("\"1\"", &format!("\"{number}\""));
            assert_eq!(pattern.read(data.as_bytes()), None);
            pattern.learn(data.as_bytes(), Chunk { content: true, ..Chunk::default() });
        }
        assert_eq!(pattern.in_vain, IN_VAIN_MAX);
        assert!(String::from_utf8_lossy(&pattern.chunk).contains("\"1\""));
    }

    #[test]
    fn the_text_of_the_first_answer_is_known_where_it_has_no_escapes() {
        let text = |first: &str, second: &str| {
            let mut pattern = ChunkPattern::default();
            pattern.learn(first.as_bytes(), Chunk { content: true, ..Chunk::default() });
            pattern.read(second.as_bytes()).expect("it has the pattern");
            pattern.text(second.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned())
        };
        assert_eq!(text(&chunk("Hi"), &chunk(" é{")).as_deref(), Some(" é{"));
        assert_eq!(text(&chunk("Hi"), &chunk("a\\n")), None);
        let second = |content| chunk(content).replace("\"index\":0", "\"index\":1");
        assert_eq!(text(&second("Hi"), &second("Ho")), None);
        let thought = |content| chunk(content).replace("\"content\"", "\"reasoning\"");
        assert_eq!(text(&thought("Hi"), &thought("Ho")), None);
    }

    proptest! {
        /// Strings of the pieces of which JSON is made, put where a text was.
        #[test]
        fn it_says_what_the_parser_says_or_nothing(
            texts in prop::collection::vec("[a\"\\\\nu0{}:,é\u{1}]{0,12}|\\PC{0,8}", 1..6),
        ) {
            let mut pattern = ChunkPattern::default();
            for text in texts {
                let data = chunk(&text);
                let parsed = StreamEvent::read(data.as_bytes());
                if let Some(known) = pattern.read(data.as_bytes()) {
                    prop_assert_eq!(StreamEvent::Chunk(known), parsed, "{}", data);
                }
                if let StreamEvent::Chunk(chunk) = parsed {
                    pattern.learn(data.as_bytes(), chunk);
                }
            }
        }
    }
}
