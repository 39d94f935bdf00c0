//! The scenarios of an outage of each provider, at the peak.

use crate::design::Design;
use crate::mix::MixDeployment;
use crate::numbers::{duration, percent, short};
use crate::scenario_text::ScenarioDraft;
use squall_config_file::name::is_folder_name;

/// Seconds before an outage, of it at least, until all is as before, and after that at least.
const BEFORE: u64 = 30;
const OUTAGE: u64 = 60;
const RETURN: u64 = 20;
const AFTER: u64 = 40;
/// Seconds until an end is noticed: the longest open interval of a circuit.
const NOTICED: u64 = 10;
/// Of what limits admit, the part that is served while more arrives: the rest is lost to waiting and trying again.
const SERVED_OF_ADMITTED: f64 = 0.85;

/// The name and the text of each.
pub(crate) fn texts(design: &Design<'_>) -> Vec<(String, String)> {
    let domains = design.mix.domains();
    domains.iter().map(|domain| text(design, domain)).collect()
}

/// The name of what fails together.
pub(crate) fn domain_name(domain: &[&MixDeployment]) -> String {
    // One word for all deployments at a provider, else the name of the first.
    let (first, word) = (domain[0], &domain[0].word);
    let all_alike = domain.iter().all(|each| each.word == *word);
    let name = if all_alike && domain.len() > 1 { word } else { &first.name };
    if is_folder_name(name) { name.clone() } else { "provider".to_owned() }
}

fn text(design: &Design<'_>, domain: &[&MixDeployment]) -> (String, String) {
    let (rate, name) = (design.peak, domain_name(domain));
    let times = OutageTimes::new(design, rate);
    let mut draft = ScenarioDraft {
        name: format!("outage-{name}"),
        description: format!("{name} is down for {} s at the peak.", times.outage),
        rate: short(rate),
        why_rate: "The peak: nobody chooses when a provider fails.".to_owned(),
        ..ScenarioDraft::default()
    };
    draft.about.push(format!(
        "{} is down at the peak of {} requests per second: first it answers 503, then it refuses connections. Do users \
         notice?",
        names(domain),
        short(rate)
    ));
    outage(design, domain, rate, &times, &mut draft);
    draft.written(design)
}

fn names(domain: &[&MixDeployment]) -> String {
    domain.iter().map(|each| format!("`{}`", each.name)).collect::<Vec<_>>().join(" and ")
}

/// When an outage is, in seconds from the start.
#[derive(Debug)]
pub(crate) struct OutageTimes {
    pub(crate) from: u64,
    pub(crate) outage: u64,
    pub(crate) end: u64,
}

impl OutageTimes {
    /// As long as the SLO needs to be measured at a rate.
    pub(crate) fn new(design: &Design<'_>, rate: f64) -> Self {
        let outage = design.seconds_for_slo(rate, OUTAGE);
        let for_ttft = (design.requests_for_ttft() / rate).ceil() as u64;
        let after = for_ttft.saturating_sub(BEFORE + outage + RETURN).max(AFTER);
        let after = design.seconds_for_slo(rate, after);
        Self { from: BEFORE, outage, end: BEFORE + outage + RETURN + after }
    }

    const fn to(&self) -> u64 {
        self.from + self.outage
    }

    const fn back(&self) -> u64 {
        self.to() + RETURN
    }
}

