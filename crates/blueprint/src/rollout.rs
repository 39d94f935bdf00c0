//! The scenario that the checklist rehearses: the old path, one provider called directly, beside the new one.

use crate::design::Design;
use crate::numbers::{comment, short};
use crate::outage::{self, OutageTimes};
use crate::scenario_text::ScenarioDraft;
use core::fmt::Write as _;
use squall_config_file::name::quoted;

/// The group of the old path.
pub(crate) const OLD_PATH: &str = "direct";

/// The name of the old path, which the new one may have taken.
pub(crate) fn old_path(design: &Design<'_>) -> String {
    let taken = design.mix.group == OLD_PATH || design.mix.fallback_group() == OLD_PATH;
    if taken { format!("{OLD_PATH}-old") } else { OLD_PATH.to_owned() }
}

pub(crate) fn text(design: &Design<'_>) -> (String, String) {
    let (rate, largest) = (design.usual, design.mix.largest());
    let times = OutageTimes::new(design, rate);
    let mut draft = ScenarioDraft {
        name: "rollout".to_owned(),
        description: format!("The day after the rollout: {} is down for a while.", largest.name),
        rate: short(rate),
        why_rate: "Every day's traffic: a rollout is not planned for the day of the peak."
            .to_owned(),
        more_groups: direct(design),
        ..ScenarioDraft::default()
    };
    draft.about.push(format!(
        "What checklist.yaml rehearses: the feature moves from `{}`, called directly (group `{}`), to the router. Run by \
         itself it is the day after: all traffic on the new path at {} requests per second, and an outage of `{}`.",
        largest.name,
        old_path(design),
        short(rate),
        largest.name
    ));
    let domains = design.mix.domains();
    let domain = domains.iter().find(|domain| domain[0].domain == largest.domain);
    outage::outage(design, domain.map_or(&[], Vec::as_slice), rate, &times, &mut draft);
    draft.written(design)
}

/// The old path.
fn direct(design: &Design<'_>) -> String {
    let largest = design.mix.largest();
    let patience = design.patience();
    let name = old_path(design);
    let mut out = comment(
        "    ",
        "The old path: one provider without retries and cooldowns, as an application calls it. It is not in gateway.yaml.",
    );
    let _ = writeln!(out, "    {}:", quoted(&name));
    let _ = writeln!(out, "      retries: 0\n      cooldown: never");
    let _ = writeln!(
        out,
        "      timeouts: {{ connect: 2s, first_token: {patience}s, between_tokens: {patience}s, total: {patience}s }}"
    );
    let _ = writeln!(
        out,
        "      deployments:\n        - {{ name: {}, provider: {}, model: {} }}",
        quoted(&format!("{name}-{}", largest.name)),
        quoted(&largest.name),
        quoted(&largest.model)
    );
    out
}
