//! API keys: whom a request comes from, known from its head alone, and what its key allows.
//!
//! Keys are looked up by their SHA-256. How long that takes depends on the hash, of which nobody can choose the
//! beginning, and not on which key it is or where it differs.

use crate::app_state::AppState;
use crate::keys::{KeyEntry, KeyHash, KeyLease, KeyRefusal};
use crate::request_id::RequestId;
use crate::request_options::{OUTPUT_TOKENS, RequestOptions};
use crate::upstream_registry::NameIndex;
use crate::{request_log, response};
use axum::response::Response;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, StatusCode};
use squall_failure::{FailureClass, Sent};
use squall_router::{
    FallbackChoice, GroupId, KeyDenied, LimitScope, Money, Outcome, TenantId, TokenUsage,
};
use squall_wire::chat::ChatRequest;
use squall_wire::error::ApiError;
use squall_wire::write_retry_after;
use std::sync::Arc;

/// Where a key may stand beside `Authorization`: Anthropic's clients, Azure's and Google's put it there.
const OTHER_HEADERS: [&str; 3] = ["x-api-key", "api-key", "x-goog-api-key"];

/// The header in which a request says whose it is, where nobody has a key.
const TENANT: HeaderName = HeaderName::from_static("x-squall-tenant");

/// Whom a request comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestOrigin {
    pub(crate) tenant: Option<TenantId>,
    /// Its virtual key, if it has one.
    pub(crate) key: Option<Arc<KeyEntry>>,
}

/// Whom a request comes from. A request with a virtual key counts against its limits from here on, and says nothing
/// more of its tenant.
///
/// # Errors
/// The answer, when keys are needed and this is none, or its key is not to be used now.
pub(crate) fn authenticate(
    app: &AppState,
    headers: &mut HeaderMap,
    directory: &NameIndex,
    id: &RequestId,
) -> Result<RequestOrigin, Box<Response>> {
    if directory.keys.is_none() && !app.keys.required() {
        return Ok(RequestOrigin::default());
    }
    let entry = match identify(app, headers, directory, id)? {
        BearerOf::Tenant(tenant) => {
            return Ok(RequestOrigin { tenant: Some(tenant), key: None });
        }
        BearerOf::Key(entry) => entry,
    };
    headers.remove(TENANT);
    may_come(app, &entry).map_err(|(why, refusal)| {
        app.keys.refused(why);
        request_log::refused_key(id, refusal.status().as_u16(), why.as_str(), entry.key.id());
        refusal
    })?;
    let tenant = entry.key.document.tenant.as_ref();
    let tenant = tenant.and_then(|name| directory.tenants.get(name)).copied();
    Ok(RequestOrigin { tenant, key: Some(entry) })
}

/// Whose key a request bears.
enum BearerOf {
    Tenant(TenantId),
    Key(Arc<KeyEntry>),
}

/// # Errors
/// The answer, when it bears none that is known.
fn identify(
    app: &AppState,
    headers: &HeaderMap,
    directory: &NameIndex,
    id: &RequestId,
) -> Result<BearerOf, Box<Response>> {
    let hashes: Vec<_> = keys_of(headers).map(KeyHash::of).collect();
    let of_tenant = |hash: &KeyHash| directory.keys.as_ref()?.get(hash).copied();
    if let Some(tenant) = hashes.iter().find_map(of_tenant) {
        return Ok(BearerOf::Tenant(tenant));
    }
    if let Some(entry) = hashes.iter().find_map(|hash| app.keys.find(hash)) {
        return Ok(BearerOf::Key(entry));
    }
    let (why, message) = match hashes.is_empty() {
        false => (KeyRefusal::Unknown, "the key of this request is invalid"),
        true => (
            KeyRefusal::Missing,
            "this gateway requires a key: send `Authorization: Bearer KEY`, `x-api-key: KEY` or \
             `api-key: KEY`",
        ),
    };
    app.keys.refused(why);
    app.unauthenticated.refused(app.handle.clock(), id);
    Err(Box::new(unauthorized(message)))
}

