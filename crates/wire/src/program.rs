//! Requests and answers of a program under test: a line of JSON each.

use serde::{Deserialize, Serialize};

/// A request, as a program reads it.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramRequest<'a> {
    /// What the answer repeats.
    pub id: &'a str,
    /// The model asked for.
    pub model: &'a str,
    /// The text of one user message; its first word is the token.
    pub prompt: &'a str,
    /// Whether it is to ask for a stream.
    pub stream: bool,
    /// The most tokens wanted.
    pub max_tokens: u32,
    /// The token, for the header `x-squall-token`.
    pub token: &'a str,
}

/// An answer, as a program writes it. What is left out is unknown.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ProgramAnswer {
    /// That of the request.
    #[serde(default)]
    pub id: Option<String>,
    /// Whether the code under test took it for a success.
    pub ok: bool,
    /// The HTTP status behind it.
    #[serde(default)]
    pub status: Option<u16>,
    /// The class of a failure, by its word.
    #[serde(default)]
    pub class: Option<String>,
    /// What arrived.
    #[serde(default)]
    pub text: String,
    /// From the request to the first text, in milliseconds.
    #[serde(default)]
    pub ttft_ms: Option<f64>,
    /// The model that the answer names.
    #[serde(default)]
    pub model: Option<String>,
    /// The usage that it tells.
    #[serde(default)]
    pub usage: Option<ProgramUsage>,
    /// With a failure: its type and message.
    #[serde(default)]
    pub error: Option<String>,
}

/// The usage of an answer.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct ProgramUsage {
    /// Tokens of the answer.
    #[serde(default)]
    pub output_tokens: u32,
}

impl ProgramRequest<'_> {
    /// Its line, with its end.
    ///
    /// # Panics
    /// Never: texts and numbers are JSON.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("texts and numbers are JSON");
        line.push('\n');
        line
    }
}

impl ProgramAnswer {
    /// Reads a line; `None` if it is no answer.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_whatever_its_prompt() {
        let (id, model, token) = ("7", "chat", "squall-7-10-5");
        let prompt = "squall-7-10-5 a\n\"b\"";
        let request = ProgramRequest { id, model, prompt, stream: true, max_tokens: 5, token };
        let line = request.line();
        assert_eq!(line.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&value["prompt"], &value["max_tokens"]), (&prompt.into(), &5.into()));
    }

    #[test]
    fn an_answer_may_leave_out_what_it_does_not_know() {
        let answer = ProgramAnswer::read(r#"{"id":"7","ok":false,"class":"throttled"}"#);
        let answer = answer.expect("an answer");
        assert_eq!(
            (answer.ok, answer.status, answer.class.as_deref()),
            (false, None, Some("throttled"))
        );
        assert!(ProgramAnswer::read("Traceback (most recent call last):").is_none());
    }
}
