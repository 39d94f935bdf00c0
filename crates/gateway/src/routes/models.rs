//! What models there are: the groups and aliases that whoever asks may use, in the format of whoever asks.

use crate::app_state::AppState;
use crate::keys::KeyEntry;
use crate::request_id::RequestId;
use crate::serving::RequestContext;
use crate::upstream_registry::NameIndex;
use crate::{api_keys, fronts, response};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{StatusCode, Uri};
use squall_failure::FailureClass;
use squall_wire::error::ApiError;
use squall_wire::server;
use std::sync::Arc;

/// All of them that whoever asks may use.
pub(super) async fn list(State(app): State<Arc<AppState>>, uri: Uri, request: Request) -> Response {
    let directory = app.registry.directory();
    let key = match of_list(&app, &request, &directory) {
        Ok(key) => key,
        Err(refusal) => return *refusal,
    };
    let format = server(fronts::format_of(uri.path(), request.headers()));
    let is_listed = |model: &&str| key.as_ref().is_none_or(|key| may_use(&app, key, model));
    json(format.models(&mut directory.groups.listed().filter(is_listed), 0))
}

/// One of them.
pub(super) async fn one(
    State(app): State<Arc<AppState>>,
    uri: Uri,
    Path(model): Path<String>,
    request: Request,
) -> Response {
    let directory = app.registry.directory();
    let key = match of_list(&app, &request, &directory) {
        Ok(key) => key,
        Err(refusal) => return *refusal,
    };
    // One that may not be used is as if it were not there.
    let is_hidden = key.as_ref().is_some_and(|key| !may_use(&app, key, &model));
    if is_hidden || directory.groups.find(&model).is_none() {
        let error = ApiError::of(FailureClass::NotFound, &model);
        return response::api_error(StatusCode::NOT_FOUND, &error);
    }
    json(server(fronts::format_of(uri.path(), request.headers())).model(&model, 0))
}

fn of_list(
    app: &AppState,
    request: &Request,
    directory: &NameIndex,
) -> Result<Option<Arc<KeyEntry>>, Box<Response>> {
    let of_request = request.extensions().get::<RequestContext>();
    let id = of_request.map_or_else(RequestId::none, |context| context.id().clone());
    api_keys::of_list(app, request.headers(), directory, &id)
}

/// Whether a key may ask for a model, by its own name or its group's.
fn may_use(app: &AppState, key: &KeyEntry, model: &str) -> bool {
    let directory = app.registry.directory();
    let group = directory.groups.find(model).map(|found| app.handle.group_names(&[found.group]));
    key.key.may_use(model, group.as_deref().unwrap_or_default())
}

fn json(body: bytes::Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
