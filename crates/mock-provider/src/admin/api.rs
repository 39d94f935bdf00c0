//! What can be asked of the admin API, and what it answers.

use super::AdminState;
use super::view::{self, ProviderView};
use crate::events::ControlEvent;
use crate::provider_server::ProviderServer;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Why something was not done.
#[derive(Debug)]
pub(super) struct AdminError {
    status: StatusCode,
    message: String,
}

impl AdminError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.message }))).into_response()
    }
}

impl From<JsonRejection> for AdminError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

/// Whom a request is about: all, where it names nobody.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whom {
    providers: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inject {
    providers: Option<Vec<String>>,
    fault: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutageEnd {
    providers: Option<Vec<String>>,
    fault: Option<u16>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Since {
    #[serde(default)]
    from: u64,
}

/// A fault that began: whose, and its number there.
#[derive(Debug, Serialize)]
pub(super) struct Injected {
    provider: String,
    fault: u16,
    what: String,
}

type AdminResponse<T> = Result<Json<T>, AdminError>;

pub(super) async fn providers(State(desk): State<Arc<AdminState>>) -> Json<Vec<ProviderView>> {
    Json(desk.shells.iter().map(|(shell, base_url)| view::of(shell, base_url)).collect())
}

pub(super) async fn events(
    State(desk): State<Arc<AdminState>>,
    Query(since): Query<Since>,
) -> Json<Vec<ControlEvent>> {
    Json(desk.setup.events.since(since.from))
}

pub(super) async fn inject(
    State(desk): State<Arc<AdminState>>,
    body: Result<Json<Inject>, JsonRejection>,
) -> AdminResponse<Vec<Injected>> {
    let Json(Inject { providers, fault }) = body?;
    let shells = desk.shells(providers.as_deref())?;
    let read = |shell: &ProviderServer| (desk.setup.read_fault)(&fault, shell.clock().now());
    let bad = |message| AdminError::new(StatusCode::UNPROCESSABLE_ENTITY, message);
    // Read for all before any is touched.
    let faults: Vec<_> =
        shells.iter().map(|shell| read(shell)).collect::<Result<_, _>>().map_err(bad)?;
    let mut injected = Vec::with_capacity(shells.len());
    for (shell, fault) in shells.into_iter().zip(faults) {
        let what = fault.to_string();
        let Some(number) = shell.inject(fault) else {
            let message =
                format!("`{}` has reached its maximum number of faults; restart it", shell.name());
            return Err(AdminError::new(StatusCode::CONFLICT, message));
        };
        injected.push(Injected { provider: shell.name().to_owned(), fault: number, what });
    }
    Ok(Json(injected))
}

pub(super) async fn end(
    State(desk): State<Arc<AdminState>>,
    body: Result<Json<OutageEnd>, JsonRejection>,
) -> AdminResponse<Vec<ProviderView>> {
    let Json(OutageEnd { providers, fault }) = body?;
    let shells = desk.shells(providers.as_deref())?;
    if let Some(fault) = fault
        && let Some(shell) = shells.iter().find(|shell| !shell.has_fault(fault))
    {
        let message = format!("`{}` has no fault {fault}", shell.name());
        return Err(AdminError::new(StatusCode::NOT_FOUND, message));
    }
    shells.iter().for_each(|shell| shell.end_faults(fault));
    Ok(providers_now(&desk))
}

pub(super) async fn pause(
    State(desk): State<Arc<AdminState>>,
    body: Result<Json<Whom>, JsonRejection>,
) -> AdminResponse<Vec<ProviderView>> {
    desk.each(body, ProviderServer::pause)
}

pub(super) async fn resume(
    State(desk): State<Arc<AdminState>>,
    body: Result<Json<Whom>, JsonRejection>,
) -> AdminResponse<Vec<ProviderView>> {
    desk.each(body, ProviderServer::resume)
}

pub(super) async fn reset(
    State(desk): State<Arc<AdminState>>,
    body: Result<Json<Whom>, JsonRejection>,
) -> AdminResponse<Vec<ProviderView>> {
    desk.each(body, ProviderServer::reset)
}

pub(super) async fn unknown(uri: Uri) -> AdminError {
    let message = format!("there is nothing at {}; see `GET /api/v1/providers`", uri.path());
    AdminError::new(StatusCode::NOT_FOUND, message)
}

fn providers_now(desk: &AdminState) -> Json<Vec<ProviderView>> {
    Json(desk.shells.iter().map(|(shell, base_url)| view::of(shell, base_url)).collect())
}

impl AdminState {
    /// Does something to those whom a request is about.
    fn each(
        &self,
        body: Result<Json<Whom>, JsonRejection>,
        act: impl Fn(&ProviderServer),
    ) -> AdminResponse<Vec<ProviderView>> {
        let Json(Whom { providers }) = body?;
        self.shells(providers.as_deref())?.into_iter().for_each(act);
        Ok(providers_now(self))
    }

    /// Those of these names.
    fn shells(&self, names: Option<&[String]>) -> Result<Vec<&ProviderServer>, AdminError> {
        let all = || self.shells.iter().map(|(shell, _)| &**shell);
        let Some(names) = names else { return Ok(all().collect()) };
        let find = |name: &String| {
            all().find(|shell| shell.name() == name).ok_or_else(|| {
                let known: Vec<_> = all().map(|shell| format!("`{}`", shell.name())).collect();
                let message =
                    format!("no provider is called `{name}`; known: {}", known.join(", "));
                AdminError::new(StatusCode::NOT_FOUND, message)
            })
        };
        names.iter().map(find).collect()
    }
}
