//! An answer of bytes that are no events, such as sound: from the vendor to the client as they come.

use super::call_context::CallContext;
use super::content_decoding::ContentDecoder;
use super::event::{UpstreamEvent, failed};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use squall_failure::FailureClass;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes that are read as they come. The first of them are the first token.
#[derive(Debug)]
pub(super) struct RawStream {
    body: Incoming,
    decoding: ContentDecoder,
    known: CallContext,
    between_bytes: Duration,
    /// When silence has lasted too long; `None` before the first bytes, which are the core's to time.
    silent_at: Option<Instant>,
}

impl RawStream {
    pub(super) const fn new(
        body: Incoming,
        decoding: ContentDecoder,
        known: CallContext,
        between_bytes: Duration,
    ) -> Self {
        Self { body, decoding, known, between_bytes, silent_at: None }
    }

    /// What the next bytes bring, if anything yet. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Option<UpstreamEvent> {
        let frame = match self.silent_at {
            Some(at) => match tokio::time::timeout_at(at, self.body.frame()).await {
                Ok(frame) => frame,
                Err(_) => return Some(fail(FailureClass::Stalled)),
            },
            None => self.body.frame().await,
        };
        match frame {
            Some(Ok(frame)) => {
                let bytes = frame.into_data().ok()?;
                match self.decoding.decode(bytes, self.known.answer_max) {
                    Ok(bytes) => self.take(bytes),
                    Err(class) => Some(fail(class)),
                }
            }
            None if self.silent_at.is_none() => Some(fail(FailureClass::Malformed)),
            None if self.decoding.is_whole() => {
                Some(UpstreamEvent::Finished { body: None, usage: None })
            }
            None | Some(Err(_)) => Some(fail(FailureClass::Cut)),
        }
    }

    fn take(&mut self, bytes: Bytes) -> Option<UpstreamEvent> {
        if bytes.is_empty() {
            return None;
        }
        let first_token = self.silent_at.is_none();
        self.silent_at = Some(later(self.between_bytes));
        Some(UpstreamEvent::Bytes { bytes, first_token })
    }
}

fn fail(class: FailureClass) -> UpstreamEvent {
    UpstreamEvent::Failed(failed(class).with_status(200), None)
}

/// A time that far away, or as far as clocks go.
#[expect(clippy::disallowed_methods, reason = "silence on a socket is the transport's to time")]
fn later(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).or_else(|| now.checked_add(FAR)).unwrap_or(now)
}

/// Longer than any answer takes.
const FAR: Duration = Duration::from_secs(86_400 * 365);
