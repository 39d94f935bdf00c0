//! The readers: a file each for the sections of a file, its table of keys beside the function that
//! reads it.

mod abort_rule;
mod arrivals;
mod capacity;
mod cases;
mod change;
mod checklist;
mod checks;
mod client;
mod cooldown;
mod decision_log;
mod deployment;
mod distribution;
mod fallback;
mod fault;
mod gateway;
mod gateway_cost;
mod known;
mod latency;
mod limits;
mod litellm;
mod mix;
mod mock;
mod money;
mod names;
mod parts;
mod phases;
mod policy;
mod provider;
mod rate;
mod replicas;
mod retry;
mod router;
mod scenario;
mod secret;
mod server;
mod shared_state;
mod sources;
mod start;
mod strategy;
mod target;
mod tenant;
mod tls;
mod trace;
mod traffic;
mod warm_up;

pub use arrivals::arrival_words;
pub use cases::CaseScenario;
pub(crate) use checklist::CHECKLIST;
pub(crate) use deployment::SETTINGS as DEPLOYMENT_SETTINGS;
pub(crate) use distribution::{DATA, QUANTILE_POINTS};
pub(crate) use fault::FAULT_NOW;
pub use fault::{FaultSample, fault_samples};
pub use gateway::variable_of_url;
pub(crate) use gateway::{GATEWAY, SETTINGS as GATEWAY_SETTINGS, UPSTREAM};
pub(crate) use known::KnownNames;
pub(crate) use latency::preset;
pub use latency::{LatencyPreset, latency_preset};
pub(crate) use mock::MOCK;
pub(crate) use money::written_budget;
pub(crate) use policy::{POLICIES, usual_queue_wait};
pub(crate) use router::{GROUP_LIMITS, OVER_ALL, ROUTER};
pub(crate) use scenario::SCENARIO;
pub(crate) use secret::Secret;
pub use secret::check_key;
pub(crate) use sources::names as source_names;
pub(crate) use tenant::SETTINGS as TENANT_SETTINGS;

use crate::diagnostic::{Diagnostics, Problems};
use crate::fields::Fields;
use crate::former_names;
use crate::schema::Section;
use crate::yaml;
use squall_determinism::Timestamp;
use squall_provider::FaultConfig;

/// Reads a whole file as `section` with `read`, whose value counts only if there was no problem.
pub(crate) fn file<T>(
    path: &str,
    text: &str,
    section: &'static Section,
    read: impl FnOnce(Fields<'_>) -> Option<T>,
) -> Result<T, Diagnostics> {
    let problems = Problems::default();
    let value = yaml::parse(text, &problems).and_then(|mut node| {
        // What is out of date is told by `warnings`, once for a file and not with every reading of it.
        former_names::replace(&mut node, section, &problems);
        read(Fields::open(&node, section, &problems)?)
    });
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(Diagnostics::new(path, text, problems.into_vec())),
    }
}

/// Reads one fault that begins `now`, or so long after it as `at` says: `{ for: 30s, error: 503 }`, with or
/// without its braces.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn read_fault(text: &str, now: Timestamp) -> Result<FaultConfig, Diagnostics> {
    let text = text.trim();
    let braced = text.starts_with('{') || text.contains('\n');
    let text = if braced { text.to_owned() } else { format!("{{ {text} }}") };
    file("fault", &text, &FAULT_NOW, |fields| fault::fault_now(&fields, now))
}

#[cfg(test)]
pub(crate) mod tests;
