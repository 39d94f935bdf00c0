//! Fitted laws against laws that are known: what was generated is given back, within the intervals and as often as they
//! say.

use super::*;
use crate::PRESETS;
use squall_determinism::{Distribution, Seed, StreamPurpose};

const GAPS: StreamPurpose = StreamPurpose::named("trace.fit.test");

/// Times of gamma arrivals along a rate that changes from one window to the next, in nanoseconds: operational time is
/// turned into time by the rates.
fn generated(shape: f64, rates: &[f64], window_s: f64, seed: u64) -> Vec<u64> {
    let mut draws = Seed::new(seed).stream(GAPS, 0, 0);
    let gaps = Distribution::Gamma { shape, mean: 1e9 };
    let mut operational = 0.0;
    let mut times = Vec::new();
    // The gap that the start falls into began before it.
    operational -= draws.unit();
    loop {
        operational += gaps.sample(&mut draws) as f64 / 1e9;
        if operational < 0.0 {
            continue;
        }
        let mut left = operational;
        let place = rates.iter().position(|rate| {
            let inside = left < rate * window_s;
            if !inside {
                left -= rate * window_s;
            }
            inside
        });
        let Some(place) = place else { return times };
        times.push(((place as f64 * window_s + left / rates[place]) * 1e9) as u64);
    }
}

fn fitted(times: &[u64], window_s: u64) -> ArrivalFit {
    let fit = ArrivalFit::of(times.iter().copied(), window_s * 1_000_000_000);
    fit.expect("there are gaps")
}

/// Of so many intervals of 95 %, how many may miss the truth: binomial, one in a hundred thousand to be beyond.
const RUNS: u64 = 200;
const HELD: std::ops::RangeInclusive<u64> = 176..=199;

#[test]
fn the_shape_of_gamma_gaps_is_given_back_as_often_as_its_interval_says() {
    for shape in [0.3, 1.0, 4.0] {
        let mut held = 0;
        let mut sum = 0.0;
        for seed in 0..RUNS {
            let rates = [5.0, 12.0, 8.0, 30.0, 9.0];
            let fit = fitted(&generated(shape, &rates, 20.0, seed), 20);
            held += u64::from(fit.gaps.shape.holds(shape));
            sum += fit.gaps.shape.value;
        }
        let mean = sum / RUNS as f64;
        assert!((mean / shape - 1.0).abs() < 0.03, "{mean} on average, of {shape}");
        assert!(HELD.contains(&held), "{held} of {RUNS} intervals hold {shape}");
    }
}

#[test]
fn rates_are_given_back_as_often_as_their_intervals_say() {
    let rates = [6.0, 25.0, 3.0];
    let (mut held, mut all) = (0_u64, 0_u64);
    for seed in 0..RUNS {
        // The trace ends with the last window as nearly as its last request does.
        let fit = fitted(&generated(0.5, &rates, 60.0, seed), 60);
        for (rate, fitted) in rates.iter().zip(&fit.rates).take(2) {
            all += 1;
            held += u64::from(fitted.rps.holds(*rate));
        }
    }
    let share = held as f64 / all as f64;
    assert!((0.90..=0.99).contains(&share), "{share} of intervals hold their rate");
}

#[test]
fn poisson_arrivals_are_taken_for_such_and_bursts_are_not() {
    let calm = |seed| fitted(&generated(1.0, &[10.0], 300.0, seed), 60).gaps;
    let taken = (0..40).filter(|seed| calm(*seed).is_poisson()).count();
    assert!(taken >= 32, "{taken} of 40");
    let calm = calm(0);
    assert!(calm.ks < 0.05 && calm.ks_exponential < 0.05, "{calm:?}");
    let bursts = fitted(&generated(0.3, &[10.0], 300.0, 3), 60).gaps;
    assert!(!bursts.is_poisson(), "{bursts:?}");
    assert!(bursts.ks < 0.05 && bursts.ks_exponential > 0.1, "{bursts:?}");
    assert!((bursts.cv.value - 0.3_f64.powf(-0.5)).abs() < 0.2, "{bursts:?}");
}