/// The key whose models are asked for, if whoever asks has a virtual one. A list counts against no limit of it.
///
/// # Errors
/// The answer, when virtual keys are needed and this is none, or its key is not to be used now.
pub(crate) fn of_list(
    app: &AppState,
    headers: &HeaderMap,
    directory: &NameIndex,
    id: &RequestId,
) -> Result<Option<Arc<KeyEntry>>, Box<Response>> {
    if !app.keys.required() {
        return Ok(None);
    }
    let BearerOf::Key(entry) = identify(app, headers, directory, id)? else { return Ok(None) };
    is_valid(app, &entry).map_err(|(why, refusal)| {
        app.keys.refused(why);
        refusal
    })?;
    Ok(Some(entry))
}

/// Whether a request with this key is to be read.
fn may_come(app: &AppState, entry: &KeyEntry) -> Result<(), (KeyRefusal, Box<Response>)> {
    is_valid(app, entry)?;
    let counted = entry.count(app.keys.clock().now());
    counted.map_err(|denied| (KeyRefusal::Limit, Box::new(over_limit(app, entry.key.id(), denied))))
}

/// Whether this key is to be used now.
fn is_valid(app: &AppState, entry: &KeyEntry) -> Result<(), (KeyRefusal, Box<Response>)> {
    let key = &entry.key;
    if key.document.disabled {
        let message = format!("the key `{}` is disabled", key.id());
        return Err((KeyRefusal::Disabled, Box::new(unauthorized(&message))));
    }
    if app.keys.has_expired(key) {
        let until = key.document.expires.as_deref().unwrap_or_default();
        let message = format!("the key `{}` has expired: it was valid until {until}", key.id());
        return Err((KeyRefusal::Expired, Box::new(unauthorized(&message))));
    }
    Ok(())
}

/// Whether the key of a request lets it ask for this, of a model of this group: what it then holds of the limits of its
/// key, if it has one.
///
/// # Errors
/// The answer, when it does not.
pub(crate) fn admit(
    app: &AppState,
    caller: &RequestOrigin,
    chat: &ChatRequest,
    group: GroupId,
    options: &RequestOptions,
) -> Result<Option<KeyLease>, Box<Response>> {
    let Some(entry) = &caller.key else { return Ok(None) };
    let allowed = |model: &str, group| entry.key.may_use(model, &app.handle.group_names(&[group]));
    // Fallbacks that the file has are its own; those that a request asks for are not.
    let asked = match &options.overrides.fallbacks {
        FallbackChoice::These(groups) => groups.iter().find(|group| !allowed("", *group)),
        FallbackChoice::Configured | FallbackChoice::None => None,
    };
    let refused = asked.map(|group| app.handle.group_names(&[group]));
    let refused = refused.or_else(|| (!allowed(&chat.model, group)).then(|| chat.model.clone()));
    if let Some(model) = refused {
        app.keys.refused(KeyRefusal::Model);
        let message = format!("the key `{}` may not ask for the model `{model}`", entry.key.id());
        let error = ApiError::of(FailureClass::BadRequest, "").with_message(message);
        let error = ApiError { code: Some("model_not_allowed".to_owned()), ..error };
        return Err(Box::new(response::api_error(StatusCode::FORBIDDEN, &error)));
    }
    let estimate = TokenUsage {
        input_tokens: chat.input_tokens,
        output_tokens: chat.max_tokens.unwrap_or(OUTPUT_TOKENS),
    };
    let entered = Arc::clone(entry).enter(app.keys.clock(), estimate);
    entered.map(Some).map_err(|denied| {
        app.keys.refused(KeyRefusal::Limit);
        Box::new(over_limit(app, entry.key.id(), denied))
    })
}

