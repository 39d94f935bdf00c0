//! What a mix cannot do, and what was assumed of it.

use crate::design::Design;
use crate::mix::{AnswerSpeed, MixDeployment};
use crate::numbers::{count, dollars, percent, short};
use crate::outage::domain_name;

/// A sentence for each, with the numbers.
pub(crate) fn of(design: &Design<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    capacity(design, &mut remarks);
    if let Some((allowed, expected)) = design.thousand()
        && expected > allowed
        && let Some(budget) = &design.options.budget
    {
        let spends = design.cost() * design.usual * 86_400.0 * budget.days();
        remarks.push(format!(
            "the budget of ${} per {} is below the expected spend of {} ({} requests per second at {} for a thousand): it \
             is spent before the {} is over, and viral-spike.yaml is missed; raise it, or lower `--usual`",
            budget.amount,
            budget.period(),
            dollars(spends),
            short(design.usual),
            dollars(expected),
            budget.period()
        ));
    }
    slow(design, &mut remarks);
    for each in design.mix.all() {
        if each.speed == AnswerSpeed::Assumed {
            remarks.push(format!(
                "nothing is known of the speed of `{}`: the scenarios assume a middling model; measure it, and give \
                 `ttft=` and `itl=`",
                each.model
            ));
        }
        if each.admits.is_infinite() {
            remarks.push(format!(
                "`{}` has no limits: the scenarios let it serve any number of requests; give `rpm`, `tpm` or \
                 `concurrency`",
                each.name
            ));
        }
    }
    remarks
}

fn capacity(design: &Design<'_>, remarks: &mut Vec<String>) {
    let peak = short(design.peak);
    if !design.carries(design.peak, None) {
        remarks.push(format!(
            "the limits admit {} of {peak} at the peak: scenarios/viral-spike.yaml is missed until they are raised",
            design.admitted_in_words(None)
        ));
    }
    for each in &design.mix.deployments {
        let wants = design.peak * each.share;
        if wants > each.admits && design.mix.all().count() > 1 {
            let beyond = match design.mix.deployments.len() {
                1 => "what is beyond goes to the fallback",
                _ => "beyond that the weights do not hold",
            };
            remarks.push(format!(
                "`{}` is to take {} requests per second at the peak and its limits admit {}: {beyond}; its share takes {}",
                each.name,
                short(wants),
                short(each.admits),
                needs(design, each, wants)
            ));
        }
    }
    for domain in design.mix.domains() {
        let (number, name) = (domain[0].domain, domain_name(&domain));
        if !design.has_way_out(number) {
            remarks.push(format!(
                "everything runs at one provider: there is nothing to fall back to, and scenarios/outage-{name}.yaml \
                 documents the loss; add a `--fallback`"
            ));
        } else if !design.carries(design.peak, Some(number)) && design.carries(design.peak, None) {
            remarks.push(format!(
                "without {name} the limits admit {} of {peak} at the peak: scenarios/outage-{name}.yaml documents the \
                 loss",
                design.admitted_in_words(Some(number))
            ));
        }
    }
}

/// The limits that a rate takes, of those that a deployment has.
fn needs(design: &Design<'_>, each: &MixDeployment, rate: f64) -> String {
    let up = |number: f64, to: f64| ((number / to).ceil() * to) as u64;
    let rpm = each.rpm.map(|_| format!("rpm {}", count(up(rate * 60.0, 100.0))));
    let tpm = each
        .tpm
        .map(|_| format!("tpm {}", count(up(rate * 60.0 * design.mean_request(), 100_000.0))));
    let places = rate * each.speed.seconds(design.options.output_tokens);
    // As many places above the mean as keep a random number of requests from all of them.
    let at_once =
        each.concurrency.map(|_| format!("{} at once", (places + 3.5 * places.sqrt()).ceil()));
    let all: Vec<_> = rpm.into_iter().chain(tpm).chain(at_once).collect();
    all.join(" and ")
}

/// Models whose own speed is beyond the SLO.
fn slow(design: &Design<'_>, remarks: &mut Vec<String>) {
    let Some(slo) = design.options.slo_ttft else { return };
    let late: Vec<_> =
        design.mix.deployments.iter().filter(|each| each.speed.ttft_p95() > slo).collect();
    let share: f64 = late.iter().map(|each| each.share).sum();
    // If all of them were late, one in twenty of all would be.
    if share > 0.3 {
        let names: Vec<_> = late.iter().map(|each| format!("`{}`", each.name)).collect();
        remarks.push(format!(
            "{} with {} of the requests: one in twenty of their first tokens takes longer than the {} s of the SLO even \
             when all is well",
            names.join(" and "),
            percent((share * 100.0).round() / 100.0),
            slo.as_secs_f64()
        ));
    }
}
