//! Requests whose path names the model: Gemini's methods of a model, and Azure's deployments.

use super::{json_array, route, taken, unknown_model};
use crate::app_state::AppState;
use crate::fronts::GOOGLE_KEY;
use crate::local_reply;
use crate::serving::RequestContext;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Uri};
use squall_wire::chat::{ChatRequest, FrontApi, Operation, with_model};
use squall_wire::front::FrontPath;
use squall_wire::front_format;
use std::sync::Arc;

/// `MODEL:METHOD`.
pub(super) async fn method_of_model(
    State(app): State<Arc<AppState>>,
    Path(path): Path<String>,
    uri: Uri,
    mut request: Request,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let asked = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
    take_key(request.headers_mut(), asked("key="));
    let format = front_format(FrontApi::Contents);
    let of = |model: &str, stream| FrontPath { model: Some(model.to_owned()), stream };
    match path.rsplit_once(':') {
        Some((model, "generateContent")) => {
            let path = of(model, false);
            route(app, request, |body| format.read(&path, body)).await
        }
        Some((model, "streamGenerateContent")) if asked("alt=") == Some("sse") => {
            let path = of(model, true);
            route(app, request, |body| format.read(&path, body)).await
        }
        Some((model, "streamGenerateContent")) => {
            let path = of(model, true);
            // A list that is cut has no event to end with.
            if let Some(of_request) = request.extensions().get::<RequestContext>() {
                of_request.streams_no_events();
            }
            json_array::of_events(route(app, request, |body| format.read(&path, body)).await)
        }
        Some((model, "countTokens")) => count(app, request, &of(model, false)).await,
        _ => local_reply::unknown_path(request.method(), uri.path()),
    }
}

/// A key in the address is as good as one in its header.
fn take_key(headers: &mut HeaderMap, key: Option<&str>) {
    if !headers.contains_key(&GOOGLE_KEY)
        && let Some(mut key) = key.and_then(|key| HeaderValue::from_str(key).ok())
    {
        key.set_sensitive(true);
        headers.insert(GOOGLE_KEY, key);
    }
}

/// How many tokens contents have, as this gateway estimates them for its limits.
async fn count(app: Arc<AppState>, request: Request, path: &FrontPath) -> Response {
    let read = |body| front_format(FrontApi::Contents).read_count(path, body);
    let taken = match taken(&app, request, read).await {
        Ok(taken) => taken,
        Err(refusal) => return *refusal,
    };
    if app.registry.directory().groups.find(&taken.chat.model).is_none() {
        return unknown_model(&taken.of_request, &taken.chat.model);
    }
    let body = serde_json::json!({ "totalTokens": taken.chat.input_tokens }).to_string();
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

pub(super) async fn azure_chats(
    State(app): State<Arc<AppState>>,
    Path(deployment): Path<String>,
    request: Request,
) -> Response {
    route(app, request, |body| ChatRequest::parse(with_model(body, &deployment))).await
}

/// The other operations at Azure's paths.
pub(super) fn azure(operation: Operation) -> MethodRouter<Arc<AppState>> {
    let answer = move |State(app): State<Arc<AppState>>,
                       Path(deployment): Path<String>,
                       request: Request| async move {
        let parse = |body| ChatRequest::parse_other(operation, with_model(body, &deployment));
        route(app, request, parse).await
    };
    post(answer)
}
