//! Keys of providers and tenants.

use crate::diagnostic::Problems;
use crate::model::ApiKey;
use crate::node::Node;
use crate::schema::Schema;
use crate::settings::{ValueKind, Written};
use crate::unit::Misfit;
use crate::value;

/// A key of a provider or a tenant.
pub(crate) struct Secret;

impl ValueKind for Secret {
    type Value = Option<ApiKey>;

    fn shape(&self) -> Schema {
        Schema::Secret
    }

    fn read(&self, node: &Node, _: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        value::parsed(node, &Schema::Secret, problems, api_key).map(Some)
    }

    fn write(&self, key: &Self::Value) -> Written {
        match key {
            None => Written::Unset,
            Some(ApiKey::Environment(name)) => Written::text(format!("${name}")),
            Some(ApiKey::Literal(key)) => Written::Secret(key.clone()),
        }
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "none".to_owned()
    }
}

/// A key without the white space around it, which a file that holds it often ends with.
///
/// # Errors
/// Why it can be no key, as a sentence goes on after it; never with what it says.
pub fn check_key(text: &str) -> Result<&str, String> {
    let key = text.trim();
    if key.is_empty() {
        return Err("is empty".to_owned());
    }
    match key.chars().position(|c| !matches!(c, ' '..='~')) {
        None => Ok(key),
        Some(place) => Err(format!(
            "cannot be sent in a header: its character {} of {} is not one of ASCII's visible ones",
            place + 1,
            key.chars().count()
        )),
    }
}

pub(crate) fn api_key(text: &str) -> Result<ApiKey, Misfit> {
    let Some(name) = text.strip_prefix('$') else {
        let key =
            check_key(text).map_err(|why| Misfit::new(format!("this key {why}"), "no key"))?;
        return Ok(ApiKey::Literal(key.to_owned()));
    };
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits {
        return Ok(ApiKey::Environment(name.to_owned()));
    }
    let message = format!("`{text}` is not the name of an environment variable");
    Err(Misfit::new(message, "expected `$` and a name such as `$OPENAI_API_KEY`"))
}
