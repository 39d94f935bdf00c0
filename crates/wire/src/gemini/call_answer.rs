//! Gemini's answers, in one piece and as a stream, in OpenAI's words. Both are made of the same pieces.

use super::call_error::failure_from_event;
use crate::call::{
    Call, ChunkPen, Counts, Reply, ReplyHead, Stamp, StreamReader, Whole, failed_late,
};
use crate::openai::{Chunk, FinishReason, StreamEvent};
use crate::{SseEvent, Usage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use squall_failure::{Failure, FailureClass};

/// The most answers to one request that are told apart: more than OpenAI gives.
const ANSWERS_MAX: usize = 128;

/// Reads the body of an answer in one piece.
pub(super) fn read_answer(body: &[u8], stamp: &Stamp) -> Result<Whole, Failure> {
    let piece: Piece<'_> =
        serde_json::from_slice(body).map_err(|_| failed_late(FailureClass::Cut))?;
    let head = piece.head(stamp);
    let counts = piece.usage_metadata.map(UsageShape::counts);
    if piece.is_blocked() {
        let reply = Reply { finish: Some(FinishReason::ContentFilter), ..Reply::default() };
        return Ok(head.whole(&[reply], counts));
    }
    let mut replies = Vec::with_capacity(piece.candidates.len());
    for (candidate, index) in piece.candidates.into_iter().zip(0..) {
        let mut reply = Reply::default();
        for part in candidate.content.parts {
            match part.read(stamp.number, index, reply.calls.len()) {
                Some(Said::Text(text)) => reply.text.push_str(&text),
                Some(Said::Reasoning(text)) => reply.reasoning.push_str(&text),
                Some(Said::Call(call)) => reply.calls.push(call),
                None => {}
            }
        }
        let reason = candidate.finish_reason.ok_or_else(|| failed_late(FailureClass::Cut))?;
        reply.finish = Some(finish_of(&reason, !reply.calls.is_empty())?);
        replies.push(reply);
    }
    if replies.is_empty() {
        return Err(failed_late(FailureClass::Cut));
    }
    Ok(head.whole(&replies, counts))
}

/// Reads one stream. It has no end mark but that every answer in it says why it ended.
#[derive(Debug)]
pub(super) struct Reader {
    stamp: Stamp,
    include_usage: bool,
    /// There once an event has come.
    pen: Option<ChunkPen>,
    choices: Vec<Progress>,
    counts: Counts,
}

/// How far one of the answers is.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    begun: bool,
    calls: u32,
    finished: bool,
}

impl Reader {
    pub(super) fn new(stamp: Stamp, include_usage: bool) -> Self {
        let counts = Counts::default();
        Self { stamp, include_usage, pen: None, choices: Vec::new(), counts }
    }

    fn take(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) -> Result<Chunk, Failure> {
        let pen = self
            .pen
            .get_or_insert_with(|| ChunkPen::new(&piece.head(&self.stamp), self.include_usage));
        let mut chunk = Chunk::default();
        if let Some(usage) = piece.usage_metadata {
            self.counts = usage.counts();
            chunk.usage = Some(Usage::from(self.counts));
        }
        if piece.is_blocked() {
            let first = progress(&mut self.choices, 0, pen, out);
            first.finished = true;
            pen.finish(out, 0, FinishReason::ContentFilter);
            chunk.finish = Some(FinishReason::ContentFilter);
            return Ok(chunk);
        }
        for candidate in piece.candidates {
            let index = candidate.index;
            if index as usize >= ANSWERS_MAX {
                continue;
            }
            let progress = progress(&mut self.choices, index, pen, out);
            for part in candidate.content.parts {
                match part.read(self.stamp.number, index, progress.calls as usize) {
                    Some(Said::Text(text)) => pen.text(out, index, &text),
                    Some(Said::Reasoning(text)) => pen.reasoning(out, index, &text),
                    Some(Said::Call(call)) => {
                        pen.call(out, index, progress.calls, &call);
                        progress.calls += 1;
                    }
                    None => continue,
                }
                chunk.content = true;
            }
            if let Some(reason) = candidate.finish_reason.filter(|_| !progress.finished) {
                let finish = finish_of(&reason, progress.calls > 0)?;
                pen.finish(out, index, finish);
                progress.finished = true;
                chunk.finish = chunk.finish.or(Some(finish));
            }
        }
        Ok(chunk)
    }
}

