//! The router of a blueprint, with the reason of every value.

use crate::design::Design;
use crate::mix::MixDeployment;
use crate::numbers::{comment, percent, short};
use core::fmt::Write as _;
use squall_config_file::name::quoted;
use squall_wire::Format;

/// The name of the spend budget.
const BUDGET: &str = "spend";

pub(crate) fn router(design: &Design<'_>) -> String {
    let mut out = String::from("router:\n");
    policies(design, &mut out);
    if let Some(budget) = &design.options.budget {
        out.push_str(&comment(
            "  ",
            "When this much is spent, whatever has a price takes no more requests until the period ends. Keep the count \
             over restarts with `squall gateway --spend-state FILE`.",
        ));
        let _ = writeln!(
            out,
            "  budgets:\n    {BUDGET}: {{ limit: ${}, period: {} }}",
            budget.amount,
            budget.period()
        );
        if design.mix.all().all(|each| each.price.is_some()) {
            out.push_str(&comment(
                "  ",
                "Meant: when the budget is spent every request fails. Alert on squall_spend_budget_spent_dollars long \
                 before, or add a `--fallback` that costs nothing.",
            ));
        }
    }
    allowed(design, &mut out);
    numbers(design, &mut out);
    out.push_str("  groups:\n");
    let mix = &design.mix;
    group(design, &mix.group, &mix.deployments, &mut out);
    if !mix.fallbacks.is_empty() {
        out.push_str(&comment(
            "      ",
            "The next group is asked when none of these can serve a request: all of them down, cooling down, or at \
             their limits. Nothing waits in a queue before that.",
        ));
        let _ = writeln!(out, "      fallback: [{}]", quoted(&mix.fallback_group()));
        group(design, &mix.fallback_group(), &mix.fallbacks, &mut out);
    }
    out
}

/// What `squall config check` would find, and is meant.
fn allowed(design: &Design<'_>, out: &mut String) {
    let mut allowed = Vec::new();
    if design.options.budget.is_some() && design.mix.all().all(|each| each.price.is_some()) {
        allowed.push("budget-stops-group");
    }
    let first = design.mix.largest().domain;
    if !design.has_way_out(first) {
        out.push_str(&comment(
            "  ",
            "Meant, until there is a second provider: nothing to fall back to. While the provider fails, requests wait \
             for up to 10s for a probe to succeed, and fail then; scenarios/outage-*.yaml measures how many.",
        ));
        allowed.push("no-fallback");
        if design.mix.all().count() == 1 {
            allowed.push("sole-deployment-ejected");
        }
    }
    if !allowed.is_empty() {
        let _ = writeln!(out, "  allow: [{}]", allowed.join(", "));
    }
}

fn policies(design: &Design<'_>, out: &mut String) {
    let (first_token, total) = design.time_outs();
    let patience = design.patience();
    out.push_str(&comment(
        "  ",
        "Retries: two, each at a deployment that was not tried yet; with a backoff (full jitter, as in the vendors' \
         SDKs) only where there is none left. All retries together stay below a fifth of the requests, so that they \
         cannot multiply an outage.",
    ));
    out.push_str("  retries: 2\n  backoff: { base: 500ms, cap: 8s }\n");
    out.push_str("  retry_budget: { ratio: 20%, min_per_second: 10, window: 10s }\n");
    out.push_str(&comment(
        "  ",
        "Cooldowns. After a 429, a deployment gets nothing until its Retry-After is over (1s if it says none). After \
         five failures in a row, or half of at least ten in 10s, it gets nothing for 2s, then one probe; each failed \
         probe doubles that, up to 10s, so that a provider that is back has its traffic within seconds.",
    ));
    out.push_str("  cooldown:\n    throttled: { default: 1s, max: 10m }\n    failure: ");
    out.push_str(
        "{ consecutive: 5, share: 50%, min_attempts: 10, window: 10s, base: 2s, cap: 10s }\n",
    );
    out.push_str(&comment(
        "  ",
        &format!(
            "Time-outs. A first token may take {first_token}s: the slowest 1 % of the measured models take up to 4.8s, \
             and two attempts fit into the {patience}s for which clients wait (the deadline). Reasoning models that \
             think in silence need more."
        ),
    ));
    let _ = writeln!(
        out,
        "  timeouts: {{ connect: 2s, first_token: {first_token}s, between_tokens: 10s, total: {total}s }}\n  \
         deadline: {patience}s"
    );
}

