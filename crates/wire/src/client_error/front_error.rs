//! A whole error, as its client reads it.

use crate::error::{ApiError, failure_from_response};
use crate::serve::{HeaderLimits, VendorError};
use crate::{Format, server};
use bytes::Bytes;
use http::HeaderMap;
use squall_failure::FailureClass;
use std::time::{Duration, SystemTime};

/// An error that the gateway tells, and the format in which its client reads it.
#[derive(Clone, Copy, Debug)]
pub struct FrontError<'a> {
    /// The format.
    pub format: Format,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong.
    pub error: &'a ApiError,
    /// When it may pass.
    pub wait: Option<Duration>,
    /// The number of the request.
    pub request_id: &'a str,
}

impl FrontError<'_> {
    /// The status and the body, as the format's vendor has them.
    #[must_use]
    pub fn told(&self) -> (u16, Bytes) {
        let body = self.error.body();
        if self.format == Format::OpenAi {
            return (self.status, body);
        }
        let words =
            failure_from_response(self.status, &HeaderMap::new(), &body, SystemTime::UNIX_EPOCH);
        let status = match (self.format, words.class) {
            // A number of Anthropic's own, by which its clients know that it is overloaded.
            (Format::Anthropic, FailureClass::Overloaded) => 529,
            _ => self.status,
        };
        let limits = HeaderLimits::default();
        let told = VendorError {
            message: Some(&self.error.message),
            param: self.error.param.as_deref(),
            code: self.error.code.as_deref(),
            wait: self.wait,
            request_id: self.request_id,
            ..VendorError::new(words.class, status, &limits)
        };
        (status, server(self.format).error(&told))
    }
}
