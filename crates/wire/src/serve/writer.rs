//! What writes a streamed answer, piece by piece.

use super::Says;
use crate::Usage;
use crate::chat::FinishReason;
use squall_failure::FailureClass;
use std::fmt::Debug;

/// What all parts of one answer have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerHead {
    /// The number of the provider and of the answer: together they tell it from all others.
    pub provider: u16,
    /// The number of the answer.
    pub number: u64,
    /// When it was asked for, in Unix seconds.
    pub created: u64,
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// How many of them came from a cache.
    pub cached_tokens: u32,
    /// How many of its own tokens are thoughts: the first ones.
    pub reasoning_tokens: u32,
    /// What it says after them.
    pub says: Says,
}

/// Writes the pieces of one answer behind `out`, whole events only. Nothing is kept of what was written.
pub trait AnswerWriter: Debug + Send {
    /// What comes before the first token.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// The `n`th token.
    fn token(&mut self, out: &mut Vec<u8>, n: u32);

    /// Why the answer ends, what it used, and the end mark.
    fn finish(&mut self, out: &mut Vec<u8>, finish: FinishReason, usage: Usage);

    /// What [`finish`](Self::finish) ends with that says only that nothing follows; empty where its vendor's
    /// clients need all that it writes.
    fn end_mark(&self) -> &'static [u8] {
        b""
    }

    /// An event that is not JSON: the beginning of one with content.
    fn malformed(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: {\"choices\": [ {\"delta\n\n");
    }

    /// An error, after which nothing comes.
    fn error(&mut self, out: &mut Vec<u8>, class: FailureClass);
}

/// The id of an answer: `prefix` and its numbers, so long as its vendor's are.
pub(crate) fn id(prefix: &str, head: &AnswerHead) -> String {
    format!("{prefix}{}-{}", head.provider, head.number)
}
