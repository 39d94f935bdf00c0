//! Renewal processes: gaps that are independent of each other, by their coefficient of variation or their shape.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::schema::{Key, Schema, Section};
use core::ops::RangeInclusive;
use squall_workload::{Arrivals, Rate};

/// What a CV may be. Steadier arrivals are as good as even; the burstiest window of a client that ServeGen published
/// has a CV of 27.
const CVS: RangeInclusive<f64> = 0.05..=30.0;
/// Without settings: the middle of what clients in production have (1.2 to 2).
const USUAL_CV: f64 = 1.5;

pub(super) const ABOUT_GAMMA: &str = "Independent gamma gaps: burstier than Poisson where the CV is above 1, steadier where it is below. \
     `gamma` alone has a CV of 1.5.";
pub(super) const ABOUT_WEIBULL: &str = "Independent Weibull gaps, whose tail is longer than that of gamma gaps of the same CV. `weibull` \
     alone has a CV of 1.5.";

const CV: Key = Key::choice(
    "cv",
    Schema::Number,
    "Coefficient of variation of the gaps (standard deviation ÷ mean) while the rate is constant, 0.05 to 30: 1 is \
     Poisson, 1.2 to 2 are usual for clients in production (ServeGen, FineServe).",
);

pub(super) static GAMMA: Section = Section {
    id: "gamma-arrivals",
    phrase: "gamma arrivals",
    about: "A renewal process with gamma gaps, by one of these. Over long windows the variance of counts is CV² times their mean.",
    keys: &[&[
        CV,
        Key::choice(
            "shape",
            Schema::Number,
            "The shape, 1 ÷ CV²: what vLLM calls burstiness and aiperf smoothness.",
        ),
    ]],
};

pub(super) static WEIBULL: Section = Section {
    id: "weibull-arrivals",
    phrase: "Weibull arrivals",
    about: "A renewal process with Weibull gaps, by one of these. Over long windows the variance of counts is CV² times their mean.",
    keys: &[&[
        CV,
        Key::choice(
            "shape",
            Schema::Number,
            "The shape k: CV² is Γ(1 + 2/k) ÷ Γ(1 + 1/k)² − 1. Below 1 for bursts.",
        ),
    ]],
};

pub(super) fn gamma(fields: Option<&Fields<'_>>, rate: Rate) -> Option<Arrivals> {
    read(fields, rate, Arrivals::gamma, |rate, shape| Arrivals::Gamma { rate, shape })
}

pub(super) fn weibull(fields: Option<&Fields<'_>>, rate: Rate) -> Option<Arrivals> {
    read(fields, rate, Arrivals::weibull, |rate, shape| Arrivals::Weibull { rate, shape })
}

fn read(
    fields: Option<&Fields<'_>>,
    rate: Rate,
    of_cv: fn(Rate, f64) -> Arrivals,
    of_shape: fn(Rate, f64) -> Arrivals,
) -> Option<Arrivals> {
    let Some(fields) = fields else { return Some(of_cv(rate, USUAL_CV)) };
    let (name, _) = fields.choice()?;
    let value = fields.number(name)?;
    if name == "cv" {
        return in_range(fields, "cv", value, "0.05 to 30").then(|| of_cv(rate, value));
    }
    let arrivals = (value > 0.0).then(|| of_shape(rate, value));
    let cv = arrivals.as_ref().map_or(0.0, |arrivals| arrivals.dispersion().sqrt());
    in_range(fields, "shape", cv, "that of a CV of 0.05 to 30").then_some(arrivals)?
}

/// Whether the CV is one that may be; says so if it is not.
fn in_range(fields: &Fields<'_>, name: &'static str, cv: f64, expected: &str) -> bool {
    let is_in_range = CVS.contains(&cv);
    if !is_in_range {
        let message = format!("`{name}` is out of range");
        let problem = Problem::new(fields.span_of(name), message, format!("expected {expected}"));
        fields
            .problems
            .push(problem.help("1 is Poisson, 2 is bursty; for none at all write `even`"));
    }
    is_in_range
}
