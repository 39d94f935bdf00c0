//! Fields of a request that a chat cannot express.

use crate::chat::Unsupported;

/// The first field of a request that only its own vendor understands.
#[derive(Debug, Default)]
pub(crate) struct UnsupportedFields {
    pub(crate) first: Option<Unsupported>,
}

impl UnsupportedFields {
    /// A field is only for its own vendor, for this reason; the first one is kept.
    pub(crate) fn add(&mut self, param: impl Into<String>, why: impl Into<String>) {
        self.first.get_or_insert_with(|| Unsupported::here(param, why));
    }
}
