//! A drill as a scenario's text.

use super::InitOptions;
use super::drill_request::DrillRequest;
use super::family;
use super::plan::{DrillGroup, DrillPlan, assumption};
use crate::LitellmFile;
use crate::read::ModelEntry;
use core::fmt::Write as _;
use squall_config_file::name::quoted;
use squall_router::{LitellmStrategy, Profile};

/// Requests per second at a deployment before its fault that show whether they go elsewhere.
const SEEN: f64 = 6.0;

pub(super) fn scenario(
    file: &LitellmFile,
    plan: &DrillPlan<'_>,
    options: &InitOptions,
    inline: &str,
) -> String {
    let mut out = String::new();
    let path = in_comment(&file.path);
    let _ =
        writeln!(out, "# A scenario for {path}, written by `squall init`. Adjust it as needed.");
    let _ = writeln!(out, "name: {}", folder_name(&options.name));
    out.push_str("seed: 1\n\n");
    phases(plan, &mut out);
    traffic(plan, &mut out);
    out.push_str("\nproviders:\n");
    for entry in &file.entries {
        provider(file, entry, plan, options, &mut out);
    }
    out.push('\n');
    out.push_str(&router_of(options, inline));
    expectations(file, plan, options, &mut out);
    out
}

fn phases(plan: &DrillPlan<'_>, out: &mut String) {
    let (calm, spike) = (plan.calm, plan.spike);
    let many = plan.has_many();
    let _ = writeln!(out, "phases:\n  calm: 0s..{calm}s\n  spike: {calm}s..{spike}s");
    for group in &plan.groups {
        let (from, to) = group.outage;
        let phase = group.phase(many);
        let _ = writeln!(out, "  {phase}: {from}s..{to}s");
        let after = phase.replacen("outage", "recovery", 1);
        let _ = writeln!(out, "  {after}: {to}s..{}s", group.until);
    }
    out.push('\n');
}

fn traffic(plan: &DrillPlan<'_>, out: &mut String) {
    let rps = plan.rps();
    let first = plan.groups.first().map_or("", |group| group.name);
    let _ = writeln!(out, "traffic:\n  group: {}", quoted(first));
    out.push_str(
        "  arrivals: poisson\n  # The spike is 60 % of what the limits of the groups allow.\n",
    );
    let half = rps / 2.0;
    let (calm, spike) = (plan.calm, plan.spike);
    let _ = writeln!(
        out,
        "  rate: [ {{ at: 0s, rps: {half:.1} }}, {{ at: {calm}s, rps: {rps:.1} }}, {{ at: {spike}s, rps: {half:.1} }} ]"
    );
    let workload = plan.groups.first().map_or(DrillRequest::Chat, |group| group.workload);
    sizes(if plan.has_many() { DrillRequest::Chat } else { workload }, "  ", out);
    let media = plan.groups.iter().any(|group| group.workload == DrillRequest::Media);
    let timeout = if media { 180 } else { 30 };
    let _ = writeln!(out, "  client: {{ timeout: {timeout}s }}");
    if plan.has_many() {
        mix(plan, out);
    }
}

fn sizes(workload: DrillRequest, indent: &str, out: &mut String) {
    let lines: &[&str] = match workload {
        DrillRequest::Chat => &[
            "prompt_tokens: { lognormal: { median: 420, p95: 1900 } }",
            "output_tokens: { lognormal: { median: 60, p95: 200 } }",
            "stream: 70%",
        ],
        DrillRequest::Embedding => &["prompt_tokens: 500", "output_tokens: 1", "stream: 0%"],
        DrillRequest::Media => &["prompt_tokens: 60", "output_tokens: 1", "stream: 0%"],
    };
    for line in lines {
        let _ = writeln!(out, "{indent}{line}");
    }
}

/// A kind of request for each group. Shares are hundredths of a percent, of which the largest gets what is left.
fn mix(plan: &DrillPlan<'_>, out: &mut String) {
    let rps = plan.rps();
    let mut shares: Vec<u64> =
        plan.groups.iter().map(|group| ((group.rps / rps * 1e4) as u64).max(1)).collect();
    let sum: u64 = shares.iter().sum();
    if let Some(most) = shares.iter_mut().max() {
        *most = (*most + 10_000).saturating_sub(sum);
    }
    out.push_str("  mix:\n");
    for (group, share) in plan.groups.iter().zip(shares) {
        let (whole, rest) = (share / 100, share % 100);
        let _ = writeln!(out, "    {}:\n      share: {whole}.{rest:02}%", group.kind);
        let _ = writeln!(out, "      group: {}", quoted(group.name));
        if group.workload != DrillRequest::Chat {
            sizes(group.workload, "      ", out);
        }
    }
}

