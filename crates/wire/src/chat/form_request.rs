//! A request in a form: what a router knows of it, and its body as it is sent.

use super::operation::Operation;
use crate::RequestToken;
use bytes::Bytes;
use std::ops::Range;

/// What a router knows of a request in a form.
#[derive(Debug)]
pub(super) struct FormRequest {
    pub(super) operation: Operation,
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) input_tokens: u32,
    pub(super) token: Option<RequestToken>,
    pub(super) answers_text: bool,
}

/// A form as it is sent.
#[derive(Debug)]
pub(super) struct WrittenForm {
    pub(super) body: Bytes,
    /// Where the model's name stands.
    pub(super) model: Range<usize>,
}