/// A request has ended: what it used counts against the limits of its key. Where no provider said how much that was,
/// and some of an answer has gone out, it is what the request was taken to need: whoever hangs up pays too.
pub(crate) fn settle(app: &AppState, lease: &KeyLease, outcome: &Outcome) {
    let begun = match outcome {
        Outcome::Succeeded { .. } | Outcome::ClientGone => true,
        Outcome::Failed { committed, .. } => *committed,
    };
    let told = if let Outcome::Succeeded { usage, .. } = outcome { *usage } else { None };
    let Some(deployment) = lease.deployment() else {
        return lease.settle(None, Money::default(), Sent::Nothing);
    };
    let used = told.or_else(|| begun.then_some(lease.estimate));
    let price = app.handle.look(|_, metrics, _| metrics.price(deployment)).flatten();
    let cost = price.zip(used).map(|(price, used)| price.of(used.input_tokens, used.output_tokens));
    lease.settle(told.map(TokenUsage::total), cost.unwrap_or_default(), Sent::Something);
}

fn unauthorized(message: &str) -> Response {
    let error = ApiError::of(FailureClass::Auth, "").with_message(message);
    response::api_error(StatusCode::UNAUTHORIZED, &error)
}

/// 429, with the limit and the time at which to come again.
fn over_limit(app: &AppState, id: &str, denied: KeyDenied) -> Response {
    let (class, what) = match denied.limit {
        LimitScope::Requests => (FailureClass::Throttled, "its requests per minute"),
        LimitScope::Tokens => (FailureClass::Throttled, "its tokens per minute"),
        LimitScope::Concurrency => (FailureClass::Throttled, "its requests at once"),
        LimitScope::Money => (FailureClass::QuotaSpent, "its budget"),
    };
    let wait = denied.until.map(|until| until.since(app.keys.clock().now()));
    let message = match (denied.possible, wait) {
        (false, _) => format!(
            "the request is larger than the limit of the key `{id}` ever lets through: {what}"
        ),
        (true, None) => format!("the key `{id}` has reached {what}: try again when one has ended"),
        (true, Some(wait)) => {
            format!("the key `{id}` has reached {what}: try again in {} s", wait.as_secs() + 1)
        }
    };
    let error = ApiError::of(class, "").with_message(message);
    let kind =
        if denied.limit == LimitScope::Tokens { "tokens".to_owned() } else { error.kind.clone() };
    let mut refusal =
        response::api_error(StatusCode::TOO_MANY_REQUESTS, &ApiError { kind, ..error });
    if let Some(wait) = wait {
        write_retry_after(refusal.headers_mut(), wait);
    }
    refusal
}

/// The keys that a request bears, without the white space around them.
fn keys_of(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let bearer =
        headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(value.to_str().ok()?));
    let others = OTHER_HEADERS.iter().flat_map(|name| headers.get_all(*name));
    let others = others.filter_map(|value| Some(value.to_str().ok()?.trim()));
    bearer.chain(others).filter(|key| !key.is_empty())
}

/// The key of a bearer scheme, whose name is written in any case (RFC 9110, 11.1).
pub(crate) fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.trim().split_once([' ', '\t'])?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[test]
    fn keys_are_found_wherever_clients_put_them() {
        let cases: [(&str, &str, &[&str]); 9] = [
            ("authorization", "Bearer sk-1", &["sk-1"]),
            ("authorization", "bearer sk-1", &["sk-1"]),
            ("authorization", "BEARER \t sk-1 ", &["sk-1"]),
            ("authorization", "Basic sk-1", &[]),
            ("authorization", "Bearer", &[]),
            ("authorization", "Bearer ", &[]),
            ("authorization", "sk-1", &[]),
            ("x-api-key", " sk-1 ", &["sk-1"]),
            ("api-key", "sk-1", &["sk-1"]),
        ];
        for (name, value, expected) in cases {
            let mut headers = HeaderMap::new();
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(keys_of(&headers).collect::<Vec<_>>(), expected, "{value:?}");
        }
    }
}
