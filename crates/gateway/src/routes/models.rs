//! What models there are: the groups and aliases that clients may ask for, in the format of whoever asks.

use crate::app_state::AppState;
use crate::{fronts, response};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Uri};
use squall_failure::FailureClass;
use squall_wire::error::ApiError;
use squall_wire::server;
use std::sync::Arc;

/// All of them.
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let directory = app.registry.directory();
    let format = server(fronts::format_of(uri.path(), &headers));
    json(format.models(&mut directory.groups.listed(), 0))
}

/// One of them.
pub(super) async fn one(
    State(app): State<Arc<AppState>>,
    uri: Uri,
    headers: HeaderMap,
    Path(model): Path<String>,
) -> Response {
    if app.registry.directory().groups.find(&model).is_none() {
        let error = ApiError::of(FailureClass::NotFound, &model);
        return response::api_error(StatusCode::NOT_FOUND, &error);
    }
    json(server(fronts::format_of(uri.path(), &headers)).model(&model, 0))
}

fn json(body: bytes::Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
