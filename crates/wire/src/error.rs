//! Errors: as clients in front are told them, and what those of vendors mean.

mod api_error;
mod classify;
mod provider_error;
mod wordings;

pub use api_error::ApiError;
pub(crate) use classify::{Judged, failure_of_body, judge, tells_error};
pub use classify::{failure_from_error, failure_from_response};
pub(crate) use provider_error::ErrorText;
pub use provider_error::provider_error;
