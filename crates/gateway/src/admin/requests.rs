//! Requests of late, and why each fared as it did.

use super::OperatorApiState;
use super::api::OperatorRefusal;
use crate::decisions::KeptTrail;
use crate::setup::StartError;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Requests that are listed unless it is said how many.
const LISTED: usize = 100;

/// What is asked of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    outcome: Option<String>,
}

/// What a request may have come to.
const OUTCOMES: [&str; 4] = ["succeeded", "failed", "cut", "client_gone"];

/// The last requests that have ended, the latest first.
pub(super) async fn list(
    State(admin): State<Arc<OperatorApiState>>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, OperatorRefusal> {
    let Query(ListQuery { limit, outcome }) = query.map_err(|error| {
        let message = format!("the query: {}; expected `limit` and `outcome`", error.body_text());
        OperatorRefusal::new(StatusCode::BAD_REQUEST, message)
    })?;
    if let Some(outcome) = outcome.as_deref().filter(|outcome| !OUTCOMES.contains(outcome)) {
        let message = format!("`outcome={outcome}`: expected one of {}", OUTCOMES.join(", "));
        return Err(OperatorRefusal::new(StatusCode::BAD_REQUEST, message));
    }
    let is_wanted = |kept: &Arc<KeptTrail>| {
        outcome.as_deref().is_none_or(|outcome| kept.status().outcome == outcome)
    };
    let (kept, most): (Vec<_>, _) = admin
        .gateway
        .app()
        .handle
        .decisions(|decisions| {
            let wanted = decisions.recent().filter(|kept| is_wanted(kept)).cloned();
            (wanted.take(limit.unwrap_or(LISTED)).collect(), decisions.recent_max())
        })
        .ok_or_else(core_failed)?;
    if most == 0 {
        return Err(none_kept());
    }
    let rows: Vec<_> = kept.iter().map(|kept| Value::Object(kept.row())).collect();
    Ok(Json(json!({ "requests": rows, "kept_at_most": most })))
}

/// What was decided about one request, and why: as JSON with its `text`, or as text for who accepts that first.
pub(super) async fn explain(
    State(admin): State<Arc<OperatorApiState>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, OperatorRefusal> {
    let handle = &admin.gateway.app().handle;
    let found = handle.decisions(|decisions| {
        (decisions.find(&id), decisions.recent().count(), decisions.recent_max())
    });
    let (found, kept, most) = found.ok_or_else(core_failed)?;
    if most == 0 {
        return Err(none_kept());
    }
    let kept = found.ok_or_else(|| not_kept(&id, kept, most))?;
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepts.starts_with("text/plain") {
        let head = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((head, kept.to_text() + "\n").into_response());
    }
    let mut told = kept.to_json();
    told.insert("text".to_owned(), json!(kept.to_text()));
    Ok(Json(Value::Object(told)).into_response())
}

fn core_failed() -> OperatorRefusal {
    OperatorRefusal::from(StartError::CoreFailed)
}

fn none_kept() -> OperatorRefusal {
    let message = "this gateway keeps no decisions: `recent_requests` is 0 in its file";
    OperatorRefusal::new(StatusCode::NOT_FOUND, message)
}

fn not_kept(id: &str, kept: usize, most: usize) -> OperatorRefusal {
    let message = format!(
        "no decisions are kept about `{id}`: the last {kept} requests are there, of {most} at most \
         (`recent_requests`). It may be older, have come to another replica, or have been refused before it was \
         routed, of which the log tells"
    );
    OperatorRefusal::new(StatusCode::NOT_FOUND, message)
}
