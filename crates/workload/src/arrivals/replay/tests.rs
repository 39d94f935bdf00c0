//! What becomes of the times of a trace.

use super::*;
use crate::trace::{TraceIdentity, TraceSizes, TraceSource, TraceWindow};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Rows at these milliseconds, and what they break off with, if so.
#[derive(Clone, Debug)]
struct Times(Vec<u64>, Option<&'static str>);

impl TraceSource for Times {
    fn rows(&self) -> Box<dyn TraceRows> {
        let mut rows = self.clone();
        rows.0.reverse();
        Box::new(rows)
    }

    fn identity(&self) -> TraceIdentity {
        TraceIdentity::default()
    }
}

impl TraceRows for Times {
    fn next_row(&mut self) -> Option<Result<TracedRequest, String>> {
        match self.0.pop() {
            Some(at) => Some(Ok(TracedRequest { at: at * 1_000_000, ..TracedRequest::default() })),
            None => self.1.map(|fault| Err(fault.to_owned())),
        }
    }
}

/// Why the trace cannot be read on.
fn told(process: &Replay) -> Option<&str> {
    process.fault().map(|(_, why)| why)
}

fn replay(times: &[u64]) -> TraceReplay {
    TraceReplay {
        source: Arc::new(Times(times.to_vec(), None)),
        time_scale: 1.0,
        rate_scale: 1.0,
        jitter: Duration::ZERO,
        repeat: false,
        window: None,
        sizes: TraceSizes { input: true, output: true },
        counted: None,
    }
}

/// The times at which requests come in the first `until` seconds, in milliseconds.
fn times(config: TraceReplay, until: u64, seed: u64) -> Vec<u64> {
    let mut process = Replay::new(config, Timestamp::from_secs(until), Seed::new(seed), 0);
    let next = core::iter::from_fn(|| process.pop());
    next.map(|next| next.at.as_nanos() / 1_000_000).collect()
}

#[test]
fn requests_come_at_the_times_of_the_trace_until_the_run_ends() {
    assert_eq!(times(replay(&[0, 52, 52, 900, 1_000]), 1, 7), [0, 52, 52, 900]);
}

#[test]
fn time_is_scaled_and_a_window_begins_the_run() {
    let fast = TraceReplay { time_scale: 0.1, ..replay(&[0, 50, 400, 900, 2_000]) };
    assert_eq!(times(fast.clone(), 9, 7), [0, 5, 40, 90, 200]);
    let window =
        TraceWindow { from: Duration::from_millis(50), length: Duration::from_millis(850) };
    let part = TraceReplay { window: Some(window), ..fast };
    assert_eq!(times(part.clone(), 9, 7), [0, 35], "900 ms is its end");
    let again = TraceReplay { repeat: true, ..part };
    assert_eq!(times(again, 1, 7)[..5], [0, 35, 85, 120, 170], "it is 85 ms long");
}

#[test]
fn a_trace_that_loops_has_its_mean_gap_between_its_end_and_its_start() {
    let again = TraceReplay { repeat: true, ..replay(&[0, 100, 400]) };
    assert_eq!(
        times(again, 2, 7),
        [0, 100, 400, 600, 700, 1_000, 1_200, 1_300, 1_600, 1_800, 1_900]
    );
    let stuck = TraceReplay { repeat: true, ..replay(&[0, 0]) };
    let mut process = Replay::new(stuck, Timestamp::from_secs(1), Seed::new(7), 0);
    assert!(process.pop().is_some() && process.pop().is_some());
    assert!(told(&process).expect("it has no length").contains("cannot loop"));
}

#[test]
fn thinning_and_copies_are_a_matter_of_the_seed_and_of_the_row() {
    let rows: Vec<u64> = (0..20_000).collect();
    let scaled = |rate_scale, seed| times(TraceReplay { rate_scale, ..replay(&rows) }, 60, seed);
    let half = scaled(0.5, 7);
    assert!(half.windows(2).all(|pair| pair[0] < pair[1]), "in order, each once");
    // Binomial of 20,000 and 0.5: 10,000 with a deviation of 71.
    assert!((9_700..10_300).contains(&half.len()), "{}", half.len());
    assert_eq!(half, scaled(0.5, 7));
    assert_ne!(half, scaled(0.5, 8));
    let more = scaled(2.5, 7);
    assert!((49_700..50_300).contains(&more.len()), "{}", more.len());
    assert!(more.windows(2).all(|pair| pair[0] <= pair[1]), "in order");
    // Every row comes itself, at its time: copies are beside it.
    assert!(rows.iter().all(|row| more.binary_search(row).is_ok()));
}

#[test]
fn jitter_moves_requests_later_and_keeps_them_in_order() {
    let rows: Vec<u64> = (0..1_000).map(|row| row / 100 * 3_000).collect();
    let jitter = Duration::from_secs(3);
    let moved = times(TraceReplay { jitter, ..replay(&rows) }, 60, 7);
    assert_eq!(moved.len(), 1_000);
    assert!(moved.windows(2).all(|pair| pair[0] <= pair[1]));
    let in_first = moved.iter().filter(|at| **at < 3_000).count();
    assert_eq!(in_first, 100, "within their own 3 s");
    let early = moved.iter().filter(|at| **at < 1_500).count();
    assert!((30..70).contains(&early), "evenly: {early}");
}

#[test]
fn a_row_that_cannot_be_read_ends_the_process_and_is_told() {
    let broken = Times(alloc::vec![0, 5], Some("line 4 is broken"));
    let config = TraceReplay { source: Arc::new(broken), repeat: true, ..replay(&[]) };
    let mut process = Replay::new(config, Timestamp::from_secs(9), Seed::new(7), 0);
    assert_eq!(told(&process), None);
    let came = core::iter::from_fn(|| process.pop()).count();
    assert_eq!((came, told(&process)), (2, Some("line 4 is broken")));
    let window = TraceWindow { from: Duration::from_secs(5), length: Duration::from_secs(1) };
    let nothing = TraceReplay { window: Some(window), ..replay(&[0, 1]) };
    let process = Replay::new(nothing, Timestamp::from_secs(9), Seed::new(7), 0);
    assert!(told(&process).expect("nothing lies there").contains("lies in its window"));
}

#[test]
fn a_clone_goes_on_where_the_process_is() {
    let rows: Vec<u64> = (0..500).collect();
    let config = TraceReplay { rate_scale: 1.5, repeat: true, ..replay(&rows) };
    let mut process = Replay::new(config, Timestamp::from_secs(2), Seed::new(7), 0);
    for _ in 0..1_000 {
        process.pop();
    }
    let mut clone = process.clone();
    let rest: Vec<_> = core::iter::from_fn(|| clone.pop()).collect();
    assert!(rest.len() > 1_000);
    assert_eq!(rest, core::iter::from_fn(|| process.pop()).collect::<Vec<_>>());
}
