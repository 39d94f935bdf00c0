//! What the server and the routes share about one request.

use super::body_memory::BodyMemoryPermit;
use crate::keys::KeyLease;
use crate::request_id::RequestId;
use squall_wire::client_error::ErrorEventWriter;
use std::sync::{Arc, OnceLock};

/// Stands among the extensions of a request, and is kept until its answer has ended.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext(Arc<RequestContextParts>);

#[derive(Debug)]
struct RequestContextParts {
    id: RequestId,
    /// What the request's body holds of the memory for all bodies.
    body: OnceLock<BodyMemoryPermit>,
    /// What it holds of the limits of its virtual key.
    key: OnceLock<KeyLease>,
    /// How its answer ends if it is cut: streams have it, and nothing else.
    error_event: OnceLock<Option<ErrorEventWriter>>,
}

impl RequestContext {
    pub(crate) fn new(id: RequestId) -> Self {
        Self(Arc::new(RequestContextParts {
            id,
            body: OnceLock::new(),
            key: OnceLock::new(),
            error_event: OnceLock::new(),
        }))
    }

    pub(crate) fn id(&self) -> &RequestId {
        &self.0.id
    }

    /// Keeps what the body holds, which is read once.
    pub(crate) fn keep_body(&self, permit: BodyMemoryPermit) {
        let _ = self.0.body.set(permit);
    }

    /// Keeps what the request holds of the limits of its key.
    pub(crate) fn keep_key(&self, lease: KeyLease) {
        let _ = self.0.key.set(lease);
    }

    /// What it holds of the limits of its key, if it has one.
    pub(crate) fn key(&self) -> Option<&KeyLease> {
        self.0.key.get()
    }

    /// The answer is a stream.
    pub(crate) fn streams(&self, error_event: ErrorEventWriter) {
        let _ = self.0.error_event.set(Some(error_event));
    }

    /// The answer may be a stream, but none of events.
    pub(crate) fn streams_no_events(&self) {
        let _ = self.0.error_event.set(None);
    }

    /// How the answer ends if it is cut, if it is a stream.
    pub(crate) fn error_event(&self) -> Option<&ErrorEventWriter> {
        self.0.error_event.get().and_then(Option::as_ref)
    }
}
