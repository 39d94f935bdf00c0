//! The scenario of the day on which the feature goes viral, and every provider is well.

use crate::design::Design;
use crate::numbers::{dollars, duration, percent, short};
use crate::scenario_text::ScenarioDraft;
use squall_config_file::name::is_name;

/// Seconds of the calm at least, of the rise, of the peak, and of the way back.
const CALM: f64 = 60.0;
const RISE: u64 = 60;
const PEAK: u64 = 120;
const FALL: u64 = 120;
/// First attempts that show whether the weights hold.
const ENOUGH: f64 = 360.0;

pub(crate) fn text(design: &Design<'_>) -> (String, String) {
    let (usual, peak) = (short(design.usual), short(design.peak));
    let calm = CALM.max(ENOUGH / design.usual).ceil() as u64;
    let (top, fall) = (calm + RISE, calm + RISE + PEAK);
    let mut draft = ScenarioDraft {
        name: "viral-spike".to_owned(),
        description: format!("From {usual} to {peak} requests per second within a minute, all providers well."),
        phases: vec![
            ("calm", 0, calm),
            ("rise", calm, top),
            ("peak", top, fall),
            ("fall", fall, fall + FALL),
        ],
        rate: format!(
            "[ {{ at: 0s, rps: {usual} }}, {{ at: {calm}s, ramp: {{ to: {peak}, over: {RISE}s }} }}, {{ at: {fall}s, \
             ramp: {{ to: {usual}, over: {FALL}s }} }} ]"
        ),
        why_rate: "A launch: up within a minute, and two minutes at the peak, longer than any bucket of a limit per \
                   minute lasts."
            .to_owned(),
        ..ScenarioDraft::default()
    };
    about(design, &mut draft);
    let slo = design.slo();
    draft.expect("The SLO, over the whole day.", format!("success_rate >= {slo}"));
    draft.expect("And at the peak by itself.", format!("success_rate >= {slo} during peak"));
    if let Some(ttft) = design.options.slo_ttft {
        let ttft = duration(ttft);
        draft.expect(
            "95 % of streams begin within the time that was promised.",
            format!("ttft_p95 <= {ttft}"),
        );
    }
    weights(design, &mut draft);
    draft.expect(
        "Limits are kept by going elsewhere, not by trying again.",
        "retry_amplification <= 1.1",
    );
    if let Some((allowed, expected)) = design.thousand() {
        draft.expect(
            format!(
                "The budget for as many requests as {usual} per second are: {} for a thousand; expected are {}.",
                dollars(allowed),
                dollars(expected)
            ),
            format!("cost_per_thousand <= {}", dollars(allowed)),
        );
    }
    draft.written(design)
}

fn about(design: &Design<'_>, draft: &mut ScenarioDraft) {
    let peak = short(design.peak);
    draft.about.push(format!(
        "The feature goes viral: {} requests per second become {peak}. Do users notice?",
        short(design.usual)
    ));
    let admitted = design.admitted_in_words(None);
    draft.about.push(match design.carries(design.peak, None) {
        true => format!("All limits together admit {admitted}; the peak is {peak}."),
        false => format!(
            "NOT ENOUGH CAPACITY: all limits together admit {admitted}, and the peak is {peak}: about {} of the peak's \
             requests have nowhere to go. This scenario is missed until limits are raised, the peak is lower, or \
             another provider joins. `squall plan scenarios/viral-spike.yaml --vary traffic.rate.1.ramp.to` finds how \
             far it goes.",
            percent(((1.0 - design.mix.admits(None) / design.peak).max(0.0) * 100.0).round() / 100.0)
        ),
    });
}

fn weights(design: &Design<'_>, draft: &mut ScenarioDraft) {
    let group = &design.mix.group;
    // Expectations name groups by plain names alone.
    if design.mix.deployments.len() < 2 || !is_name(group) {
        return;
    }
    let over =
        design.mix.deployments.iter().find(|each| design.usual * each.share > each.admits * 0.9);
    match over {
        None => draft.expect(
            "While all are well, traffic follows the weights.",
            format!("weight_adherence({group}) >= 97% during calm"),
        ),
        Some(over) => draft.about.push(format!(
            "Even the usual traffic is more than the limits of `{}` admit of its share, so the weights do not hold: \
             nothing is expected of them.",
            over.name
        )),
    }
}
