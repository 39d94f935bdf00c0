//! A stream that goes on elsewhere: what its client has of it, and how another attempt is asked for the rest.

use bytes::Bytes;
use squall_router::ContinueBy;
use squall_wire::Usage;
use squall_wire::chat::{
    AnswerSoFar, ChatRequest, ContinuationForm, NoContinuation, StreamSplicer, Unsupported,
};
use std::sync::Arc;

/// What the client of a stream has, and what it took.
#[derive(Debug)]
pub(crate) struct ContinuableStream {
    so_far: AnswerSoFar,
    /// Tokens of the prompt, estimated.
    input_tokens: u32,
    /// What the attempts used that broke off, as far as it can be known: they did not say.
    used: Usage,
    /// Tokens of the text that were there when the attempt that runs began.
    before: u32,
    limit: usize,
}

/// The stream of an attempt that brings the rest.
#[derive(Debug)]
pub(crate) struct ContinuedStream {
    splicer: StreamSplicer,
    by: ContinueBy,
}

impl ContinuableStream {
    /// Nothing yet of the answer to this request. At most `limit` bytes are kept.
    pub(crate) fn new(chat: &ChatRequest, limit: usize) -> Self {
        Self {
            so_far: AnswerSoFar::new(chat, limit),
            input_tokens: chat.input_tokens,
            used: Usage::default(),
            before: 0,
            limit,
        }
    }

    /// Whole events go to the client.
    pub(crate) fn sent(&mut self, events: &[u8]) {
        self.so_far.take(events);
    }

    /// The attempt whose events went out has broken off: how many tokens it brought, if another attempt can go on
    /// from them.
    pub(crate) fn broke(&mut self) -> Option<u32> {
        if !self.so_far.can_go_on() {
            return None;
        }
        let there = self.so_far.tokens();
        let brought = there.saturating_sub(self.before);
        let prompt = self.input_tokens.saturating_add(self.before);
        self.used.input_tokens = self.used.input_tokens.saturating_add(prompt);
        self.used.output_tokens = there;
        self.before = there;
        Some(brought)
    }

    /// The request for the rest.
    pub(crate) fn request(
        &self,
        chat: &ChatRequest,
        by: ContinueBy,
    ) -> Result<Arc<ChatRequest>, Unsupported> {
        chat.continued(self.so_far.text(), form(by)).map(Arc::new)
    }

    /// The rest, as a part of the same stream.
    pub(crate) fn rest(&self, by: ContinueBy) -> ContinuedStream {
        ContinuedStream {
            splicer: StreamSplicer::new(&self.so_far, form(by), self.used, self.limit),
            by,
        }
    }
}

impl ContinuedStream {
    /// What the client gets for events of the attempt.
    ///
    /// # Errors
    /// When they are no stream of a chat.
    pub(crate) fn splice(&mut self, events: &[u8]) -> Result<Bytes, NoContinuation> {
        let mut out = Vec::with_capacity(events.len());
        self.splicer.splice(events, &mut out)?;
        Ok(out.into())
    }

    /// The mark of the joint: a comment, which clients skip.
    pub(crate) fn mark(&self, deployment: &str, attempts: u16) -> Bytes {
        let by = self.by.as_str();
        // No line may end within it.
        let name: String = deployment.chars().filter(|each| !each.is_control()).collect();
        format!(": squall continued by={by} deployment={name} attempts={attempts}\n\n").into()
    }
}

const fn form(by: ContinueBy) -> ContinuationForm {
    match by {
        ContinueBy::Prefill => ContinuationForm::Prefill,
        ContinueBy::Instruction => ContinuationForm::Instruction,
    }
}
