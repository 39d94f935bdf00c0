//! A chat completion request as the driver builds it.

use crate::json::json_string;
use crate::{RequestToken, estimate_tokens, push_text};
use bytes::Bytes;
use std::io::Write as _;

/// A request of a given size: one user message of filler that begins with the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NewChat<'a> {
    /// The model, or model group, asked for.
    pub model: &'a str,
    /// Which request it is, and how many tokens its prompt and its answer have. A prompt shorter than
    /// the token's own text has that text's length.
    pub token: RequestToken,
    /// How the answer is to come.
    pub delivery: ResponseMode,
}

/// How an answer is to come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResponseMode {
    /// In one piece.
    Whole,
    /// As a stream.
    Stream,
    /// As a stream that ends with a usage chunk.
    StreamWithUsage,
}

impl NewChat<'_> {
    /// The text of its message: the token, and filler up to the size of the prompt.
    ///
    /// # Panics
    /// Never: filler is ASCII.
    #[must_use]
    pub fn prompt(&self) -> String {
        let mut out = Vec::new();
        push_prompt(&mut out, &self.token);
        String::from_utf8(out).expect("filler is ASCII")
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let Self { token, .. } = self;
        let name = token.to_string();
        let mut out = Vec::with_capacity(320 + self.model.len() + 4 * token.input_tokens as usize);
        let model = json_string(self.model);
        write!(out, r#"{{"model":{model},"messages":[{{"role":"user","content":""#)
            .expect("a Vec takes all");
        push_prompt(&mut out, token);
        out.extend_from_slice(br#""}],"#);
        out.extend_from_slice(match self.delivery {
            ResponseMode::Whole => b"".as_slice(),
            ResponseMode::Stream => br#""stream":true,"#,
            ResponseMode::StreamWithUsage => {
                br#""stream":true,"stream_options":{"include_usage":true},"#
            }
        });
        write!(out, r#""max_tokens":{},"user":"{name}"}}"#, token.output_tokens)
            .expect("a Vec takes all");
        out.into()
    }
}

/// The token, padded to whole tokens of text, so that the estimate of the prompt is exact; then filler.
fn push_prompt(out: &mut Vec<u8>, token: &RequestToken) {
    let name = token.to_string();
    let own = estimate_tokens(name.len());
    let padded = own as usize * 4;
    write!(out, "{name:padded$}").expect("a Vec takes all");
    push_text(out, token.input_tokens.saturating_sub(own));
}

#[cfg(test)]
mod tests {
    use super::super::ChatRequest;
    use super::*;
    use http::HeaderMap;

    const TOKEN: RequestToken =
        RequestToken { request: 12, input_tokens: 6, output_tokens: 60, session: None };

    #[test]
    fn it_writes_a_request_of_its_size() {
        let body =
            NewChat { model: "chat", token: TOKEN, delivery: ResponseMode::StreamWithUsage }.body();
        assert_eq!(
            std::str::from_utf8(&body).expect("UTF-8"),
            concat!(
                r#"{"model":"chat","messages":[{"role":"user","content":"squall-12-6-60   the sea"}],"#,
                r#""stream":true,"stream_options":{"include_usage":true},"max_tokens":60,"#,
                r#""user":"squall-12-6-60"}"#,
            ),
        );
    }

    #[test]
    fn it_reads_back_as_what_it_was_built_from() {
        for input_tokens in [6, 420, 100_000] {
            for delivery in
                [ResponseMode::Whole, ResponseMode::Stream, ResponseMode::StreamWithUsage]
            {
                let token = RequestToken { input_tokens, ..TOKEN };
                let body = NewChat { model: "a \"b\"", token, delivery }.body();
                let request = ChatRequest::parse(body).expect("a request");
                assert_eq!(request.model, "a \"b\"");
                assert_eq!(request.input_tokens, input_tokens);
                assert_eq!(request.max_tokens, Some(60));
                assert_eq!(request.stream, delivery != ResponseMode::Whole);
                assert_eq!(request.include_usage, delivery == ResponseMode::StreamWithUsage);
                assert_eq!(request.token(&HeaderMap::new()), Some(token));
            }
        }
    }
}
