//! API keys: the tenant of a request, known from its head alone.

use crate::request_options::OptionRefused;
use crate::upstream_registry::NameIndex;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use squall_failure::FailureClass;
use squall_router::TenantId;
use squall_wire::error::ApiError;

/// Where a key may stand beside `Authorization`: Anthropic's clients and Azure's put it there.
const OTHER_HEADERS: [&str; 2] = ["x-api-key", "api-key"];

/// The tenant by its key; none where tenants have no keys.
///
/// # Errors
/// When tenants have keys and this is none of theirs.
pub(crate) fn tenant(
    headers: &HeaderMap,
    directory: &NameIndex,
) -> Result<Option<TenantId>, OptionRefused> {
    let Some(keys) = &directory.keys else { return Ok(None) };
    let mut given = false;
    for key in keys_of(headers) {
        given = true;
        if let Some(&tenant) = keys.get(key) {
            return Ok(Some(tenant));
        }
    }
    let message = if given {
        "the key of this request is invalid"
    } else {
        "this gateway requires a key: send `Authorization: Bearer KEY`, `x-api-key: KEY` or \
         `api-key: KEY`"
    };
    Err((StatusCode::UNAUTHORIZED, ApiError::of(FailureClass::Auth, "").with_message(message)))
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
fn bearer(value: &str) -> Option<&str> {
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
