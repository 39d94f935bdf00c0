//! Gemini's answers, in one piece and as a stream, in OpenAI's words. Both are made of the same pieces.

use super::call_error::failure_from_event;
use crate::call::{
    Image, Reply, ReplyChunkWriter, ReplyHead, RequestedCall, Stamp, StreamReader, TokenCounts,
    Whole, failed_late,
};
use crate::chat::{Chunk, FinishReason, StreamEvent};
use crate::error::{failure_of_body, tells_error};
use crate::json::{LooseCount, Perhaps, read_tolerantly};
use crate::{SseEvent, Usage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use squall_failure::{Failure, FailureClass};

/// The most answers to one request that are told apart: more than OpenAI gives.
const ANSWERS_MAX: usize = 128;

/// Reads the body of an answer in one piece.
pub(super) fn read_answer(body: &[u8], stamp: &Stamp) -> Result<Whole, Failure> {
    let value = |body| read_tolerantly(body, |bytes| serde_json::from_slice::<Value>(bytes));
    read_tolerantly(body, |bytes| serde_json::from_slice(bytes).map(|piece| told(piece, stamp)))
        .unwrap_or(Err(Not::AnAnswer))
        .map_err(|not| match not {
            Not::Finished(failure) => failure,
            Not::AnAnswer if value(body).is_ok_and(|value| tells_error(&value)) => {
                failure_from_event(body)
            }
            Not::AnAnswer => failure_of_body(body, &value(body)),
        })
}

/// Why there is no answer.
enum Not {
    AnAnswer,
    /// The model failed to say what it began to say.
    Finished(Failure),
}

fn told(piece: ReplyPiece<'_>, stamp: &Stamp) -> Result<Whole, Not> {
    let head = piece.head(stamp);
    let counts = piece.usage_metadata.0.and_then(GeminiUsage::counts);
    if piece.is_blocked() {
        let reply = Reply { finish: Some(FinishReason::ContentFilter), ..Reply::default() };
        return Ok(head.whole(&[reply], counts));
    }
    let mut replies = Vec::with_capacity(piece.candidates.len());
    for (candidate, index) in piece.candidates.into_iter().zip(0..) {
        let mut reply = Reply::default();
        for part in candidate.content.unwrap_or_default().parts.unwrap_or_default() {
            match part.read(stamp.number, index, reply.calls.len()) {
                Some(PartContent::Text(text)) => reply.text.push_str(&text),
                Some(PartContent::Reasoning(text)) => reply.reasoning.push_str(&text),
                Some(PartContent::Call(call)) => reply.calls.push(call),
                Some(PartContent::Image(image)) => reply.images.push(image),
                None => {}
            }
        }
        let reason =
            candidate.finish_reason.ok_or_else(|| Not::Finished(failed_late(FailureClass::Cut)))?;
        let finish = finish_of(&reason, !reply.calls.is_empty()).map_err(Not::Finished)?;
        reply.finish = Some(finish);
        replies.push(reply);
    }
    if replies.is_empty() || piece.error.is_some() {
        return Err(Not::AnAnswer);
    }
    Ok(head.whole(&replies, counts))
}

/// Reads one stream. It has no end mark but that every answer in it says why it ended.
#[derive(Debug)]
pub(super) struct GeminiStreamReader {
    stamp: Stamp,
    include_usage: bool,
    /// There once an event has come.
    writer: Option<ReplyChunkWriter>,
    choices: Vec<CandidateProgress>,
    /// Those that were told last, if they were all told.
    counts: Option<TokenCounts>,
}

/// How far one of the answers is.
#[derive(Clone, Copy, Debug, Default)]
struct CandidateProgress {
    begun: bool,
    calls: u32,
    finished: bool,
}

impl GeminiStreamReader {
    pub(super) fn new(stamp: Stamp, include_usage: bool) -> Self {
        Self { stamp, include_usage, writer: None, choices: Vec::new(), counts: None }
    }

    fn take(&mut self, piece: ReplyPiece<'_>, out: &mut Vec<u8>) -> Result<Chunk, Failure> {
        let writer = self.writer.get_or_insert_with(|| {
            ReplyChunkWriter::new(&piece.head(&self.stamp), self.include_usage)
        });
        let mut chunk = Chunk::default();
        self.counts = piece.usage_metadata.0.and_then(GeminiUsage::counts).or(self.counts);
        chunk.usage = self.counts.map(Usage::from);
        if piece.is_blocked() {
            let first = progress(&mut self.choices, 0, writer, out);
            first.finished = true;
            writer.finish(out, 0, FinishReason::ContentFilter);
            chunk.finish = Some(FinishReason::ContentFilter);
            return Ok(chunk);
        }
        for candidate in piece.candidates {
            let index = candidate.index.unwrap_or(0);
            if index as usize >= ANSWERS_MAX {
                continue;
            }
            let progress = progress(&mut self.choices, index, writer, out);
            for part in candidate.content.unwrap_or_default().parts.unwrap_or_default() {
                match part.read(self.stamp.number, index, progress.calls as usize) {
                    Some(PartContent::Text(text)) => writer.text(out, index, &text),
                    Some(PartContent::Reasoning(text)) => writer.reasoning(out, index, &text),
                    Some(PartContent::Call(call)) => {
                        writer.call(out, index, progress.calls, &call);
                        progress.calls += 1;
                    }
                    Some(PartContent::Image(image)) => writer.image(out, index, &image),
                    // A signature alone, or code that the vendor runs: the model is at work.
                    None => {}
                }
                chunk.content = true;
            }
            if let Some(reason) = candidate.finish_reason.filter(|_| !progress.finished) {
                let finish = finish_of(&reason, progress.calls > 0)?;
                writer.finish(out, index, finish);
                progress.finished = true;
                chunk.finish = chunk.finish.or(Some(finish));
            }
        }
        Ok(chunk)
    }
}

/// How far the answer with this index is; one that is new is begun.
fn progress<'a>(
    choices: &'a mut Vec<CandidateProgress>,
    index: u32,
    writer: &ReplyChunkWriter,
    out: &mut Vec<u8>,
) -> &'a mut CandidateProgress {
    let place = index as usize;
    if choices.len() <= place {
        choices.resize(place + 1, CandidateProgress::default());
    }
    let progress = &mut choices[place];
    if !progress.begun {
        progress.begun = true;
        writer.role(out, index);
    }
    progress
}

