//! Closed forms of queueing theory, in units of one mean service.

/// The share that `places` servers without a queue lose under this load.
pub(crate) fn erlang_b(places: u32, load: f64) -> f64 {
    (1..=places).fold(1.0, |lost, j| load * lost / (f64::from(j) + load * lost))
}

/// The share that waits at `places` servers with a queue.
pub(crate) fn erlang_c(places: u32, load: f64) -> f64 {
    let (lost, rho) = (erlang_b(places, load), load / f64::from(places));
    lost / (1.0 - rho + rho * lost)
}

/// What one server with room for `k` in all loses, and how long those stay that it serves.
pub(crate) fn loss_queue(rho: f64, k: i32) -> (f64, f64) {
    let weights: Vec<f64> = (0..=k).map(|n| rho.powi(n)).collect();
    let all: f64 = weights.iter().sum();
    let lost = weights[k as usize] / all;
    let inside: f64 = weights.iter().zip(0..).map(|(weight, n)| weight * f64::from(n)).sum();
    (lost, inside / all / (rho * (1.0 - lost)))
}

/// What one server of fixed times with room for `places` in all loses: by the chain of what it holds when a
/// service ends.
pub(crate) fn md1_places(load: f64, places: usize) -> f64 {
    if places == 1 {
        return load / (1.0 + load);
    }
    // Arrivals within a service are Poisson.
    let arrive: Vec<f64> = (0..places)
        .scan((-load).exp(), |next, n| {
            let now = *next;
            *next *= load / (n as f64 + 1.0);
            Some(now)
        })
        .collect();
    // Departures leave 0 to places − 1 behind. Relative weights, from the first on.
    let mut left = vec![1.0_f64];
    for n in 0..places - 1 {
        let before: f64 = (1..=n).map(|m| left[m] * arrive[n + 1 - m]).sum();
        let next = (left[n] - arrive[n] * left[0] - before) / arrive[0];
        left.push(next);
    }
    let all: f64 = left.iter().sum();
    let empty = left[0] / all;
    // The server is idle between a departure that leaves nothing and the next arrival.
    1.0 - 1.0 / (empty + load)
}

/// How long one stays where each goes to the less busy of two servers drawn from very many.
pub(crate) fn two_choices(rho: f64) -> f64 {
    (1..=20).map(|i| rho.powf(2_f64.powi(i) - 2.0)).sum()
}

/// Attempts and failures of a request where whoever is lost comes again, up to so many times and so much later
/// that all arrivals are Poisson: the load that gives itself.
pub(crate) fn lost_again(places: u32, load: f64, retries: i32) -> (f64, f64) {
    let attempts = |lost: f64| (0..=retries).map(|i| lost.powi(i)).sum::<f64>();
    let lost = (0..1_000).fold(0.0, |lost, _| erlang_b(places, load * attempts(lost)));
    (attempts(lost), lost.powi(retries + 1))
}

/// Attempts of a request of which each fails with this probability: their mean, and their variance.
pub(crate) fn retried(p: f64, retries: i32) -> (f64, f64) {
    // More than i attempts are made with probability pⁱ.
    let mean: f64 = (0..=retries).map(|i| p.powi(i)).sum();
    let square: f64 = (0..=retries).map(|i| f64::from(2 * i + 1) * p.powi(i)).sum();
    (mean, square - mean * mean)
}

/// Pearson's sum over counts and the shares expected of them.
pub(crate) fn chi_square(counts: &[f64], weights: &[u32]) -> f64 {
    let (all, sum) = (counts.iter().sum::<f64>(), f64::from(weights.iter().sum::<u32>()));
    let expected = weights.iter().map(|&weight| all * f64::from(weight) / sum);
    counts.iter().zip(expected).map(|(count, expected)| (count - expected).powi(2) / expected).sum()
}

/// The largest distance of what was drawn from a uniform distribution between 0 and 1 (Kolmogorov and Smirnov).
pub(crate) fn from_uniform(drawn: &mut [f64]) -> f64 {
    drawn.sort_by(f64::total_cmp);
    let n = drawn.len() as f64;
    let distance = |(i, part): (usize, &f64)| {
        (part - i as f64 / n).abs().max((part - (i as f64 + 1.0) / n).abs())
    };
    drawn.iter().enumerate().map(distance).fold(0.0, f64::max)
}

#[test]
fn they_give_the_values_of_the_tables() {
    let near =
        |value: f64, table: f64| assert!((value - table).abs() < 6e-5, "{value}, not {table}");
    near(erlang_b(10, 8.0), 0.121_661);
    near(erlang_c(4, 3.2), 0.596_43);
    near(erlang_c(50, 45.0), 0.363_86);
    near(loss_queue(0.9, 10).0, 0.050_814);
    near(loss_queue(0.9, 10).1, 4.6466);
    for (load, places, table) in [
        (1.0, 1, 0.5),
        (1.0, 5, 0.103_45),
        (1.0, 10, 0.050_85),
        (0.9, 10, 0.016_63),
        (2.0, 10, 0.5),
    ] {
        near(md1_places(load, places), table);
    }
    near(two_choices(0.5), 1.265_69);
    near(two_choices(0.9), 2.614_1);
    let (attempts, failed) = lost_again(100, 100.0, 3);
    assert!((attempts - 1.538).abs() < 6e-4 && (failed - 0.0170).abs() < 6e-5);
    for (p, retries, table) in [(0.1, 1, 1.1), (0.2, 2, 1.24), (0.5, 3, 1.875), (0.9, 5, 4.68559)] {
        near(retried(p, retries).0, table);
    }
    near(chi_square(&[52.0, 48.0], &[1, 1]), 0.16);
    near(from_uniform(&mut [0.75, 0.25]), 0.25);
}
