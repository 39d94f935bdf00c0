//! The queue between requests and standard error: lines are collected in memory, and a thread writes them in
//! batches.
//!
//! A line that comes after a pause is written at once. While lines keep coming, they are written every
//! [`PAUSE`], so that no request pays for a system call or for waking a thread. Nobody ever waits for the
//! output: what does not fit into the queue is dropped and counted.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Between two batches while lines keep coming.
const PAUSE: Duration = Duration::from_millis(50);

/// So many bytes are written before the pause is over.
const BATCH: usize = 64 << 10;

/// The most bytes that wait while the output is blocked: some 20,000 lines.
const PENDING_MAX: usize = 8 << 20;

/// The most bytes in one write: POSIX's `PIPE_BUF` on Linux, up to which the lines of several processes that
/// write to one pipe stay whole. A longer line is a write of its own.
const WRITE_MAX: usize = 4 << 10;

/// How long a process that ends waits for a reader of its last lines.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Lines that wait to be written.
#[derive(Clone, Debug)]
pub(super) struct LogQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// The writer has something to do.
    work: Condvar,
    /// The writer has ended.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whole lines.
    pending: Vec<u8>,
    /// Lines that found no room, or could not be written, since the start.
    dropped: u64,
    /// The writer waits for the first line.
    idle: bool,
    /// The writer is to write now.
    called: bool,
    closing: bool,
    ended: bool,
}

impl LogQueue {
    /// Starts the thread that writes to `out`. It reports the number of lines that were dropped since the
    /// start by `on_dropped` whenever there are more, which may push a line.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        on_dropped: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Self(Arc::default());
        let shared = Arc::clone(&queue.0);
        let run = move || shared.write_batches(out, on_dropped);
        thread::Builder::new().name("log".to_owned()).spawn(run)?;
        Ok(queue)
    }

    /// Adds a line. An urgent one is written without a pause.
    fn push(&self, line: &[u8], urgent: bool) {
        let mut state = self.0.lock();
        if state.pending.len() + line.len() > PENDING_MAX {
            state.dropped += 1;
            return;
        }
        state.pending.extend_from_slice(line);
        let calls = state.idle || urgent || state.pending.len() >= BATCH;
        if calls && !std::mem::replace(&mut state.called, true) {
            drop(state);
            self.0.work.notify_one();
        }
    }

    /// Writes what is left, unless nobody reads it. Lines that come later are dropped.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.closing = true;
        state.called = true;
        self.0.work.notify_one();
        let wait = self.0.ended.wait_timeout_while(state, CLOSE_WAIT, |state| !state.ended);
        drop(wait.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_batches(&self, mut out: impl Write, on_dropped: impl Fn(u64)) {
        let mut batch = Vec::new();
        let mut reported = 0;
        while let Some(dropped) = self.take(&mut batch) {
            if dropped != reported {
                reported = dropped;
                on_dropped(dropped);
            }
            let failed = write_lines(&mut out, &batch);
            batch.clear();
            // What a stall has made large is given back.
            batch.shrink_to(2 * BATCH);
            let mut state = self.lock();
            state.dropped += failed;
            let paused = self.work.wait_timeout_while(state, PAUSE, |state| !state.called);
            drop(paused.unwrap_or_else(PoisonError::into_inner));
        }
        self.lock().ended = true;
        self.ended.notify_all();
    }

    /// Waits for lines and takes all there are; gives how many were dropped since the start. `None` when the
    /// queue was closed and is empty.
    fn take(&self, batch: &mut Vec<u8>) -> Option<u64> {
        let mut state = self.lock();
        while state.pending.is_empty() && !state.closing {
            state.called = false;
            state.idle = true;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle = false;
        state.called = state.closing;
        std::mem::swap(&mut state.pending, batch);
        (!batch.is_empty()).then_some(state.dropped)
    }
}

/// Writes lines, several at once as far as they stay whole. Gives how many could not be written.
fn write_lines(out: &mut impl Write, mut lines: &[u8]) -> u64 {
    let is_end = |byte: &u8| *byte == b'\n';
    let mut failed = 0;
    while !lines.is_empty() {
        let fits = lines[..lines.len().min(WRITE_MAX)].iter().rposition(is_end);
        let end = fits.or_else(|| lines.iter().position(is_end));
        let (now, rest) = lines.split_at(end.map_or(lines.len(), |end| end + 1));
        if out.write_all(now).is_err() {
            failed += now.iter().filter(|byte| is_end(byte)).count() as u64;
        }
        lines = rest;
    }
    failed
}

/// Pushes one line into a queue.
#[derive(Debug)]
pub(super) struct LineWriter<'q> {
    queue: &'q LogQueue,
    urgent: bool,
}

