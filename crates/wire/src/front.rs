//! What a format is to those in front of a gateway who do not speak OpenAI's chats: requests become chats in no
//! vendor's words, and answers to those become the vendor's.
//!
//! A request is kept as it came, too: a deployment that speaks the format of its client gets these bytes, and the client
//! gets that deployment's, so that fields which nobody here knows pass both ways.

mod answer;
mod chat_body;
mod stream;
mod unsupported_fields;

pub(crate) use answer::{NeutralAnswer, NeutralChunk, NeutralDelta};
pub(crate) use chat_body::{
    FrontChat, FrontResponseFormat, FrontToolBody, FrontToolChoice, FrontTurn, TurnCall,
    TurnContent, TurnPart,
};
pub use stream::FrontStream;
pub(crate) use stream::FrontWriter;
pub(crate) use unsupported_fields::UnsupportedFields;

use crate::SseEvent;
use crate::call::{ClientFormat, Stamp, StreamReader, Whole};
use crate::chat::{ChatRequest, Operation, RequestError, StreamEvent};
use bytes::Bytes;
use serde::de::IgnoredAny;
use squall_failure::Failure;
use std::fmt::Debug;

/// What the path of a request says, where the body does not.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FrontPath {
    /// The model.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
}

/// What an API is to its clients in front of a gateway.
pub trait FrontFormat: Debug + Send + Sync {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is not JSON, lacks what its vendor demands, or a field that is read is of a wrong type.
    fn read(&self, path: &FrontPath, body: Bytes) -> Result<ChatRequest, RequestError>;

    /// Reads the body of a request to count the tokens of another.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_count(&self, path: &FrontPath, body: Bytes) -> Result<ChatRequest, RequestError> {
        self.read(path, body)
    }

    /// An answer to a chat in one piece, in this API's words.
    ///
    /// # Errors
    /// When it is no answer to a chat.
    fn whole(&self, answer: &Whole, chat: &ChatRequest, stamp: &Stamp) -> Result<Whole, Failure>;

    /// What makes the stream of a chat one of this API.
    fn stream(&self, chat: &ChatRequest) -> FrontStream;

    /// Whether its clients skip comments in a stream, as server-sent events demand.
    fn skips_comments(&self) -> bool {
        true
    }

    /// The operation of OpenAI's that it is, beside chats.
    fn other_operation(&self) -> Option<Operation> {
        None
    }

    /// Reads an answer of a deployment that speaks this API itself: the client gets it as it came.
    ///
    /// # Errors
    /// When it is none, or tells a failure of the model's.
    fn native_answer(
        &self,
        format: &dyn ClientFormat,
        body: Bytes,
        stamp: &Stamp,
    ) -> Result<Whole, Failure> {
        let completion = format.answer(body.clone(), stamp)?.completion;
        Ok(Whole { body, completion })
    }

    /// A reader for the stream of such a deployment.
    fn native_stream(&self, format: &dyn ClientFormat, stamp: Stamp) -> Box<dyn StreamReader> {
        let passes_comments = self.skips_comments();
        Box::new(NativeReader { reader: format.stream(stamp, false), passes_comments })
    }
}

/// The reader of a stream that its client gets event by event as it came, read beside that for what a router needs.
#[derive(Debug)]
struct NativeReader {
    reader: Box<dyn StreamReader>,
    passes_comments: bool,
}

impl StreamReader for NativeReader {
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent {
        let read = self.reader.read(event, &mut Vec::new());
        let passes = match read {
            StreamEvent::Chunk(_) | StreamEvent::Done => true,
            // A ping, or something new, is for whoever knows it.
            StreamEvent::Unreadable => serde_json::from_slice::<IgnoredAny>(event.data).is_ok(),
            StreamEvent::Error(_) => false,
        };
        if passes {
            event.pass_on(out);
        }
        read
    }

    fn end(&mut self, _out: &mut Vec<u8>) -> bool {
        self.reader.end(&mut Vec::new())
    }

    fn passes_comments(&self) -> bool {
        self.passes_comments
    }
}