impl StreamReader for GeminiStreamReader {
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent {
        // The pieces borrow from what is read, so that what is written is written where they are.
        let before = out.len();
        let out = std::cell::RefCell::new(out);
        let this = std::cell::RefCell::new(self);
        let read = read_tolerantly(event.data, |bytes| {
            let piece: ReplyPiece<'_> = serde_json::from_slice(bytes)?;
            if piece.error.is_some() || piece.says_nothing() {
                return Ok(None);
            }
            let out = &mut **out.borrow_mut();
            out.truncate(before);
            Ok(Some(this.borrow_mut().take(piece, out)))
        });
        match read {
            Ok(Some(Ok(chunk))) => StreamEvent::Chunk(chunk),
            Ok(Some(Err(failure))) => StreamEvent::Error(failure),
            Ok(None) | Err(_) => {
                let value = read_tolerantly(event.data, |bytes| serde_json::from_slice(bytes));
                if event.name == b"error" || value.is_ok_and(|value| tells_error(&value)) {
                    StreamEvent::Error(failure_from_event(event.data))
                } else {
                    StreamEvent::Unreadable
                }
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> bool {
        let mut begun = self.choices.iter().filter(|progress| progress.begun).peekable();
        let whole = begun.peek().is_some() && begun.all(|progress| progress.finished);
        if let (true, Some(writer)) = (whole, &self.writer) {
            if let Some(counts) = self.counts {
                writer.usage(out, counts);
            }
            writer.done(out);
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
struct ReplyPiece<'a> {
    #[serde(borrow, default)]
    candidates: Vec<Candidate<'a>>,
    prompt_feedback: Option<PromptFeedback>,
    #[serde(default)]
    usage_metadata: Perhaps<GeminiUsage>,
    model_version: Option<String>,
    response_id: Option<String>,
    error: Option<IgnoredAny>,
}

impl ReplyPiece<'_> {
    fn head(&self, stamp: &Stamp) -> ReplyHead {
        ReplyHead::new(self.response_id.as_deref(), self.model_version.as_deref(), stamp)
    }

    /// It has none of the parts of an answer.
    fn says_nothing(&self) -> bool {
        self.candidates.is_empty()
            && self.prompt_feedback.is_none()
            && self.usage_metadata.0.is_none()
            && self.response_id.is_none()
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
    #[serde(borrow)]
    content: Option<ReplyContent<'a>>,
    finish_reason: Option<String>,
    index: Option<u32>,
}

#[derive(Default, Deserialize)]
struct ReplyContent<'a> {
    #[serde(borrow)]
    parts: Option<Vec<ReplyPart<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplyPart<'a> {
    text: Option<String>,
    thought: Option<bool>,
    inline_data: Option<ReplyBlob>,
    #[serde(borrow)]
    function_call: Option<ReplyFunctionCall<'a>>,
    thought_signature: Option<String>,
}

/// What a model made that is no text: pictures and sound.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReplyBlob {
    mime_type: String,
    data: String,
}

#[derive(Deserialize)]
struct ReplyFunctionCall<'a> {
    id: Option<String>,
    name: String,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

/// What a part says.
enum PartContent {
    Text(String),
    Reasoning(String),
    Call(RequestedCall),
    Image(Image),
}

impl ReplyPart<'_> {
    /// `place` is how many calls came before. Nothing is said by an empty text.
    fn read(self, number: u64, index: u32, place: usize) -> Option<PartContent> {
        if let Some(call) = self.function_call {
            // Older models give calls no ids, and OpenAI's clients send them back by theirs.
            let id = call.id.unwrap_or_else(|| format!("call_{number:x}_{index}_{place}"));
            return Some(PartContent::Call(RequestedCall {
                id,
                name: call.name,
                arguments: call.args.map_or_else(|| "{}".to_owned(), |raw| raw.get().to_owned()),
                thought_signature: self.thought_signature,
            }));
        }
        if let Some(ReplyBlob { mime_type, data }) = self.inline_data {
            return Some(PartContent::Image(Image {
                url: format!("data:{mime_type};base64,{data}"),
            }));
        }
        let text = self.text.filter(|text| !text.is_empty())?;
        Some(if self.thought == Some(true) {
            PartContent::Reasoning(text)
        } else {
            PartContent::Text(text)
        })
    }
}

/// `usageMetadata`: thoughts are apart from the answer, and what tools of the vendor's read is apart
/// from the prompt.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GeminiUsage {
    prompt_token_count: LooseCount,
    tool_use_prompt_token_count: LooseCount,
    cached_content_token_count: LooseCount,
    candidates_token_count: LooseCount,
    thoughts_token_count: LooseCount,
}

impl GeminiUsage {
    /// What was used, if the prompt is told. An answer without a token has no count at all, and neither has
    /// a prompt without one that was blocked.
    fn counts(self) -> Option<TokenCounts> {
        let is_told = |count: LooseCount| count.0.is_some();
        let any = is_told(self.prompt_token_count) || is_told(self.candidates_token_count);
        let or_none = |count: LooseCount| count.0.unwrap_or(0);
        any.then(|| TokenCounts {
            input: or_none(self.prompt_token_count)
                .saturating_add(or_none(self.tool_use_prompt_token_count)),
            cached: or_none(self.cached_content_token_count),
            output: or_none(self.candidates_token_count)
                .saturating_add(or_none(self.thoughts_token_count)),
            reasoning: or_none(self.thoughts_token_count),
        })
    }
}

#[cfg(test)]
mod tests;
