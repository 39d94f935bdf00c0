//! Virtual keys by the admin API: listed, created, disabled, enabled and deleted. A key itself is told once, where it is
//! created.

use super::OperatorApiState;
use super::api::{OperatorRefusal, read};
use super::state::{LimitsStatus, dollars, seconds};
use crate::keys::{
    BudgetDocument, KeyChangeError, KeyDocument, KeyEntry, KeyHash, VirtualKey, new_key,
};
use crate::request_log;
use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use squall_determinism::Timestamp;
use std::sync::Arc;

/// A key that is to be created: what the keys file has of one, without its hash.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    id: String,
    tenant: Option<String>,
    owner: Option<String>,
    models: Option<Vec<String>>,
    rpm: Option<u64>,
    tpm: Option<u64>,
    concurrency: Option<u32>,
    budget: Option<BudgetDocument>,
    expires: Option<String>,
    #[serde(default)]
    disabled: bool,
}

/// A key that is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyNamed {
    id: String,
}

/// A key, without its hash.
#[derive(Debug, Serialize)]
struct KeyStatus {
    id: String,
    tenant: Option<String>,
    owner: Option<String>,
    models: Option<Vec<String>>,
    expires: Option<String>,
    expired: bool,
    disabled: bool,
    limits: LimitsStatus,
    spend: Option<KeySpendStatus>,
}

#[derive(Debug, Serialize)]
struct KeySpendStatus {
    spent_dollars: f64,
    limit_dollars: f64,
    ends_in_seconds: Option<f64>,
}

type KeyResponse = Result<Json<Value>, OperatorRefusal>;

pub(super) async fn list(State(admin): State<Arc<OperatorApiState>>) -> KeyResponse {
    Ok(Json(json!({ "keys": all(&admin) })))
}

pub(super) async fn create(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> KeyResponse {
    let NewKey { id, tenant, owner, models, rpm, tpm, concurrency, budget, expires, disabled } =
        read(&admin, request).await?;
    let plain = new_key().map_err(|error| KeyChangeError::Store(error.to_string()))?;
    let hash = KeyHash::of(&plain).to_string();
    let document = KeyDocument {
        id: id.clone(),
        hash,
        tenant,
        owner,
        models,
        rpm,
        tpm,
        concurrency,
        budget,
        expires,
        disabled,
    };
    let key = VirtualKey::new(document).map_err(KeyChangeError::Invalid)?;
    change(&admin, "create key", &id, move |keys| {
        if keys.iter().any(|each| each.id() == key.id()) {
            return Err(KeyChangeError::Exists(key.id().to_owned()));
        }
        keys.push(key.clone());
        Ok(())
    })?;
    // It is told here and nowhere else.
    Ok(Json(json!({ "id": id, "key": plain, "keys": all(&admin) })))
}

pub(super) async fn disable(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> KeyResponse {
    let KeyNamed { id } = read(&admin, request).await?;
    set_disabled(&admin, "disable key", &id, true)?;
    Ok(Json(json!({ "id": id, "keys": all(&admin) })))
}

pub(super) async fn enable(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> KeyResponse {
    let KeyNamed { id } = read(&admin, request).await?;
    set_disabled(&admin, "enable key", &id, false)?;
    Ok(Json(json!({ "id": id, "keys": all(&admin) })))
}

pub(super) async fn delete(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
) -> KeyResponse {
    let KeyNamed { id } = read(&admin, request).await?;
    change(&admin, "delete key", &id, |keys| {
        find(keys, &id)?;
        keys.retain(|key| key.id() != id);
        Ok(())
    })?;
    Ok(Json(json!({ "id": id, "keys": all(&admin) })))
}

fn set_disabled(
    admin: &OperatorApiState,
    action: &'static str,
    id: &str,
    disabled: bool,
) -> Result<(), OperatorRefusal> {
    change(admin, action, id, |keys| {
        find(keys, id)?.document.disabled = disabled;
        Ok(())
    })
}

fn find<'k>(keys: &'k mut [VirtualKey], id: &str) -> Result<&'k mut VirtualKey, KeyChangeError> {
    keys.iter_mut().find(|key| key.id() == id).ok_or_else(|| KeyChangeError::Unknown(id.to_owned()))
}

/// Changes the keys that are kept, then those that hold, and writes down that it was asked for.
fn change(
    admin: &OperatorApiState,
    action: &'static str,
    id: &str,
    mut change: impl FnMut(&mut Vec<VirtualKey>) -> Result<(), KeyChangeError>,
) -> Result<(), OperatorRefusal> {
    let done = changed(admin, &mut change).map_err(OperatorRefusal::from);
    let status = done.as_ref().map_or_else(OperatorRefusal::status, |()| StatusCode::OK);
    request_log::operated(action, id, status.as_u16());
    done
}

fn changed(
    admin: &OperatorApiState,
    change: &mut dyn FnMut(&mut Vec<VirtualKey>) -> Result<(), KeyChangeError>,
) -> Result<(), KeyChangeError> {
    let Some(store) = &admin.keys else {
        let message = "this gateway has no keys file: start it with `--keys FILE`";
        return Err(KeyChangeError::Store(message.to_owned()));
    };
    // Nothing is kept that cannot hold.
    let keys = store.update(&mut |keys| {
        change(keys)?;
        admin.gateway.check_keys(keys).map_err(KeyChangeError::Invalid)
    })?;
    admin.gateway.set_keys(keys).map_err(KeyChangeError::Store)
}

impl From<KeyChangeError> for OperatorRefusal {
    fn from(error: KeyChangeError) -> Self {
        let status = match &error {
            KeyChangeError::Unknown(_) => StatusCode::NOT_FOUND,
            KeyChangeError::Exists(_) | KeyChangeError::Store(_) => StatusCode::CONFLICT,
            KeyChangeError::Invalid(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

fn all(admin: &OperatorApiState) -> Vec<KeyStatus> {
    let keys = &admin.gateway.app().keys;
    let now = keys.clock().now();
    let status = |entry: &Arc<KeyEntry>| KeyStatus::of(entry, keys.has_expired(&entry.key), now);
    keys.all().iter().map(status).collect()
}

impl KeyStatus {
    fn of(entry: &KeyEntry, expired: bool, now: Timestamp) -> Self {
        let KeyDocument { id, tenant, owner, models, expires, disabled, .. } =
            entry.key.document.clone();
        let (limits, spend) = entry.used(now);
        let spend = spend.map(|spend| KeySpendStatus {
            spent_dollars: dollars(spend.spent),
            limit_dollars: dollars(spend.limit),
            ends_in_seconds: spend.until.map(|until| seconds(until, now)),
        });
        let limits = LimitsStatus::of(limits);
        Self { id, tenant, owner, models, expires, expired, disabled, limits, spend }
    }
}
