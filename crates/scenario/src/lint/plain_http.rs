//! `plain-http`: a provider's key is sent over HTTP without TLS to another machine.

use super::context::{Lint, LintContext};
use crate::diagnostic::Problem;

pub(super) const LINT: Lint = Lint {
    id: "plain-http",
    about: "A provider's key is sent over HTTP without TLS to another machine.",
    why: "whoever sees the network sees the key",
    help: "call it by `https://`",
    find,
};

/// Hosts that are this machine.
const LOCAL: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];

fn find(context: &LintContext<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for provider in context.providers() {
        let Some(url) = provider.base_url.as_deref() else { continue };
        let Some(rest) = url.strip_prefix("http://") else { continue };
        let host = rest.split('/').next().unwrap_or(rest);
        let local = LOCAL.iter().any(|local| {
            host.strip_prefix(local).is_some_and(|port| port.is_empty() || port.starts_with(':'))
        });
        if local || !provider.has_key {
            continue;
        }
        let message = format!("the key of `{}` is sent to {host} without TLS", provider.name);
        let place = context.places().provider(&provider.name, "base_url");
        found.push(Problem::new(&place, message, "not encrypted"));
    }
    found
}
