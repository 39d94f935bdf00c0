//! A slowdown that retries make last: which policies bring the system back, at which loads, and how soon. The
//! reference is another simulator's: 100 places, time-outs of 4 s, a minute three times as slow, six seeds.

use squall_determinism::{Seed, Timestamp};
use squall_judge::judge;
use squall_record::{Recording, RequestOutcome, RowRetention};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const SCENARIO: &str = include_str!("../../scenarios/metastability/slowdown.yaml");
const BREAKER: &str = include_str!("../../scenarios/metastability/breaker.yaml");
const SEEDS: u64 = 6;
const LOADS: [u64; 4] = [30, 50, 80, 95];
/// When the provider is well again, and until when it is watched, in seconds.
const HEALED: usize = 120;
const END: usize = 850;
/// Windows that goodput is taken over, in seconds.
const WINDOW: usize = 5;

const RETRIES: &str = "retries: 2";
const BUDGET: &str = "retry_budget: unlimited";
const HUNG_UP: &str = "on_disconnect: finished";
const QUEUE: &str = "queue: unbounded";
const COOLDOWN: &str = "cooldown: never";

/// What a policy writes into the scenario instead of what, and the reference's seconds to recover by load: `None`
/// where it never did.
struct Policy {
    name: &'static str,
    instead: Option<(&'static str, &'static str)>,
    known: [Option<u32>; 4],
}

const POLICIES: [Policy; 12] = [
    Policy {
        name: "no retries",
        instead: Some((RETRIES, "retries: 0")),
        known: [Some(0), Some(17), Some(129), Some(666)],
    },
    Policy { name: "2 retries, full jitter", instead: None, known: [Some(149), None, None, None] },
    Policy {
        name: "plus a retry budget of 20 %",
        instead: Some((BUDGET, "retry_budget: { ratio: 20%, min_per_second: 0 }")),
        known: [Some(1), Some(36), None, None],
    },
    Policy {
        name: "plus a retry budget of 10 %",
        instead: Some((BUDGET, "retry_budget: { ratio: 10%, min_per_second: 0 }")),
        known: [Some(0), Some(26), Some(258), None],
    },
    Policy {
        name: "plus queued work is dropped when the client times out",
        instead: Some((HUNG_UP, "on_disconnect: dequeued")),
        known: [Some(2), None, None, None],
    },
    Policy {
        name: "plus all work is cancelled when the client times out",
        instead: Some((HUNG_UP, "on_disconnect: cancelled")),
        known: [Some(0), Some(10), None, None],
    },
    Policy {
        name: "plus newest first (LIFO queue)",
        instead: Some((QUEUE, "queue: unbounded, order: lifo")),
        known: [Some(0), Some(0), Some(0), Some(1)],
    },
    Policy {
        name: "plus a queue with a maximum wait",
        instead: Some((QUEUE, "queue: unbounded, max_wait: 2.6s")),
        known: [Some(0), Some(0), Some(0), Some(2)],
    },
    Policy {
        name: "plus a queue of 100, a second of work",
        instead: Some((QUEUE, "queue: 100")),
        known: [Some(0), Some(0), Some(1), Some(2)],
    },
    Policy {
        name: "plus a queue of 300, three seconds of work",
        instead: Some((QUEUE, "queue: 300")),
        known: [Some(0), Some(2), None, None],
    },
    Policy {
        name: "plus a circuit breaker, open for 10 s",
        instead: Some((
            COOLDOWN,
            "cooldown: { failure: { consecutive: 0, share: 50%, window: 10s, base: 10s, cap: 10s } }",
        )),
        known: [Some(0), Some(8), Some(8), Some(8)],
    },
    Policy {
        name: "plus a circuit breaker, open for 30 s",
        instead: Some((
            COOLDOWN,
            "cooldown: { failure: { consecutive: 0, share: 50%, window: 10s, base: 30s, cap: 30s } }",
        )),
        known: [Some(3), Some(26), Some(20), Some(20)],
    },
];

impl Policy {
    /// Seconds until goodput holds, by seed; `None` where it never does.
    fn recoveries(&self, load: u64) -> Vec<Option<usize>> {
        let (what, with) = self.instead.unwrap_or_default();
        assert!(SCENARIO.contains(what), "{what} is not in the scenario");
        let text = SCENARIO.replacen(what, with, 1).replace("rate: 50", &format!("rate: {load}"));
        let mut scenario = Scenario::read("slowdown.yaml", &text)
            .unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
        let options = SimOptions { keep: RowRetention::Rows, journal: false };
        (1..=SEEDS)
            .map(|seed| {
                scenario.set_seed(Seed::new(seed));
                recovery(&simulate(&scenario, options).expect("it runs"))
            })
            .collect()
    }
}

