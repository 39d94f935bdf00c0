//! A message: whole, or as a stream of events.

use super::serve_error::{error_event, status_of};
use crate::chat::FinishReason;
use crate::json::json_string;
use crate::serve::{
    AnswerHead, AnswerWriter, HeaderLimits, ParsedRequest, TOKEN_BYTES, VendorError, id,
    push_escaped,
};
use crate::{Usage, push_text, word};
use bytes::Bytes;
use squall_failure::FailureClass;
use std::io::Write as _;

/// What thoughts are signed with: opaque to whoever reads it, and sent back as it came.
const SIGNATURE: &str = "EqQBCkgIARABGAIiQSquallSignatureOfThoughtsThatWereNeverThought";

/// Why a message ended, and the sequence at which it did.
fn stop_reason(head: &AnswerHead, finish: FinishReason) -> (&'static str, String) {
    let null = || "null".to_owned();
    match (head.says.call(), finish) {
        (_, FinishReason::Length) => ("max_tokens", null()),
        (Some(_), _) => ("tool_use", null()),
        (None, FinishReason::ContentFilter) => ("refusal", null()),
        (None, _) => match head.says.stopped() {
            Some(stop) => ("stop_sequence", json_string(stop)),
            None => ("end_turn", null()),
        },
    }
}

/// Usage: what the cache had is told apart.
fn push_usage(out: &mut Vec<u8>, head: &AnswerHead, output_tokens: u32) {
    let cached = head.cached_tokens.min(head.input_tokens);
    let input = head.input_tokens - cached;
    write!(
        out,
        concat!(
            r#"{{"input_tokens":{},"cache_creation_input_tokens":0,"cache_read_input_tokens":{},"#,
            r#""output_tokens":{}}}"#
        ),
        input, cached, output_tokens
    )
    .expect("a Vec takes all");
}

