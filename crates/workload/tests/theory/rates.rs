//! Every shape of a rate is what its formula says, its area is that of numeric integration, and arrivals along it have the
//! rate, the variation and the dispersion that theory gives them, in the operational time of that formula.

use crate::statistics::{Disagreements, cv, dispersion, estimate, mean, sums};
use crate::times::{config, times};
use squall_determinism::Timestamp;
use squall_workload::{
    Arrivals, Decay, Diurnal, DoubleHump, ExpectedRequests, Plateau, Rate, RateCurve, RateSegment,
    Shifted, Surge,
};
use std::f64::consts::TAU;
use std::time::Duration;

const SECONDS: f64 = 600.0;

type Formula = Box<dyn Fn(f64) -> f64>;

/// A shape, its formula over seconds, and where that jumps or bends.
struct ShapeCase {
    name: &'static str,
    rate: Rate,
    formula: Formula,
    breaks: Vec<f64>,
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn case(
    name: &'static str,
    rate: Rate,
    breaks: Vec<f64>,
    formula: impl Fn(f64) -> f64 + 'static,
) -> ShapeCase {
    ShapeCase { name, rate, formula: Box::new(formula), breaks }
}

fn curve(curve: RateCurve) -> Rate {
    Rate::curve(curve)
}

/// A straight line through two points.
fn line((from, a): (f64, f64), (to, b): (f64, f64), t: f64) -> f64 {
    a + (b - a) * (t - from) / (to - from)
}

fn straight() -> Vec<ShapeCase> {
    let ramp = RateSegment::Ramp { at: Timestamp::ZERO, from: 10.0, to: 40.0, over: secs(300) };
    let plateau =
        Plateau { base: 10.0, peak: 60.0, rise: secs(30), hold: secs(120), drop: Duration::ZERO };
    let humps = DoubleHump {
        base: 10.0,
        first: 50.0,
        valley: 20.0,
        second: 40.0,
        rise: secs(50),
        hold: secs(100),
        gap: secs(60),
    };
    let day: Vec<f64> = (0..24).map(|hour| f64::from((hour * 7) % 24 + 1)).collect();
    let hours: [f64; 24] = day.clone().try_into().unwrap();
    vec![
        case("constant", Rate::constant(20.0), vec![], |_| 20.0),
        case("ramp", Rate { segments: vec![ramp] }, vec![300.0], |t| {
            line((0.0, 10.0), (300.0, 40.0), t.min(300.0))
        }),
        case(
            "stairs",
            curve(RateCurve::stairs(&[5.0, 60.0, 20.0], secs(100))),
            vec![100.0, 200.0, 300.0],
            |t| {
                if t < 100.0 {
                    5.0
                } else if t < 200.0 {
                    60.0
                } else {
                    20.0
                }
            },
        ),
        case("plateau", curve(RateCurve::plateau(plateau)), vec![30.0, 150.0], |t| match t {
            ..30.0 => line((0.0, 10.0), (30.0, 60.0), t),
            30.0..150.0 => 60.0,
            _ => 10.0,
        }),
        case(
            "double hump",
            curve(RateCurve::double_hump(humps)),
            vec![50.0, 150.0, 200.0, 260.0, 310.0, 410.0, 460.0],
            |t| match t {
                ..50.0 => line((0.0, 10.0), (50.0, 50.0), t),
                50.0..150.0 => 50.0,
                150.0..200.0 => line((150.0, 50.0), (200.0, 20.0), t),
                200.0..260.0 => 20.0,
                260.0..310.0 => line((260.0, 20.0), (310.0, 40.0), t),
                310.0..410.0 => 40.0,
                410.0..460.0 => line((410.0, 40.0), (460.0, 10.0), t),
                _ => 10.0,
            },
        ),
        case(
            "needles",
            curve(RateCurve::needles((4.0, 300.0), secs(5), secs(60), Some(7))),
            (0..7).flat_map(|nth| [f64::from(nth) * 60.0, f64::from(nth) * 60.0 + 5.0]).collect(),
            |t| if t < 420.0 && t % 60.0 < 5.0 { 300.0 } else { 4.0 },
        ),
        case(
            "hours",
            curve(RateCurve::hours(20.0, &hours, secs(240))),
            (0..60).map(|hour| f64::from(hour) * 10.0).collect(),
            // The hours are a permutation of 1 to 24, whose mean is 12.5.
            move |t| 20.0 * day[(t / 10.0) as usize % 24] / 12.5,
        ),
    ]
}

fn curved() -> Vec<ShapeCase> {
    let diurnal = Diurnal { mean: 20.0, peak_to_trough: 4.0, period: secs(240), peak_at: secs(60) };
    let decay = Decay { exponent: 1.4, scale: secs(40) };
    let surge = Surge { base: 10.0, peak: 120.0, rise: secs(100), tau: secs(20), decay };
    let spike = RateSegment::Spike {
        at: Timestamp::ZERO,
        base: 10.0,
        peak: 120.0,
        rise: secs(10),
        decay: Decay { exponent: 1.0, scale: secs(40) },
    };
    vec![
        case("diurnal", curve(RateCurve::Diurnal(diurnal)), vec![], |t| {
            // From 32 down to 8.
            20.0 + 12.0 * (TAU * (t - 60.0) / 240.0).cos()
        }),
        case("surge", curve(RateCurve::Surge(surge)), vec![100.0], |t| {
            let rise = ((t / 20.0).exp() - 1.0) / (5_f64.exp() - 1.0);
            let fall = (1.0 + (t - 100.0) / 40.0).powf(-1.4);
            10.0 + 110.0 * if t < 100.0 { rise } else { fall }
        }),
        case("spike", Rate { segments: vec![spike] }, vec![10.0], |t| {
            let fall = 1.0 / (1.0 + (t - 10.0) / 40.0);
            10.0 + 110.0 * if t < 10.0 { t / 10.0 } else { fall }
        }),
    ]
}

/// Two of each of the others, put together.
fn combined() -> Vec<ShapeCase> {
    let pair = |name: &'static str, nth: usize, other: usize| {
        let (one, two) = (all_plain().swap_remove(nth), all_plain().swap_remove(other));
        let breaks: Vec<f64> = [one.breaks, two.breaks].concat();
        (name, vec![one.rate, two.rate], breaks, one.formula, two.formula)
    };
    let mut cases = Vec::new();
    for (name, rates, breaks, one, two) in
        [pair("surge + needles", 8, 5), pair("diurnal + plateau", 7, 3)]
    {
        cases.push(case(name, curve(RateCurve::Sum(rates)), breaks, move |t| one(t) + two(t)));
    }
    for (name, mut rates, breaks, one, two) in
        [pair("diurnal × surge", 7, 8), pair("ramp × plateau", 1, 3), pair("hours × needles", 6, 5)]
    {
        rates.push(Rate::constant(0.05));
        let product = move |t| 0.05 * one(t) * two(t);
        cases.push(case(name, curve(RateCurve::Product(rates)), breaks, product));
    }
    for (name, nth, later, earlier) in
        [("surge, later", 8, 45, 0), ("hours, earlier", 6, 0, 75), ("plateau, both", 3, 100, 10)]
    {
        let ShapeCase { rate, formula, breaks, .. } = all_plain().swap_remove(nth);
        let shifted = Shifted { rate, later: secs(later), earlier: secs(earlier) };
        let (later, earlier) = (later as f64, earlier as f64);
        let mut moved: Vec<f64> = breaks.iter().map(|at| at + later - earlier).collect();
        moved.extend((60..70).map(|hour| f64::from(hour) * 10.0 - earlier));
        moved.push(later);
        let formula = move |t: f64| formula((t - later).max(0.0) + earlier);
        cases.push(case(name, curve(RateCurve::Shifted(shifted)), moved, formula));
    }
    // Before a jump at its start there is its base.
    let ShapeCase { rate, formula, breaks, .. } = all_plain().swap_remove(5);
    let shifted = Shifted { rate, later: secs(33), earlier: Duration::ZERO };
    let moved = breaks.iter().map(|at| at + 33.0).collect();
    cases.push(case("needles, later", curve(RateCurve::Shifted(shifted)), moved, move |t| {
        if t < 33.0 { 4.0 } else { formula(t - 33.0) }
    }));
    cases
}

