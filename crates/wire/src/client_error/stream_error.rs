//! The event that ends a stream badly, in the words of the operation that was asked for.

use super::front_error::FrontError;
use crate::chat::{ChatRequest, ChunkWriter, FrontApi, Operation};
use crate::error::{ApiError, failure_from_error};
use crate::json::json_string;
use crate::{Format, front_format};
use std::io::Write as _;

/// Where the number of an event of a response stands.
const SEQUENCE_NUMBER: &[u8] = br#""sequence_number":"#;

/// Writes the error event of one stream. A stream of `/v1/responses` has events with names and numbers, and its error
/// event bears the number behind the last one that went out; the others have a chunk with an `error`.
#[derive(Clone, Debug)]
pub struct ErrorEventWriter {
    operation: Operation,
    /// The API of the client, where it is neither OpenAI's chats nor its responses.
    format: Format,
    /// The number of the next event.
    next: u64,
}

impl ErrorEventWriter {
    /// For a stream of which nothing has gone out.
    #[must_use]
    pub const fn new(operation: Operation) -> Self {
        Self { operation, format: Format::OpenAi, next: 0 }
    }

    /// For the answer to this request.
    #[must_use]
    pub fn of(chat: &ChatRequest) -> Self {
        let operation = match chat.front() {
            None => chat.operation,
            Some(api) => front_format(api).other_operation().unwrap_or(Operation::Chat),
        };
        let format = chat.front().map_or(Format::OpenAi, FrontApi::format);
        Self { format, ..Self::new(operation) }
    }

    /// Whole events have gone to the client.
    pub fn sent(&mut self, events: &[u8]) {
        if self.operation != Operation::Response {
            return;
        }
        // A quote within a text has a backslash before it, so that no text holds this.
        let last = events.windows(SEQUENCE_NUMBER.len()).rposition(|part| part == SEQUENCE_NUMBER);
        let Some(at) = last else { return };
        let digits = events[at + SEQUENCE_NUMBER.len()..].trim_ascii_start();
        let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        let number = std::str::from_utf8(&digits[..end]).ok().and_then(|text| text.parse().ok());
        self.next = number.map_or(self.next, |number: u64| number.saturating_add(1));
    }

    /// The event.
    pub fn write(&self, out: &mut Vec<u8>, error: &ApiError) {
        if self.format != Format::OpenAi {
            return error_event(self.format, out, error);
        }
        if self.operation != Operation::Response {
            return ChunkWriter::error(out, error);
        }
        let code = json_string(error.code.as_deref().unwrap_or(&error.kind));
        let message = json_string(&error.message);
        let param = error.param.as_deref().map_or_else(|| "null".to_owned(), json_string);
        let number = self.next;
        write!(
            out,
            "event: error\ndata: {{\"type\":\"error\",\"sequence_number\":{number},\"code\":{code},\
             \"message\":{message},\"param\":{param}}}\n\n"
        )
        .expect("a Vec takes all");
    }
}

/// The event that ends a stream of this format badly.
fn error_event(format: Format, out: &mut Vec<u8>, error: &ApiError) {
    let class = failure_from_error(&error.body()).class;
    let told = FrontError { format, status: class.status(), error, wait: None, request_id: "" };
    let (_, body) = told.told();
    if format == Format::Anthropic {
        out.extend_from_slice(b"event: error\n");
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(&body);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_failure::FailureClass;

    fn written(operation: Operation, sent: &[&str]) -> String {
        let mut events = ErrorEventWriter::new(operation);
        sent.iter().for_each(|bytes| events.sent(bytes.as_bytes()));
        let mut out = Vec::new();
        events
            .write(&mut out, &ApiError::of(FailureClass::Server, "m").with_message("it \"broke\""));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_response_ends_with_an_event_of_its_own_and_the_next_number() {
        let sent = [
            "event: a\ndata: {\"type\":\"a\",\"sequence_number\":7}\n\nevent: b\ndata: {\"sequence_number\": 8,\"x\":1}\n\n",
            // What a text says of numbers is no number.
            "event: c\ndata: {\"sequence_number\":9,\"delta\":\"\\\"sequence_number\\\":70\"}\n\n",
            ": a comment\n\n",
        ];
        let written = written(Operation::Response, &sent);
        let data = written.strip_prefix("event: error\ndata: ").expect("a named event");
        let event: serde_json::Value = serde_json::from_str(data.trim_end()).expect("JSON");
        assert_eq!(event["type"], "error");
        assert_eq!(event["sequence_number"], 10);
        assert_eq!(event["message"], "it \"broke\"");
        assert!(event["code"].is_string() && event["param"].is_null(), "{event}");
        assert!(written.ends_with("}\n\n"), "{written}");
    }

    #[test]
    fn numbers_begin_at_nothing_where_a_provider_has_none() {
        let written = written(Operation::Response, &["data: {\"type\":\"a\"}\n\n"]);
        assert!(written.contains("\"sequence_number\":0,"), "{written}");
    }

    #[test]
    fn the_other_operations_end_with_a_chunk_that_is_an_error() {
        for operation in [Operation::Chat, Operation::Completion] {
            let written = written(operation, &["data: {\"sequence_number\":7}\n\n"]);
            assert!(written.starts_with("data: {\"error\":{"), "{written}");
            assert!(!written.contains("sequence_number"), "{written}");
        }
    }
}