/// From when on 95 % of those who ask within any five seconds are answered.
fn recovery(recording: &Recording) -> Option<usize> {
    let mut seconds = vec![(0, 0); END];
    for row in &recording.requests {
        let second = row.intended.since(Timestamp::ZERO).as_secs() as usize;
        if let Some((all, answered)) = seconds.get_mut(second) {
            *all += 1;
            *answered += usize::from(row.outcome == RequestOutcome::Succeeded);
        }
    }
    let is_bad = |window: &[(usize, usize)]| {
        let (all, answered) =
            window.iter().fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
        answered * 100 < all * 95
    };
    let last_bad = seconds[HEALED..].windows(WINDOW).rposition(is_bad);
    let recovered = last_bad.map_or(0, |place| place + 1);
    (recovered + WINDOW <= END - HEALED).then_some(recovered)
}

/// The median, with never at its end; and how many never came back.
fn median(mut recoveries: Vec<Option<usize>>) -> (Option<usize>, usize) {
    recoveries.sort_by_key(|recovery| recovery.unwrap_or(usize::MAX));
    let never = recoveries.iter().filter(|recovery| recovery.is_none()).count();
    (recoveries[(recoveries.len() - 1) / 2], never)
}

/// The medians of all cells, by policy and load. They run on all cores.
fn cells() -> Vec<[(Option<usize>, usize); 4]> {
    let next = AtomicUsize::new(0);
    let cells = Mutex::new(vec![[(None, 0); 4]; POLICIES.len()]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    let (row, column) = (nth / LOADS.len(), nth % LOADS.len());
                    let Some(policy) = POLICIES.get(row) else { return };
                    let cell = median(policy.recoveries(LOADS[column]));
                    cells.lock().expect("no run fails while it holds this")[row][column] = cell;
                }
            });
        }
    });
    cells.into_inner().expect("no run fails while it holds this")
}

fn markdown(cells: &[[(Option<usize>, usize); 4]]) -> String {
    let mut text = String::from("| policy | configuration |");
    LOADS.iter().for_each(|load| text.push_str(&format!(" {load} rps |")));
    text.push_str("\n| --- | --- | ---: | ---: | ---: | ---: |\n");
    for (policy, row) in POLICIES.iter().zip(cells) {
        let written = policy.instead.map_or(RETRIES, |(_, with)| with);
        text.push_str(&format!("| {} | `{written}` |", policy.name));
        for ((seconds, never), known) in row.iter().zip(policy.known) {
            let simulated = match (seconds, never) {
                (None, _) => "never".to_owned(),
                (Some(seconds), 0) => seconds.to_string(),
                (Some(seconds), never) => format!("{seconds}, {never} of {SEEDS} never"),
            };
            let known = known.map_or_else(|| "never".to_owned(), |seconds| seconds.to_string());
            text.push_str(&format!(" {simulated} ({known}) |"));
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_same_cells_are_stuck_and_recover_as_in_the_reference() {
    let cells = cells();
    squall_tests::page::holds("docs/SIMULATION.md", "metastability", &markdown(&cells));
    for (policy, row) in POLICIES.iter().zip(&cells) {
        let known = policy.known.map(|known| known.map(f64::from));
        for ((load, cell), known) in LOADS.iter().zip(row).zip(known) {
            let near = match (cell.0, known) {
                (Some(seconds), Some(known)) => {
                    (seconds as f64 - known).abs() <= 10.0 + 0.25 * known
                }
                (seconds, known) => seconds.is_none() && known.is_none(),
            };
            assert!(near, "{} at {load}: {cell:?}, known {known:?}", policy.name);
        }
    }
}

#[test]
fn both_scenarios_come_out_as_they_say() {
    for (name, text) in [("slowdown", SCENARIO), ("breaker", BREAKER)] {
        let scenario = Scenario::read(name, text).unwrap_or_else(|problems| panic!("{problems}"));
        let recording =
            simulate(&scenario, SimOptions { keep: RowRetention::Cells, journal: false });
        let verdict = judge(&scenario, &recording.expect("it runs"));
        let missed: Vec<_> = verdict.rows.iter().filter(|row| !row.is_met()).collect();
        assert!(missed.is_empty(), "{name}: {missed:#?}");
    }
}
