//! The distributions, held against an independent sampler, and pinned: a draw is the same number on every machine.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution as Sampler, Exp, LogNormal, Uniform};
use squall_determinism::{Distribution, Seed, StreamPurpose};

const DRAWS: usize = 50_000;

fn ours(distribution: Distribution) -> Vec<f64> {
    let mut draws = Seed::new(7).stream(StreamPurpose::named("laws"), 0, 0);
    sorted((0..DRAWS).map(|_| distribution.sample(&mut draws) as f64).collect())
}

fn theirs(distribution: impl Sampler<f64>) -> Vec<f64> {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(11);
    sorted((0..DRAWS).map(|_| distribution.sample(&mut generator)).collect())
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The two-sample distance of Kolmogorov and Smirnov.
fn distance(one: &[f64], other: &[f64]) -> f64 {
    let share = |values: &[f64], at: f64| {
        values.partition_point(|&value| value <= at) as f64 / values.len() as f64
    };
    let places = one.iter().chain(other).copied();
    places.map(|at| (share(one, at) - share(other, at)).abs()).fold(0.0, f64::max)
}

#[track_caller]
fn alike(distribution: Distribution, oracle: impl Sampler<f64>) {
    let distance = distance(&ours(distribution), &theirs(oracle));
    // The critical value at 0.1 %, two samples of this size.
    let critical = 1.95 * (2.0 / DRAWS as f64).sqrt();
    assert!(distance < critical, "{distribution:?}: {distance} over {critical}");
}

#[test]
fn exponential_draws_are_exponential() {
    alike(Distribution::Exponential { mean: 2e8 }, Exp::new(1.0 / 2e8).unwrap());
}

#[test]
fn log_normal_draws_are_log_normal_with_the_quantiles_that_were_asked_for() {
    let distribution = Distribution::lognormal(350_000_000, 700_000_000).unwrap();
    let Distribution::LogNormal { mu, sigma } = distribution else { panic!("{distribution:?}") };
    alike(distribution, LogNormal::new(mu, sigma).unwrap());
    assert_eq!(distribution.at(0.5), 350_000_000);
    assert_eq!(distribution.at(0.95), 700_000_000);
}

#[test]
fn uniform_draws_are_uniform_and_reach_both_ends() {
    alike(Distribution::Uniform { min: 0, max: 999_999 }, Uniform::new(0.0, 1e6).unwrap());
    let draws = ours(Distribution::Uniform { min: 3, max: 5 });
    assert_eq!((draws[0], draws[DRAWS - 1]), (3.0, 5.0));
}

#[test]
fn a_fixed_distribution_is_fixed() {
    assert!(ours(Distribution::Fixed { value: 42 }).iter().all(|&value| value == 42.0));
}

#[test]
fn means_are_those_of_the_draws() {
    for distribution in [
        Distribution::Exponential { mean: 1e6 },
        Distribution::Uniform { min: 100, max: 300 },
        Distribution::lognormal(420, 1_900).unwrap(),
    ] {
        let draws = ours(distribution);
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        assert!((mean / distribution.mean() as f64 - 1.0).abs() < 0.02, "{distribution:?}: {mean}");
    }
}

#[test]
fn draws_are_the_same_numbers_on_every_machine() {
    let first = |distribution: Distribution| {
        let mut draws = Seed::new(7).stream(StreamPurpose::named("pinned"), 1, 2);
        [0; 3].map(|_: u64| distribution.sample(&mut draws))
    };
    let pinned = [
        first(Distribution::Exponential { mean: 1e9 }),
        first(Distribution::lognormal(350_000_000, 700_000_000).unwrap()),
        first(Distribution::Uniform { min: 1, max: 1_000_000 }),
    ];
    assert_eq!(pinned, PINNED, "the generator or a distribution changed, and every digest with it");
}

#[test]
fn a_log_normal_distribution_needs_its_quantiles_in_order() {
    assert!(Distribution::lognormal(0, 10).is_err());
    assert!(Distribution::lognormal(20, 10).is_err());
}

const PINNED: [[u64; 3]; 3] = [
    [777_359_829, 1_030_414_563, 117_471_322],
    [335_359_917, 299_865_473, 585_773_089],
    [459_618, 356_859, 889_167],
];