fn provider(
    file: &LitellmFile,
    entry: &ModelEntry,
    plan: &DrillPlan<'_>,
    options: &InitOptions,
    out: &mut String,
) {
    let group = plan.groups.iter().find(|group| group.name == entry.group);
    let workload = group.map_or(DrillRequest::Chat, |group| group.workload);
    let latency = family::latency(entry, workload, options.ttft);
    let model = in_comment(&format!("{}/{}", entry.provider, entry.model));
    let _ = writeln!(out, "  {}:  # {model}", quoted(&entry.name));
    if let Some(shortest) = assumption(file, entry, latency.p95) {
        let _ = writeln!(
            out,
            "    # This time to the first token is assumed, and a time-out of {} s makes it matter: measure it,\n    \
             # and set it with `--ttft` or here.",
            shortest.as_secs_f64()
        );
    }
    let _ = writeln!(
        out,
        "    ttft: {{ lognormal: {{ median: {}ms, p95: {}ms }} }}",
        latency.median.as_millis(),
        latency.p95.as_millis()
    );
    let _ = writeln!(out, "    itl: {}ms", latency.between.as_millis());
    let above_zero = |limit: &u64| *limit > 0;
    let rpm = entry.rpm.filter(above_zero).map(|rpm| format!("rpm: {rpm}"));
    let tpm = entry.tpm.filter(above_zero).map(|tpm| format!("tpm: {tpm}"));
    let limits: Vec<_> = rpm.into_iter().chain(tpm).collect();
    if !limits.is_empty() {
        let _ = writeln!(out, "    limits: {{ {} }}", limits.join(", "));
    }
    if let Some(group) = group {
        faults(entry, group, plan, out);
    }
}

fn faults(entry: &ModelEntry, group: &DrillGroup<'_>, plan: &DrillPlan<'_>, out: &mut String) {
    let is_first = plan.groups.first().is_some_and(|first| first.name == group.name);
    if entry.name == group.largest {
        let (from, to) = group.outage;
        let half = (to - from) / 2;
        let _ = writeln!(
            out,
            "    # The largest deployment of `{}` answers 503, then refuses connections.",
            in_comment(group.name)
        );
        let _ = writeln!(out, "    faults:\n      - {{ at: {from}s, for: {half}s, error: 503 }}");
        let (at, long) = (from + half, to - from - half);
        let _ = writeln!(out, "      - {{ at: {at}s, for: {long}s, outage: refuse }}");
    } else if is_first && group.throttled == Some(entry.name.as_str()) {
        out.push_str(
            "    # A burst of 429s, as if another application used up the shared quota.\n",
        );
        let long = (plan.spike - plan.calm) / 5;
        let at = plan.calm + long;
        let _ = writeln!(out, "    faults:\n      - {{ at: {at}s, for: {long}s, error: 429 }}");
    }
}

fn router_of(options: &InitOptions, inline: &str) -> String {
    let Some(reference) = &options.reference else { return inline.to_owned() };
    let (reference, profile) = (quoted(reference), options.profile.as_str());
    format!("router: {{ litellm: {reference}, profile: {profile} }}\n")
}

fn expectations(file: &LitellmFile, plan: &DrillPlan<'_>, options: &InitOptions, out: &mut String) {
    out.push_str("\nexpect:\n  # Without faults, nearly all requests succeed.\n");
    out.push_str("  - success_rate >= 99% during calm\n");
    let many = plan.has_many();
    for group in &plan.groups {
        let of =
            if many { format!("success_rate({})", group.kind) } else { "success_rate".to_owned() };
        let name = in_comment(group.name);
        if group.has_way_out {
            let _ = writeln!(
                out,
                "  # While the largest deployment of `{name}` is down, the others and its fallbacks serve it."
            );
            let _ = writeln!(out, "  - {of} >= 90% during {}", group.phase(many));
            failover(file, plan, group, options, out);
        } else {
            let (from, to) = group.outage;
            let _ = writeln!(
                out,
                "  # `{name}` has one deployment and no fallback: there is nothing to fall back to. What comes in its\n  \
                 # {} s of outage is lost; this fails when more is.",
                to - from
            );
            let _ = writeln!(out, "  - {of} >= {}%", least(plan, group));
        }
    }
    if plan.groups.iter().all(|group| group.has_way_out) {
        out.push_str("  - retry_amplification <= 2\n");
    }
}

/// The share of a group's requests that succeed if those fail that come while it may fail, in whole percent.
fn least(plan: &DrillPlan<'_>, group: &DrillGroup<'_>) -> u64 {
    // The rate of the spike counts twice.
    let all = plan.end + (plan.spike - plan.calm);
    let lost = group.may_fail.min(all);
    (all - lost) * 100 / all
}

/// Where the traffic is seen to move, it moves soon. LiteLLM often keeps sending to a busy deployment that broke.
fn failover(
    file: &LitellmFile,
    plan: &DrillPlan<'_>,
    group: &DrillGroup<'_>,
    options: &InitOptions,
    out: &mut String,
) {
    let by_weight = file.settings.strategy == LitellmStrategy::SimpleShuffle;
    let seen = group.rps / 2.0 * group.share >= SEEN && group.share < 1.0;
    let is_first = plan.groups.first().is_some_and(|first| first.name == group.name);
    if by_weight && options.profile == Profile::Squall && seen && is_first {
        let _ = writeln!(out, "  - failover_time({}) <= 10s", group.largest);
    }
}

/// A text as it may stand in a comment: on one line.
fn in_comment(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || "\u{85}\u{2028}\u{2029}\u{feff}".contains(c) { ' ' } else { c }
    };
    text.chars().map(plain).collect()
}

/// A name that a folder can have.
fn folder_name(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = text.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.is_empty() { "litellm".to_owned() } else { name.to_owned() }
}
