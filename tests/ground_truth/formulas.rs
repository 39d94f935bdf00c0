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
}