/// How far the answer with this index is; one that is new is begun.
fn progress<'a>(
    choices: &'a mut Vec<Progress>,
    index: u32,
    pen: &ChunkPen,
    out: &mut Vec<u8>,
) -> &'a mut Progress {
    let place = index as usize;
    if choices.len() <= place {
        choices.resize(place + 1, Progress::default());
    }
    let progress = &mut choices[place];
    if !progress.begun {
        progress.begun = true;
        pen.role(out, index);
    }
    progress
}

impl StreamReader for Reader {
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent {
        let Ok(piece) = serde_json::from_slice::<Piece<'_>>(event.data) else {
            return StreamEvent::Unreadable;
        };
        if piece.error.is_some() {
            let failure = failure_from_event(event.data);
            return StreamEvent::Error(
                failure.unwrap_or_else(|| failed_late(FailureClass::Server)),
            );
        }
        match self.take(piece, out) {
            Ok(chunk) => StreamEvent::Chunk(chunk),
            Err(failure) => StreamEvent::Error(failure),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> bool {
        let mut begun = self.choices.iter().filter(|progress| progress.begun).peekable();
        let whole = begun.peek().is_some() && begun.all(|progress| progress.finished);
        if let (true, Some(pen)) = (whole, &self.pen) {
            pen.usage(out, self.counts);
            pen.done(out);
        }
        whole
    }
}

/// Why it ended, in OpenAI's words; what is new ends an answer like any other end.
///
/// # Errors
/// When the model failed to say what it began to say.
fn finish_of(reason: &str, calls: bool) -> Result<FinishReason, Failure> {
    Ok(match reason {
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MALFORMED_RESPONSE"
        | "MISSING_THOUGHT_SIGNATURE" => {
            return Err(failed_late(FailureClass::Server));
        }
        _ if calls => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    })
}

/// A whole answer, or an event of a stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece<'a> {
    #[serde(borrow, default)]
    candidates: Vec<Candidate<'a>>,
    prompt_feedback: Option<PromptFeedback>,
    usage_metadata: Option<UsageShape>,
    model_version: Option<String>,
    response_id: Option<String>,
    error: Option<IgnoredAny>,
}

impl Piece<'_> {
    fn head(&self, stamp: &Stamp) -> ReplyHead {
        ReplyHead::new(self.response_id.as_deref(), self.model_version.as_deref(), stamp)
    }

    /// The prompt itself was refused.
    fn is_blocked(&self) -> bool {
        let reason = self.prompt_feedback.as_ref().and_then(|it| it.block_reason.as_deref());
        self.candidates.is_empty() && reason.is_some()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback {
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow, default)]
    content: Content<'a>,
    finish_reason: Option<String>,
    #[serde(default)]
    index: u32,
}

#[derive(Default, Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    #[serde(borrow)]
    function_call: Option<FunctionCall<'a>>,
    thought_signature: Option<String>,
}

#[derive(Deserialize)]
struct FunctionCall<'a> {
    id: Option<String>,
    name: String,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

/// What a part says.
enum Said {
    Text(String),
    Reasoning(String),
    Call(Call),
}

impl Part<'_> {
    /// `place` is how many calls came before. Nothing is said by an empty text.
    fn read(self, number: u64, index: u32, place: usize) -> Option<Said> {
        if let Some(call) = self.function_call {
            // Older models give calls no ids, and OpenAI's clients send them back by theirs.
            let id = call.id.unwrap_or_else(|| format!("call_{number:x}_{index}_{place}"));
            return Some(Said::Call(Call {
                id,
                name: call.name,
                arguments: call.args.map_or_else(|| "{}".to_owned(), |raw| raw.get().to_owned()),
                thought_signature: self.thought_signature,
            }));
        }
        let text = self.text.filter(|text| !text.is_empty())?;
        Some(if self.thought { Said::Reasoning(text) } else { Said::Text(text) })
    }
}

/// `usageMetadata`: thoughts are apart from the answer, and what tools of the vendor's read is apart
/// from the prompt.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct UsageShape {
    prompt_token_count: u32,
    tool_use_prompt_token_count: u32,
    cached_content_token_count: u32,
    candidates_token_count: u32,
    thoughts_token_count: u32,
}

impl UsageShape {
    fn counts(self) -> Counts {
        Counts {
            input: self.prompt_token_count.saturating_add(self.tool_use_prompt_token_count),
            cached: self.cached_content_token_count,
            output: self.candidates_token_count.saturating_add(self.thoughts_token_count),
            reasoning: self.thoughts_token_count,
        }
    }
}

#[cfg(test)]
mod tests;
