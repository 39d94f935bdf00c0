//! The request that asks for the rest of an answer.

use crate::chat::{ChatRequest, Operation, Unsupported};
use crate::estimate_tokens;
use crate::json::{json_string, parse_json};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// How a provider is told the answer so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContinuationForm {
    /// As the beginning of the assistant's own message, which the model goes on from.
    Prefill,
    /// As a quotation in a message of the user's that asks to go on from its end.
    Instruction,
}

/// What stands before and behind the quotation.
const OPEN: &str = "<answer_so_far>\n";
const CLOSE: &str = "\n</answer_so_far>";

/// What the body of a request holds that quotes an answer.
pub(in crate::chat) const QUOTATION: &[u8] = b"<answer_so_far>";

impl ChatRequest {
    /// Whether an answer to it is one plain text, so that another model can go on from the middle of it: no answers
    /// beside each other, no probabilities, no thoughts, no sound, no form that the text must have, no tool that must
    /// be called, and no beginning that the client itself has given.
    #[must_use]
    pub fn can_be_continued(&self) -> bool {
        self.stream
            && self.operation == Operation::Chat
            && parse_json::<Demands<'_>>(self.readable_body()).is_ok_and(|asked| asked.are_plain())
    }

    /// The request for the rest of an answer of which `text` is there, with as many tokens fewer where it says how
    /// many there may be.
    ///
    /// # Errors
    /// When its body cannot be written so.
    pub fn continued(&self, text: &str, form: ContinuationForm) -> Result<Self, Unsupported> {
        // Anthropic refuses a beginning that ends in white space.
        let text = text.trim_end();
        if text.is_empty() {
            return Ok(self.clone());
        }
        let body = self.readable_body();
        let unwritten = |error: &dyn std::fmt::Display| {
            Unsupported::here(
                "messages",
                format!("the rest of an answer cannot be asked for: {error}"),
            )
        };
        let places: ContinuedPlaces<'_> = parse_json(body).map_err(|error| unwritten(&error))?;
        let message = match form {
            ContinuationForm::Prefill => {
                // Mistral and DeepSeek go on only where it says so; nobody else minds.
                format!(r#",{{"role":"assistant","content":{},"prefix":true}}"#, json_string(text))
            }
            ContinuationForm::Instruction => {
                format!(r#",{{"role":"user","content":{}}}"#, json_string(&instruction(text)))
            }
        };
        let end = self.span_of(places.messages).end - 1;
        let mut edits = vec![(end..end, message)];
        let said = estimate_tokens(text.len());
        for most in [places.max_tokens, places.max_completion_tokens].into_iter().flatten() {
            if let Ok(tokens) = most.get().parse::<u32>() {
                edits.push((self.span_of(most), tokens.saturating_sub(said).max(1).to_string()));
            }
        }
        let mut rest = Self::parse(self.edited(edits)).map_err(|error| unwritten(&error))?;
        rest.front = self.front;
        Ok(rest)
    }
}

fn instruction(text: &str) -> String {
    format!(
        "Your answer was cut off while it was sent. This is all of it that arrived:\n\n{OPEN}{text}{CLOSE}\n\n\
         Continue it exactly where it ends, as if it had not been cut off: write only what follows, beginning with \
         the very next character. Do not repeat any of it, do not introduce it, and do not mention this message."
    )
}

/// The answer that a message asks to go on from; `None` for any other message.
pub(in crate::chat) fn quoted_answer(message: &str) -> Option<&str> {
    let (_, behind) = message.split_once(OPEN)?;
    Some(behind.rsplit_once(CLOSE)?.0)
}

/// Where a request is changed to ask for the rest.
#[derive(Deserialize)]
struct ContinuedPlaces<'a> {
    #[serde(borrow)]
    messages: &'a RawValue,
    #[serde(borrow)]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    max_completion_tokens: Option<&'a RawValue>,
}

/// What a request asks of its answer beside text.
#[derive(Deserialize)]
struct Demands<'a> {
    messages: Vec<Role>,
    n: Option<Value>,
    logprobs: Option<Value>,
    top_logprobs: Option<Value>,
    response_format: Option<Value>,
    modalities: Option<Value>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    reasoning_effort: Option<Value>,
    reasoning: Option<Value>,
    thinking: Option<Value>,
    tool_choice: Option<Value>,
    function_call: Option<Value>,
}

#[derive(Deserialize)]
struct Role {
    #[serde(default)]
    role: String,
}

