//! What an answer says: filler, a text that a schema asks for, or the call of a tool.

use super::{GeneratedToolCall, schema_values};
use crate::json::json_string;
use crate::{estimate_tokens, word};
use serde_json::Value;
use std::borrow::Cow;

/// Bytes of an answer to a token.
pub(crate) const TOKEN_BYTES: usize = 4;

/// What a request wants of its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wants {
    /// The tools that may be called: all that a choice leaves.
    pub(crate) tools: Vec<OfferedTool>,
    /// Whether one of them must be.
    pub(crate) must_call: bool,
    /// The schema that the text must fit, as JSON.
    pub(crate) schema: Option<Value>,
    /// Sequences at which the text stops, before them.
    pub(crate) stop: Vec<String>,
    /// How many answers.
    pub(crate) choices: u32,
    /// Whether each token comes with its probability, and beside how many others.
    pub(crate) logprobs: Option<u8>,
    /// Whether the thoughts of a model that thinks are to be shown; `None` where the request does not say.
    pub(crate) thoughts: Option<bool>,
}

/// A tool that may be called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OfferedTool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

impl Wants {
    /// Whether it is left to the model whether a tool is called.
    #[must_use]
    pub fn leaves_a_call_open(&self) -> bool {
        !self.must_call && !self.tools.is_empty()
    }

    /// What an answer says, drawn by `seed`. `calls` decides where a call is left open.
    #[must_use]
    pub fn said(&self, calls: bool, seed: u64) -> Says {
        let call = self.must_call || (calls && self.leaves_a_call_open());
        let tool = self.tools.get((seed % self.tools.len().max(1) as u64) as usize);
        if let Some(tool) = tool.filter(|_| call) {
            return Says {
                content: AnswerContent::Call(GeneratedToolCall::new(
                    &tool.name,
                    &tool.schema,
                    seed,
                )),
                stopped: None,
                prefilled: 0,
            };
        }
        let text =
            self.schema.as_ref().map(|schema| schema_values::value(schema, seed).to_string());
        self.stopped(text)
    }

    /// The text up to the first sequence at which it stops.
    fn stopped(&self, text: Option<String>) -> Says {
        let longest = self.stop.iter().map(String::len).max().unwrap_or(0);
        // Filler repeats itself: whatever it does not hold in one round and a sequence it never holds.
        let filler = || {
            (0..FILLER_ROUND + longest.div_ceil(TOKEN_BYTES) as u32).map(word).collect::<String>()
        };
        let all: Cow<'_, str> = match &text {
            Some(text) => Cow::Borrowed(text),
            None if longest > 0 => Cow::Owned(filler()),
            None => Cow::Borrowed(""),
        };
        let found = self.stop.iter().filter(|stop| !stop.is_empty());
        let found = found.filter_map(|stop| Some((all.find(stop.as_str())?, stop)));
        let found = found.min_by_key(|(at, _)| *at).map(|(at, stop)| (at, stop.clone()));
        let content = match (text, &found) {
            (Some(mut text), Some((at, _))) => {
                text.truncate(*at);
                AnswerContent::Text(text)
            }
            (Some(text), None) => AnswerContent::Text(text),
            (None, found) => AnswerContent::Filler { end: found.as_ref().map(|(at, _)| *at) },
        };
        Says { content, stopped: found.map(|(_, stop)| stop), prefilled: 0 }
    }
}

/// After so many tokens filler begins again.
const FILLER_ROUND: u32 = 16;

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Says {
    content: AnswerContent,
    /// The sequence at which it stopped.
    stopped: Option<String>,
    /// Tokens of filler that were said before.
    prefilled: u32,
}

#[derive(Clone, Debug, PartialEq)]
enum AnswerContent {
    /// Filler of any length, or up to this byte.
    Filler {
        end: Option<usize>,
    },
    Text(String),
    Call(GeneratedToolCall),
}

impl Default for AnswerContent {
    fn default() -> Self {
        Self::Filler { end: None }
    }
}

impl Says {
    /// The same in an answer of so many tokens: one that ends before its stop did not stop there.
    #[must_use]
    pub fn within(mut self, tokens: u32) -> Self {
        if self.stops_after().is_some_and(|stop| stop > tokens) {
            self.stopped = None;
        }
        self
    }

    /// The same behind so many tokens of filler, which the request says itself.
    #[must_use]
    pub fn behind(self, prefilled: u32) -> Self {
        Self { prefilled, ..self }
    }

    /// How many tokens it has, if that is not up to the provider.
    #[must_use]
    pub fn tokens(&self) -> Option<u32> {
        match &self.content {
            AnswerContent::Filler { .. } => None,
            AnswerContent::Text(text) => Some(estimate_tokens(text.len()).max(1)),
            AnswerContent::Call(call) => Some(estimate_tokens(call.arguments.len()).max(1)),
        }
    }

    /// After how many tokens it stops by itself.
    #[must_use]
    pub fn stops_after(&self) -> Option<u32> {
        match &self.content {
            AnswerContent::Filler { end } => end.map(|end| estimate_tokens(end).max(1)),
            AnswerContent::Text(_) | AnswerContent::Call(_) => None,
        }
    }

    /// The call that it is.
    pub(crate) const fn call(&self) -> Option<&GeneratedToolCall> {
        match &self.content {
            AnswerContent::Call(call) => Some(call),
            AnswerContent::Filler { .. } | AnswerContent::Text(_) => None,
        }
    }

