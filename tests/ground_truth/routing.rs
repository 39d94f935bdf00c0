//! The router: how it spreads requests, and how it tries again.

use crate::formulas::{chi_square, from_uniform, lost_again, retried, two_choices};
use crate::row::Row;
use crate::row::Within::{Absolute, AtMost, Percent};
use crate::system::{Case, SERVICE, System, from_second, refused, servers, sojourn};
use squall_determinism::{Seed, StreamPurpose};
use squall_record::{AttemptRow, Recording};

pub(crate) const CASES: &[Case] = &[
    two_choices_at_random,
    random_split,
    least_busy,
    lost_and_come_again,
    retries,
    weights_drawn,
    weights_smooth,
    jitter,
];

/// Many servers of exponential times, and a strategy.
fn split(servers_: u32, strategy: &str, rho: f64, arrivals: f64) -> f64 {
    let provider = format!("{}, replicas: {servers_}", servers(1, "unbounded"));
    let group = format!("      strategy: {strategy}\n");
    let rps = f64::from(servers_) * rho / SERVICE;
    sojourn(&System { group: &group, ..System::of(&provider, rps, arrivals) }.run())
}

fn two_choices_at_random() -> Vec<Row> {
    let system = (
        "supermarket model: power of two choices among many servers",
        "replicas: 300, strategy: two_choices",
    );
    let row = |rho: f64| {
        let simulated = split(300, "two_choices", rho, 400_000.0);
        Row::new(
            system,
            &format!("sojourn time, ρ = {rho}"),
            two_choices(rho),
            simulated,
            Percent(3.0),
        )
    };
    vec![row(0.5), row(0.9)]
}

/// Poisson arrivals dealt out at random are Poisson at each: many queues of one server.
fn random_split() -> Vec<Row> {
    let system = (
        "a random split yields independent M/M/1 queues",
        "replicas: 100, strategy: weighted_random",
    );
    let row = |rho: f64, percent: f64| {
        let simulated = split(100, "weighted_random", rho, 500_000.0);
        let expected = 1.0 / (1.0 - rho);
        Row::new(system, &format!("sojourn time, ρ = {rho}"), expected, simulated, Percent(percent))
    };
    vec![row(0.5, 2.0), row(0.8, 3.0)]
}

fn least_busy() -> Vec<Row> {
    let simulated = split(100, "least_busy", 0.8, 400_000.0);
    let system = ("least busy of a hundred servers: hardly any waiting", "strategy: least_busy");
    vec![Row::new(system, "sojourn time, ρ = 0.8", 1.0, simulated, AtMost(1.05))]
}

fn lost_and_come_again() -> Vec<Row> {
    let (places, retries) = (100, 3);
    let group = "      retries: 3\n      backoff: { base: 10s, cap: 10s }\n";
    let provider = servers(places, "0");
    let rps = f64::from(places) / SERVICE;
    let recording = System { group, ..System::of(&provider, rps, 500_000.0) }.run();
    // Retries come a hundred services later at most: by then all of them are there, and have a while to settle.
    let requests = from_second(&recording, 100);
    let first = requests[0].request;
    let attempts = recording.attempts.iter().filter(|row| row.request >= Some(first)).count();
    let (expected, failed) = lost_again(places, f64::from(places), retries);
    let system = (
        "retries in a loss system, 100 erlangs offered to 100 servers",
        "concurrent: 100, retries: 3, backoff: { base: 10s, cap: 10s }",
    );
    let each = attempts as f64 / requests.len() as f64;
    vec![
        Row::new(system, "attempts per request", expected, each, Percent(3.0)),
        Row::new(system, "finally failed", failed, refused(requests), Absolute(0.0015)),
    ]
}

fn retries() -> Vec<Row> {
    let cases = [(10, 1), (20, 2), (50, 3), (90, 5), (100, 2)];
    cases.into_iter().flat_map(|(percent, retries)| retried_where(percent, retries)).collect()
}

fn retried_where(percent: i32, retries: i32) -> [Row; 2] {
    let fault = format!("share: {percent}%, error: 500");
    let provider = format!("ttft: 1ms, faults: [ {{ at: 0s, for: 1000s, {fault} }} ]");
    let group = format!("      retries: {retries}\n      backoff: {{ base: 1ms, cap: 1ms }}\n");
    let recording = System { group: &group, ..System::of(&provider, 100.0, 100_000.0) }.run();
    let requests = recording.requests.len() as f64;
    let each = recording.attempts.len() as f64 / requests;
    let p = f64::from(percent) / 100.0;
    let (mean, variance) = retried(p, retries);
    let failed = p.powi(retries + 1);
    let retry = if retries == 1 { "retry" } else { "retries" };
    let name = format!("{retries} {retry} where {percent} % fail");
    let system = (name.as_str(), "share, retries, retry_budget: unlimited");
    // Four deviations of a mean of so many.
    let within = |variance: f64| Absolute(4.0 * (variance / requests).sqrt());
    let lost = refused(&recording.requests);
    [
        Row::new(system, "attempts per request", mean, each, within(variance)),
        Row::new(system, "finally failed", failed, lost, within(failed * (1.0 - failed))),
    ]
}

