//! What can be asked of the admin API, and what it answers.

use super::OperatorApiState;
use super::state::{self, StateDocument};
use crate::operator::LiveConfig;
use crate::setup::StartError;
use crate::{request_log, response, serving};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use squall_failure::FailureClass;
use squall_router::{OperatorOverrides, OverrideError};
use squall_wire::error::ApiError;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The longest that weights may hold for: a week. What is to hold for longer belongs in the file.
const FOR_MAX: Duration = Duration::from_secs(7 * 86_400);

/// The largest weight, as in files.
const WEIGHT_MAX: u32 = 1_000_000;

/// Why something was not done, as it is answered.
#[derive(Debug)]
pub(super) struct OperatorRefusal(Box<Response>);

impl OperatorRefusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let class = match status {
            StatusCode::UNAUTHORIZED => FailureClass::Auth,
            StatusCode::TOO_MANY_REQUESTS => FailureClass::Throttled,
            StatusCode::NOT_FOUND => FailureClass::NotFound,
            status if status.is_server_error() => FailureClass::Server,
            _ => FailureClass::BadRequest,
        };
        let error = ApiError::of(class, "").with_message(message);
        Self(Box::new(response::api_error(status, &error)))
    }

    /// The same with a header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl IntoResponse for OperatorRefusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<StartError> for OperatorRefusal {
    fn from(error: StartError) -> Self {
        let status = match &error {
            StartError::Override(
                OverrideError::UnknownDeployment { .. } | OverrideError::UnknownGroup { .. },
            ) => StatusCode::NOT_FOUND,
            StartError::CoreFailed => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::CONFLICT,
        };
        Self::new(status, error.to_string())
    }
}

/// What is done to one deployment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeploymentNamed {
    deployment: String,
}

/// A group that one deployment serves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    group: String,
    deployment: String,
}

/// What is done to one group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupNamed {
    group: String,
}

/// Other weights, by deployment; those of the file where there is none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Weights {
    weights: BTreeMap<String, Option<u32>>,
    #[serde(default)]
    r#for: Option<String>,
}

/// Nothing more than what the path says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

type OperatorResponse = Result<Json<StateDocument>, OperatorRefusal>;

pub(super) async fn state(State(admin): State<Arc<OperatorApiState>>) -> OperatorResponse {
    now(&admin)
}