impl Demands<'_> {
    fn are_plain(&self) -> bool {
        let kind = |value: &Value| value.get("type").and_then(Value::as_str).map(str::to_owned);
        let disabled = |value: &Value| {
            kind(value).as_deref() == Some("disabled")
                || value.get("enabled") == Some(&Value::Bool(false))
        };
        let modes = |value: &Value| *value == serde_json::json!(["text"]);
        self.n.as_ref().is_none_or(|n| n.as_u64() == Some(1))
            && self.logprobs.as_ref().is_none_or(|asked| *asked == Value::Bool(false))
            && self.top_logprobs.is_none()
            && self.response_format.as_ref().is_none_or(|f| kind(f).as_deref() == Some("text"))
            && self.modalities.as_ref().is_none_or(modes)
            && self.audio.is_none()
            && self.reasoning_effort.as_ref().is_none_or(|effort| effort == "none")
            && [&self.reasoning, &self.thinking].into_iter().flatten().all(disabled)
            && [&self.tool_choice, &self.function_call]
                .into_iter()
                .flatten()
                .all(|choice| choice == "auto" || choice == "none")
            && self.messages.last().is_some_and(|last| last.role != "assistant")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, dialect};
    use bytes::Bytes;

    fn chat(fields: &str) -> ChatRequest {
        let messages =
            r#""messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi"}]"#;
        let body =
            format!(r#"{{"model":"m", "temperature":1.50,{messages},"stream":true{fields}}}"#);
        ChatRequest::parse(Bytes::from(body)).expect("a request")
    }

    fn body(chat: &ChatRequest, form: ContinuationForm) -> String {
        let continued = chat.continued("Once upon\n", form).expect("it can be written");
        String::from_utf8(continued.body().to_vec()).expect("UTF-8")
    }

    #[test]
    fn the_rest_is_asked_for_behind_the_messages_and_every_other_byte_stays() {
        let prefilled =
            body(&chat(r#","max_tokens": 100,"stop":["x"]"#), ContinuationForm::Prefill);
        assert_eq!(
            prefilled,
            concat!(
                r#"{"model":"m", "temperature":1.50,"messages":[{"role":"system","content":"be kind"},"#,
                r#"{"role":"user","content":"hi"},{"role":"assistant","content":"Once upon","prefix":true}],"#,
                r#""stream":true,"max_tokens": 97,"stop":["x"]}"#
            )
        );
        let told = body(&chat(r#","max_completion_tokens":2"#), ContinuationForm::Instruction);
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["max_completion_tokens"], 1, "at least one token is left");
        let last = &told["messages"][2];
        assert_eq!(last["role"], "user");
        assert_eq!(quoted_answer(last["content"].as_str().expect("text")), Some("Once upon"));
    }

    #[test]
    fn every_format_is_told_the_beginning_as_its_own() {
        for (format, last) in [
            (Format::OpenAi, r#"{"role":"assistant","content":"Once upon","prefix":true}"#),
            (
                Format::Anthropic,
                r#"{"role":"assistant","content":[{"type":"text","text":"Once upon"}]}"#,
            ),
            (Format::Gemini, r#"{"role":"model","parts":[{"text":"Once upon"}]}"#),
        ] {
            let chat = chat("");
            let chat = chat.continued("Once upon", ContinuationForm::Prefill).expect("a request");
            let body = dialect(format).body(&chat, "m", true).expect("it can be told");
            let body = String::from_utf8(body.to_vec()).expect("UTF-8");
            assert!(body.contains(last), "{body}");
        }
    }

    #[test]
    fn an_answer_of_which_there_is_nothing_is_asked_for_as_before() {
        let chat = chat("");
        let again = chat.continued(" \n", ContinuationForm::Prefill).expect("a request");
        assert_eq!(again.body(), chat.body());
    }

    #[test]
    fn only_plain_text_can_be_continued() {
        for plain in [
            "",
            r#","n":1,"logprobs":false,"tools":[],"tool_choice":"auto","stop":"x","seed":1"#,
            r#","n":null,"response_format":{"type":"text"},"modalities":["text"]"#,
            r#","reasoning_effort":"none","thinking":{"type":"disabled"},"top_logprobs":null"#,
        ] {
            assert!(chat(plain).can_be_continued(), "{plain}");
        }
        for other in [
            r#","n":2"#,
            r#","logprobs":true"#,
            r#","top_logprobs":3"#,
            r#","response_format":{"type":"json_object"}"#,
            r#","response_format":{"type":"json_schema","json_schema":{}}"#,
            r#","modalities":["text","audio"],"audio":{}"#,
            r#","reasoning_effort":"low""#,
            r#","thinking":{"type":"enabled","budget_tokens":2048}"#,
            r#","tools":[],"tool_choice":"required""#,
            r#","tool_choice":{"type":"function","function":{"name":"f"}}"#,
        ] {
            assert!(!chat(other).can_be_continued(), "{other}");
        }
        let body =
            r#"{"model":"m","messages":[{"role":"assistant","content":"Once"}],"stream":true}"#;
        let begun = ChatRequest::parse(Bytes::from_static(body.as_bytes())).expect("a request");
        assert!(!begun.can_be_continued(), "the client has begun the answer itself");
        let whole = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        let whole = ChatRequest::parse(Bytes::from_static(whole.as_bytes())).expect("a request");
        assert!(!whole.can_be_continued(), "it is no stream");
    }
}
