//! The context of a call: its endpoint, its model and its limits.

use super::UpstreamEndpoint;
use squall_failure::Failure;
use squall_wire::error::{ApiError, provider_error};
use std::sync::Arc;

/// What is known of an answer before it comes.
#[derive(Clone, Debug)]
pub(super) struct CallContext {
    endpoint: Arc<UpstreamEndpoint>,
    /// The model that is called.
    pub(super) model: Arc<str>,
    /// The most bytes that are held of it: whole, as an error, of one event, before the first token.
    pub(super) answer_max: usize,
}

impl CallContext {
    pub(super) fn new(endpoint: Arc<UpstreamEndpoint>, model: Arc<str>) -> Self {
        let answer_max = endpoint.answer_max();
        Self { endpoint, model, answer_max }
    }

    /// What the provider says of this failure, if it is the request's doing, or may be: its own troubles are
    /// nobody's business.
    pub(super) fn said(&self, body: &[u8], failure: &Failure) -> Option<ApiError> {
        let of_the_request = failure.client_status() / 100 == 4;
        let key = self.endpoint.api_key();
        of_the_request.then(|| provider_error(body, failure.class, &self.model, key)).flatten()
    }
}
