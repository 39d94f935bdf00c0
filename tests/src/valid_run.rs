//! Tests over real sockets judge only valid runs. If the machine held up a run, it is repeated; after [`RUNS_MAX`]
//! invalid runs, the test is reported as not judged, in the output of the tests and in the summary of
//! `cargo xtask test`, and its figures are not compared.
//!
//! What holds on any machine (counts, that every request ends once, that a journal replays) is asserted on every run,
//! valid or not, inside the closure that runs it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many invalid runs are made before the test is given up.
pub const RUNS_MAX: usize = 3;

/// A thread that asked to sleep for [`NAP`] and came back later than this was held up for longer than any band of
/// these suites forgives.
const STALL_MAX: Duration = Duration::from_millis(100);
const NAP: Duration = Duration::from_millis(5);

/// The variable by which `cargo xtask` says in which file it wants to be told what was not judged.
const FILE: &str = "SQUALL_NOT_JUDGED";

/// A run: its result, and why its figures are invalid, if they are.
#[derive(Debug)]
pub struct Run<R> {
    /// What is to be judged.
    pub result: R,
    /// What makes the run invalid: `Verdict::validity_problems` where there is a verdict.
    pub problems: Vec<String>,
}

/// One run at a time in a process: two at once would measure each other.
static ALONE: Mutex<()> = Mutex::new(());

/// The first valid run; `None` if there was none among [`RUNS_MAX`], which is then reported.
pub fn valid_run<R>(what: &str, mut run: impl FnMut() -> Run<R>) -> Option<R> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut last = String::new();
    for _ in 0..RUNS_MAX {
        let watch = Watch::start();
        let Run { result, mut problems } = run();
        let stall = watch.stop();
        if stall > STALL_MAX {
            problems.push(format!("the machine stood still for {} ms", stall.as_millis()));
        }
        if problems.is_empty() {
            return Some(result);
        }
        last = problems.join("; ");
    }
    tell(&format!("NOT JUDGED: {what}: all of {RUNS_MAX} runs were invalid; the last: {last}\n"));
    None
}

/// Past the capture of the test harness, which would keep it from everybody since the test does not fail.
#[expect(clippy::disallowed_methods, reason = "the gate collects what was not judged")]
fn tell(line: &str) {
    let mut err = std::io::stderr().lock();
    err.write_all(line.as_bytes()).expect("standard error is open");
    if let Some(path) = std::env::var_os(FILE) {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the gate reads it");
    }
}

/// How long a thread of this process that wants to run has to wait.
struct Watch {
    ended: Arc<AtomicBool>,
    thread: thread::JoinHandle<Duration>,
}

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "what is measured is the machine")]
    fn start() -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let mut worst = Duration::ZERO;
            while !told.load(Ordering::Relaxed) {
                let before = Instant::now();
                thread::sleep(NAP);
                worst = worst.max(before.elapsed().saturating_sub(NAP));
            }
            worst
        });
        Self { ended, thread }
    }

    /// The longest wait.
    fn stop(self) -> Duration {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().expect("it only sleeps")
    }
}
