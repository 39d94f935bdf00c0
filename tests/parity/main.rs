//! The same scenarios over real sockets and in virtual time: the same verdicts, and figures within the bands that
//! each scenario states. And what a router did over sockets, it does again when its journal is replayed.

use squall_determinism::Seed;
use squall_judge::{ExpectationSummary, Summary, Verdict, judge, summary};
use squall_record::{JournalReader, Recording, RequestOutcome, RequestRow};
use squall_router::journal;
use squall_scenario::{EPOCH_NANOS, Scenario};
use squall_sim::{SimOptions, simulate};
use squall_tests::valid_run::{Run, valid_run};
use std::collections::BTreeSet;

fn read(name: &str, text: &str) -> Scenario {
    Scenario::read(name, text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// A live run whose figures can be judged. `holds` is asked of every run: what it asserts is so on any machine.
fn live(scenario: &Scenario, holds: impl Fn(&Recording)) -> Option<Recording> {
    valid_run(&scenario.name, || {
        let options = squall_live::RunOptions::default();
        let recording = squall_live::run(scenario, &options, |_| {}).expect("loopback is there");
        holds(&recording);
        Run { problems: judge(scenario, &recording).validity_problems, result: recording }
    })
}

/// Over sockets as many requests are sent as in virtual time, and each ends.
fn all_end(scenario: &Scenario, recording: &Recording) {
    let sim = simulate(scenario, SimOptions::default()).expect("it runs");
    assert_eq!(recording.requests.len(), sim.requests.len());
    let open = |row: &&RequestRow| row.outcome == RequestOutcome::Unfinished;
    assert_eq!(recording.requests.iter().filter(open).count(), 0);
}

fn judged(scenario: &Scenario, recording: &Recording) -> (Verdict, Summary) {
    let verdict = judge(scenario, recording);
    let summary = summary(scenario, recording, &verdict);
    (verdict, summary)
}

/// A band of a scenario, from its first lines: `# band: failover_time 1000 ms`, a difference; or
/// `# band: latency_p50 10 %`, of what was simulated. Shares are of one: `# band: success_rate 0.01`.
///
/// `over 40 seeds`: the band lies around the range of the figure over so many seeds, not around the figure of one.
/// That is for figures that one event decides: whether the probe before the end of an outage came just before it or
/// just after moves the return by a whole cooldown, and a socket's milliseconds turn it.
struct Band<'a> {
    metric: &'a str,
    most: f64,
    relative: bool,
    seeds: usize,
}

impl<'a> Band<'a> {
    fn all(text: &'a str) -> Vec<Self> {
        let bands = text.lines().filter_map(|line| line.strip_prefix("# band: "));
        bands.map(Self::of).collect()
    }

    fn of(line: &'a str) -> Self {
        let mut words = line.split(' ');
        let metric = words.next().expect("a metric");
        let number = words.next().and_then(|number| number.parse::<f64>().ok()).expect("a number");
        let relative = line.contains(" %");
        let seeds = line
            .split_once(" over ")
            .map(|(_, over)| over.strip_suffix(" seeds").expect("`over N seeds`"));
        let seeds = seeds.map_or(1, |seeds| seeds.parse().expect("a number of seeds"));
        Self { metric, most: if relative { number / 100.0 } else { number }, relative, seeds }
    }

    fn holds(&self, live: f64, least: f64, most: f64) -> bool {
        let wider = |sim: f64| if self.relative { self.most * sim } else { self.most };
        (least - wider(least)..=most + wider(most)).contains(&live)
    }
}

/// A figure that a band is about, by its name in the verdict or of a deployment.
type Figure = (String, f64);

fn agree(name: &str, text: &str, live: &Recording) {
    let scenario = read(name, text);
    let (live_verdict, live) = judged(&scenario, live);
    let (sim_verdict, _) = simulated(&scenario, scenario.seed);
    for (live, sim) in live_verdict.rows.iter().zip(&sim_verdict.rows) {
        assert_eq!(live.judgement, sim.judgement, "{}\n{live:#?}\n{sim:#?}", live.text);
    }
    let bands = Band::all(text);
    assert!(!bands.is_empty(), "{name} states no band");
    for band in &bands {
        let seeds = scenario.seed.following(band.seeds);
        let sims: Vec<_> =
            seeds.map(|seed| figures(band.metric, &simulated(&scenario, seed).1)).collect();
        let lives = figures(band.metric, &live);
        assert!(!lives.is_empty(), "{name}: {} is not measured", band.metric);
        for (index, (what, live)) in lives.iter().enumerate() {
            let values = sims.iter().map(|figures| figures[index].1);
            let least = values.clone().fold(f64::INFINITY, f64::min);
            let most = values.fold(f64::NEG_INFINITY, f64::max);
            tell(name, what, *live, least, most);
            assert!(
                band.holds(*live, least, most),
                "{name}, {what}: {live} live, {least} to {most} simulated"
            );
        }
    }
}

fn simulated(scenario: &Scenario, seed: Seed) -> (Verdict, Summary) {
    let mut scenario = scenario.clone();
    scenario.seed = seed;
    let recording = simulate(&scenario, SimOptions::default()).expect("it runs");
    judged(&scenario, &recording)
}

/// What the expectations on this metric measured, or the share of every deployment.
fn figures(metric: &str, summary: &Summary) -> Vec<Figure> {
    if metric == "attempt_share" {
        let rows = summary.deployments.iter();
        return rows
            .map(|row| (format!("attempt_share({})", row.name), row.share.unwrap_or_default()))
            .collect();
    }
    let rows = summary.expectations.iter().filter(|row| row.text.starts_with(metric));
    let value = |row: &ExpectationSummary| row.value.expect("it was measured");
    rows.map(|row| (row.text.clone(), value(row))).collect()
}

#[expect(clippy::print_stdout, reason = "to be read with --nocapture")]
fn tell(name: &str, what: &str, live: f64, least: f64, most: f64) {
    println!("| {name} | `{what}` | {live:.4} | {least:.4} to {most:.4} |");
}

#[test]
fn an_outage_over_sockets_and_one_in_virtual_time_agree() {
    let text = include_str!("parity.yaml");
    let scenario = read("parity.yaml", text);
    let recording = live(&scenario, |recording| all_end(&scenario, recording));
    if let Some(recording) = recording {
        agree("parity", text, &recording);
    }
}

#[test]
fn limits_over_sockets_and_in_virtual_time_agree() {
    let text = include_str!("limits.yaml");
    let scenario = read("limits.yaml", text);
    let recording = live(&scenario, |recording| {
        all_end(&scenario, recording);
        let throttled = recording.attempts.iter().filter(|row| row.status == 429);
        throttled.for_each(|row| assert!(row.limit.is_some(), "no limit is named: {row:?}"));
    });
    if let Some(recording) = recording {
        agree("limits", text, &recording);
    }
}

#[test]
fn a_black_hole_whose_clients_leave_first_is_found_over_sockets_and_in_virtual_time() {
    let text = include_str!("../../scenarios/router/silence.yaml");
    let scenario = read("silence.yaml", text);
    let recording = live(&scenario, |recording| {
        all_end(&scenario, recording);
        replays(&scenario, recording);
    });
    if let Some(recording) = recording {
        agree("silence", text, &recording);
    }
}

#[test]
fn ten_thousand_requests_and_an_outage_agree_and_replay_to_the_same_outputs() {
    let text = include_str!("replay.yaml");
    let scenario = read("replay.yaml", text);
    let recording = live(&scenario, |recording| {
        assert!(recording.requests.len() >= 10_000, "{} requests", recording.requests.len());
        all_end(&scenario, recording);
        replays(&scenario, recording);
    });
    if let Some(recording) = recording {
        agree("replay", text, &recording);
    }
}

/// What the router did, it does again, however the machine held it up.
fn replays(scenario: &Scenario, recording: &Recording) {
    let bytes = recording.journal.as_deref().expect("a live run keeps its journal");
    let frames = JournalReader::new(bytes).and_then(JournalReader::frames).expect("it is whole");
    let router = scenario.router.clone();
    let replayed = journal::replay(router, [], scenario.seed, EPOCH_NANOS, frames);
    let replayed = replayed.unwrap_or_else(|error| panic!("{error}"));
    // Each request that had an attempt arrived, and each of its attempts ended. On a machine with too much to do
    // some clients leave before the gateway has read what they ask.
    let tried: BTreeSet<_> = recording.attempts.iter().filter_map(|row| row.request).collect();
    let least = tried.len() + recording.attempts.len();
    assert!(replayed.frames >= least as u64, "{replayed:?}, {least} expected");
}