pub(super) async fn drain(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> OperatorResponse {
    let DeploymentNamed { deployment } = read(&admin, request).await?;
    operate(&admin, "drain", &deployment.clone(), |live| {
        live.overrides.drained.insert(deployment);
        Ok(())
    })
}

pub(super) async fn undrain(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> OperatorResponse {
    let DeploymentNamed { deployment } = read(&admin, request).await?;
    operate(&admin, "undrain", &deployment.clone(), |live| {
        // One that is not drained is told apart from one that is not there.
        let drained = [deployment.clone()].into();
        live.file
            .check_overrides(&OperatorOverrides { drained, ..OperatorOverrides::default() })?;
        live.overrides.drained.remove(&deployment);
        Ok(())
    })
}

pub(super) async fn pin(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> OperatorResponse {
    let Pin { group, deployment } = read(&admin, request).await?;
    operate(&admin, "pin", &format!("{group} to {deployment}"), |live| {
        live.overrides.pins.insert(group, deployment);
        Ok(())
    })
}

pub(super) async fn unpin(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> OperatorResponse {
    let GroupNamed { group } = read(&admin, request).await?;
    if !admin.gateway.app().operator.live().file.groups.iter().any(|each| each.name == group) {
        let message = format!("no group is called `{group}`");
        return Err(OperatorRefusal::new(StatusCode::NOT_FOUND, message));
    }
    operate(&admin, "unpin", &group.clone(), |live| {
        live.overrides.pins.remove(&group);
        Ok(())
    })
}

pub(super) async fn weights(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> OperatorResponse {
    let Weights { weights, r#for } = read(&admin, request).await?;
    let holds = r#for.as_deref().map(duration).transpose()?;
    if let Some((name, weight)) =
        weights.iter().find(|(_, weight)| weight.is_some_and(|weight| weight > WEIGHT_MAX))
    {
        let given = weight.unwrap_or_default();
        let message = format!("the weight of `{name}` is {given}: expected at most {WEIGHT_MAX}");
        return Err(OperatorRefusal::bad(message));
    }
    let until = holds.map(|holds| admin.gateway.app().handle.clock().now() + holds);
    let said: Vec<_> = weights
        .iter()
        .map(|(name, weight)| match weight {
            Some(weight) => format!("{name} {weight}"),
            None => format!("{name} as configured"),
        })
        .collect();
    operate(&admin, "weights", &said.join(", "), |live| {
        for (name, weight) in weights {
            live.weights_until.remove(&name);
            match weight {
                Some(weight) => {
                    live.overrides.weights.insert(name.clone(), weight);
                    live.weights_until.extend(until.map(|until| (name, until)));
                }
                None => {
                    live.overrides.weights.remove(&name);
                }
            }
        }
        Ok(())
    })
}

pub(super) async fn pause(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> OperatorResponse {
    set_paused(&admin, request, true, "pause").await
}

pub(super) async fn resume(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> OperatorResponse {
    set_paused(&admin, request, false, "resume").await
}

async fn set_paused(
    admin: &OperatorApiState,
    request: Request,
    paused: bool,
    action: &'static str,
) -> OperatorResponse {
    let Nothing {} = read(admin, request).await?;
    admin.gateway.app().operator.set_paused(paused);
    request_log::operated(action, "", StatusCode::OK.as_u16());
    now(admin)
}

pub(super) async fn unknown(method: Method, uri: Uri) -> OperatorRefusal {
    let message = format!("there is no {method} {}; see `GET /admin/v1/state`", uri.path());
    OperatorRefusal::new(StatusCode::NOT_FOUND, message)
}

fn now(admin: &OperatorApiState) -> OperatorResponse {
    state::of(&admin.gateway).map(Json).ok_or_else(|| {
        let message = "the core of this gateway has failed: restart it";
        OperatorRefusal::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    })
}

/// Does something, and writes down that it was asked for.
fn operate(
    admin: &OperatorApiState,
    action: &'static str,
    detail: &str,
    change: impl FnOnce(&mut LiveConfig) -> Result<(), OverrideError>,
) -> OperatorResponse {
    let done = admin.gateway.operate(change).map_err(OperatorRefusal::from);
    let status = done.as_ref().map_or_else(OperatorRefusal::status, |()| StatusCode::OK);
    request_log::operated(action, detail, status.as_u16());
    done?;
    now(admin)
}

/// The body of a request, as JSON. What a page of another site may send without asking is not JSON.
pub(super) async fn read<T: DeserializeOwned>(
    admin: &OperatorApiState,
    request: Request,
) -> Result<T, OperatorRefusal> {
    let (head, body) = request.into_parts();
    let (body, _permit) = serving::read(&admin.server, body).await.map_err(OperatorRefusal)?;
    let kind =
        head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        let message = "send JSON, with `content-type: application/json`";
        let error = OperatorRefusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
        return Err(error);
    }
    let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
    serde_json::from_slice(text).map_err(|error| OperatorRefusal::bad(format!("the body: {error}")))
}

/// `10m`, `90s`, `2h` or `1d`.
fn duration(text: &str) -> Result<Duration, OperatorRefusal> {
    let text = text.trim();
    let (number, seconds) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => ("", 0),
    };
    let holds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds));
    holds.map(Duration::from_secs).filter(|holds| !holds.is_zero() && *holds <= FOR_MAX).ok_or_else(
        || {
            OperatorRefusal::bad(format!(
                "`for: {text}`: expected a time such as `10m`, `90s` or `2h`, a week at most"
            ))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_numbers_with_a_unit() {
        let read = |text: &str| duration(text).ok();
        assert_eq!(read("10m"), Some(Duration::from_secs(600)));
        assert_eq!(read(" 90s "), Some(Duration::from_secs(90)));
        assert_eq!(read("7d"), Some(FOR_MAX));
        for text in ["", "10", "m", "0s", "8d", "-1s", "1.5h", "18446744073709551615d", "5µ"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