fn all_plain() -> Vec<ShapeCase> {
    straight().into_iter().chain(curved()).collect()
}

fn all() -> Vec<ShapeCase> {
    all_plain().into_iter().chain(combined()).collect()
}

/// The integral of a formula by Simpson's rule between its breaks, in steps of at most so many seconds.
fn integral(case: &ShapeCase, from: f64, to: f64, step: f64) -> f64 {
    let within = case.breaks.iter().copied().filter(|at| (from..to).contains(at) && *at > from);
    let mut ends: Vec<f64> = within.chain([from, to]).collect();
    ends.sort_by(f64::total_cmp);
    let piece = |pair: &[f64]| {
        let (a, b) = (pair[0], pair[1]);
        let count = 2 * ((b - a) / step / 2.0).ceil().max(1.0) as usize;
        let h = (b - a) / count as f64;
        // What jumps at an end is taken from within.
        let at = |n: usize| {
            let edge = if n == 0 {
                1e-9
            } else if n == count {
                -1e-9
            } else {
                0.0
            };
            (case.formula)(a + h * n as f64 + edge * (b - a).min(1.0))
        };
        let weight = |n: usize| if n == 0 || n == count { 1.0 } else { 2.0 + 2.0 * (n % 2) as f64 };
        h / 3.0 * (0..=count).map(|n| weight(n) * at(n)).sum::<f64>()
    };
    ends.windows(2).filter(|pair| pair[1] - pair[0] > 1e-12).map(piece).sum()
}