/// The faults of an outage, its phases, and what is expected of it.
pub(crate) fn outage(
    design: &Design<'_>,
    domain: &[&MixDeployment],
    rate: f64,
    times: &OutageTimes,
    draft: &mut ScenarioDraft,
) {
    let (from, to, half) = (times.from, times.to(), times.outage / 2);
    draft.phases = vec![
        ("before", 0, from),
        ("outage", from, to),
        ("return", to, times.back()),
        ("after", times.back(), times.end),
    ];
    for each in domain {
        let mut fault = |text: String| draft.faults.push((each.name.clone(), text));
        fault(format!("{{ at: {from}s, for: {half}s, error: 503 }}"));
        fault(format!("{{ at: {}s, for: {}s, outage: refuse }}", from + half, times.outage - half));
    }
    let slo = design.slo();
    let number = domain[0].domain;
    if design.carries(rate, Some(number)) {
        draft.about.push(format!(
            "Without it the limits admit {}, enough for {}: the SLO holds throughout.",
            design.admitted_in_words(Some(number)),
            short(rate)
        ));
        draft.expect(
            "The SLO holds while it is down.",
            format!("success_rate >= {slo} during outage"),
        );
        draft.expect("And over the whole run.", format!("success_rate >= {slo}"));
        if let Some(ttft) = design.options.slo_ttft {
            draft.expect(
                "95 % of streams begin in time, those that had to go elsewhere too.",
                format!("ttft_p95 <= {}", duration(ttft)),
            );
        }
        traffic_moves(design, domain, rate, draft);
        draft.expect("Retries do not multiply the outage.", design.amplification(rate, "1.2"));
    } else {
        loss(design, domain, rate, times, draft);
    }
    if design.carries(rate, None) {
        draft.expect("Afterwards all is as before.", format!("success_rate >= {slo} during after"));
    }
}

/// Traffic leaves what is down, and returns, where there is enough of it to see that.
fn traffic_moves(
    design: &Design<'_>,
    domain: &[&MixDeployment],
    rate: f64,
    draft: &mut ScenarioDraft,
) {
    let elsewhere = |each: &MixDeployment| {
        let others = design.mix.deployments.iter().filter(|other| other.domain != each.domain);
        others.count() > 0
    };
    for each in domain.iter().filter(|each| elsewhere(each)) {
        if design.is_seen_leaving(each, rate) {
            draft.expect(
                "Five failures in a row open its circuit: traffic leaves within seconds.",
                format!("failover_time({}) <= 5s", each.name),
            );
        }
        if design.is_seen_returning(each, rate) {
            draft.expect(
                "It is probed at least every 10s, so that its traffic is back soon after it is.",
                format!("recovery_time({}) <= 15s", each.name),
            );
        }
    }
}

/// What is lost where too little is left: it is said, and an expectation fails when it grows.
fn loss(
    design: &Design<'_>,
    domain: &[&MixDeployment],
    rate: f64,
    times: &OutageTimes,
    draft: &mut ScenarioDraft,
) {
    let number = domain[0].domain;
    let part = served(design, rate, Some(number));
    let least = least(design, rate, times.end, &[(times.outage, part)]);
    let about = if design.has_way_out(number) {
        format!(
            "NOT ENOUGH WITHOUT IT: the others' limits admit {} of {}: about {} of the requests in its outage are lost. \
             To carry an outage at the peak, raise the others' limits or add a provider, and expect the SLO here.",
            design.admitted_in_words(Some(number)),
            short(rate),
            percent(
                ((1.0 - design.mix.admits(Some(number)) / rate).max(0.0) * 100.0).round() / 100.0
            )
        )
    } else {
        format!(
            "There is nothing to fall back to: what arrives in the {} s of its outage is lost. A second provider, as \
             `--provider` or `--fallback`, changes that.",
            times.outage
        )
    };
    draft.about.push(about);
    let why = match part > 0.0 {
        true => format!(
            "The loss is documented, not accepted: this fails when it grows. In the outage {} or more is served.",
            percent((part * 100.0).floor() / 100.0)
        ),
        false => "The loss is documented, not accepted: this fails when it grows.".to_owned(),
    };
    draft.expect(why, format!("success_rate >= {}", percent(least)));
}

/// The part of a rate that is served with what is left, at least.
pub(crate) fn served(design: &Design<'_>, rate: f64, without: Option<usize>) -> f64 {
    (design.mix.admits(without) / rate).min(1.0) * SERVED_OF_ADMITTED
}

/// The share of all requests of a run that succeed if those of some stretches are served in part, until a little after
/// each, and the others as far as all limits admit them; in whole percent.
pub(crate) fn least(design: &Design<'_>, rate: f64, end: u64, stretches: &[(u64, f64)]) -> f64 {
    let usually = if design.carries(rate, None) { 1.0 } else { served(design, rate, None) };
    let mut left = end;
    let mut done = 0.0;
    for (seconds, part) in stretches {
        let seconds = (seconds + NOTICED).min(left);
        left -= seconds;
        done += seconds as f64 * part;
    }
    done += left as f64 * usually;
    (done / end as f64 * 100.0).floor() / 100.0
}
