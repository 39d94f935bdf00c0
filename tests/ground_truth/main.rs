//! Queueing theory judges the simulator: ordinary scenarios of which the answer is known in closed form. The
//! formulas stand here in full and share nothing with what they judge.

mod formulas;

use formulas::{erlang_b, erlang_c, loss_queue, md1_places};
use squall_record::{AttemptOutcome, Keep, Recording, RequestOutcome};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::fmt::Write as _;

/// Mean service, in seconds: times come out in units of it.
const SERVICE: f64 = 0.1;

/// A system: one provider, or several, and Poisson arrivals at this rate a second until so many have come.
struct System<'a> {
    provider: &'a str,
    router: &'a str,
    rps: f64,
    arrivals: f64,
}

impl System<'_> {
    fn run(&self) -> Recording {
        let Self { provider, router, rps, arrivals } = self;
        let duration = (arrivals / rps).ceil();
        let text = format!(
            "name: truth\nseed: 7\nduration: {duration}s\ntraffic:\n  group: all\n  arrivals: poisson\n  \
             rate: {rps}\n  prompt_tokens: 1\n  output_tokens: 1\n  stream: 0%\n  client: {{ timeout: 1000h }}\n\
             providers:\n  one: {{ itl: 0s, {provider} }}\n\
             router:\n  retries: 0\n  retry_budget: unlimited\n  cooldown: never\n  deadline: 1000h\n\
             \x20 timeouts: {{ first_token: 1000h, between_tokens: 1000h, total: 1000h, stream_total: 1000h }}\n\
             \x20 groups:\n    all:\n{router}      deployments: [ {{ name: one, provider: one }} ]\n"
        );
        let scenario = Scenario::read("truth.yaml", &text);
        let scenario = scenario.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        simulate(&scenario, SimOptions { keep: Keep::Rows, journal: false }).expect("it runs")
    }
}

/// A provider alone.
fn alone(provider: &str, rps: f64, arrivals: f64) -> Recording {
    System { provider, router: "", rps, arrivals }.run()
}

/// The mean time in the system of those that were served, in units of a service.
fn sojourn(recording: &Recording) -> f64 {
    let served = recording.requests.iter().filter(|row| row.outcome == RequestOutcome::Succeeded);
    let (sum, count) = served.fold((0.0, 0.0), |(sum, count), row| {
        (sum + row.ended.since(row.intended).as_secs_f64(), count + 1.0)
    });
    sum / count / SERVICE
}

/// The share of those who were not served.
fn refused(recording: &Recording) -> f64 {
    let refused = recording.requests.iter().filter(|row| row.outcome != RequestOutcome::Succeeded);
    refused.count() as f64 / recording.requests.len() as f64
}

#[track_caller]
fn agrees(what: &str, simulated: f64, expected: f64, tolerance: f64) {
    let off = (simulated / expected - 1.0).abs();
    assert!(
        off <= tolerance,
        "{what}: simulated {simulated:.5}, expected {expected:.5}, off by {off:.4}"
    );
}

/// A server of exponential times with so many places.
fn servers(places: u32, queue: &str) -> String {
    format!(
        "ttft: {{ exponential: {{ mean: 100ms }} }}, capacity: {{ concurrent: {places}, queue: {queue} }}"
    )
}

#[test]
fn one_server_with_exponential_times_waits_as_m_m_1_does() {
    let rho = 0.8;
    let recording = alone(&servers(1, "unbounded"), rho / SERVICE, 600_000.0);
    agrees("M/M/1 time in the system", sojourn(&recording), 1.0 / (1.0 - rho), 0.03);
}

#[test]
fn one_server_with_fixed_times_waits_half_as_long() {
    let provider = "ttft: 100ms, capacity: { concurrent: 1, queue: unbounded }";
    let recording = alone(provider, 0.8 / SERVICE, 600_000.0);
    // Pollaczek and Khinchine, with no variance: half of ρ / (1 − ρ).
    agrees("M/D/1 wait", sojourn(&recording) - 1.0, 2.0, 0.03);
}

#[test]
fn one_server_with_heavy_tails_waits_as_their_variance_says() {
    // Log-normal with a coefficient of variation of 2 and a mean of one service.
    let (rho, cv2) = (0.7_f64, 4.0_f64);
    let sigma = (1.0 + cv2).ln().sqrt();
    let median = SERVICE / (sigma * sigma / 2.0).exp();
    let p95 = median * (1.644_853_626_951_472_7 * sigma).exp();
    let micros = |secs: f64| (secs * 1e6).round();
    let provider = format!(
        "ttft: {{ lognormal: {{ median: {}us, p95: {}us }} }}, capacity: {{ concurrent: 1, queue: unbounded }}",
        micros(median),
        micros(p95)
    );
    let recording = alone(&provider, rho / SERVICE, 1_000_000.0);
    let expected = rho / (1.0 - rho) * (1.0 + cv2) / 2.0;
    agrees("M/G/1 wait", sojourn(&recording) - 1.0, expected, 0.08);
}

