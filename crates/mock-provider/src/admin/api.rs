//! What can be asked of the admin API, and what it answers.

use super::view::{self, ProviderView};
use super::{AdminState, FindingsApi};
use crate::events::ControlEvent;
use crate::provider_server::ProviderServer;
use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

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

#[derive(Debug, Deserialize)]
pub(super) struct FindingsQuery {
    #[serde(default)]
    client_done: bool,
}

/// A fault that began: whose, and its number there.
#[derive(Debug, Serialize)]
pub(super) struct Injected {
    provider: String,
    fault: u16,
    what: String,
}

type AdminResponse<T> = Result<Json<T>, AdminError>;

pub(super) async fn providers(State(admin): State<Arc<AdminState>>) -> Json<Vec<ProviderView>> {
    Json(admin.mocks.iter().map(|(mock, base_url)| view::of(mock, base_url)).collect())
}

pub(super) async fn events(
    State(admin): State<Arc<AdminState>>,
    Query(since): Query<Since>,
) -> Json<Vec<ControlEvent>> {
    Json(admin.setup.events.since(since.from))
}

/// How often, and how long apart, attempts are looked at that a client which has ended should have left: 200 ms in all.
const HANG_UPS_TRIES: u32 = 40;
const HANG_UPS_PAUSE: Duration = Duration::from_millis(5);

pub(super) async fn findings(
    State(admin): State<Arc<AdminState>>,
    query: Result<Query<FindingsQuery>, QueryRejection>,
) -> AdminResponse<serde_json::Value> {
    let Query(FindingsQuery { client_done }) =
        query.map_err(|error| AdminError::new(error.status(), error.body_text()))?;
    let Some(FindingsApi { calls, judge }) = &admin.setup.findings else {
        let message = "clients are not judged: start `squall mock` with `--findings`";
        return Err(AdminError::new(StatusCode::NOT_FOUND, message));
    };
    let under_way = || admin.mocks.iter().map(|(mock, _)| mock.open()).sum();
    let mut open = under_way();
    // Whoever has hung up before asking is seen to have gone.
    for _ in 0..HANG_UPS_TRIES {
        if !client_done || open == 0 {
            break;
        }
        tokio::time::sleep(HANG_UPS_PAUSE).await;
        open = under_way();
    }
    let now = admin.mocks.iter().map(|(mock, _)| mock.clock().now()).max().unwrap_or_default();
    Ok(Json(judge.judge(&calls.seen(open, now), client_done)))
}

pub(super) async fn inject(
    State(admin): State<Arc<AdminState>>,
    body: Result<Json<Inject>, JsonRejection>,
) -> AdminResponse<Vec<Injected>> {
    let Json(Inject { providers, fault }) = body?;
    let mocks = admin.mocks(providers.as_deref())?;
    let read = |mock: &ProviderServer| (admin.setup.read_fault)(&fault, mock.clock().now());
    let bad = |message| AdminError::new(StatusCode::UNPROCESSABLE_ENTITY, message);
    // Read for all before any is touched.
    let faults: Vec<_> =
        mocks.iter().map(|mock| read(mock)).collect::<Result<_, _>>().map_err(bad)?;
    let mut injected = Vec::with_capacity(mocks.len());
    for (mock, fault) in mocks.into_iter().zip(faults) {
        let what = fault.to_string();
        let Some(number) = mock.inject(fault) else {
            let message =
                format!("`{}` has reached its maximum number of faults; restart it", mock.name());
            return Err(AdminError::new(StatusCode::CONFLICT, message));
        };
        injected.push(Injected { provider: mock.name().to_owned(), fault: number, what });
    }
    Ok(Json(injected))
}

pub(super) async fn end(
    State(admin): State<Arc<AdminState>>,
    body: Result<Json<OutageEnd>, JsonRejection>,
) -> AdminResponse<Vec<ProviderView>> {
    let Json(OutageEnd { providers, fault }) = body?;
    let mocks = admin.mocks(providers.as_deref())?;
    if let Some(fault) = fault
        && let Some(mock) = mocks.iter().find(|mock| !mock.has_fault(fault))
    {
        let message = format!("`{}` has no fault {fault}", mock.name());
        return Err(AdminError::new(StatusCode::NOT_FOUND, message));
    }
    mocks.iter().for_each(|mock| mock.end_faults(fault));
    Ok(providers_now(&admin))
}

pub(super) async fn pause(
    State(admin): State<Arc<AdminState>>,
    body: Result<Json<Whom>, JsonRejection>,
) -> AdminResponse<Vec<ProviderView>> {
    admin.each(body, ProviderServer::pause)
}

pub(super) async fn resume(
    State(admin): State<Arc<AdminState>>,
    body: Result<Json<Whom>, JsonRejection>,
) -> AdminResponse<Vec<ProviderView>> {
    admin.each(body, ProviderServer::resume)
}

pub(super) async fn reset(
    State(admin): State<Arc<AdminState>>,
    body: Result<Json<Whom>, JsonRejection>,
) -> AdminResponse<Vec<ProviderView>> {
    admin.each(body, ProviderServer::reset)
}

pub(super) async fn unknown(uri: Uri) -> AdminError {
    let message = format!("there is nothing at {}; see `GET /api/v1/providers`", uri.path());
    AdminError::new(StatusCode::NOT_FOUND, message)
}

fn providers_now(admin: &AdminState) -> Json<Vec<ProviderView>> {
    Json(admin.mocks.iter().map(|(mock, base_url)| view::of(mock, base_url)).collect())
}

impl AdminState {
    /// Does something to those whom a request is about.
    fn each(
        &self,
        body: Result<Json<Whom>, JsonRejection>,
        act: impl Fn(&ProviderServer),
    ) -> AdminResponse<Vec<ProviderView>> {
        let Json(Whom { providers }) = body?;
        self.mocks(providers.as_deref())?.into_iter().for_each(act);
        Ok(providers_now(self))
    }

    /// Those of these names.
    fn mocks(&self, names: Option<&[String]>) -> Result<Vec<&ProviderServer>, AdminError> {
        let all = || self.mocks.iter().map(|(mock, _)| &**mock);
        let Some(names) = names else { return Ok(all().collect()) };
        let find = |name: &String| {
            all().find(|mock| mock.name() == name).ok_or_else(|| {
                let known: Vec<_> = all().map(|mock| format!("`{}`", mock.name())).collect();
                let message =
                    format!("no provider is called `{name}`; known: {}", known.join(", "));
                AdminError::new(StatusCode::NOT_FOUND, message)
            })
        };
        names.iter().map(find).collect()
    }
}
