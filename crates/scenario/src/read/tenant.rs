//! Tenants: whoever has limits of their own.

use super::gateway::api_key;
use super::limits::{self, REQUEST_LIMITS};
use super::router::Router;
use crate::fields::Fields;
use crate::shape::{Key, Section, Shape};
use squall_router::TenantConfig;

/// A tenant.
pub(crate) static TENANT: Section = Section {
    id: "tenant",
    phrase: "a tenant",
    about: "A tenant: one team among several, with limits of its own.",
    keys: &[&[
        Key::optional(
            "limits",
            Shape::Section(&REQUEST_LIMITS),
            "no limits",
            "How much it is given.",
        ),
        Key::optional(
            "key",
            Shape::Secret,
            "none",
            "In gateway files: the key by which it is known, or `$NAME` for the environment variable that \
             holds it.",
        ),
    ]],
};

/// Reads the tenants under `tenants`.
pub(crate) fn tenants(fields: &Fields<'_>, router: &mut Router) {
    for entry in fields.named("tenants") {
        let Some(tenant) = Fields::open(&entry.value, &TENANT, fields.problems) else { continue };
        router.tenants.add(&entry.key, &entry.key_span, fields.problems);
        let limits = limits::of_router(&tenant);
        router.config.tenants.push(TenantConfig { name: entry.key.clone(), limits });
        router.keys.push(tenant.parsed("key", |shape| matches!(shape, Shape::Secret), api_key));
    }
}
