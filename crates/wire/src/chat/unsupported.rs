//! What a request asks for and its vendor does not have.

use super::Operation;
use crate::error::ApiError;
use squall_failure::{Failure, FailureClass, FailureSource, Retryable, Sent};

/// Why a request cannot be told to a vendor.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{param}`: {why}")]
pub struct Unsupported {
    /// The field of the request.
    pub param: String,
    /// Why not.
    pub why: String,
    /// Whether another format may have words for it, or the request is wrong in any.
    retryable: Retryable,
}

impl Unsupported {
    /// Something that this vendor has no words for.
    pub(crate) fn here(param: impl Into<String>, why: impl Into<String>) -> Self {
        Self { param: param.into(), why: why.into(), retryable: Retryable::OtherDeployment }
    }

    /// Something that is wrong in OpenAI's own words.
    pub(crate) fn anywhere(param: impl Into<String>, why: impl Into<String>) -> Self {
        Self { param: param.into(), why: why.into(), retryable: Retryable::Nowhere }
    }

    /// A model whose name fits into no address.
    #[must_use]
    pub fn no_model(name: &str) -> Self {
        Self::anywhere("model", format!("no model can have the name `{name}`"))
    }

    /// An operation that this format does not have.
    #[must_use]
    pub fn no_operation(operation: Operation) -> Self {
        Self::here("model", format!("its deployment has no `{}`", operation.path()))
    }

    /// The failure that it is: the request's, and no evidence against the deployment.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let failure =
            Failure::new(FailureClass::BadRequest, FailureSource::Client).with_status(400);
        Failure { retryable: self.retryable, sent: Sent::Nothing, ..failure }
    }

    /// OpenAI's 400 for it.
    #[must_use]
    pub fn to_api_error(&self) -> ApiError {
        let code = match self.retryable {
            Retryable::Nowhere => "invalid_value",
            _ => "unsupported_parameter",
        };
        ApiError {
            message: self.to_string(),
            kind: "invalid_request_error".to_owned(),
            param: Some(self.param.clone()),
            code: Some(code.to_owned()),
        }
    }
}
