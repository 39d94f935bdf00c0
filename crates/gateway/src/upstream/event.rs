//! Events of an attempt.

use bytes::Bytes;
use squall_failure::{Failure, FailureClass};
use squall_wire::Usage;
use squall_wire::chat::Unsupported;
use squall_wire::error::ApiError;

/// What an attempt brings.
#[derive(Debug)]
pub(crate) enum UpstreamEvent {
    /// Bytes of a stream, and whether they hold its first content token.
    Bytes { bytes: Bytes, first_token: bool },
    /// The end: the whole answer if it was not streamed, else nothing more.
    Finished { body: Option<Bytes>, usage: Option<Usage> },
    /// It failed; with what the provider says of it, for the client to read.
    Failed(Failure, Option<Box<ApiError>>),
    /// It was not made: the upstream's format has no words for the request.
    Unsupported(Unsupported),
    /// The content policy took the answer out: this is what is left of it. It fails like a refusal, and
    /// goes to the client if nobody else answers.
    Filtered { body: Bytes, failure: Failure },
}

pub(super) fn failed(class: FailureClass) -> Failure {
    Failure::new(class, class.response_source())
}
