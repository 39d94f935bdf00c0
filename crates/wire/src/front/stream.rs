//! A stream on its way to a client in front: chunks of a chat become the events of the client's API.

use super::answer::NeutralChunk;
use crate::SseDecoder;
use bytes::Bytes;
use std::fmt::Debug;

/// Writes the events of one answer in an API's words behind `out`.
pub(crate) trait FrontWriter: Debug + Send {
    /// A chunk of the answer.
    fn chunk(&mut self, chunk: NeutralChunk, out: &mut Vec<u8>);

    /// The answer has ended as it should: why it did, what it used, and the end mark.
    fn done(&mut self, out: &mut Vec<u8>);
}

/// The stream of one answer.
#[derive(Debug)]
pub struct FrontStream {
    decoder: SseDecoder,
    writer: Box<dyn FrontWriter>,
    passes_comments: bool,
}

impl FrontStream {
    /// The stream whose events this writes, with the comments among them or without.
    pub(crate) fn new(writer: Box<dyn FrontWriter>, passes_comments: bool) -> Self {
        // What comes was held within the limits of an answer before.
        Self { decoder: SseDecoder::with_limit(usize::MAX), writer, passes_comments }
    }

    /// What the client gets for whole events of a chat's stream.
    pub fn write(&mut self, events: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(events.len());
        self.decoder.push(events);
        while let Ok(Some(event)) = self.decoder.next_event() {
            let data = event.data.trim_ascii();
            if data == b"[DONE]" {
                self.writer.done(&mut out);
            } else if let Some(chunk) = NeutralChunk::read(data) {
                self.writer.chunk(chunk, &mut out);
            }
        }
        let comments = self.decoder.take_comments();
        out.extend_from_slice(if self.passes_comments { comments } else { b"" });
        out.into()
    }
}