#[test]
fn times_that_were_rounded_are_spread_and_that_is_told() {
    let exact = generated(1.0, &[50.0], 200.0, 5);
    let rounded: Vec<u64> = exact.iter().map(|at| at / 100_000_000 * 100_000_000).collect();
    let fit = fitted(&rounded, 50);
    assert!((fit.resolution_s - 0.1).abs() < 1e-9 && fit.spread_share > 0.5, "{fit:?}");
    assert!((fit.gaps.shape.value - 1.0).abs() < 0.1, "{:?}", fit.gaps);
}

fn sizes(distribution: Distribution, count: u64, seed: u64) -> SizeFit {
    let mut counts = SizeCounts::default();
    for ordinal in 0..count {
        let mut draws = Seed::new(seed).stream(GAPS, 1, ordinal);
        counts.add(distribution.sample(&mut draws) as u32);
    }
    SizeFit::of(&counts).expect("there are sizes")
}

#[test]
fn log_normal_sizes_are_given_back_as_often_as_their_intervals_say() {
    let law = Distribution::lognormal(1_000, 4_000).expect("it is one");
    let (mut medians, mut p95s) = (0, 0);
    for seed in 0..RUNS {
        let fit = sizes(law, 500, seed);
        assert!(fit.is_lognormal || fit.lognormal.is_some_and(|fit| fit.ks < 0.08));
        let fit = fit.lognormal.expect("sizes differ");
        medians += u64::from(fit.median.holds(1_000.0));
        p95s += u64::from(fit.p95.holds(4_000.0));
    }
    assert!(HELD.contains(&medians), "{medians} of {RUNS} hold the median");
    assert!(HELD.contains(&p95s), "{p95s} of {RUNS} hold the 95th percentile");
}

#[test]
fn sizes_of_another_law_have_their_quantiles() {
    let fit = sizes(Distribution::Uniform { min: 100, max: 300 }, 5_000, 1);
    assert!(!fit.is_lognormal, "{fit:?}");
    let median = fit.quantiles.iter().find(|(key, _)| *key == "p50").map(|(_, value)| *value);
    assert!((190..=210).contains(&median.expect("it is there")), "{fit:?}");
}

#[test]
fn the_azure_code_hour_is_far_from_poisson() {
    let fit = fit(&PRESETS[0].input(), &TraceOptions::default(), None).expect("it fits");
    assert!(
        fit.arrivals.gaps.cv.low > 1.5 && fit.arrivals.gaps.measured_cv > 2.0,
        "{:?}",
        fit.arrivals.gaps
    );
    assert!((20..=60).contains(&fit.arrivals.rates.len()), "{}", fit.arrivals.rates.len());
    // Its mean rate is that of the segments.
    let rates = &fit.arrivals.rates;
    let ends = rates.iter().skip(1).map(|rate| rate.at_s).chain([fit.span_s]);
    let requests: f64 =
        rates.iter().zip(ends).map(|(rate, end)| rate.rps.value * (end - rate.at_s)).sum();
    assert!((requests - fit.requests as f64).abs() < 0.01 * fit.requests as f64, "{requests}");
    let input = fit.input_tokens.expect("it has prompts").lognormal.expect("they differ");
    assert!((input.median.value.ln() - 7.00).abs() < 0.01, "{input:?}");
}

#[test]
fn too_little_is_refused() {
    for text in ["t_s\n1\n2\n", "t_s\n1\n1\n1\n1\n"] {
        let input = TraceInput::memory("few.csv", text.as_bytes());
        let refused = fit(&input, &TraceOptions::default(), None).expect_err("too little");
        assert!(refused.to_string().starts_with("few.csv: expected three requests"), "{refused}");
    }
}

#[test]
fn windows_that_are_too_short_are_refused() {
    let short = Some(Duration::from_millis(1));
    let refused = fit(&PRESETS[0].input(), &TraceOptions::default(), short).expect_err("too short");
    assert!(refused.to_string().contains("expected 2000 of them at most"), "{refused}");
}
