//! Requests whose bodies come in several parts: sound that is written down, and pictures that are changed.

use super::{is_json, route, text};
use crate::app_state::AppState;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use squall_wire::chat::{ChatRequest, Operation, with_model};
use std::sync::Arc;

pub(super) async fn transcriptions(State(app): State<Arc<AppState>>, request: Request) -> Response {
    form(app, request, Operation::Transcription, None).await
}

pub(super) async fn translations(State(app): State<Arc<AppState>>, request: Request) -> Response {
    form(app, request, Operation::Translation, None).await
}

pub(super) async fn image_edits(State(app): State<Arc<AppState>>, request: Request) -> Response {
    form(app, request, Operation::ImageEdit, None).await
}

pub(super) async fn image_variations(
    State(app): State<Arc<AppState>>,
    request: Request,
) -> Response {
    form(app, request, Operation::ImageVariation, None).await
}

pub(super) async fn azure_transcriptions(
    State(app): State<Arc<AppState>>,
    Path(deployment): Path<String>,
    request: Request,
) -> Response {
    form(app, request, Operation::Transcription, Some(deployment)).await
}

pub(super) async fn azure_translations(
    State(app): State<Arc<AppState>>,
    Path(deployment): Path<String>,
    request: Request,
) -> Response {
    form(app, request, Operation::Translation, Some(deployment)).await
}

pub(super) async fn azure_image_edits(
    State(app): State<Arc<AppState>>,
    Path(deployment): Path<String>,
    request: Request,
) -> Response {
    form(app, request, Operation::ImageEdit, Some(deployment)).await
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
