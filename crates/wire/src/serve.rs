//! What a format is to those who serve it: paths, requests as they come, and answers, streams, errors and
//! headers as its vendor writes them.
//!
//! Whoever serves decides what happens; a format only has the words for it.

mod answer_content;
mod parsed_request;
mod pick;
mod schema_values;
mod sound;
mod tool;
mod vendor_error;
mod writer;

pub(crate) use answer_content::{OfferedTool, TOKEN_BYTES, push_escaped};
pub use answer_content::{Says, Wants};
pub use parsed_request::{ApiEndpoint, ParsedRequest, Refused, Route, Vectors};
pub(crate) use parsed_request::{count_text, read_json};
pub(crate) use pick::PickedFields;
pub use pick::Rules;
pub(crate) use schema_values::any_object;
pub(crate) use sound::{SOUND_FORMATS, Sound};
pub(crate) use tool::GeneratedToolCall;
pub use vendor_error::{HeaderLimits, ResponseHeaderData, VendorError};
pub(crate) use vendor_error::{VendorClass, masked};
pub(crate) use writer::id;
pub use writer::{AnswerHead, AnswerWriter};

use crate::Usage;
use crate::chat::FinishReason;
use bytes::Bytes;
use http::HeaderMap;
use squall_failure::FailureClass;
use std::fmt::Debug;

/// What a format is to a server.
pub trait ServerFormat: Debug + Send + Sync {
    /// What is asked for at this path with POST; `None` for nothing that there is.
    fn route(&self, path: &str, query: Option<&str>) -> Option<Route>;

    /// Whether the list of models is at this path.
    fn lists_models(&self, path: &str) -> bool;

    /// The list of models, made at `created`, in Unix seconds.
    fn models(&self, models: &mut dyn Iterator<Item = &str>, created: u64) -> Bytes;

    /// The key that a request comes with.
    fn key<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        bearer(headers)
    }

    /// The model that is asked about at this path with GET.
    fn asks_of_model<'a>(&self, path: &'a str) -> Option<&'a str>;

    /// What there is to tell of a model, made at `created`, in Unix seconds.
    fn model(&self, model: &str, created: u64) -> Bytes;

    /// Whether a model that can think does so for this request.
    fn thinks(&self, _wants: &Wants) -> bool {
        true
    }

    /// Reads what is asked for.
    ///
    /// # Errors
    /// When the body is not JSON, lacks what its vendor demands, or asks for what its vendor refuses.
    fn read(&self, route: &Route, body: Bytes, rules: Rules) -> Result<ParsedRequest, Refused>;

    /// An answer in one piece.
    fn whole(
        &self,
        asked: &ParsedRequest,
        head: &AnswerHead,
        usage: Usage,
        finish: FinishReason,
    ) -> Bytes;

    /// What writes the pieces of a streamed answer.
    fn answer_writer(&self, asked: &ParsedRequest, head: &AnswerHead) -> Box<dyn AnswerWriter>;

    /// Its vendor's status for a class of failure.
    fn status(&self, class: FailureClass) -> u16 {
        class.status()
    }

    /// The body of an error.
    fn error(&self, error: &VendorError<'_>) -> Bytes;

    /// The headers of an answer: its number, and the limits as they stand.
    fn headers(&self, headers: &mut HeaderMap, told: &ResponseHeaderData<'_>);

    /// Whether its vendor tells waits in whole seconds alone, without milliseconds beside them.
    fn tells_seconds_only(&self) -> bool {
        false
    }

    /// Whether a wait stands in a Retry-After, or elsewhere.
    fn has_retry_after(&self) -> bool {
        true
    }
}

/// The key in `Authorization`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    header(headers, "authorization").map(|text| text.trim_start_matches("Bearer "))
}

/// A header that is text.
pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
