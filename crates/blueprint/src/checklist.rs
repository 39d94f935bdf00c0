//! The checklist of the rollout.

use crate::design::Design;
use crate::mix::MixDeployment;
use crate::numbers::{comment, duration, percent, short};
use crate::outage::domain_name;
use crate::rollout::old_path;
use core::fmt::Write as _;
use squall_config_file::name::quoted;

/// The smallest normal error rate that steps are sized by: a smaller one takes days at 1 %.
const DETECT_LEAST: f64 = 0.001;
/// The error rate that is too high, as a multiple of the normal one, and at most.
const DETECT_TIMES: f64 = 10.0;
const DETECT_MOST: f64 = 0.2;
/// Requests that show such a rise, times the normal error rate: 156 from 1 % to 10 % (docs/ROLLOUTS.md), and half as
/// many again.
const REQUESTS: f64 = 2.4;
/// The shortest step, in seconds.
const STEP: u64 = 600;

pub(crate) fn text(design: &Design<'_>) -> String {
    let mut out = comment(
        "",
        &format!(
            "The rollout of `{}`: {}. Rehearse it: squall rehearse checklist.yaml. Items are gone through in order; the \
             first failure ends it. Manual items are confirmed on a terminal, and skipped in CI.",
            design.mix.group,
            design.in_words()
        ),
    );
    let (from, to) = detected(design);
    let _ = writeln!(out, "name: rollout-{}", folder_name(&design.mix.group));
    out.push_str("scenario: scenarios/rollout.yaml\n");
    out.push_str("# The old path and the new one: groups of that scenario. Requests are of the kind `old` or `new`.\n");
    let _ = writeln!(out, "from: {}\nto: {}", quoted(&old_path(design)), quoted(&design.mix.group));
    let _ = writeln!(out, "rate: {}", short(design.usual));
    out.push_str(&comment(
        "",
        "Every step lasts long enough to tell this rise of the error rate from chance, at a false-alarm rate of 1 in \
         1,000. The normal rate is what the SLO allows, or 0.1 %, below which steps take days.",
    ));
    let _ = writeln!(out, "detect: {{ from: {}, to: {} }}", percent(from), percent(to));
    gate(design, &mut out);
    out.push_str("items:\n");
    before(design, &mut out);
    steps(design, from, &mut out);
    out.push_str("\n  # After.\n");
    manual(
        "The old path stays deployed, and is tested weekly, until the new path has survived a real outage.",
        &mut out,
    );
    out
}

/// The rise of the error rate that steps detect.
fn detected(design: &Design<'_>) -> (f64, f64) {
    let from = design.may_fail().clamp(DETECT_LEAST, DETECT_MOST / 2.0);
    let four = |share: f64| (share * 1e6).round() / 1e6;
    (four(from), four((from * DETECT_TIMES).min(DETECT_MOST)))
}

fn folder_name(text: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    text.chars().map(fits).collect()
}

fn gate(design: &Design<'_>, out: &mut String) {
    out.push_str(
        "# What has to hold in every step, while a provider fails in the middle of it.\ngate:\n",
    );
    let _ = writeln!(out, "  - success_rate(new) >= {}", design.slo());
    if let Some(ttft) = design.options.slo_ttft {
        let _ = writeln!(out, "  - p95 of ttft_p95(new) over seeds <= {}", duration(ttft));
    }
    out.push_str("  - retry_amplification(new) <= 1.2\n");
}

fn manual(text: &str, out: &mut String) {
    let _ = writeln!(out, "  - manual: {}", quoted(text));
}

fn before(design: &Design<'_>, out: &mut String) {
    out.push_str("  # Before.\n");
    let variables = design.variables();
    if !variables.is_empty() {
        manual(
            &format!(
                "These variables hold what is for production, and each other environment has its own: {}.",
                variables.join(", ")
            ),
            out,
        );
    }
    let limits: Vec<_> = design.mix.all().filter(|each| each.has_rate_limit()).collect();
    if !limits.is_empty() {
        let limits = limits.iter().map(|each| {
            let both: Vec<_> = each.rate_limits().collect();
            format!("{} {}", each.name, both.join(" and "))
        });
        let limits: Vec<_> = limits.collect();
        manual(&format!("The vendors' consoles show these limits: {}.", limits.join(", ")), out);
    }
    let models = design.mix.all().map(|each| format!("{} ({})", each.model, each.name));
    let models: Vec<_> = models.collect();
    manual(
        &format!(
            "Prompts, tools and structured outputs were tried with every model: {}.",
            models.join(", ")
        ),
        out,
    );
    manual(
        "Dashboards show /metrics: squall_requests_total by outcome, squall_time_to_first_token_seconds, \
         squall_weight_ratio, squall_limit_used and squall_limit_allowed, squall_tokens_total.",
        out,
    );
    manual(
        &format!(
            "Alerts reach the on-call engineer: failed requests burn the error budget of {} 14 times too fast, \
             squall_deployment_state says that a deployment is out for minutes, squall_retry_budget_exhausted_total rises.",
            percent(design.may_fail())
        ),
        out,
    );
    if let Some(budget) = &design.options.budget {
        manual(
            &format!(
                "An alert fires at 80 % of ${} per {} (squall_spend_budget_spent_dollars).",
                budget.amount,
                budget.period()
            ),
            out,
        );
    }
    manual("The runbook states who may roll back, and how.", out);
    statics(design, out);
    let _ = writeln!(
        out,
        "  - baseline: {{ dwell: 10m, gate: [ success_rate(old) >= {} ] }}",
        design.slo()
    );
}