/// What the numbers of deployments are, said once.
fn numbers(design: &Design<'_>, out: &mut String) {
    if design.mix.all().any(MixDeployment::has_rate_limit) {
        out.push_str(&comment(
            "  ",
            "Limits are those of the vendors' consoles, per minute, requests and tokens of prompt and answer together. \
             `window: 10s` counts them in slices of ten seconds, as vendors do (Azure in 1 s or 10 s; `sliding`, the \
             last minute, where a slice is too small for a large request). `from_headers`: what a provider states in \
             its answers holds too, should a console's number be out of date.",
        ));
    }
    if design.mix.all().any(|each| each.price.is_some()) {
        out.push_str(&comment(
            "  ",
            "Prices are dollars per million tokens, from LiteLLM's price table unless you gave them: compare them with \
             your bill.",
        ));
    }
}

fn group(design: &Design<'_>, name: &str, deployments: &[MixDeployment], out: &mut String) {
    let _ = writeln!(out, "    {}:", quoted(name));
    if deployments.len() > 1 {
        out.push_str(&comment(
            "      ",
            "Smooth weighted round robin: every ten or hundred requests follow the weights, not only the average.",
        ));
        out.push_str("      strategy: smooth_weighted\n");
    }
    out.push_str("      deployments:\n");
    for each in deployments {
        deployment(design, each, out);
    }
}

fn deployment(design: &Design<'_>, each: &MixDeployment, out: &mut String) {
    const INDENT: &str = "          ";
    out.push_str(&comment("        ", &why(design, each)));
    let _ = writeln!(out, "        - name: {}", quoted(&each.name));
    let _ = writeln!(out, "{INDENT}provider: {}", quoted(&each.name));
    let _ = writeln!(out, "{INDENT}model: {}", quoted(&each.model));
    let _ = writeln!(out, "{INDENT}weight: {}", each.weight);
    if let Some(limits) = limits(design, each) {
        let _ = writeln!(out, "{INDENT}limits: {{ {limits} }}");
    }
    if let Some((input, output)) = &each.price {
        let _ = writeln!(out, "{INDENT}price: {{ input: ${input}, output: ${output} }}");
        if design.options.budget.is_some() {
            let _ = writeln!(out, "{INDENT}budgets: [{BUDGET}]");
        }
    }
}

/// Why its weight is what it is, and whether its limits let it have that at the peak.
fn why(design: &Design<'_>, each: &MixDeployment) -> String {
    let is_primary = design.mix.deployments.iter().any(|other| other.name == each.name);
    let admits = match each.admits {
        admits if admits.is_finite() => format!("its limits admit {}", short(admits)),
        _ => "no limit is known".to_owned(),
    };
    let share = percent((each.share * 1e3).round() / 1e3);
    if !is_primary {
        return format!("{share} of what falls back; per second, {admits}.");
    }
    let wants = design.peak * each.share;
    let verdict = match wants > each.admits {
        true if design.mix.deployments.len() > 1 => ": what is beyond goes to the others",
        true if !design.mix.fallbacks.is_empty() => ": what is beyond goes to the fallback",
        true => ": what is beyond waits, and fails",
        false => "",
    };
    format!("{share} of the requests: {} per second at the peak; {admits}{verdict}.", short(wants))
}

/// Its limits as files write them.
fn limits(design: &Design<'_>, each: &MixDeployment) -> Option<String> {
    let mut limits = Vec::new();
    limits.extend(each.rate_limits());
    if each.has_rate_limit() {
        limits.push(format!("window: {}", each.window(design.large_request())));
        if each.format != Format::Gemini {
            // Gemini states none.
            limits.push("from_headers: true".to_owned());
        }
    }
    limits.extend(each.concurrency.map(|most| format!("concurrency: {most}")));
    (!limits.is_empty()).then(|| limits.join(", "))
}
