//! Requests whose bodies come in several parts: sound that is written down, and pictures that are changed.

use super::{is_json, route, text};
use crate::app_state::AppState;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use http::header::CONTENT_TYPE;
use squall_wire::chat::{ChatRequest, Operation, with_model};
use std::sync::Arc;

/// Requests for an operation whose group stands among the parts.
pub(super) fn of(operation: Operation) -> MethodRouter<Arc<AppState>> {
    post(move |State(app): State<Arc<AppState>>, request: Request| async move {
        form(app, request, operation, None).await
    })
}

/// The same at Azure's paths, which name the group.
pub(super) fn azure(operation: Operation) -> MethodRouter<Arc<AppState>> {
    let answer = move |State(app): State<Arc<AppState>>,
                       Path(deployment): Path<String>,
                       request: Request| async move {
        form(app, request, operation, Some(deployment)).await
    };
    post(answer)
}

/// A request in a form. Pictures that are changed may be named by their addresses, in JSON.
async fn form(
    app: Arc<AppState>,
    request: Request,
    operation: Operation,
    model: Option<String>,
) -> Response {
    let kind = text(request.headers(), CONTENT_TYPE).unwrap_or_default();
    let parse = move |body| match &model {
        Some(model) if operation == Operation::ImageEdit && is_json(&kind) => {
            ChatRequest::parse_other(operation, with_model(body, model))
        }
        None if operation == Operation::ImageEdit && is_json(&kind) => {
            ChatRequest::parse_other(operation, body)
        }
        model => ChatRequest::parse_form(operation, &kind, body, model.as_deref()),
    };
    route(app, request, parse).await
}
