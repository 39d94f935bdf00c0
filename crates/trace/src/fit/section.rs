//! Fitted laws as the section `traffic` of a scenario. What is told of them are comments, so that all of it can be pasted.

use super::{ArrivalFit, FitEstimate, LognormalFit, SizeFit, TraceFit};

/// The coefficients of variation that a scenario may have.
const CVS: (f64, f64) = (0.05, 30.0);

/// The laws as the section `traffic` of a scenario, for this model group. Where scenarios have no gamma arrivals, they
/// are Poisson, and that is told.
#[must_use]
pub fn traffic_section(fit: &TraceFit, file: &str, group: &str, has_gamma: bool) -> String {
    let arrivals = &fit.arrivals;
    let mut out = format!(
        "# Fitted by squall {} to {file} ({}): {} requests in {} s.\n# Behind each value its 95 % interval, if the law is right. KS: the most by which the shares \
         below any value differ.\n",
        env!("CARGO_PKG_VERSION"),
        fit.format,
        fit.requests,
        short(fit.span_s)
    );
    out += &gaps(arrivals);
    out += "traffic:\n";
    out += &format!("  group: {group}\n");
    out += &process(arrivals, has_gamma);
    out += &rate(arrivals);
    for (key, size) in [("prompt_tokens", &fit.input_tokens), ("output_tokens", &fit.output_tokens)]
    {
        match size {
            Some(size) => out += &tokens(key, size),
            None => out += &format!("  {key}: 100  # the trace has none: yours\n"),
        }
    }
    out
}

/// What is known of the gaps.
fn gaps(fit: &ArrivalFit) -> String {
    let gaps = &fit.gaps;
    let mut out = format!(
        "# Gaps, in the time in which the rate below is one: gamma with CV {}, shape {}, KS {}; exponential (Poisson), KS {}; \
         measured CV {}; n = {}.\n",
        told(gaps.cv),
        told(gaps.shape),
        distance(gaps.ks),
        distance(gaps.ks_exponential),
        short(gaps.measured_cv),
        gaps.gaps
    );
    if fit.spread_share > 0.0 {
        out += &format!(
            "# {} % of requests were at the time of the one before; they were spread over {} s, the resolution of the times.\n",
            short(fit.spread_share * 100.0),
            short(fit.resolution_s)
        );
    }
    out
}

fn process(fit: &ArrivalFit, has_gamma: bool) -> String {
    let gaps = &fit.gaps;
    if gaps.is_poisson() {
        return "  arrivals: poisson\n".to_owned();
    }
    if !has_gamma {
        return "  arrivals: poisson  # gamma gaps fit better, and there are no gamma arrivals\n"
            .to_owned();
    }
    let (cv, (least, most)) = (gaps.cv.value, CVS);
    let note = if (least..=most).contains(&cv) { "" } else { ", cut to what a scenario may have" };
    format!(
        "  arrivals: {{ gamma: {{ cv: {} }} }}  # {}{note}\n",
        short(cv.clamp(least, most)),
        interval(gaps.cv)
    )
}

fn rate(fit: &ArrivalFit) -> String {
    if let [rate] = &fit.rates[..] {
        return format!("  rate: {}  # {}\n", short(rate.rps.value), interval(rate.rps));
    }
    let segment = |rate: &super::FittedRate| {
        let (at, rps) = (whole_ms(rate.at_s), short(rate.rps.value));
        format!("    - {{ at: {at}, rps: {rps} }}  # {}\n", interval(rate.rps))
    };
    let segments: String = fit.rates.iter().map(segment).collect();
    format!("  rate:\n{segments}")
}

fn tokens(key: &str, fit: &SizeFit) -> String {
    let words = fit.lognormal.map(of_lognormal).unwrap_or_default();
    if let (true, Some(lognormal)) = (fit.is_lognormal, fit.lognormal) {
        let whole = |estimate: FitEstimate| estimate.value.round().max(1.0);
        let (median, p95) = (whole(lognormal.median), whole(lognormal.p95));
        return format!(
            "  # {words}\n  {key}: {{ lognormal: {{ median: {median}, p95: {} }} }}\n",
            p95.max(median)
        );
    }
    let points: Vec<_> =
        fit.quantiles.iter().map(|(point, value)| format!("{point}: {value}")).collect();
    let first =
        if words.is_empty() { String::new() } else { format!("  # Not log-normal. {words}\n") };
    format!("{first}  {key}: {{ quantiles: {{ {} }} }}\n", points.join(", "))
}

fn of_lognormal(fit: LognormalFit) -> String {
    format!(
        "Log-normal: median {}, p95 {}; KS {}.",
        told(fit.median),
        told(fit.p95),
        distance(fit.ks)
    )
}

/// `2.41 (2.35 to 2.47)`.
fn told(estimate: FitEstimate) -> String {
    format!("{} ({})", short(estimate.value), interval(estimate))
}

fn interval(estimate: FitEstimate) -> String {
    format!("{} to {}", short(estimate.low), short(estimate.high))
}

/// `0.021 (close)`.
fn distance(ks: f64) -> String {
    let word = match ks {
        0.0..0.05 => "close",
        0.05..0.15 => "rough",
        _ => "poor: replay the trace instead",
    };
    format!("{ks:.3} ({word})")
}

/// A number with three digits or more, without needless zeros.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 5,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `300s`, `2500ms`.
fn whole_ms(seconds: f64) -> String {
    let ms = (seconds * 1e3).round() as u64;
    if ms.is_multiple_of(1_000) { format!("{}s", ms / 1_000) } else { format!("{ms}ms") }
}