/// Where each of so many requests went, by a strategy with these weights.
fn picks(strategy: &str, weights: &[u32], arrivals: f64) -> Vec<usize> {
    let one = |(nth, weight): (usize, &u32)| {
        format!("{{ name: d{nth}, provider: one, weight: {weight} }}")
    };
    let deployments: Vec<_> = weights.iter().enumerate().map(one).collect();
    let deployments = deployments.join(", ");
    let group = format!("      strategy: {strategy}\n");
    let system = System {
        group: &group,
        deployments: &deployments,
        ..System::of("ttft: 1ms", 1_000.0, arrivals)
    };
    let recording = system.run();
    attempts(&recording).iter().map(|row| usize::from(row.deployment)).collect()
}

/// The attempts, in the order of requests.
fn attempts(recording: &Recording) -> Vec<AttemptRow> {
    let mut attempts = recording.attempts.clone();
    attempts.sort_by_key(|row| (row.request, row.ordinal));
    attempts
}

fn weights_drawn() -> Vec<Row> {
    // The critical values of one in a thousand, by degrees of freedom.
    let cases: [(&[u32], f64); 4] = [
        (&[7, 3], 10.828),
        (&[70, 20, 10], 13.816),
        (&[5, 4, 3, 2, 1], 18.467),
        (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 27.877),
    ];
    let row = |(weights, critical): (&[u32], f64)| {
        let mut counts = vec![0.0; weights.len()];
        picks("weighted_random", weights, 100_000.0).iter().for_each(|&to| counts[to] += 1.0);
        let list: Vec<_> = weights.iter().map(u32::to_string).collect();
        let name = format!("weighted random draws {}", list.join("/"));
        let system = (name.as_str(), "weight, strategy: weighted_random");
        let degrees = weights.len() as f64 - 1.0;
        Row::new(system, "χ² of shares", degrees, chi_square(&counts, weights), AtMost(critical))
    };
    cases.into_iter().map(row).collect()
}

fn weights_smooth() -> Vec<Row> {
    const WEIGHTS: StreamPurpose = StreamPurpose::named("truth.weights");
    let row = |places: usize| {
        let system = format!(
            "smooth weighted round robin, {places} deployments, 8 random \
             vectors of weights"
        );
        let drifts = (0..8).map(|vector| {
            let mut draws = Seed::new(7).stream(WEIGHTS, places as u64, vector);
            let weights: Vec<_> = (0..places).map(|_| draws.below(50) as u32 + 1).collect();
            drift(&picks("smooth_weighted", &weights, 3_000.0), &weights)
        });
        let worst = drifts.fold(0.0, f64::max);
        let system = (system.as_str(), "weight, strategy: smooth_weighted");
        Row::new(
            system,
            "largest deviation of any count from its share, over all prefixes",
            0.0,
            worst,
            AtMost(1.5),
        )
    };
    [2, 3, 4, 8, 16].into_iter().map(row).collect()
}

fn drift(picks: &[usize], weights: &[u32]) -> f64 {
    let sum = f64::from(weights.iter().sum::<u32>());
    let mut counts = vec![0.0_f64; weights.len()];
    let mut worst = 0.0_f64;
    for (n, &to) in (1..).zip(picks) {
        counts[to] += 1.0;
        for (count, &weight) in counts.iter().zip(weights) {
            worst = worst.max((count - f64::from(n) * f64::from(weight) / sum).abs());
        }
    }
    worst
}

/// Waits as the provider saw them: from the end of an attempt to the beginning of the next.
fn jitter() -> Vec<Row> {
    let provider = "ttft: 1ms, faults: [ { at: 0s, for: 400s, error: 500 } ]";
    let group = "      retries: 6\n      backoff: { base: 500ms, cap: 8s }\n";
    let recording = System { group, ..System::of(provider, 50.0, 20_000.0) }.run();
    let attempts = attempts(&recording);
    let ceilings = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0];
    let system =
        ("full jitter is uniform up to its upper bound", "backoff: { base: 500ms, cap: 8s }");
    let row = |(retry, ceiling): (usize, f64)| {
        let pairs = attempts.windows(2).filter(|pair| pair[0].request == pair[1].request);
        let pairs = pairs.filter(|pair| usize::from(pair[1].ordinal) == retry);
        let mut parts: Vec<_> = pairs
            .map(|pair| pair[1].started.since(pair[0].ended).as_secs_f64() / ceiling)
            .collect();
        let distance = from_uniform(&mut parts);
        let quantity = format!("Kolmogorov-Smirnov distance, retry {retry} up to {ceiling} s");
        // The critical value of one in a thousand.
        Row::new(system, &quantity, 0.0, distance, AtMost(1.95 / (parts.len() as f64).sqrt()))
    };
    (1..).zip(ceilings).map(row).collect()
}