fn time(seconds: f64) -> Timestamp {
    Timestamp::from_nanos((seconds * 1e9).round() as u64)
}

#[test]
fn every_shape_is_its_formula_and_its_area_that_of_numeric_integration() {
    for case in all() {
        let ShapeCase { name, rate, formula, .. } = &case;
        // Odd times, which are no breaks.
        for seconds in (0..200).map(|nth| f64::from(nth) * 2.987 + 0.123) {
            let (is, should) = (rate.at(time(seconds)), formula(seconds));
            assert!(
                (is - should).abs() < 1e-6 * should,
                "{name} at {seconds} s: {is}, not {should}"
            );
            assert!(is <= rate.peak() * (1.0 + 1e-9), "{name}: {is} above its peak");
        }
        for (from, to) in [(0.0, 600.0), (0.0, 37.1), (37.1, 99.9), (99.9, 310.0), (310.0, 555.5)] {
            let is = rate.expected_between(time(from), time(to));
            let should = integral(&case, from, to, 0.05);
            assert!(
                (is - should).abs() < 1e-5 * should,
                "{name}, {from} to {to}: {is}, not {should}"
            );
        }
        let arrivals = Arrivals::Poisson { rate: rate.clone() };
        let planned = config(&arrivals, SECONDS).expected_requests(Duration::ZERO);
        let ExpectedRequests::Mean(planned) = planned else { panic!("{planned:?}") };
        let should = integral(&case, 0.0, SECONDS, 0.05);
        assert!((planned - should).abs() < 1e-5 * should, "{name}: {planned}, not {should}");
    }
}

/// Arrivals at even distances come whenever the integral of the formula has grown by one.
#[test]
fn the_walk_along_every_shape_inverts_its_area() {
    for case in all() {
        let name = case.name;
        let times = times(&Arrivals::Even { rate: case.rate.clone() }, SECONDS, 1);
        let all = integral(&case, 0.0, SECONDS, 0.05);
        assert!((times.len() as f64 - all).abs() <= 1.0, "{name}: {} of {all}", times.len());
        let mut sum = integral(&case, 0.0, times[0], 0.05);
        for (nth, pair) in times.windows(2).enumerate() {
            assert!(
                (sum - nth as f64 - 0.5).abs() < 2e-3 + 1e-6 * sum,
                "{name}, {nth}: {sum} at {} s",
                pair[0]
            );
            sum += integral(&case, pair[0], pair[1], 0.5);
        }
    }
}

/// In the operational time of the formula, arrivals along a shape are those of a rate of one.
#[test]
fn arrivals_along_every_shape_have_their_variation_and_dispersion_in_its_time() {
    let mut off = Disagreements::default();
    for case in all() {
        let whole = integral(&case, 0.0, SECONDS, 0.05);
        let processes = [
            ("poisson", Arrivals::Poisson { rate: case.rate.clone() }, 1.0, 1.0),
            // Over 100 mean gaps its dispersion is c² + (1 − c⁴) ÷ 6 ÷ 100 (Cox 1962).
            ("gamma", Arrivals::gamma(case.rate.clone(), 2.0), 2.0, 4.0 - 15.0 / 600.0),
        ];
        for (process, arrivals, variation, dispersed) in processes {
            let run = |seed| {
                let times = times(&arrivals, SECONDS, seed);
                let passed = times.iter().scan((0.0, 0.0), |(last, sum), &at| {
                    *sum += integral(&case, *last, at, 1.0);
                    *last = at;
                    Some(*sum)
                });
                sums(&passed.collect::<Vec<_>>(), whole, 100.0)
            };
            let runs: Vec<_> = (0..8).map(run).collect();
            let told = |what: &str| format!("{}, {process}: {what}", case.name);
            off.hold(&told("mean count"), estimate(&runs, mean), 100.0, 0.05);
            off.hold(&told("CV"), estimate(&runs, cv), variation, 0.05);
            off.hold(&told("dispersion"), estimate(&runs, dispersion), dispersed, 0.3);
        }
    }
    off.are_none();
}
