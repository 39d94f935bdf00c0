//! Tenants: whoever has limits of their own.

use super::limits::RequestLimits;
use super::names::RouterSection;
use super::secret::Secret;
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::ApiKey;
use crate::schema::{Key, Schema, Section};
use crate::settings::{ValueKind, settings};
use core::ops::Range;
use squall_router::TenantConfig;
use std::collections::BTreeMap;

/// A tenant.
pub(crate) static TENANT: Section = Section {
    id: "tenant",
    phrase: "a tenant",
    about: "A tenant, such as a team, with its own limits.",
    keys: &[
        SETTINGS.keys,
        &[Key::optional(
            "key",
            Schema::Secret,
            "none",
            "In gateway files: its API key, or `$NAME` for the environment variable that holds \
             it.",
        )],
    ],
};

settings! {
    /// The settings of a tenant.
    pub(crate) static SETTINGS: TenantConfig;
    /// Its limits.
    limits: RequestLimits;
}

/// Reads the tenants under `tenants`.
pub(crate) fn tenants(fields: &Fields<'_>, router: &mut RouterSection) {
    let mut keys: BTreeMap<String, Range<usize>> = BTreeMap::new();
    for entry in fields.named("tenants") {
        let Some(tenant) = Fields::open(&entry.value, &TENANT, fields.problems) else { continue };
        router.tenants.add(&entry.key, &entry.key_span, fields.problems);
        let mut config = TenantConfig { name: entry.key.clone(), ..TenantConfig::default() };
        SETTINGS.read(&tenant, &mut config);
        router.config.tenants.push(config);
        let key =
            tenant.get("key").and_then(|node| Secret.read(node, &None, tenant.problems)).flatten();
        if let Some(own) = &key {
            let span = tenant.key_span("key");
            // A key that is written out is its own name here: the file holds it anyway.
            let word = match own {
                ApiKey::Literal(key) => format!("={key}"),
                ApiKey::Environment(name) => format!("${name}"),
            };
            match keys.get(&word) {
                Some(first) => fields.problems.push(
                    Problem::new(
                        span,
                        format!("the key of `{}` is another tenant's", entry.key),
                        "again here",
                    )
                    .related(first, "first here")
                    .help("tenants are identified by key: each needs its own"),
                ),
                None => {
                    keys.insert(word, span.clone());
                }
            }
        }
        router.keys.push(key);
    }
}
