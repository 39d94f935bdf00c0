//! The state of a gateway as lines for a person.

use serde_json::Value;

/// Groups, their deployments, and budgets.
pub(super) fn lines(state: &Value) -> Vec<String> {
    let ready = match (state["ready"].as_bool(), state["reason"].as_str()) {
        (Some(true), _) => "ready".to_owned(),
        (_, reason) => format!("not ready: {}", reason.unwrap_or("unknown")),
    };
    let paused = if state["paused"] == true { ", paused" } else { "" };
    let mut lines = vec![format!(
        "squall {}, {ready}{paused}, {} in flight, up {:.0} s",
        word(state, "version"),
        state["in_flight"],
        state["uptime_seconds"].as_f64().unwrap_or_default(),
    )];
    for group in list(state, "groups") {
        lines.push(group_line(group));
        lines.extend(list(group, "deployments").map(deployment_line));
    }
    for budget in list(state, "budgets") {
        let dollars = |name: &str| budget[name].as_f64().unwrap_or_default();
        lines.push(format!(
            "budget {}: ${:.2} of ${:.2}{}",
            word(budget, "name"),
            dollars("spent_dollars"),
            dollars("limit_dollars"),
            seconds(&budget["ends_in_seconds"], ", begins anew in "),
        ));
    }
    lines
}

fn group_line(group: &Value) -> String {
    let mut line = format!("group {}: {}", word(group, "name"), word(group, "strategy"));
    if let Some(pinned) = group["pinned"].as_str() {
        line.push_str(&format!(", pinned to {pinned}"));
    }
    if group["queued"].as_u64().is_some_and(|queued| queued > 0) {
        line.push_str(&format!(", {} queued", group["queued"]));
    }
    let fallbacks: Vec<_> = list(group, "fallbacks").filter_map(Value::as_str).collect();
    if !fallbacks.is_empty() {
        line.push_str(&format!(", falls back to {}", fallbacks.join(", ")));
    }
    line.push_str(&limits(&group["limits"]));
    line
}

fn deployment_line(deployment: &Value) -> String {
    let mut line = format!(
        "  {:<20} {:<12} weight {}, {} in flight",
        word(deployment, "name"),
        word(deployment, "state"),
        deployment["weight"],
        deployment["in_flight"],
    );
    if deployment["drained"] == true {
        line.push_str(", drained");
    } else if deployment["weight"] != deployment["configured_weight"] {
        line.push_str(&format!(" (configured: {})", deployment["configured_weight"]));
    }
    line.push_str(&seconds(&deployment["weight_ends_in_seconds"], ", as configured in "));
    if deployment["healthy"] == false {
        line.push_str(", health checks fail");
    }
    let cooldown = &deployment["cooldown"];
    if !cooldown.is_null() {
        let cause = cooldown["cause"].as_str().unwrap_or("unknown");
        line.push_str(&format!(", cooling down after `{cause}`"));
        line.push_str(&seconds(&cooldown["ends_in_seconds"], ", for "));
    }
    line.push_str(&seconds(&deployment["spend_exhausted_for_seconds"], ", budget exhausted for "));
    line.push_str(&limits(&deployment["limits"]));
    line
}

/// `, requests 4 of 60`.
fn limits(limits: &Value) -> String {
    let of = ["requests", "tokens", "concurrency"].into_iter().filter_map(|name| {
        let limit = limits.get(name).filter(|limit| !limit.is_null())?;
        Some(format!(", {name} {} of {}", limit["used"], limit["allowed"]))
    });
    of.collect()
}

fn seconds(value: &Value, before: &str) -> String {
    value.as_f64().map(|seconds| format!("{before}{seconds:.0} s")).unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
