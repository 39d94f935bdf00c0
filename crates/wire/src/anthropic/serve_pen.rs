//! The events of a streamed message.

use super::serve::stop_reason;
use super::serve_error::{error_event, status_of};
use crate::openai::{FinishReason, json_string};
use crate::serve::{AnswerHead, AnswerPen, Asked, Limits, Told, ToolCall, id};
use crate::{Usage, word};
use squall_failure::FailureClass;
use std::io::Write as _;

/// Writes the events of a message.
#[derive(Debug)]
pub(super) struct MessagePen {
    id: String,
    /// As JSON.
    model: String,
    number: u64,
    input_tokens: u32,
    tool: Option<ToolCall>,
    tokens: u32,
}

impl MessagePen {
    pub(super) fn new(asked: &Asked, head: &AnswerHead) -> Self {
        Self {
            id: id("msg_", head),
            model: json_string(&asked.model),
            number: head.number,
            input_tokens: head.input_tokens,
            tool: asked.tool.clone(),
            tokens: 0,
        }
    }
}

impl AnswerPen for MessagePen {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let Self { id, model, input_tokens, number, tool, .. } = self;
        write!(
            out,
            concat!(
                "event: message_start\ndata: ",
                r#"{{"type":"message_start","message":{{"id":"{}","type":"message","role":"assistant","#,
                r#""model":{},"content":[],"stop_reason":null,"stop_sequence":null,"usage":"#,
                r#"{{"input_tokens":{},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"#,
                r#""output_tokens":1}}}}}}"#,
                "\n\nevent: content_block_start\ndata: ",
                r#"{{"type":"content_block_start","index":0,"content_block":"#
            ),
            id, model, input_tokens
        )
        .expect("a Vec takes all");
        match tool {
            None => out.extend_from_slice(br#"{"type":"text","text":""}"#),
            Some(tool) => {
                let name = json_string(&tool.name);
                write!(
                    out,
                    r#"{{"type":"tool_use","id":"toolu_{number}","name":{name},"input":{{}}}}"#
                )
                .expect("a Vec takes all");
            }
        }
        out.extend_from_slice(b"}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n");
    }

    fn token(&mut self, out: &mut Vec<u8>, n: u32) {
        let Some(tool) = &self.tool else {
            out.extend_from_slice(DELTA);
            out.extend_from_slice(br#"{"type":"text_delta","text":""#);
            out.extend_from_slice(word(n).as_bytes());
            out.extend_from_slice(b"\"}}\n\n");
            return;
        };
        self.tokens = n + 1;
        push_arguments(out, tool.piece(n));
    }

    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage) {
        if let Some(tool) = &self.tool {
            push_arguments(out, tool.rest(self.tokens));
        }
        let reason = stop_reason(self.tool.as_ref(), finish);
        let Usage { input_tokens, output_tokens } = usage;
        write!(
            out,
            concat!(
                "event: content_block_stop\ndata: ",
                r#"{{"type":"content_block_stop","index":0}}"#,
                "\n\nevent: message_delta\ndata: ",
                r#"{{"type":"message_delta","delta":{{"stop_reason":"{}","stop_sequence":null}},"#,
                r#""usage":{{"input_tokens":{},"cache_creation_input_tokens":0,"#,
                r#""cache_read_input_tokens":0,"output_tokens":{}}}}}"#,
                "\n\nevent: message_stop\ndata: ",
                r#"{{"type":"message_stop"}}"#,
                "\n\n"
            ),
            reason, input_tokens, output_tokens
        )
        .expect("a Vec takes all");
    }

    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass) {
        out.extend_from_slice(b"event: error\ndata: ");
        let limits = Limits::default();
        out.extend_from_slice(&error_event(&Told::new(class, status_of(class), &limits)));
        out.extend_from_slice(b"\n\n");
    }
}

const DELTA: &[u8] =
    b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":";

fn push_arguments(out: &mut Vec<u8>, piece: &str) {
    if !piece.is_empty() {
        out.extend_from_slice(DELTA);
        let piece = json_string(piece);
        write!(out, "{{\"type\":\"input_json_delta\",\"partial_json\":{piece}}}}}\n\n")
            .expect("a Vec takes all");
    }
}