/// The message in one piece.
pub(super) fn whole(
    asked: &ParsedRequest,
    head: &AnswerHead,
    usage: Usage,
    finish: FinishReason,
) -> Bytes {
    let mut out = Vec::with_capacity(512 + TOKEN_BYTES * usage.output_tokens as usize);
    let (id, model) = (id("msg_", head), json_string(&asked.model));
    write!(out, r#"{{"id":"{id}","type":"message","role":"assistant","model":{model},"content":["#)
        .expect("a Vec takes all");
    let thoughts = head.reasoning_tokens.min(usage.output_tokens);
    let spoken = usage.output_tokens - thoughts;
    if thoughts > 0 {
        out.extend_from_slice(br#"{"type":"thinking","thinking":""#);
        push_text(&mut out, thoughts);
        write!(out, r#"","signature":"{SIGNATURE}"}}"#).expect("a Vec takes all");
        out.extend_from_slice(if spoken > 0 || head.says.call().is_some() { b"," } else { b"" });
    }
    match head.says.call() {
        None if thoughts > 0 && spoken == 0 => {}
        None => {
            out.extend_from_slice(br#"{"type":"text","text":""#);
            head.says.push_text(&mut out, spoken, finish != FinishReason::Length);
            out.extend_from_slice(br#""}"#);
        }
        Some(call) => {
            let (number, name) = (head.number, json_string(&call.name));
            let arguments = &call.arguments;
            write!(
                out,
                r#"{{"type":"tool_use","id":"toolu_{number}","name":{name},"input":{arguments}}}"#
            )
            .expect("a Vec takes all");
        }
    }
    let (reason, sequence) = stop_reason(head, finish);
    write!(out, r#"],"stop_reason":"{reason}","stop_sequence":{sequence},"usage":"#)
        .expect("a Vec takes all");
    push_usage(&mut out, head, usage.output_tokens);
    out.push(b'}');
    out.into()
}

/// Writes the events of a message.
#[derive(Debug)]
pub(super) struct MessageWriter {
    /// As JSON.
    model: String,
    head: AnswerHead,
    tokens: u32,
    /// The block that is open, by its number; thoughts come first.
    block: u32,
}

impl MessageWriter {
    pub(super) fn new(asked: &ParsedRequest, head: &AnswerHead) -> Self {
        Self { model: json_string(&asked.model), head: head.clone(), tokens: 0, block: 0 }
    }

    fn open(&self, out: &mut Vec<u8>) {
        let block = self.block;
        write!(
            out,
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":{block},\"content_block\":"
        )
        .expect("a Vec takes all");
        match self.head.says.call() {
            _ if self.thinks() => {
                out.extend_from_slice(br#"{"type":"thinking","thinking":"","signature":""}"#);
            }
            None => out.extend_from_slice(br#"{"type":"text","text":""}"#),
            Some(call) => {
                let (number, name) = (self.head.number, json_string(&call.name));
                write!(
                    out,
                    r#"{{"type":"tool_use","id":"toolu_{number}","name":{name},"input":{{}}}}"#
                )
                .expect("a Vec takes all");
            }
        }
        out.extend_from_slice(b"}\n\n");
    }

    /// Whether the block that is open is one of thoughts.
    const fn thinks(&self) -> bool {
        self.block == 0 && self.head.reasoning_tokens > 0
    }

    fn delta(&self, out: &mut Vec<u8>, kind: &str, field: &str, text: &[u8]) {
        let block = self.block;
        write!(
            out,
            concat!(
                "event: content_block_delta\ndata: ",
                r#"{{"type":"content_block_delta","index":{},"delta":{{"type":"{}","{}":""#
            ),
            block, kind, field
        )
        .expect("a Vec takes all");
        out.extend_from_slice(text);
        out.extend_from_slice(b"\"}}\n\n");
    }

    fn close(&self, out: &mut Vec<u8>) {
        if self.thinks() {
            self.delta(out, "signature_delta", "signature", SIGNATURE.as_bytes());
        }
        let block = self.block;
        write!(
            out,
            "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":{block}}}\n\n"
        )
        .expect("a Vec takes all");
    }

    /// A part of the text, or of the arguments of a call.
    fn spoken(&self, out: &mut Vec<u8>, part: &str) {
        if part.is_empty() {
            return;
        }
        let mut text = Vec::with_capacity(2 * part.len());
        push_escaped(&mut text, part);
        if self.head.says.call().is_some() {
            self.delta(out, "input_json_delta", "partial_json", &text);
        } else {
            self.delta(out, "text_delta", "text", &text);
        }
    }

    /// Ends the thoughts, if they are what is open.
    fn end_thoughts(&mut self, out: &mut Vec<u8>) {
        if self.thinks() {
            self.close(out);
            self.block = 1;
            self.open(out);
        }
    }
}

impl AnswerWriter for MessageWriter {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let (id, model) = (id("msg_", &self.head), &self.model);
        write!(
            out,
            concat!(
                "event: message_start\ndata: ",
                r#"{{"type":"message_start","message":{{"id":"{}","type":"message","role":"assistant","#,
                r#""model":{},"content":[],"stop_reason":null,"stop_sequence":null,"usage":"#
            ),
            id, model
        )
        .expect("a Vec takes all");
        push_usage(out, &self.head, 1);
        out.extend_from_slice(b"}}\n\n");
        self.open(out);
        out.extend_from_slice(b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
    }

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        self.tokens = n + 1;
        let Some(n) = n.checked_sub(self.head.reasoning_tokens) else {
            return self.delta(out, "thinking_delta", "thinking", word(n).as_bytes());
        };
        self.end_thoughts(out);
        self.spoken(out, self.head.says.piece(n));
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        if finish != FinishReason::Length {
            self.end_thoughts(out);
            let spoken = self.tokens.saturating_sub(self.head.reasoning_tokens);
            self.spoken(out, self.head.says.rest(spoken));
        }
        self.close(out);
        let (reason, sequence) = stop_reason(&self.head, finish);
        write!(
            out,
            concat!(
                "event: message_delta\ndata: ",
                r#"{{"type":"message_delta","delta":{{"stop_reason":"{}","stop_sequence":{}}},"usage":"#
            ),
            reason, sequence
        )
        .expect("a Vec takes all");
        push_usage(out, &self.head, usage.output_tokens);
        out.extend_from_slice(b"}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }

    /// With a name: clients read no event without one.
    fn malformed(&self, out: &mut Vec<u8>) {
        let event =
            b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\n\n";
        out.extend_from_slice(event);
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        out.extend_from_slice(b"event: error\ndata: ");
        let limits = HeaderLimits::default();
        out.extend_from_slice(&error_event(&VendorError::new(class, status_of(class), &limits)));
        out.extend_from_slice(b"\n\n");
    }
}