impl Write for LineWriter<'_> {
    /// Takes a whole line: `tracing-subscriber` writes each event at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue.push(line, self.urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'q> MakeWriter<'q> for LogQueue {
    type Writer = LineWriter<'q>;

    fn make_writer(&'q self) -> LineWriter<'q> {
        LineWriter { queue: self, urgent: true }
    }

    fn make_writer_for(&'q self, event: &Metadata<'_>) -> LineWriter<'q> {
        LineWriter { queue: self, urgent: *event.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// An output that hands on each write, and takes one only when it is allowed to.
    struct Gated {
        allowed: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Whoever has dropped the gate lets everything pass.
            let _ = self.allowed.recv();
            self.written.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (Gated, Sender<()>, Receiver<Vec<u8>>) {
        let ((gate, allowed), (written, writes)) = (channel(), channel());
        (Gated { allowed, written }, gate, writes)
    }

    #[test]
    fn all_lines_are_written_in_order_in_writes_that_hold_whole_lines() {
        let (out, gate, writes) = gated();
        drop(gate);
        let queue = LogQueue::start(out, |dropped| panic!("{dropped} were dropped")).expect("runs");
        let mut expected = Vec::new();
        for number in 0..5_000 {
            let length = if number % 1_000 == 7 { 3 * WRITE_MAX } else { number % 300 };
            let line = format!("{number} {}\n", "x".repeat(length));
            expected.extend_from_slice(line.as_bytes());
            queue.push(line.as_bytes(), number % 500 == 0);
        }
        queue.close();
        let writes: Vec<_> = writes.try_iter().collect();
        assert_eq!(writes.concat(), expected);
        for write in &writes {
            let lines = write.iter().filter(|byte| **byte == b'\n').count();
            assert!(write.ends_with(b"\n"), "a line was split");
            assert!(write.len() <= WRITE_MAX || lines == 1, "{} bytes at once", write.len());
        }
        assert!(writes.len() < 5_000 / 5, "{} writes", writes.len());
    }

    #[test]
    fn a_blocked_output_blocks_nobody_and_dropped_lines_are_reported() {
        let (out, gate, writes) = gated();
        let (report, reports) = channel();
        let queue = LogQueue::start(out, move |dropped| {
            let _ = report.send(dropped);
        });
        let queue = queue.expect("it runs");
        queue.push(b"first\n", false);
        // The writer holds that line now, and waits for its reader.
        while !queue.0.lock().pending.is_empty() {
            thread::yield_now();
        }
        let line = [b"y".repeat(1 << 10), b"\n".to_vec()].concat();
        let fit = PENDING_MAX / line.len();
        for _ in 0..fit + 3 {
            queue.push(&line, false);
        }
        assert_eq!(queue.0.lock().dropped, 3);
        drop(gate);
        queue.close();
        let written: Vec<u8> = writes.try_iter().flatten().collect();
        assert_eq!(written.len(), "first\n".len() + fit * line.len());
        assert_eq!(reports.try_iter().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn lines_that_an_output_refuses_are_counted() {
        let (out, gate, writes) = gated();
        drop((gate, writes));
        let mut out = out;
        assert_eq!(write_lines(&mut out, b"one\ntwo\n"), 2);
    }
}
