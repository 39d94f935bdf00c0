//! Every arrival process has the rate, the variation of gaps and the dispersion of counts that theory gives it.

use crate::formulas::{self, Hawkes, Moments};
use crate::statistics::{Disagreements, Estimate, cv, dispersion, estimate, mean, sums};
use crate::times::times;
use squall_determinism::Timestamp;
use squall_workload::{Arrivals, Decay, Rate, RateSegment};
use std::time::Duration;

/// Requests per second.
const RPS: f64 = 20.0;
/// Independent runs of so many seconds.
const RUNS: u64 = 40;
const SECONDS: f64 = 300.0;
/// Windows in which arrivals are counted, in seconds.
const WINDOW: f64 = 10.0;

/// A process, the squared CV of its gaps, and the variance of its counts over so many mean gaps.
struct ProcessCase {
    name: &'static str,
    arrivals: Arrivals,
    squared_cv: f64,
    variance: Box<dyn Fn(f64) -> f64>,
}

fn rate(rps: f64) -> Rate {
    Rate { segments: vec![RateSegment::Constant { at: Timestamp::ZERO, rps }] }
}

fn renewal(name: &'static str, arrivals: Arrivals, moments: Moments) -> ProcessCase {
    let variance = Box::new(move |t| formulas::renewal_variance(moments, t));
    ProcessCase { name, arrivals, squared_cv: moments.variance, variance }
}

fn on_off(name: &'static str, on_ms: u64, off_ms: u64) -> ProcessCase {
    let millis = Duration::from_millis;
    // In mean gaps.
    let (on, off) = (on_ms as f64 / 1e3 * RPS, off_ms as f64 / 1e3 * RPS);
    ProcessCase {
        name,
        arrivals: Arrivals::OnOff { rate: rate(RPS), on: millis(on_ms), off: millis(off_ms) },
        squared_cv: formulas::on_off_squared_cv(on, off),
        variance: Box::new(move |t| formulas::on_off_variance(on, off, t)),
    }
}

fn hawkes(name: &'static str, branching: f64, decay_ms: u64) -> ProcessCase {
    let decay = Duration::from_millis(decay_ms);
    let theory = Hawkes { n: branching, beta: 1e3 / decay_ms as f64 / RPS };
    ProcessCase {
        name,
        arrivals: Arrivals::Hawkes { rate: rate(RPS), branching, decay },
        squared_cv: theory.squared_cv(),
        variance: Box::new(move |t| theory.variance(t)),
    }
}

/// Every process that follows a rate, but even arrivals, which are no matter of chance.
fn cases() -> Vec<ProcessCase> {
    vec![
        renewal("poisson", Arrivals::Poisson { rate: rate(RPS) }, formulas::gamma(1.0)),
        renewal("gamma, cv 0.5", Arrivals::gamma(rate(RPS), 0.5), formulas::gamma(0.5)),
        renewal("gamma, cv 2", Arrivals::gamma(rate(RPS), 2.0), formulas::gamma(2.0)),
        renewal("gamma, cv 4", Arrivals::gamma(rate(RPS), 4.0), formulas::gamma(4.0)),
        renewal(
            "weibull, cv √5",
            Arrivals::weibull(rate(RPS), 5_f64.sqrt()),
            formulas::WEIBULL_HALF,
        ),
        renewal(
            "weibull, shape 2",
            Arrivals::Weibull { rate: rate(RPS), shape: 2.0 },
            formulas::WEIBULL_TWO,
        ),
        on_off("on-off, short", 200, 600),
        on_off("on-off, mostly on", 3_000, 1_000),
        hawkes("hawkes, n 0.5", 0.5, 200),
        hawkes("hawkes, n 0.8", 0.8, 50),
        hawkes("hawkes, slow", 0.6, 2_000),
    ]
}

#[test]
fn every_process_has_its_rate_its_variation_of_gaps_and_its_dispersion_of_counts() {
    let mut off = Disagreements::default();
    for ProcessCase { name, arrivals, squared_cv, variance } in cases() {
        let run = |seed| sums(&times(&arrivals, SECONDS, seed), SECONDS, WINDOW);
        let runs: Vec<_> = (0..RUNS).map(run).collect();
        let told = |what: &str| format!("{name}, {what}");
        off.hold(&told("mean count"), estimate(&runs, mean), RPS * WINDOW, 0.02);
        off.hold(&told("CV of gaps"), estimate(&runs, cv), squared_cv.sqrt(), 0.03);
        let theory = variance(RPS * WINDOW) / (RPS * WINDOW);
        off.hold(&told("dispersion of counts"), estimate(&runs, dispersion), theory, 0.1);
    }
    off.are_none();
}

/// Where the run begins nothing begins: the first second has the mean of any other, and so its variance.
#[test]
fn every_process_is_stationary_from_its_first_moment() {
    let mut off = Disagreements::default();
    for ProcessCase { name, arrivals, variance, .. } in cases() {
        let seconds = 5.0;
        let run = |seed: u64| sums(&times(&arrivals, seconds, 1_000 + seed), seconds, seconds);
        let runs: Vec<_> = (0..1_500).map(run).collect();
        let told = |what: &str| format!("{name}, {what} of the first seconds");
        off.hold(&told("mean count"), estimate(&runs, mean), RPS * seconds, 0.02);
        let theory = variance(RPS * seconds) / (RPS * seconds);
        off.hold(&told("dispersion"), estimate(&runs, dispersion), theory, 0.1);
    }
    off.are_none();
}

