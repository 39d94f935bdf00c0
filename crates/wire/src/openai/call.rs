//! OpenAI to its callers: what comes is passed on, byte for byte.

use super::{
    ChatRequest, ChatStream, Chunk, Completion, FinishReason, Operation, StreamEvent,
    failure_from_response,
};
use crate::call::{Dialect, Stamp, StreamReader, Untold, Whole, key_header};
use crate::{SseEvent, push_event};
use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use squall_failure::Failure;
use std::borrow::Cow;
use std::time::SystemTime;

/// OpenAI, and those who copy it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAi;

impl Dialect for OpenAi {
    fn chat_path(&self, _model: &str, _stream: bool) -> Cow<'static, str> {
        Cow::Borrowed(Operation::Chat.path())
    }

    fn other_path(&self, operation: Operation, _model: &str) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(operation.path()))
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn headers(&self, api_key: Option<&str>) -> HeaderMap {
        key_header(AUTHORIZATION, api_key.map(|key| format!("Bearer {key}")))
    }

    fn body(&self, chat: &ChatRequest, model: &str, ask_usage: bool) -> Result<Bytes, Untold> {
        Ok(chat.body_for(model, ask_usage))
    }

    fn takes_stream_options(&self) -> bool {
        true
    }

    fn answer(&self, body: Bytes, _stamp: &Stamp) -> Result<Whole, Failure> {
        let completion = Operation::Chat.read_answer(&body)?;
        Ok(Whole { body, completion })
    }

    fn stream(&self, _stamp: Stamp, include_usage: bool) -> Box<dyn StreamReader> {
        Operation::Chat.reader(include_usage)
    }

    fn failure(&self, status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Failure {
        failure_from_response(status, headers, body, now)
    }
}

/// The reader of streams that clients get as they come, event by whole event: but for what is no event of
/// OpenAI's, which no client could read, and for a chunk of usage alone that the client did not ask for, in
/// which simple clients look for a choice. A stream that is whole without its end mark gets it.
#[derive(Debug)]
pub(crate) struct AsItCame {
    stream: ChatStream,
    include_usage: bool,
}

impl AsItCame {
    pub(crate) fn new(include_usage: bool) -> Self {
        Self { stream: ChatStream::default(), include_usage }
    }
}

impl StreamReader for AsItCame {
    fn read(&mut self, event: SseEvent<'_>, out: &mut Vec<u8>) -> StreamEvent {
        if self.stream.is_done() {
            return StreamEvent::Unreadable;
        }
        let read = self.stream.read(&event);
        let passes = match read {
            StreamEvent::Chunk(Chunk { usage: Some(_), .. }) if self.stream.lacked_choice() => {
                self.include_usage
            }
            StreamEvent::Chunk(_) => true,
            StreamEvent::Done => true,
            StreamEvent::Error(_) | StreamEvent::Unreadable => false,
        };
        if passes {
            event.pass_on(out);
        }
        read
    }

    fn end(&mut self, out: &mut Vec<u8>) -> bool {
        let whole = self.stream.is_whole();
        if whole && !self.stream.is_done() {
            push_event(out, b"[DONE]");
        }
        whole
    }

    fn passes_comments(&self) -> bool {
        true
    }
}

impl Completion {
    /// Whether a content policy took the answer out.
    #[must_use]
    pub const fn is_filtered(&self) -> bool {
        matches!(self.finish, Some(FinishReason::ContentFilter))
    }
}

#[cfg(test)]
mod tests {
    use crate::Format;
    use crate::call::tests::read_stream;

    const HI: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
    const END: &str =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const USAGE: &str =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n";
    const DONE: &str = "data: [DONE]\n\n";

    fn read(include_usage: bool, events: &[&str]) -> (String, bool) {
        let seen = read_stream(Format::OpenAi, include_usage, &events.concat());
        (seen.out, seen.ended)
    }

    #[test]
    fn a_stream_passes_as_it_came() {
        let odd = [
            ": comment\r\n\r\ndata:   {\"id\":\"é\",\"choices\":[], \"x\":1.50}\r\n\r\n",
            HI,
            END,
            DONE,
        ];
        assert_eq!(read(true, &odd), (odd.concat(), true));
    }

    #[test]
    fn a_whole_stream_without_its_mark_gets_it_and_a_broken_one_does_not() {
        assert_eq!(read(true, &[HI, END]), ([HI, END, DONE].concat(), true));
        assert_eq!(read(true, &[HI, END.trim_end()]), ([HI, END, DONE].concat(), true));
        assert_eq!(read(true, &[HI]), (HI.to_owned(), false));
        assert_eq!(read(true, &[]), (String::new(), false));
    }

    #[test]
    fn what_no_client_can_read_is_dropped() {
        let all = [HI, "data: {\"choices\":[{\"ind\n\n", "data: busy\n\n", END, DONE, HI];
        assert_eq!(read(true, &all), ([HI, END, DONE].concat(), true));
    }

    #[test]
    fn usage_alone_is_for_those_who_asked_for_it() {
        let all = [HI, END, USAGE, DONE];
        assert_eq!(read(true, &all).0, all.concat());
        assert_eq!(read(false, &all).0, [HI, END, DONE].concat());
        let beside =
            END.replace("]}", "],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}");
        assert_eq!(read(false, &[HI, &beside]).0, [HI, &beside, DONE].concat());
    }
}
