//! What is known of a request beside the decisions about it.

use crate::chosen_name;
use crate::request_id::RequestId;

/// What the driver knows of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestFacts {
    pub(crate) id: RequestId,
    /// The model that its client named, cut.
    pub(crate) model: String,
    pub(crate) operation: &'static str,
}

impl RequestFacts {
    pub(crate) fn new(id: &RequestId, model: &str, operation: &'static str) -> Self {
        Self { id: id.clone(), model: chosen_name::cut(model).to_owned(), operation }
    }
}
