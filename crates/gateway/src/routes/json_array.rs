//! A stream as one JSON list, for clients of Google's that do not ask for events: each event is an element as soon as it is
//! there.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body::{Body as HttpBody, Frame};
use squall_wire::SseDecoder;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The answer with its events in a list; any other answer as it is.
pub(super) fn of_events(response: Response) -> Response {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
        return response;
    }
    let mut response = response.map(|events| {
        Body::new(ArrayBody { events, decoder: SseDecoder::new(), written: 0, ended: false })
    });
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The list.
struct ArrayBody {
    events: Body,
    decoder: SseDecoder,
    /// How many elements it has.
    written: usize,
    ended: bool,
}

impl ArrayBody {
    /// Writes the events that are whole.
    fn write(&mut self, out: &mut Vec<u8>) {
        while let Ok(Some(event)) = self.decoder.next_event() {
            out.extend_from_slice(if self.written == 0 { b"[" } else { b",\r\n" });
            out.extend_from_slice(event.data);
            self.written += 1;
        }
    }

    /// Writes the end of the list.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.ended = true;
        self.decoder.finish();
        self.write(out);
        out.extend_from_slice(if self.written == 0 { b"[]" } else { b"]" });
    }
}

impl HttpBody for ArrayBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            let mut out = Vec::new();
            match Pin::new(&mut this.events).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    this.decoder.push(&bytes);
                    this.write(&mut out);
                }
                Poll::Ready(None) => this.end(&mut out),
            }
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out.into()))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, StreamBody};
    use std::collections::VecDeque;
    use std::convert::Infallible;

    /// What a client gets for events that come in these pieces.
    async fn list(pieces: &[&'static str]) -> String {
        struct Pieces(VecDeque<&'static str>);
        impl futures_core::Stream for Pieces {
            type Item = Result<Frame<Bytes>, Infallible>;

            fn poll_next(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Self::Item>> {
                let next = self.0.pop_front();
                Poll::Ready(next.map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
            }
        }
        let body = Body::new(StreamBody::new(Pieces(pieces.iter().copied().collect())));
        let mut response = Response::new(body);
        let kind = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        let whole = of_events(response).into_body().collect().await.expect("no error").to_bytes();
        String::from_utf8(whole.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn events_are_elements_however_they_come() {
        assert_eq!(
            list(&["data: {\"a\":1}\n\ndata: {\"b\":2}\n\n"]).await,
            "[{\"a\":1},\r\n{\"b\":2}]"
        );
        assert_eq!(list(&["da", "ta: {\"a\":", "1}\n", "\n: ping\n\n"]).await, "[{\"a\":1}]");
        assert_eq!(list(&[]).await, "[]");
    }
}
