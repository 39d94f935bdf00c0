//! Server-sent events, decoded as the bytes come.
//!
//! The rules are those of the HTML standard: lines end in LF, CRLF or CR; a blank line ends an event;
//! several `data` lines make one text; a line that begins with a colon is a comment; an event that the
//! end of the stream cuts short is dropped. `id` and `retry` mean nothing to an LLM API.

use memchr::{memchr, memchr2};

/// One event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SseEvent<'a> {
    /// Its name; empty where the stream gives none.
    pub name: &'a [u8],
    /// Its data, lines joined by LF.
    pub data: &'a [u8],
    /// Its bytes as they came, with comments before it and the blank line behind it.
    pub raw: &'a [u8],
}

impl SseEvent<'_> {
    /// Passes it on as it came, but for blank lines before it, and for its own end where that mixes the ends
    /// of lines, as LF and CR do: many clients know an event by two ends of one kind only. Where the LF of its
    /// last CRLF has not come yet it is written all the same; when it comes, it is such a blank line. So the
    /// same bytes leave, however they were split on their way here.
    pub(crate) fn pass_on(&self, out: &mut Vec<u8>) {
        let ends_line = |byte: &u8| matches!(*byte, b'\r' | b'\n');
        let blank = self.raw.iter().take_while(|byte| ends_line(byte)).count();
        let raw = &self.raw[blank..];
        let end = raw.iter().rposition(|byte| !ends_line(byte)).map_or(0, |last| last + 1);
        let (text, end) = raw.split_at(end);
        out.extend_from_slice(text);
        out.extend_from_slice(match end {
            [b'\r', b'\n', ..] => b"\r\n\r\n",
            [b'\r', ..] => b"\r\r",
            _ => b"\n\n",
        });
    }
}

/// Why a stream can no longer be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an event is longer than {limit} bytes")]
pub struct SseError {
    /// The most that was allowed.
    pub limit: usize,
}

/// An incremental decoder: bytes in by [`push`](Self::push), events out by [`next_event`](Self::next_event)
/// until there is none. Holds at most one event, decoded and as it came, and what was last pushed.
#[derive(Debug)]
pub struct SseDecoder {
    /// The event under way begins at `raw`, bytes not yet decoded at `start`; no line ends before `scanned`.
    buffer: Vec<u8>,
    raw: usize,
    start: usize,
    scanned: usize,
    /// The event under way.
    name: Vec<u8>,
    data: Vec<u8>,
    state: SplitterState,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    at_stream_start: bool,
    limit: usize,
    /// The last line was blank, or there was none yet.
    between: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum SplitterState {
    /// No `data` line yet.
    Empty,
    /// At least one.
    Data,
    /// The event was handed out: clear it before the next line.
    Done,
}

impl SseDecoder {
    /// The most an event may hold unless said otherwise: 64 MiB, since pictures and sound come in one.
    pub const DEFAULT_LIMIT: usize = 64 << 20;

    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }

    /// A decoder that gives up on an event, or a line, of more than `limit` bytes.
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            raw: 0,
            start: 0,
            scanned: 0,
            name: Vec::new(),
            data: Vec::new(),
            state: SplitterState::Empty,
            after_cr: false,
            at_stream_start: true,
            limit,
            between: true,
        }
    }

    /// Takes the next bytes of the stream, split anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        let gone = if self.state == SplitterState::Done { self.start } else { self.raw };
        self.buffer.drain(..gone);
        self.start -= gone;
        self.scanned -= gone;
        self.raw = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The stream has ended, as it should: an event that lacks no more than its blank line is whole. Servers
    /// leave it out behind their last one. What is then still no event is dropped.
    pub fn finish(&mut self) {
        self.push(b"\n\n");
    }

    /// The next whole event, or `None` until more bytes come.
    ///
    /// # Errors
    /// When an event is longer than the limit; the stream cannot be read on.
    pub fn next_event(&mut self) -> Result<Option<SseEvent<'_>>, SseError> {
        if self.state == SplitterState::Done {
            self.name.clear();
            self.data.clear();
            self.state = SplitterState::Empty;
            self.raw = self.start;
        }
        while let Some((from, to)) = self.next_line() {
            self.between = from == to;
            if from == to {
                if self.state == SplitterState::Data {
                    self.state = SplitterState::Done;
                    self.take_line_feed();
                    let raw = &self.buffer[self.raw..self.start];
                    return Ok(Some(SseEvent { name: &self.name, data: &self.data, raw }));
                }
                self.name.clear();
            } else {
                self.take_line(from, to);
            }
            self.check_size(self.start)?;
        }
        self.check_size(self.buffer.len())?;
        Ok(None)
    }

    /// Comments that came since the last event, with the blank lines behind them, to be passed on before the
    /// next event has come. Nothing in the middle of one.
    pub fn take_comments(&mut self) -> &[u8] {
        if self.state == SplitterState::Done || !self.between {
            return &[];
        }
        let from = std::mem::replace(&mut self.raw, self.start);
        &self.buffer[from..self.start]
    }

    /// Whether a part of an event has come, which may be a long one on its way; a comment is none.
    #[must_use]
    pub fn is_within_event(&self) -> bool {
        let rest = &self.buffer[self.start..];
        self.state == SplitterState::Data || (!rest.is_empty() && !rest.starts_with(b":"))
    }

    /// What came up to here of the event under way must not be over the limit.
    fn check_size(&self, to: usize) -> Result<(), SseError> {
        if to - self.raw > self.limit {
            return Err(SseError { limit: self.limit });
        }
        Ok(())
    }

    /// The LF of a blank line's CRLF belongs to it, if it is there already.
    fn take_line_feed(&mut self) {
        if self.after_cr && self.buffer.get(self.start) == Some(&b'\n') {
            self.after_cr = false;
            self.start += 1;
            self.scanned = self.scanned.max(self.start);
        }
    }

    /// The bounds of the next whole line, without its end.
    fn next_line(&mut self) -> Option<(usize, usize)> {
        self.take_line_feed();
        if self.start < self.buffer.len() {
            self.after_cr = false;
        }
        let unscanned = &self.buffer[self.scanned..];
        let Some(end) = memchr2(b'\n', b'\r', unscanned) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned + end;
        let mut from = self.start;
        self.after_cr = self.buffer[end] == b'\r';
        self.start = end + 1;
        self.scanned = self.start;
        if self.at_stream_start {
            self.at_stream_start = false;
            if self.buffer[from..end].starts_with(BYTE_ORDER_MARK) {
                from += BYTE_ORDER_MARK.len();
            }
        }
        Some((from, end))
    }

    fn take_line(&mut self, from: usize, to: usize) {
        let line = &self.buffer[from..to];
        let colon = memchr(b':', line).unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.state == SplitterState::Data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.state = SplitterState::Data;
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            _ => {}
        }
    }
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Appends an event without a name, as OpenAI sends them. `data` must hold no line end: JSON holds none.
pub fn push_event(out: &mut Vec<u8>, data: &[u8]) {
    debug_assert!(!data.contains(&b'\n'), "an event of several lines");
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Decoded = Vec<(String, String)>;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
        let mut decoder = SseDecoder::new();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(event) = decoder.next_event().expect("events are short") {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                events.push((text(event.name), text(event.data)));
            }
        }
        events
    }

    fn check(stream: &str, expected: &[(&str, &str)]) {
        let events = decode([stream.as_bytes()]);
        let events: Vec<_> = events.iter().map(|(n, d)| (n.as_str(), d.as_str())).collect();
        assert_eq!(events, expected, "{stream:?}");
    }

    #[test]
    fn events_end_at_a_blank_line_whatever_ends_the_lines() {
        check("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a"), ("", "b")]);
        check("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]);
    }

    #[test]
    fn data_lines_join_and_one_space_is_stripped() {
        check("data: a\ndata:b\ndata:  c\ndata\n\n", &[("", "a\nb\n c\n")]);
    }

    #[test]
    fn names_are_kept_and_comments_and_other_fields_are_not() {
        let stream = ": hello\n\nevent: error\nid: 7\nretry: 3\ndata: {}\n\ndata: x\n\n";
        check(stream, &[("error", "{}"), ("", "x")]);
    }

    #[test]
    fn an_event_without_data_or_without_its_blank_line_is_none() {
        check("event: ping\n\ndata: a\n", &[]);
        check("event: ping\n\ndata: a\n\n", &[("", "a")]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped_once() {
        check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &[("", "a")]);
    }

    #[test]
    fn an_endless_event_is_given_up_on() {
        let mut decoder = SseDecoder::with_limit(24);
        decoder.push(b"data: 0123456789\n");
        assert_eq!(decoder.next_event(), Ok(None));
        decoder.push(b"data: 01234567");
        assert_eq!(decoder.next_event(), Err(SseError { limit: 24 }));
        let mut decoder = SseDecoder::with_limit(16);
        decoder.push(b": a comment without an end");
        assert_eq!(decoder.next_event(), Err(SseError { limit: 16 }));
    }

    #[test]
    fn what_is_pushed_as_an_event_is_decoded_as_one() {
        let mut out = Vec::new();
        push_event(&mut out, b"{\"a\":1}");
        assert_eq!(decode([out.as_slice()]), [(String::new(), "{\"a\":1}".to_owned())]);
    }

    #[test]
    fn an_event_whose_lines_end_in_many_ways_leaves_with_an_end_that_every_client_knows() {
        let passed = |stream: &[u8]| {
            let mut decoder = SseDecoder::new();
            decoder.push(stream);
            let mut out = Vec::new();
            decoder.next_event().expect("short").expect("whole").pass_on(&mut out);
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(passed(b"data: a\ndata: b\n\r"), "data: a\ndata: b\n\n");
        assert_eq!(passed(b"data: a\n\r\n"), "data: a\n\n");
        assert_eq!(passed(b"data: a\r\n\n"), "data: a\r\n\r\n");
        assert_eq!(passed(b"data: a\r\ndata: b\r\r\n"), "data: a\r\ndata: b\r\r");
    }

    #[test]
    fn events_are_passed_on_alike_however_their_line_ends_were_split() {
        let stream = b"data: a\r\n\r\n\r\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n";
        let passed = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let (mut decoder, mut out) = (SseDecoder::new(), Vec::new());
            for piece in pieces {
                decoder.push(piece);
                while let Some(event) = decoder.next_event().expect("events are short") {
                    event.pass_on(&mut out);
                }
            }
            String::from_utf8(out).expect("UTF-8")
        };
        let expected = "data: a\r\n\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n";
        assert_eq!(passed(&mut std::iter::once(&stream[..])), expected);
        assert_eq!(passed(&mut stream.chunks(1)), expected);
        assert_eq!(passed(&mut stream.chunks(3)), expected);
    }

    #[test]
    fn an_event_has_its_bytes_as_they_came() {
        let stream = ": hi\n\nevent: a\r\ndata:  x\r\n\r\ndata: y\n\n";
        let mut decoder = SseDecoder::new();
        decoder.push(stream.as_bytes());
        let mut raw = Vec::new();
        while let Some(event) = decoder.next_event().expect("events are short") {
            raw.extend_from_slice(event.raw);
        }
        assert_eq!(String::from_utf8(raw).expect("UTF-8"), stream);
    }

    #[test]
    fn comments_are_taken_between_events_and_never_within_one() {
        let mut decoder = SseDecoder::new();
        decoder.push(b": ping\n\n");
        assert_eq!(decoder.next_event(), Ok(None));
        assert!(!decoder.is_within_event());
        assert_eq!(decoder.take_comments(), b": ping\n\n");
        assert_eq!(decoder.take_comments(), b"");
        decoder.push(b"data: a\n");
        assert_eq!(decoder.next_event(), Ok(None));
        assert!(decoder.is_within_event());
        assert_eq!(decoder.take_comments(), b"");
        decoder.push(b"\n");
        assert!(decoder.next_event().expect("short").is_some());
    }

    #[test]
    fn the_end_of_the_stream_stands_for_the_last_blank_line() {
        let mut decoder = SseDecoder::new();
        decoder.push(b"data: a\n\ndata: [DONE]");
        assert!(decoder.next_event().expect("short").is_some());
        assert_eq!(decoder.next_event(), Ok(None));
        decoder.finish();
        assert_eq!(decoder.next_event().expect("short").expect("one more").data, b"[DONE]");
        assert_eq!(decoder.next_event(), Ok(None));
    }

    #[test]
    fn comments_without_an_end_are_given_up_on_unless_they_are_taken() {
        let mut decoder = SseDecoder::with_limit(64);
        for _ in 0..100 {
            decoder.push(b": still here\n\n");
            assert_eq!(decoder.next_event(), Ok(None));
            decoder.take_comments();
        }
    }

    proptest! {
        #[test]
        fn the_bytes_of_all_events_are_those_of_the_stream(
            events in prop::collection::vec("(: c\n\n)?(event: [a-z]\n)?data: [a-z ]{0,9}\n\n", 1..9),
            cuts in prop::collection::vec(0_usize..200, 0..9),
        ) {
            let stream = events.concat();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let (mut decoder, mut raw) = (SseDecoder::new(), Vec::new());
            for pair in cuts.windows(2) {
                decoder.push(&stream.as_bytes()[pair[0]..pair[1]]);
                while let Some(event) = decoder.next_event().expect("events are short") {
                    raw.extend_from_slice(event.raw);
                }
                raw.extend_from_slice(decoder.take_comments());
            }
            prop_assert_eq!(String::from_utf8(raw).expect("UTF-8"), stream);
        }

        #[test]
        fn no_split_of_the_bytes_changes_the_events(
            lines in prop::collection::vec("(data: [a-zé ]{0,6}|event: [a-z]{1,3}|:c|)", 0..30),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 30),
            cuts in prop::collection::vec(0_usize..300, 0..20),
        ) {
            let stream: String = lines.iter().zip(&ends).map(|(l, e)| format!("{l}{e}")).collect();
            let stream = stream.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
            prop_assert_eq!(decode(pieces), decode([stream]));
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            decode(pieces.iter().map(Vec::as_slice));
        }
    }
}