#[test]
fn many_servers_wait_as_erlang_says() {
    for (places, rho, tolerance, arrivals) in [(4, 0.8, 0.03, 600_000.0), (50, 0.9, 0.05, 2e6)] {
        let rate = rho * f64::from(places);
        let recording = alone(&servers(places, "unbounded"), rate / SERVICE, arrivals);
        let wait = erlang_c(places, rate) / (f64::from(places) - rate);
        agrees("M/M/c wait", sojourn(&recording) - 1.0, wait, tolerance);
    }
}

#[test]
fn what_finds_no_place_is_lost_as_erlang_says_whatever_the_law_of_service() {
    let (places, load) = (10, 8.0);
    let fixed = format!("ttft: 100ms, capacity: {{ concurrent: {places} }}");
    for provider in [servers(places, "0"), fixed] {
        let recording = alone(&provider, load / SERVICE, 600_000.0);
        let (lost, expected) = (refused(&recording), erlang_b(places, load));
        assert!((lost - expected).abs() < 0.002, "{provider}: {lost}, expected {expected}");
    }
}

#[test]
fn a_short_queue_loses_and_delays_as_m_m_1_k_does() {
    let (rho, k) = (0.9, 10);
    let recording = alone(&servers(1, "9"), rho / SERVICE, 600_000.0);
    let (lost, time) = loss_queue(rho, k);
    agrees("M/M/1/K lost", refused(&recording), lost, 0.03);
    agrees("M/M/1/K time in the system", sojourn(&recording), time, 0.02);
}

/// A bucket of b places under Poisson arrivals is exactly M/D/1 with b places.
#[test]
fn a_bucket_refuses_as_a_queue_of_fixed_times_loses() {
    for (load, burst, tolerance) in
        [(1.0, 1, 0.02), (1.0, 5, 0.05), (1.0, 10, 0.06), (0.9, 10, 0.08), (2.0, 10, 0.01)]
    {
        let provider = format!("ttft: 0s, limits: {{ rpm: 600, burst: {burst} }}");
        let recording = alone(&provider, load * 10.0, 600_000.0);
        agrees("GCRA refused", refused(&recording), md1_places(load, burst), tolerance);
    }
}

/// Poisson arrivals dealt out at random are Poisson at each: many queues of one server. Whoever goes to the
/// least busy of many hardly waits at all. (What lies between them, two choices at random, no strategy has.)
#[test]
fn random_splits_wait_as_many_single_servers_and_the_least_busy_hardly_wait() {
    let provider = format!("{}, replicas: 100", servers(1, "unbounded"));
    let run = |strategy: &str, rho: f64| {
        let router = format!("      strategy: {strategy}\n");
        let rps = 100.0 * rho / SERVICE;
        sojourn(&System { provider: &provider, router: &router, rps, arrivals: 1_000_000.0 }.run())
    };
    agrees("a random split", run("weighted_random", 0.5), 2.0, 0.02);
    agrees("a random split", run("weighted_random", 0.8), 5.0, 0.03);
    let least_busy = run("least_busy", 0.8);
    assert!((1.0..1.05).contains(&least_busy), "the least busy: {least_busy}");
}

#[test]
fn retries_multiply_attempts_as_their_share_of_failures_says() {
    for (percent, retries) in [(10, 1), (20, 2), (50, 3), (90, 5)] {
        let provider = format!(
            "ttft: 1ms, faults: [ {{ at: 0s, for: 1000s, share: {percent}%, error: 500 }} ]"
        );
        let mut router = String::new();
        writeln!(router, "      retries: {retries}").unwrap();
        writeln!(router, "      backoff: {{ base: 1ms, cap: 1ms }}").unwrap();
        let system =
            System { provider: &provider, router: &router, rps: 100.0, arrivals: 100_000.0 };
        let recording = system.run();
        let p = f64::from(percent) / 100.0;
        let expected = (1.0 - p.powi(retries + 1)) / (1.0 - p);
        let attempts = recording.attempts.iter();
        let ended = attempts.filter(|row| row.outcome != AttemptOutcome::Unfinished).count();
        let each = ended as f64 / recording.requests.len() as f64;
        agrees("attempts a request", each, expected, 0.02);
        let failed = p.powi(retries + 1);
        let off = (refused(&recording) - failed).abs();
        assert!(off < 0.005, "{percent} %, {retries} retries: {off} from {failed}");
    }
}
