//! What each default of the router costs and saves: the library of incidents, run with the defaults, and with one of
//! them taken back at a time. Where an incident says a value of its own, that holds in every row.

use squall_determinism::{Seed, Share};
use squall_record::{Recording, RequestOutcome, RowRetention};
use squall_router::{
    AfterTimeout, Cooldown, CooldownRule, FailureCooldown, GroupConfig, Hedge, HedgeAfter,
    MidStream,
};
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SEEDS: [u64; 3] = [7, 8, 9];

/// A default, and what stands in its place.
struct Alternative {
    name: &'static str,
    written: &'static str,
    change: fn(&mut GroupConfig),
}

const ALTERNATIVES: [Alternative; 12] = [
    Alternative { name: "the defaults", written: "", change: |_| {} },
    Alternative {
        name: "open intervals that grow to a minute",
        written: "cooldown: { failure: { cap: 60s } }",
        change: |group| breaker(group, |failure| failure.cap = secs(60)),
    },
    Alternative {
        name: "a first open interval of 5 s",
        written: "cooldown: { failure: { base: 5s } }",
        change: |group| breaker(group, |failure| failure.base = secs(5)),
    },
    Alternative {
        name: "no jitter of open intervals",
        written: "cooldown: { failure: { jitter: 0% } }",
        change: |group| breaker(group, |failure| failure.jitter = Share::percent(0)),
    },
    Alternative {
        name: "no second attempts",
        written: "hedge: never",
        change: |group| group.hedge = group.hedge.filter(|hedge| *hedge != Hedge::default()),
    },
    Alternative {
        name: "second attempts for one request in twenty",
        written: "hedge: { after: 95% }",
        change: |group| {
            hedge(group, |hedge| hedge.after = HedgeAfter::Quantile(Share::percent(95)))
        },
    },
    Alternative {
        name: "second attempts from the first second on",
        written: "hedge: { floor: 1s }",
        change: |group| hedge(group, |hedge| hedge.floor = secs(1)),
    },
    Alternative {
        name: "the silent one again",
        written: "after_timeout: retry",
        change: |group| group.after_timeout = AfterTimeout::Retry,
    },
    Alternative {
        name: "no evidence from several silences at once",
        written: "cooldown: { silence: { concurrent: 0 } }",
        change: |group| {
            if let CooldownRule::Breaker(Cooldown { silence: Some(silence), .. }) =
                &mut group.cooldown
            {
                silence.concurrent = 0;
            }
        },
    },
    Alternative {
        name: "no sharing of deadlines",
        written: "deadline_sharing: never",
        change: |group| group.deadline_sharing = None,
    },
    Alternative {
        name: "no short Retry-After is waited for",
        written: "short_retry_after: 0s",
        change: |group| group.short_retry_after = Duration::ZERO,
    },
    Alternative {
        name: "streams held back",
        written: "mid_stream: hold",
        change: |group| group.mid_stream = MidStream::Hold,
    },
];

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Changes the breaker, as far as its defaults hold.
fn breaker(group: &mut GroupConfig, change: fn(&mut FailureCooldown)) {
    let usual = FailureCooldown::default();
    if let CooldownRule::Breaker(Cooldown { failure, .. }) = &mut group.cooldown
        && (failure.base, failure.cap, failure.jitter) == (usual.base, usual.cap, usual.jitter)
    {
        change(failure);
    }
}

fn hedge(group: &mut GroupConfig, change: fn(&mut Hedge)) {
    if let Some(hedge) = group.hedge.as_mut().filter(|hedge| **hedge == Hedge::default()) {
        change(hedge);
    }
}

/// What is measured over the library.
#[derive(Default)]
struct Measured {
    requests: usize,
    failed: usize,
    attempts: usize,
    /// Until the first token of a stream, or the whole answer, in ms.
    waited: Vec<u64>,
}

impl Measured {
    fn add(&mut self, recording: &Recording) {
        self.requests += recording.requests.len();
        self.attempts += recording.attempts.len();
        for row in &recording.requests {
            if row.outcome != RequestOutcome::Succeeded {
                self.failed += 1;
                continue;
            }
            let began = row.first_token.unwrap_or(row.ended);
            self.waited.push(began.since(row.intended).as_millis() as u64);
        }
    }

    /// Whether a tenth fewer fail, for hardly more attempts and no longer waits.
    fn is_better_than(&self, other: &Self) -> bool {
        let of = |measured: &Self, count: usize| count as f64 / measured.requests as f64;
        let late = |measured: &Self| measured.waited[measured.waited.len() * 95 / 100] as f64;
        of(self, self.failed) < of(other, other.failed) * 0.9
            && of(self, self.attempts) < of(other, other.attempts) * 1.005
            && late(self) < late(other) * 1.05
    }

    fn quantile(&mut self, percent: usize) -> u64 {
        self.waited.sort_unstable();
        self.waited[(self.waited.len() * percent / 100).min(self.waited.len() - 1)]
    }
}

fn library() -> Vec<Scenario> {
    let folder = squall_tests::root().join("scenarios/incidents");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("it can be read");
        Scenario::read("incident", &text).unwrap_or_else(|problems| panic!("{problems}"))
    };
    files.iter().map(read).collect()
}

fn measured(alternative: &Alternative) -> Measured {
    let mut all = Measured::default();
    for mut scenario in library() {
        scenario.router.groups.iter_mut().for_each(alternative.change);
        for seed in SEEDS {
            scenario.set_seed(Seed::new(seed));
            let options = SimOptions { keep: RowRetention::Rows, journal: false };
            all.add(&simulate(&scenario, options).expect("it runs"));
        }
    }
    all
}

/// Every row, on all cores.
fn rows() -> Vec<Measured> {
    let next = AtomicUsize::new(0);
    let rows: Mutex<Vec<Measured>> =
        Mutex::new(ALTERNATIVES.iter().map(|_| Measured::default()).collect());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(alternative) = ALTERNATIVES.get(place) else { return };
                    let row = measured(alternative);
                    rows.lock().expect("no run fails while it holds this")[place] = row;
                }
            });
        }
    });
    rows.into_inner().expect("no run fails while it holds this")
}

#[test]
fn what_each_default_costs_and_saves_is_in_the_page() {
    let mut rows = rows();
    let mut text = String::from(
        "| | written | failed, of 1,000 | attempts a request | first token or answer, p95 | p99 |\n\
         | --- | --- | ---: | ---: | ---: | ---: |\n",
    );
    for (alternative, row) in ALTERNATIVES.iter().zip(&mut rows) {
        let written = match alternative.written {
            "" => String::new(),
            written => format!("`{written}`"),
        };
        let failed = row.failed as f64 * 1_000.0 / row.requests as f64;
        let attempts = row.attempts as f64 / row.requests as f64;
        let (p95, p99) = (row.quantile(95), row.quantile(99));
        text.push_str(&format!(
            "| {} | {written} | {failed:.2} | {attempts:.3} | {p95} ms | {p99} ms |\n",
            alternative.name
        ));
    }
    squall_tests::page::holds("docs/ROUTER.md", "defaults", &text);
    for place in 1..rows.len() {
        let better = rows[place].is_better_than(&rows[0]);
        assert!(!better, "{} is better than the default", ALTERNATIVES[place].written);
    }
}