#[test]
fn even_arrivals_have_no_variation() {
    let times = times(&Arrivals::Even { rate: rate(RPS) }, SECONDS, 1);
    let sums = sums(&times, SECONDS, WINDOW);
    assert!(cv(&sums) < 1e-6 && dispersion(&sums) < 1e-9);
    assert_eq!((times.len() as f64, mean(&sums)), (RPS * SECONDS, RPS * WINDOW));
}

/// The mean of every stretch of time is the integral of the rate, however bursty the process and steep the spike.
#[test]
fn every_process_keeps_the_mean_of_a_rate_that_changes() {
    let spike = RateSegment::Spike {
        at: Timestamp::from_secs(10),
        base: 10.0,
        peak: 100.0,
        rise: Duration::from_secs(2),
        decay: Decay { exponent: 0.6, scale: Duration::from_secs(5) },
    };
    let constant = RateSegment::Constant { at: Timestamp::ZERO, rps: 10.0 };
    let followed = Rate { segments: vec![constant, spike] };
    // The base; the triangle; and the integral of the power law, 5 ÷ 0.4 · ((1 + t/5)^0.4 − 1), over what is left.
    let fallen = |t: f64| 90.0 * 5.0 / 0.4 * ((1.0 + t / 5.0).powf(0.4) - 1.0);
    let windows = [
        (0.0, 10.0, 100.0),
        (10.0, 12.0, 20.0 + 90.0),
        (12.0, 15.0, 30.0 + fallen(3.0)),
        (15.0, 30.0, 150.0 + fallen(18.0) - fallen(3.0)),
    ];
    let mut off = Disagreements::default();
    for ProcessCase { name, arrivals, .. } in cases() {
        let arrivals = along(arrivals, followed.clone());
        let runs: Vec<_> = (0..300).map(|seed| times(&arrivals, 30.0, seed)).collect();
        for (from, to, theory) in windows {
            let count = |run: &Vec<f64>| {
                let count = run.iter().filter(|time| (from..to).contains(*time)).count() as f64;
                [0.0, 0.0, 0.0, 1.0, count, count * count]
            };
            let counts: Vec<_> = runs.iter().map(count).collect();
            off.hold(&format!("{name}, {from} s to {to} s"), estimate(&counts, mean), theory, 0.1);
        }
    }
    off.are_none();
}

/// The same process along another rate.
fn along(arrivals: Arrivals, rate: Rate) -> Arrivals {
    match arrivals {
        Arrivals::Poisson { .. } => Arrivals::Poisson { rate },
        Arrivals::Gamma { shape, .. } => Arrivals::Gamma { rate, shape },
        Arrivals::Weibull { shape, .. } => Arrivals::Weibull { rate, shape },
        Arrivals::OnOff { on, off, .. } => Arrivals::OnOff { rate, on, off },
        Arrivals::Hawkes { branching, decay, .. } => Arrivals::Hawkes { rate, branching, decay },
        other => panic!("{other:?} follows no rate"),
    }
}

/// By the random time change theorem the integral of the true intensity between arrivals is exponential with a mean of 1
/// (Ogata, *Statistical models for earthquake occurrences and residual analysis for point processes*, 1988).
#[test]
fn the_residuals_of_a_hawkes_process_are_exponential() {
    let (branching, decay) = (0.8, 0.5);
    let arrivals =
        Arrivals::Hawkes { rate: rate(RPS), branching, decay: Duration::from_millis(500) };
    let times = times(&arrivals, 2_000.0, 7);
    let (mu, mut excited) = ((1.0 - branching) * RPS, 0.0);
    let mut residuals = Vec::new();
    for pair in times.windows(2) {
        let gap = pair[1] - pair[0];
        // Each arrival adds n ÷ decay to the intensity, which fades.
        excited += branching / decay;
        let faded = (-gap / decay).exp();
        // What came before the run has faded after the first half minute.
        if pair[0] > 30.0 {
            residuals.push(mu * gap + excited * decay * (1.0 - faded));
        }
        excited *= faded;
    }
    residuals.sort_by(f64::total_cmp);
    let n = residuals.len() as f64;
    let distances = residuals.iter().enumerate().map(|(place, residual)| {
        let below = -(-residual).exp_m1();
        (below - place as f64 / n).abs().max((below - (place as f64 + 1.0) / n).abs())
    });
    let distance = distances.fold(0.0, f64::max);
    assert!(n > 30_000.0 && distance < 1.95 / n.sqrt(), "Kolmogorov-Smirnov at 0.1 %: {distance}");
}

#[test]
fn tolerances_are_those_of_the_samples() {
    // Of Poisson runs the mean count of a window has a standard error of √(mean ÷ windows).
    let arrivals = Arrivals::Poisson { rate: rate(RPS) };
    let run = |seed| sums(&times(&arrivals, 200.0, seed), 200.0, 50.0);
    let runs: Vec<_> = (0..RUNS).map(run).collect();
    let Estimate { error, .. } = estimate(&runs, mean);
    let theory = (RPS * 50.0 / (RUNS as f64 * 4.0)).sqrt();
    assert!((error / theory - 1.0).abs() < 0.2, "{error}, not {theory}");
}
