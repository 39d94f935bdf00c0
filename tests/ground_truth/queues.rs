//! Queues: how long one waits, and who is lost.

use crate::formulas::{erlang_b, erlang_c, loss_queue, md1_places};
use crate::row::Row;
use crate::row::Within::{Absolute, Percent};
use crate::system::{Case, SERVICE, System, quantiles, refused, servers, sojourn};

pub(crate) const CASES: &[Case] = &[
    m_m_1,
    m_m_1_nearly_full,
    m_d_1,
    m_g_1,
    m_m_4,
    m_m_50,
    loss,
    loss_of_fixed_times,
    m_m_1_k,
    small_buckets,
    large_buckets,
    buckets_at_other_loads,
];

const ONE: &str = "capacity: { concurrent: 1, queue: unbounded }";

fn m_m_1() -> Vec<Row> {
    let rho = 0.8;
    let recording = System::of(&servers(1, "unbounded"), rho / SERVICE, 1_500_000.0).run();
    let system = ("M/M/1, ρ = 0.8", "ttft: { exponential: … }, concurrent: 1, queue: unbounded");
    let mean = 1.0 / (1.0 - rho);
    let mut rows = vec![Row::new(system, "sojourn time", mean, sojourn(&recording), Percent(2.0))];
    // It is exponential.
    let shares = [0.5, 0.95, 0.99];
    let simulated = quantiles(&recording, shares);
    for (share, simulated) in shares.into_iter().zip(simulated) {
        let quantity = format!("sojourn time p{}", share * 100.0);
        let expected = -f64::ln(1.0 - share) * mean;
        rows.push(Row::new(system, &quantity, expected, simulated, Percent(3.0)));
    }
    rows
}

fn m_m_1_nearly_full() -> Vec<Row> {
    let rho = 0.95;
    let recording = System::of(&servers(1, "unbounded"), rho / SERVICE, 1_500_000.0).run();
    let system = ("M/M/1, ρ = 0.95", "ttft: { exponential: … }, concurrent: 1, queue: unbounded");
    let expected = 1.0 / (1.0 - rho);
    vec![Row::new(system, "sojourn time", expected, sojourn(&recording), Percent(8.0))]
}

fn m_d_1() -> Vec<Row> {
    let provider = format!("ttft: 100ms, {ONE}");
    let recording = System::of(&provider, 0.8 / SERVICE, 600_000.0).run();
    // Pollaczek and Khinchine, with no variance: half of ρ / (1 − ρ).
    let system = ("M/D/1, ρ = 0.8", "ttft: 100ms, concurrent: 1, queue: unbounded");
    vec![Row::new(system, "wait", 2.0, sojourn(&recording) - 1.0, Percent(2.0))]
}

fn m_g_1() -> Vec<Row> {
    let (rho, cv2) = (0.7_f64, 4.0_f64);
    let sigma = (1.0 + cv2).ln().sqrt();
    let median = SERVICE / (sigma * sigma / 2.0).exp();
    let p95 = median * (1.644_853_626_951_472_7 * sigma).exp();
    let micros = |secs: f64| (secs * 1e6).round();
    let distribution =
        format!("lognormal: {{ median: {}us, p95: {}us }}", micros(median), micros(p95));
    let provider = format!("ttft: {{ {distribution} }}, {ONE}");
    let recording = System::of(&provider, rho / SERVICE, 1_000_000.0).run();
    let expected = rho / (1.0 - rho) * (1.0 + cv2) / 2.0;
    let system = ("M/G/1, log-normal with cv 2, ρ = 0.7", "ttft: { lognormal: … }");
    vec![Row::new(system, "wait", expected, sojourn(&recording) - 1.0, Percent(6.0))]
}

fn m_m_4() -> Vec<Row> {
    vec![m_m_c(4, 0.8, 1_000_000.0, 2.0)]
}

fn m_m_50() -> Vec<Row> {
    vec![m_m_c(50, 0.9, 2_000_000.0, 5.0)]
}

fn m_m_c(places: u32, rho: f64, arrivals: f64, percent: f64) -> Row {
    let rate = rho * f64::from(places);
    let recording = System::of(&servers(places, "unbounded"), rate / SERVICE, arrivals).run();
    let wait = erlang_c(places, rate) / (f64::from(places) - rate);
    let (name, written) = (format!("M/M/{places}, ρ = {rho}"), format!("concurrent: {places}"));
    Row::new((&name, &written), "wait", wait, sojourn(&recording) - 1.0, Percent(percent))
}

fn loss() -> Vec<Row> {
    vec![lost("Erlang loss (M/M/10/10), 8 erlangs offered", "concurrent: 10", &servers(10, "0"))]
}

fn loss_of_fixed_times() -> Vec<Row> {
    let provider = "ttft: 100ms, capacity: { concurrent: 10 }";
    vec![lost("the same with constant service times (insensitivity)", "ttft: 100ms", provider)]
}

fn lost(system: &str, written: &str, provider: &str) -> Row {
    let (places, load) = (10, 8.0);
    let recording = System::of(provider, load / SERVICE, 1_000_000.0).run();
    let (lost, expected) = (refused(&recording.requests), erlang_b(places, load));
    Row::new((system, written), "lost", expected, lost, Absolute(0.001))
}

fn m_m_1_k() -> Vec<Row> {
    let (rho, k) = (0.9, 10);
    let recording = System::of(&servers(1, "9"), rho / SERVICE, 1_000_000.0).run();
    let (lost, time) = loss_queue(rho, k);
    let system = ("M/M/1/10, ρ = 0.9", "queue: 9");
    vec![
        Row::new(system, "lost", lost, refused(&recording.requests), Percent(1.5)),
        Row::new(system, "sojourn time", time, sojourn(&recording), Percent(1.5)),
    ]
}

fn small_buckets() -> Vec<Row> {
    vec![bucket(1.0, 1, 1.0), bucket(1.0, 5, 3.0), bucket(1.0, 10, 5.0)]
}

fn large_buckets() -> Vec<Row> {
    vec![bucket(1.0, 20, 5.0), bucket(1.0, 60, 10.0)]
}

fn buckets_at_other_loads() -> Vec<Row> {
    vec![bucket(0.9, 10, 7.0), bucket(2.0, 10, 1.0)]
}

/// A bucket of b places under Poisson arrivals is exactly M/D/1 with b places.
fn bucket(load: f64, burst: usize, percent: f64) -> Row {
    let arrivals = if burst > 10 { 1_000_000.0 } else { 400_000.0 };
    let provider = format!("ttft: 0s, limits: {{ rpm: 600, burst: {burst} }}");
    let recording = System::of(&provider, load * 10.0, arrivals).run();
    let name = format!("GCRA with burst {burst} as M/D/1/{burst}, load {load}");
    let written = format!("limits: {{ rpm: 600, burst: {burst} }}");
    let (expected, simulated) = (md1_places(load, burst), refused(&recording.requests));
    Row::new((&name, &written), "refused", expected, simulated, Percent(percent))
}