/// What the mix cannot pass is waived with the reason, which the sign-off shows.
fn statics(design: &Design<'_>, out: &mut String) {
    let mut waived = Vec::new();
    if design.mix.all().count() == 1 {
        let reason = "one provider: its outage is a total outage, see scenarios/outage-*.yaml";
        waived.push(format!("other_provider: {}", quoted(reason)));
    }
    let domains = design.mix.domains();
    let short_of = domains.iter().find(|domain| !rpm_carries(design, domain[0]));
    if let Some(domain) = short_of {
        let reason = format!(
            "without {} the limits admit {} of {}",
            domain_name(domain),
            design.admitted_in_words(Some(domain[0].domain)),
            short(design.usual)
        );
        waived.push(format!("n_minus_one: {}", quoted(&reason)));
    }
    if design.time_outs().0 * 2 > design.patience() {
        let reason =
            "the models are so slow that two attempts do not fit into the patience of clients";
        waived.push(format!("deadline: {}", quoted(reason)));
    }
    match waived.is_empty() {
        true => out.push_str("  - static: {}\n"),
        false => {
            let _ = writeln!(out, "  - static: {{ waive: {{ {} }} }}", waived.join(", "));
        }
    }
}

/// Whether the others' limits carry every day's traffic without one deployment.
fn rpm_carries(design: &Design<'_>, without: &MixDeployment) -> bool {
    let others = design.mix.all().filter(|each| each.name != without.name);
    let admits = |each: &MixDeployment| each.rpm.map_or(f64::INFINITY, |rpm| rpm as f64 / 60.0);
    others.map(admits).sum::<f64>() >= design.usual
}

/// A kind of fault of a step, and whether it cuts the answers that are under way.
struct StepFault {
    text: &'static str,
    seconds: u64,
    cuts: bool,
}

const FAULTS: [StepFault; 5] = [
    StepFault { text: "error: 503", seconds: 120, cuts: false },
    StepFault { text: "outage: refuse", seconds: 120, cuts: true },
    SLOWDOWN,
    StepFault { text: "throttle: { retry_after: 5s }", seconds: 60, cuts: false },
    StepFault { text: "outage: blackhole", seconds: 30, cuts: true },
];
/// Short, so that slow answers stay below one in twenty.
const SLOWDOWN: StepFault = StepFault { text: "slowdown: 2x", seconds: 20, cuts: false };
/// Of the requests that may fail in a step, the part that a fault may cut.
const CUT_OF_LOST: f64 = 1.0 / 3.0;
/// Minutes of a step at most: a fault that cuts answers and needs more is another one.
const STEP_MOST: u64 = 360;

fn steps(design: &Design<'_>, from: f64, out: &mut String) {
    out.push_str("\n  # A few users first, and a fault in the middle of each step.\n");
    step(design, from, ("step", "1%", 0.01), 0, out);
    manual("The cost and the answers of the first step were compared with the old path.", out);
    step(design, from, ("step", "5%", 0.05), 1, out);
    step(design, from, ("step", "25%", 0.25), 2, out);
    out.push_str("\n  # The way back, before half of all users are on the new path.\n");
    step(design, from, ("rollback", "25%", 0.25), 0, out);
    out.push('\n');
    step(design, from, ("step", "50%", 0.5), 3, out);
    step(design, from, ("step", "100%", 1.0), 4, out);
}

/// An item with a share of the traffic on the new path, and the fault at `place` at one provider after the other.
fn step(
    design: &Design<'_>,
    from: f64,
    (kind, share, part): (&str, &str, f64),
    place: usize,
    out: &mut String,
) {
    let domains = design.mix.domains();
    let is_primary = |domain: &&Vec<&MixDeployment>| {
        design.mix.deployments.iter().any(|each| each.name == domain[0].name)
    };
    let primaries: Vec<_> = domains.iter().filter(is_primary).collect();
    let domain = primaries[place % primaries.len()];
    let shared: f64 = domain.iter().map(|each| each.share).sum();
    let requests = (REQUESTS / from).max(design.requests_for_ttft());
    let seconds = (requests / (design.usual * part)).ceil() as u64;
    let usual = seconds.max(STEP).div_ceil(60);
    // Answers that are under way when a provider dies cannot be saved: the step is so long that they do not decide it.
    let answer = domain[0].speed.seconds(design.options.output_tokens);
    let cut = (shared * answer / (CUT_OF_LOST * design.may_fail())).ceil() as u64;
    let with_cut = usual.max(cut.div_ceil(60));
    // What would lose everything is measured by scenarios/outage-*.yaml, and stops no rollout.
    let loses = !design.carries(design.usual, Some(domain[0].domain)) || domain.len() > 1;
    let fault = match &FAULTS[place] {
        _ if loses => &SLOWDOWN,
        fault if fault.cuts && with_cut > STEP_MOST => &FAULTS[0],
        fault => fault,
    };
    let minutes = if fault.cuts { with_cut } else { usual };
    let dwell = match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    };
    let within = match kind {
        "rollback" => format!("within: {}s, ", design.patience()),
        _ => String::new(),
    };
    let _ = writeln!(
        out,
        "  - {kind}: {{ share: {share}, dwell: {dwell}, {within}fault: {{ provider: {}, for: {}s, {} }} }}",
        quoted(&domain[0].name),
        fault.seconds,
        fault.text
    );
}
