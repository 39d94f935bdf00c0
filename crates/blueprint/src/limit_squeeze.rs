//! The scenario of limits that hold less than they promise: a quota that somebody else uses up, and a storm of 429s.

use crate::design::Design;
use crate::numbers::{percent, short};
use crate::outage::{least, served};
use crate::scenario_text::ScenarioDraft;

/// Seconds before, of the squeeze at least, between, of the storm at least, and after.
const BEFORE: u64 = 30;
const SQUEEZE: u64 = 60;
const BETWEEN: u64 = 30;
const STORM: u64 = 30;
const AFTER: u64 = 40;
/// How much of what the largest deployment takes its limit still admits.
const LEFT: f64 = 0.5;

pub(crate) fn text(design: &Design<'_>) -> (String, String) {
    let squeeze = Squeeze::new(design);
    let (rate, victim) = (design.peak, design.mix.largest());
    let name = &victim.name;
    let mut draft = ScenarioDraft {
        name: "limit-squeeze".to_owned(),
        description: format!(
            "{name} admits less than its limits say, and then nothing for a while."
        ),
        phases: squeeze.phases(),
        rate: short(rate),
        why_rate: "The peak, at which limits matter.".to_owned(),
        ..ScenarioDraft::default()
    };
    draft.about.push(format!(
        "The limits of `{name}`, the largest, hold less than they promise. {}Then every request there gets a 429 for \
         {} s, with a Retry-After. Do users notice?",
        match squeeze.cut {
            Some(cut) => format!(
                "First somebody else uses up the shared quota: {} of it is left, half of what `{name}` takes at {} \
                 requests per second. ",
                percent(cut),
                short(rate)
            ),
            None => String::new(),
        },
        squeeze.storm
    ));
    squeeze.faults(&mut draft, name);
    expectations(design, &squeeze, &mut draft);
    draft.expect(
        "Nothing is sent before a Retry-After is over.",
        format!("retry_after_honoured({name}) >= 99%"),
    );
    draft.expect(
        "It was throttled at all: otherwise the line above proves nothing.",
        format!("throttled({name}) >= 1"),
    );
    draft.written(design)
}

fn expectations(design: &Design<'_>, squeeze: &Squeeze, draft: &mut ScenarioDraft) {
    let slo = design.slo();
    let mut lost = Vec::new();
    let mut stretch = |phase: &str,
                       seconds: u64,
                       admits: f64,
                       part: f64,
                       draft: &mut ScenarioDraft| {
        if admits >= design.peak * 1.05 {
            draft.expect(
                format!("The SLO holds in the {phase}: the others admit what it does not."),
                format!("success_rate >= {slo} during {phase}"),
            );
        } else {
            draft.about.push(format!(
                "NOT ENOUGH IN THE {}: {} of {} requests per second are admitted; the rest is lost.",
                phase.to_uppercase(),
                short(admits),
                short(design.peak)
            ));
            lost.push((seconds, part));
        }
    };
    let victim = design.mix.largest();
    if squeeze.cut.is_some() {
        let admits = design.mix.admits(None) - victim.admits + squeeze.left;
        let part = (admits / design.peak).min(1.0) * 0.85;
        stretch("squeeze", squeeze.squeeze, admits, part, draft);
    }
    // A storm of one deployment: its siblings at the same vendor have limits of their own.
    let admits =
        design.mix.admits(None) - if victim.admits.is_finite() { victim.admits } else { 0.0 };
    let alone = design.mix.all().count() == 1;
    let admits = if alone { 0.0 } else { admits };
    let part = if alone {
        0.0
    } else {
        served(design, design.peak, None).min(admits / design.peak * 0.85)
    };
    stretch("storm", squeeze.storm, admits, part, draft);
    if lost.is_empty() {
        draft.expect(
            "Throttling is not failing: there are few retries.",
            design.amplification(design.peak, "1.1"),
        );
    } else {
        draft.expect(
            "The loss is documented, not accepted: this fails when it grows.",
            format!(
                "success_rate >= {}",
                percent(least(design, design.peak, squeeze.end(), &lost))
            ),
        );
    }
    if design.carries(design.peak, None) {
        draft.expect("Afterwards all is as before.", format!("success_rate >= {slo} during after"));
    }
}

/// What happens to the largest deployment, and when.
#[derive(Debug)]
struct Squeeze {
    /// The part of its limits that is left; `None` where it has none, or more than enough.
    cut: Option<f64>,
    /// Requests per second that that is.
    left: f64,
    squeeze: u64,
    storm: u64,
    after: u64,
}

impl Squeeze {
    fn new(design: &Design<'_>) -> Self {
        let victim = design.mix.largest();
        let takes = design.takes(victim, design.peak);
        let cut = (takes * LEFT / victim.admits * 100.0).floor().max(1.0) / 100.0;
        let has_cut = victim.has_rate_limit();
        let seconds = |least| design.seconds_for_slo(design.peak, least);
        Self {
            cut: has_cut.then_some(cut),
            left: victim.admits * cut,
            squeeze: seconds(SQUEEZE),
            storm: seconds(STORM),
            after: seconds(AFTER),
        }
    }

    const fn storm_at(&self) -> u64 {
        match self.cut {
            Some(_) => BEFORE + self.squeeze + BETWEEN,
            None => BEFORE,
        }
    }

    const fn end(&self) -> u64 {
        self.storm_at() + self.storm + BETWEEN + self.after
    }

    fn phases(&self) -> Vec<(&'static str, u64, u64)> {
        let storm = self.storm_at();
        let mut phases = vec![("before", 0, BEFORE)];
        if self.cut.is_some() {
            phases.push(("squeeze", BEFORE, BEFORE + self.squeeze));
        }
        phases.push(("storm", storm, storm + self.storm));
        phases.push(("after", self.end() - self.after, self.end()));
        phases
    }

    fn faults(&self, draft: &mut ScenarioDraft, name: &str) {
        let mut fault = |text: String| draft.faults.push((name.to_owned(), text));
        if let Some(cut) = self.cut {
            let (at, long) = (BEFORE, self.squeeze);
            fault(format!("{{ at: {at}s, for: {long}s, limits_cut: {} }}", percent(cut)));
        }
        let (at, long) = (self.storm_at(), self.storm);
        fault(format!("{{ at: {at}s, for: {long}s, throttle: {{ retry_after: 5s }} }}"));
    }
}