    /// The sequence at which it stopped, if it is said whole.
    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// What comes with the `n`th token.
    pub(crate) fn piece(&self, n: u32) -> &str {
        match &self.content {
            AnswerContent::Filler { end: None } => word(n.saturating_add(self.prefilled)),
            AnswerContent::Filler { end: Some(end) } => {
                let left = end.saturating_sub((n as usize).saturating_mul(TOKEN_BYTES));
                &word(n)[..left.min(TOKEN_BYTES)]
            }
            AnswerContent::Text(text) => piece(text, n),
            AnswerContent::Call(call) => piece(&call.arguments, n),
        }
    }

    /// What is left after so many tokens.
    pub(crate) fn rest(&self, tokens: u32) -> &str {
        match &self.content {
            AnswerContent::Filler { .. } => "",
            AnswerContent::Text(text) => rest(text, tokens),
            AnswerContent::Call(call) => rest(&call.arguments, tokens),
        }
    }

    /// The text of so many tokens, as it stands in a JSON string; all of it where the answer is `whole`.
    pub(crate) fn push_text(&self, out: &mut Vec<u8>, tokens: u32, whole: bool) {
        match &self.content {
            AnswerContent::Filler { end: None } if self.prefilled == 0 => {
                crate::push_text(out, tokens);
            }
            AnswerContent::Filler { .. } => {
                (0..tokens).for_each(|n| out.extend_from_slice(self.piece(n).as_bytes()));
            }
            AnswerContent::Text(text) => {
                let said = text.len() - if whole { 0 } else { rest(text, tokens).len() };
                push_escaped(out, &text[..said]);
            }
            AnswerContent::Call(_) => {}
        }
    }

    /// The piece of the `n`th token, as it stands in a JSON string.
    pub(crate) fn push_piece(&self, out: &mut Vec<u8>, n: u32) {
        match &self.content {
            // Filler needs no escape.
            AnswerContent::Filler { .. } => out.extend_from_slice(self.piece(n).as_bytes()),
            AnswerContent::Text(_) | AnswerContent::Call(_) => push_escaped(out, self.piece(n)),
        }
    }
}

/// A text as it stands in a JSON string, without its quotes.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let quoted = json_string(text);
    out.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
}

/// The part of a text that comes with the `n`th token.
pub(crate) fn piece(text: &str, n: u32) -> &str {
    let from = (n as usize).saturating_mul(TOKEN_BYTES);
    &text[boundary(text, from)..boundary(text, from.saturating_add(TOKEN_BYTES))]
}

/// What is left of a text after so many tokens.
pub(crate) fn rest(text: &str, tokens: u32) -> &str {
    &text[boundary(text, (tokens as usize).saturating_mul(TOKEN_BYTES))..]
}

/// The last place up to `place` at which the text may be cut.
fn boundary(text: &str, place: usize) -> usize {
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(wants: &Wants, tokens: u32) -> String {
        let says = wants.said(false, 7);
        let mut out = Vec::new();
        let tokens = says.stops_after().unwrap_or(tokens).min(tokens);
        says.push_text(&mut out, tokens, true);
        let pieces: String = (0..tokens).map(|n| says.piece(n)).collect();
        if says.tokens().is_none() {
            assert_eq!(pieces.as_bytes(), out, "streamed and whole are one text");
        }
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_text_stops_before_the_first_sequence_that_it_would_hold() {
        let wants = |stop: &[&str]| Wants {
            stop: stop.iter().map(|stop| (*stop).to_owned()).collect(),
            ..Wants::default()
        };
        assert_eq!(said(&wants(&[]), 4), " the sea was hot");
        assert_eq!(said(&wants(&["was"]), 4), " the sea ");
        assert_eq!(said(&wants(&["hot", "ea w", "was"]), 4), " the s");
        assert_eq!(said(&wants(&[" the"]), 4), "");
        assert_eq!(said(&wants(&["the"]), 4), " ");
        assert_eq!(said(&wants(&["never", ""]), 4), " the sea was hot");
        // It begins anew after its last word.
        assert_eq!(said(&wants(&["low the"]), 40).len(), 61);
        assert_eq!(said(&wants(&["was"]), 2), " the sea", "shorter than the place of the sequence");
    }

    #[test]
    fn a_structured_text_comes_in_pieces_that_make_it_whole() {
        let schema = json!({ "type": "object", "required": ["ä"], "properties": { "ä": { "const": "héllo \"x\"" } } });
        let wants = Wants { schema: Some(schema), ..Wants::default() };
        let says = wants.said(false, 1);
        let tokens = says.tokens().expect("a text of its own length");
        let whole: String = (0..tokens).map(|n| says.piece(n)).collect();
        assert_eq!(whole + says.rest(tokens), r#"{"ä":"héllo \"x\""}"#);
        let mut cut = b"\"".to_vec();
        says.push_text(&mut cut, 2, false);
        cut.push(b'"');
        let cut: String = serde_json::from_slice(&cut).expect("a string");
        assert_eq!(cut, "{\"ä\":\"h", "cut where its tokens end");
    }

    #[test]
    fn a_call_that_is_left_open_is_made_when_that_was_drawn() {
        let tool = OfferedTool { name: "weather".to_owned(), schema: json!({ "type": "object" }) };
        let open = Wants { tools: vec![tool], ..Wants::default() };
        assert!(open.said(true, 1).call().is_some());
        assert!(open.said(false, 1).call().is_none());
        let must = Wants { must_call: true, ..open };
        assert!(must.said(false, 1).call().is_some());
    }
}
